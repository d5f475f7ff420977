import type { SheetFacts } from '@jinqiao/contracts';
import { keepRows, Outbox, unnested } from '@jinqiao/messaging';
import { Clock as WallClock } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { RUN_COLUMNS, runRow } from '../deadline/run-clock.js';
import { SHEETS } from '../kept-rows/kept-rows.js';
import { IS_PUBLIC, SERVED_OF_RESULT } from '../sampling-case/sampling-case.service.js';
import { RoundNotYours, RoundUnknown } from '../sampling-round/sampling-round.js';
import type { ActName, Competence, State } from './sampling-sheet.acts.js';
import { type Clock, type DrawnFor, ObjectNotDrawn, type PoolInspector, type Sheet, SheetUnknown } from './sampling-sheet.js';

/** A sheet is named as its result will be. */
export interface SheetName {
  readonly organiserId: string;
  readonly sampleNo: string;
}

type Lock = '' | 'FOR UPDATE OF s';

/** What is drawn of a round, for one object. */
export interface DrawnObject extends Pick<Sheet, 'roundNo' | 'regime' | 'coverage'> {
  readonly object: Sheet['object'];
  readonly drawn: DrawnFor;
}

export interface SheetStep {
  readonly act: ActName | 'OPEN';
  readonly from: State | null;
  readonly to: State;
  readonly on: string;
  readonly facts: SheetFacts;
  readonly actorId: string;
  readonly competence: Competence;
  readonly basis: string;
  readonly takenAt: Date;
}

export interface NewStep extends Omit<SheetStep, 'takenAt'> {
  readonly hash: string;
  /** Of whoever sent it over Kafka. */
  readonly stepId?: string | undefined;
}

/** The result that the sheet `s` became. */
export const WITH_RESULT = 'LEFT JOIN sampling_results r ON r.reporter_id = s.organiser_id AND r.sample_no = s.sample_no';
/** Who has been told of that result: those who were served, and whom it names in public. */
export const TOLD = `${SERVED_OF_RESULT} || CASE WHEN ${IS_PUBLIC} THEN jsonb_build_array(
    jsonb_build_object('party', 'SAMPLED_PARTY', 'uscc', r.state #>> '{sampledParty,uscc}'),
    jsonb_build_object('party', 'NOMINAL_PRODUCER', 'uscc', r.state #>> '{nominalProducer,uscc}')) ELSE '[]' END`;
const SHEET = `s.organiser_id AS "organiserId", s.sample_no AS "sampleNo", s.round_id AS "roundId", s.round_no AS "roundNo",
  s.regime, s.coverage, s.object, s.drawn, s.state, s.mode, s.samplers, s.sample, s.purchase,
  s.report, s.handler_id AS "handlerId", s.result_revision AS "resultRevision", s.last_on::text AS "lastOn", s.opened_on::text AS "openedOn",
  ARRAY(SELECT DISTINCT department_id FROM sampling_case_tracks t
    WHERE t.reporter_id = s.organiser_id AND t.sample_no = s.sample_no AND department_id IS NOT NULL) AS "caseHandlerIds", ${TOLD} AS told`;
const CLOCK = `clock, started_on::text AS "startedOn", due_on::text AS "dueOn", provisional, rule_version AS "ruleVersion",
  stopped_on::text AS "stoppedOn", to_char(due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "dueAt"`;

const CLOCK_COLUMNS = { clock: 'text', due_at: 'timestamptz', ...RUN_COLUMNS } as const;
const clockRow = ({ clock, dueAt, ...run }: Clock): Record<keyof typeof CLOCK_COLUMNS, unknown> => ({
  clock,
  due_at: dueAt,
  ...runRow(run),
});

/** What of a drawn object may not be there. */
interface Drawn {
  readonly organiserId: string;
  readonly object: DrawnObject['object'] | null;
  readonly drawn: DrawnFor | null;
}

