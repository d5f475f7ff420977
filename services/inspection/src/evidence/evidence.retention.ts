import { REGIMES } from '@jinqiao/contracts';
import { Clock, inPortions, type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { ENDED as RECALL_ENDED } from '../recall/recall.acts.js';
import { DUTIES as CASE_DUTIES, ENDED as TRACK_ENDED } from '../sampling-case/sampling-case.acts.js';
import { DUTIES, STATES } from '../sampling-sheet/sampling-sheet.acts.js';
import { allowedIn } from '../sampling-sheet/sampling-sheet.js';
import { pastOf } from './evidence.js';

const EVERY_MS = 3_600_000;
const SHEETS = { size: 50, portions: 200 };
const ENDED = STATES.filter((state) => allowedIn(state).length === 0);

const ofSheet = (one: string, [organiser, sampleNo]: readonly [string, string] = ['reporter_id', 'sample_no']): string =>
  `(${one}.${organiser}, ${one}.${sampleNo}) = (s.organiser_id, s.sample_no)`;
const SHEET_S = ['organiser_id', 'sample_no'] as const;

/** Something has happened to the sample s since `past.before`. */
const HAPPENED = `
  EXISTS (SELECT FROM evidence e WHERE ${ofSheet('e', SHEET_S)} AND (e.added_at >= past.before OR evidence_has_to_stay(e.added_at)))
  OR EXISTS (SELECT FROM sampling_sheet_steps t WHERE ${ofSheet('t', SHEET_S)} AND t.taken_at >= past.before)
  OR EXISTS (SELECT FROM sampling_results r WHERE ${ofSheet('r')} AND r.accepted_at >= past.before)
  OR EXISTS (SELECT FROM sampling_case_steps t WHERE ${ofSheet('t')} AND t.taken_at >= past.before)`;

/** Something is not finished that the evidence of s may be needed for. Of a recall only its producer is known. */
const NEEDED = `
  EXISTS (SELECT FROM sampling_sheet_clocks c WHERE ${ofSheet('c', SHEET_S)} AND c.stopped_on IS NULL
    AND (c.clock = ANY($3) OR c.due_on >= past.day))
  OR EXISTS (SELECT FROM sampling_case_clocks c WHERE ${ofSheet('c')} AND c.stopped_on IS NULL
    AND (c.clock = ANY($4) OR c.due_on >= past.day))
  OR EXISTS (SELECT FROM sampling_cases k WHERE ${ofSheet('k')}
    AND NOT EXISTS (SELECT FROM sampling_case_tracks t WHERE ${ofSheet('t')} AND t.track = 'SERVICE'))
  OR EXISTS (SELECT FROM sampling_case_tracks t WHERE ${ofSheet('t')} AND t.state <> ALL($5))
  OR EXISTS (SELECT FROM waiting_reports w WHERE ${ofSheet('w')} AND w.ruled_at IS NULL)
  OR EXISTS (SELECT FROM probable_duplicates p
    WHERE p.status = 'OPEN' AND (${ofSheet('p')} OR ${ofSheet('p', ['earlier_reporter_id', 'earlier_sample_no'])}))
  OR EXISTS (SELECT FROM recalls o JOIN sampling_results r ON ${ofSheet('r')}
    WHERE o.state <> ALL($6) AND (o.content #>> '{producer,uscc}' = r.state #>> '{nominalProducer,uscc}'
      OR o.content #>> '{producer,name}' = r.state #>> '{nominalProducer,name}'))`;

/** Erases the bytes of evidence whose time has passed. Any number of processes may do so: each takes sheets that no other has locked. */
@Injectable()
export class EvidenceRetention implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger(EvidenceRetention.name);
  private job: Regular | undefined;

  constructor(
    private readonly db: DataSource,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.job = regularly(EVERY_MS, (stopping) => inPortions(stopping, SHEETS, (most) => this.erase(most)), this.log);
  }

  async onModuleDestroy(): Promise<void> {
    await this.job?.stop();
  }

  /** Erases what belongs to at most so many sheets; answers of how many. */
  async erase(most: number): Promise<number> {
    return this.db.transaction(async (tx) => {
      const sheets = await this.past(tx, most);
      if (sheets.length === 0) return 0;
      // Nobody may tie a file to another sheet meanwhile: its bytes could be those that go.
      await tx.query('LOCK TABLE evidence_blobs IN SHARE ROW EXCLUSIVE MODE');
      const [pieces]: [{ sha256: string }[], number] = await tx.query(
        `UPDATE evidence e SET erased_at = $2, erased_under = s."ruleVersion"
         FROM jsonb_to_recordset($1::jsonb) AS s (organiser_id text, sample_no text, "ruleVersion" text)
         WHERE ${ofSheet('e', SHEET_S)} AND e.erased_at IS NULL RETURNING e.sha256`,
        [JSON.stringify(sheets), this.clock.now()],
      );
      // They become a file that nobody finishes, whose bytes the store sweeps up.
      await tx.query(
        `WITH gone AS (DELETE FROM evidence_blobs b WHERE b.sha256 = ANY($1)
           AND NOT EXISTS (SELECT FROM evidence e WHERE e.sha256 = b.sha256 AND e.erased_at IS NULL) RETURNING b.upload_id)
         INSERT INTO evidence_uploads (upload_id) SELECT upload_id FROM gone`,
        [pieces.map(({ sha256 }) => sha256)],
      );
      this.log.log(`erased ${pieces.length} pieces of evidence of ${sheets.length} sheets whose time has passed`);
      return sheets.length;
    });
  }

  /** Sheets that have come to their end, to which nothing has happened for so long, and that nothing needs any more. */
  private async past(tx: EntityManager, most: number): Promise<object[]> {
    const past = REGIMES.flatMap((regime) => pastOf(regime, this.clock.now()) ?? []);
    return tx.query(
      `SELECT s.organiser_id, s.sample_no, past."ruleVersion"
       FROM sampling_sheets s
       JOIN (SELECT *, (before AT TIME ZONE 'Asia/Shanghai')::date AS day
         FROM jsonb_to_recordset($1::jsonb) AS x (regime text, before timestamptz, "ruleVersion" text)) AS past ON past.regime = s.regime
       WHERE s.state = ANY($2) AND EXISTS (SELECT FROM evidence e WHERE ${ofSheet('e', SHEET_S)} AND e.erased_at IS NULL)
         AND NOT (${HAPPENED}) AND NOT (${NEEDED})
       ORDER BY s.organiser_id, s.sample_no LIMIT $7 FOR UPDATE OF s SKIP LOCKED`,
      [JSON.stringify(past), ENDED, DUTIES, CASE_DUTIES, TRACK_ENDED, RECALL_ENDED, most],
    );
  }
}