/** The rows of sampling sheets. */
@Injectable()
export class SheetStore {
  constructor(
    private readonly outbox: Outbox,
    private readonly clock: WallClock,
  ) {}

  async get(tx: EntityManager, name: SheetName, lock: Lock = ''): Promise<Sheet> {
    const sheet = await this.find(tx, name, lock);
    if (!sheet) throw new SheetUnknown();
    return sheet;
  }

  async find(tx: EntityManager, { organiserId, sampleNo }: SheetName, lock: Lock = ''): Promise<Sheet | null> {
    const id = [organiserId, sampleNo];
    const [row]: Omit<Sheet, 'clocks' | 'evidence'>[] = await tx.query(
      `SELECT ${SHEET} FROM sampling_sheets s ${WITH_RESULT} WHERE s.organiser_id = $1 AND s.sample_no = $2 ${lock}`,
      id,
    );
    if (!row) return null;
    const clocks: Clock[] = await tx.query(
      `SELECT ${CLOCK} FROM sampling_sheet_clocks WHERE organiser_id = $1 AND sample_no = $2 ORDER BY started_on, clock`,
      id,
    );
    const evidence: Sheet['evidence'] = await tx.query(
      `SELECT type, sha256, bytes::float8 AS bytes, added_by AS "addedBy", added_at AS "addedAt", erased_at AS "erasedAt"
       FROM evidence WHERE organiser_id = $1 AND sample_no = $2 ORDER BY added_at, type, sha256`,
      id,
    );
    return { ...row, clocks, evidence };
  }

  /** What the organiser's round has drawn, also in place of another. A draw is only added to, so its row is not locked. */
  async drawnObject(tx: EntityManager, { organiserId, roundId, objectId }: { organiserId: string; roundId: string; objectId: string }) {
    const [row]: (Omit<DrawnObject, 'object' | 'drawn'> & Drawn)[] = await tx.query(
      `SELECT r.organiser_id AS "organiserId", r.round_no AS "roundNo", r.plan ->> 'regime' AS regime, r.plan ->> 'coverage' AS coverage,
         jsonb_build_object('id', o ->> 'id', 'name', o ->> 'name', 'divisionCode', o ->> 'divisionCode') AS object,
         CASE WHEN d IS NOT NULL THEN jsonb_build_object('commitment', d ->> 'commitment', 'inspectorIds', d -> 'inspectorIds',
           'laboratoryId', d ->> 'laboratoryId', 'laboratoryEmployerId', (SELECT l ->> 'employerId'
             FROM jsonb_array_elements(r.announced -> 'laboratories') l WHERE l ->> 'id' = d ->> 'laboratoryId')) END AS drawn
       FROM sampling_rounds r
       LEFT JOIN LATERAL jsonb_array_elements(r.pool) o ON o ->> 'id' = $2
       LEFT JOIN LATERAL jsonb_array_elements(r.drawn || r.replacements) d ON d ->> 'commitment' = o ->> 'commitment'
       WHERE r.round_id = $1`,
      [roundId, objectId],
    );
    if (!row) throw new RoundUnknown();
    const { organiserId: whose, object, drawn, ...round } = row;
    if (whose !== organiserId) throw new RoundNotYours();
    if (!object || !drawn) throw new ObjectNotDrawn();
    return { ...round, object, drawn };
  }

  /** Those of the round's pool whom an act names. */
  async poolInspectors(tx: EntityManager, { roundId, drawn }: Sheet, ids: readonly string[]): Promise<PoolInspector[]> {
    if (ids.length === 0) return [];
    return tx.query(
      `SELECT i ->> 'id' AS "inspectorId", i ->> 'employerId' AS "employerId",
         EXISTS (SELECT FROM jsonb_array_elements(announced -> 'recusals') x
           WHERE x ->> 'inspectorId' = i ->> 'id' AND x ->> 'commitment' = $3) AS "isRecused"
       FROM sampling_rounds, jsonb_array_elements(announced -> 'inspectors') i WHERE round_id = $1 AND i ->> 'id' = ANY($2::text[])`,
      [roundId, ids, drawn.commitment],
    );
  }

  /** False where the number or the object has a sheet already. */
  async add(tx: EntityManager, sheet: SheetName & DrawnObject & { roundId: string; on: string }): Promise<boolean> {
    const made: unknown[] = await tx.query(
      `INSERT INTO sampling_sheets (organiser_id, sample_no, round_id, round_no, regime, coverage, object, drawn, state, samplers,
         sampler_bodies, last_on, opened_on)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'DRAWN', '[]', '{}', $9, $9) ON CONFLICT DO NOTHING RETURNING 1`,
      [
        sheet.organiserId,
        sheet.sampleNo,
        sheet.roundId,
        sheet.roundNo,
        sheet.regime,
        sheet.coverage,
        JSON.stringify(sheet.object),
        JSON.stringify(sheet.drawn),
        sheet.on,
      ],
    );
    return made.length > 0;
  }

  async save(tx: EntityManager, sheet: Sheet, clocks: readonly Clock[]): Promise<void> {
    const id = [sheet.organiserId, sheet.sampleNo];
    const bodies = [...new Set(sheet.samplers.map(({ employerId }) => employerId))];
    await tx.query(
      `UPDATE sampling_sheets SET state = $3, mode = $4, samplers = $5, sampler_bodies = $6, sample = $7, purchase = $8, report = $9,
         handler_id = $10, result_revision = $11, last_on = $12
       WHERE organiser_id = $1 AND sample_no = $2`,
      [
        ...id,
        sheet.state,
        sheet.mode,
        JSON.stringify(sheet.samplers),
        bodies,
        ...[sheet.sample, sheet.purchase, sheet.report].map((value) => value && JSON.stringify(value)),
        sheet.handlerId,
        sheet.resultRevision,
        sheet.lastOn,
      ],
    );
    const { columns, from, values } = unnested(CLOCK_COLUMNS, clocks.map(clockRow), 3);
    await tx.query(
      `INSERT INTO sampling_sheet_clocks (organiser_id, sample_no, ${columns}) SELECT $1, $2, ${columns} FROM ${from}
       ON CONFLICT (organiser_id, sample_no, clock, started_on) DO UPDATE SET stopped_on = excluded.stopped_on`,
      [...id, ...values],
    );
  }

  /** The last that is written of a step. */
  async addStep(tx: EntityManager, name: SheetName, step: NewStep): Promise<void> {
    await tx.query(
      `INSERT INTO sampling_sheet_steps (organiser_id, sample_no, step_no, act, from_state, to_state, done_on, facts, content_hash, actor_id,
         competence, basis, taken_at, step_id)
       SELECT $1, $2, coalesce(max(step_no), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
       FROM sampling_sheet_steps WHERE organiser_id = $1 AND sample_no = $2`,
      [
        name.organiserId,
        name.sampleNo,
        step.act,
        step.from,
        step.to,
        step.on,
        JSON.stringify(step.facts),
        step.hash,
        step.actorId,
        step.competence,
        step.basis,
        this.clock.now(),
        step.stepId,
      ],
    );
    await this.keep(tx, name);
  }

  /** Says how the rows of the sheet stand now, for after a restore. */
  async keep(tx: EntityManager, { organiserId, sampleNo }: SheetName): Promise<void> {
    await keepRows(tx, this.outbox, SHEETS, [{ organiser_id: organiserId, sample_no: sampleNo }]);
  }

  async history(tx: EntityManager, { organiserId, sampleNo }: SheetName): Promise<SheetStep[]> {
    return tx.query(
      `SELECT act, from_state AS "from", to_state AS "to", done_on::text AS "on", facts, actor_id AS "actorId", competence, basis,
         taken_at AS "takenAt"
       FROM sampling_sheet_steps WHERE organiser_id = $1 AND sample_no = $2 ORDER BY step_no`,
      [organiserId, sampleNo],
    );
  }
}
