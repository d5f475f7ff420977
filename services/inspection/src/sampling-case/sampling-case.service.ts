import { type CaseFacts, type SamplingResultPublished, type StepParty } from '@jinqiao/contracts';
import { dayInChina } from '@jinqiao/law';
import { keepRows, Outbox, unnested } from '@jinqiao/messaging';
import { Clock as WallClock, decodeCursor, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { seenBy, viewerOf } from '../actor.js';
import { type ClockState, leftOf, PAUSABLE_COLUMNS, pausableRow } from '../deadline/run-clock.js';
import { type Concern, disclosed, sees, type Seen } from '../disclosure/disclosure.js';
import { CASES } from '../kept-rows/kept-rows.js';
import { listOn } from '../reinspection-laboratory/reinspection-laboratory.service.js';
import { withDecision } from '../sampling-result/sampling-result.decision.js';
import { SamplingResults } from '../sampling-result/sampling-result.service.js';
import { isAnnounced, type ResultName, type Status } from '../sampling-result/held-result.js';
import { SamplingResultUnknown } from '../sampling-result/sampling-result.js';
import type { Standing, TakenAs } from '../sampling-step/sampling-step.js';
import { isTaken, type SentStep, sentBy } from '../sampling-step/sent-step.js';
import { publicationOf } from './publication.js';
import { type ActName, ACTS, OF_CLUE, OF_ORGANISER, type SaidOfResult, type State, type TrackName, TRACKS } from './sampling-case.acts.js';
import {
  type Act,
  type AllowedAct,
  allowedIn,
  type CaseFile,
  CaseNotOpenable,
  type CaseParts,
  type CaseParty,
  CaseUnknown,
  type Clock,
  clockState,
  concernOf,
  decide,
  type Missing,
  missingIn,
  openingClocks,
  partiesOf,
  type SaleStop,
  saleStopsIn,
  type Step,
  trackOf,
} from './sampling-case.js';

export interface CaseStep {
  readonly act: ActName | SaidOfResult;
  readonly track: TrackName;
  readonly party: StepParty;
  readonly from: State;
  readonly to: State;
  readonly on: string;
  /** Of what came by a report: `reportedRevision`. */
  readonly facts: CaseFacts & { readonly reportedRevision?: number; readonly laboratoryList?: string; readonly drawKey?: string };
  readonly actorId: string;
  readonly competence: string;
  readonly basis: string;
  readonly takenAt: Date;
}

export interface SamplingCase {
  readonly reporterId: string;
  readonly sampleNo: string;
  readonly regime: string;
  readonly verdict: string;
  /** The one that stands now; null when the result has been taken back. */
  readonly standing: string | null;
  readonly parties: readonly CaseParty[];
  readonly openedOn: string;
  /** Every track of every party and of the result, with what may be done in it now and by whom. */
  readonly tracks: readonly {
    readonly track: TrackName;
    readonly party: StepParty;
    readonly state: State;
    readonly departmentId: string | null;
    readonly allowed: readonly AllowedAct[];
  }[];
  /** `left`: the days that a paused one has left; null where it is not paused. */
  readonly clocks: readonly (Clock & { readonly state: ClockState; readonly left: number | null })[];
  readonly history: readonly CaseStep[];
  readonly saleStops: readonly SaleStop[];
  /** What the organiser has still to do about each party of what failed. */
  readonly missing: readonly Missing[];
}

export interface CaseFilter {
  readonly cursor?: string;
  readonly limit: number;
}

export type CaseSummary = Pick<SamplingCase, 'reporterId' | 'sampleNo' | 'regime' | 'verdict' | 'openedOn'>;

type OpenedCase = CaseFile & { readonly openedOn: string; readonly isPublic: boolean; readonly history: readonly CaseStep[] };

const LIST = 'sampling-cases';
/** Has everybody been told of the result `r`? Of one that was taken back after it was public, too. */
export const IS_PUBLIC = `coalesce(r.status IN ('PUBLISHED', 'WITHDRAWN') AND r.state ? 'publishedAt', false)`;
/** What of the case of the result `r` says who sees it; empty where there is none. */
export const TRACKS_OF_RESULT = `coalesce((SELECT jsonb_agg(jsonb_build_object('track', t.track, 'party', t.party, 'state', t.state,
  'departmentId', t.department_id)) FROM sampling_case_tracks t WHERE t.reporter_id = r.reporter_id AND t.sample_no = r.sample_no), '[]')`;
/** Which parties of that case were served, as the case names them. */
export const SERVED_OF_RESULT = `coalesce((SELECT jsonb_agg(p) FROM sampling_cases c CROSS JOIN jsonb_array_elements(c.parties) p
  JOIN sampling_case_tracks t ON t.reporter_id = c.reporter_id AND t.sample_no = c.sample_no
    AND t.track = 'SERVICE' AND t.state = 'SERVED' AND t.party = p ->> 'party'
  WHERE c.reporter_id = r.reporter_id AND c.sample_no = r.sample_no), '[]')`;
const CASE = `c.reporter_id AS "reporterId", c.sample_no AS "sampleNo", c.regime, c.verdict, c.laboratory, c.parties,
  c.opened_on::text AS "openedOn", r.status, r.state ->> 'finality' AS finality, CASE WHEN r.status <> 'WITHDRAWN' THEN r.verdict END AS standing, ${IS_PUBLIC} AS "isPublic",
  EXISTS (SELECT FROM sampling_sheet_clocks t WHERE t.clock = 'RAPID_TEST_OBJECTION'
    AND (t.organiser_id, t.sample_no) = (c.reporter_id, c.sample_no)) AS "wasTestedOnSite"`;
/** The day on which the organiser had the report of the result `r`: of a sample that has no sheet here, that on which it was sent. */
const REPORTED_ON = `coalesce((SELECT max(s.done_on) FROM sampling_sheet_steps s
  WHERE s.organiser_id = r.reporter_id AND s.sample_no = r.sample_no AND s.act = 'REPORT'), (r.accepted_at AT TIME ZONE 'Asia/Shanghai')::date)`;
const CLOCK = `clock, party, started_on::text AS "startedOn", due_on::text AS "dueOn", provisional, rule_version AS "ruleVersion",
  stopped_on::text AS "stoppedOn", pauses, extensions`;
export const listOf = (clocks: readonly string[]): string => clocks.map((clock) => `'${clock}'`).join(', ');
/** To whom the party of the clock `c` was handed over; else, and of what is the organiser's, the organiser. */
export const HANDLED_BY = `coalesce((SELECT department_id FROM sampling_case_tracks t
  WHERE t.reporter_id = c.reporter_id AND t.sample_no = c.sample_no AND t.party = c.party
    AND t.track = CASE WHEN c.clock IN (${listOf(OF_CLUE)}) THEN 'CLUE' WHEN c.clock NOT IN (${listOf(OF_ORGANISER)}) THEN 'HANDLING' END), c.reporter_id)`;
/** Cases of $1, and those in which something was handed over to it; null: all. */
export const CONCERNS = `($1::text IS NULL OR reporter_id = $1 OR (reporter_id, sample_no) IN (
  SELECT reporter_id, sample_no FROM sampling_case_tracks WHERE department_id = $1))`;

/** Those of a merchant's, by its code $5, of which it has been told. */
const TOLD = `(c.parties @> jsonb_build_array(jsonb_build_object('uscc', $5::text)) AND (${IS_PUBLIC} OR EXISTS (
  SELECT FROM jsonb_array_elements(c.parties) p JOIN sampling_case_tracks t ON t.reporter_id = c.reporter_id AND t.sample_no = c.sample_no
    AND t.track = 'SERVICE' AND t.state = 'SERVED' AND t.party = p ->> 'party' WHERE p ->> 'uscc' = $5)))`;

/** Keeps cases. The lock of a case decides which of two steps comes first; the other finds the state that it left. */
@Injectable()
export class SamplingCases {
  constructor(
    private readonly db: DataSource,
    private readonly results: SamplingResults,
    private readonly outbox: Outbox,
    private readonly clock: WallClock,
  ) {}

  /** Of the reporter's own result, as it stands. May be repeated. */
  async open(caller: Principal, sampleNo: string): Promise<Seen<SamplingCase>> {
    const reporterId = caller.id;
    return this.db.transaction(async (tx) => {
      await this.openIn(tx, reporterId, sampleNo);
      return this.shown(tx, await this.file(tx, { reporterId, sampleNo }), caller);
    });
  }

  async openIn(tx: EntityManager, reporterId: string, sampleNo: string): Promise<TakenAs> {
    // Whoever takes it back meanwhile waits, and ends what is begun here.
    const [result]: { status: Status; state: SamplingResultPublished | null; reportedOn: string }[] = await tx.query(
      `SELECT status, state, ${REPORTED_ON}::text AS "reportedOn" FROM sampling_results r WHERE reporter_id = $1 AND sample_no = $2 FOR NO KEY UPDATE OF r`,
      [reporterId, sampleNo],
    );
    if (!result) throw new SamplingResultUnknown();
    const { status, state, reportedOn } = result;
    if (!isAnnounced({ status }) || state === null) throw new CaseNotOpenable();
    const parties = partiesOf(state);
    const made: unknown[] = await tx.query(
      `INSERT INTO sampling_cases (reporter_id, sample_no, regime, verdict, laboratory, parties, opened_on)
       VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING 1`,
      [reporterId, sampleNo, state.regime, state.verdict, json(state.laboratory), json(parties), this.today()],
    );
    if (made.length === 0) return 'duplicate';
    await keepClocks(tx, { reporterId, sampleNo }, openingClocks({ ...state, parties }, reportedOn));
    await keepRows(tx, this.outbox, CASES, [{ reporter_id: reporterId, sample_no: sampleNo }]);
    return 'accepted';
  }

  async act(caller: Principal, name: ResultName, act: Act): Promise<Seen<SamplingCase>> {
    return this.db.transaction(async (tx) => {
      await this.take(tx, caller, { name, act });
      // Whoever has handed it on is answered as whom it was when it did so.
      return this.shown(tx, await this.file(tx, name), caller, [caller.id]);
    });
  }

  /** One step, over HTTP or Kafka. */
  async take(tx: EntityManager, caller: Principal, { name, act, stepId }: SentCaseStep): Promise<TakenAs> {
    const file = await this.file(tx, name, 'FOR UPDATE');
    const sent = sentBy(caller, act, stepId);
    const track = { reporter_id: name.reporterId, sample_no: name.sampleNo, track: ACTS[act.act].track, party: act.party };
    if (await isTaken(tx, 'sampling_case_steps', track, sent)) return 'duplicate';
    const viewer = await viewerOf(tx, caller);
    if (!sees('CASE', viewer, concernOf(file))) throw new CaseUnknown();
    const isOpenToObjections = ACTS[act.act].track === 'PUBLICATION' && (await this.results.isOpenToObjections(tx, name));
    const laboratoryList = act.act === 'CHOOSE_LABORATORY' && file.regime === 'FOOD' ? await listOn(tx, act.on) : null;
    const step = decide({ ...file, isOpenToObjections, laboratoryList }, viewer, act, this.today());
    await this.keep(tx, name, { sent, act, step });
    const { decision, basis, competence } = step;
    const by = { actorId: sent.actorId, competence, on: act.on, basis };
    if (decision) await this.results.change(tx, name, (held) => withDecision(held, decision, this.clock.now()), by);
    return 'accepted';
  }

  /** How the track of an act stands, for those who have a part in the case. */
  async standing(tx: EntityManager, caller: Principal, name: ResultName, { act, party }: Pick<Act, 'act' | 'party'>): Promise<Standing> {
    const file = await this.findFile(tx, name);
    if (!file || !sees('CASE', await viewerOf(tx, caller), concernOf(file))) return {};
    const { track } = ACTS[act];
    const { state } = trackOf(file, track, party);
    return { track, state, allowed: allowedIn(track, party, state).map(({ act: one, by }) => ({ act: one, by: [...by] })) };
  }

  async find(caller: Principal, name: ResultName): Promise<Seen<SamplingCase>> {
    const tx = this.db.manager;
    return this.shown(tx, await this.file(tx, name), caller);
  }

  async list(caller: Principal, { cursor, limit }: CaseFilter): Promise<Page<Seen<CaseSummary>>> {
    const [reporterAfter = '', sampleAfter = ''] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const tx = this.db.manager;
    const viewer = await viewerOf(tx, caller);
    const rows: (CaseSummary & CaseParts)[] = await tx.query(
      `SELECT reporter_id AS "reporterId", sample_no AS "sampleNo", c.regime, c.verdict, c.opened_on::text AS "openedOn", c.parties,
         ${IS_PUBLIC} AS "isPublic", ${TRACKS_OF_RESULT} AS tracks
       FROM sampling_cases c JOIN sampling_results r USING (reporter_id, sample_no)
       WHERE (${CONCERNS} OR ${TOLD}) AND (reporter_id, sample_no) > ($2, $3) ORDER BY reporter_id, sample_no LIMIT $4`,
      [seenBy(viewer), reporterAfter, sampleAfter, limit + 1, viewer.uscc],
    );
    const { items, next } = pageOf(LIST, rows, limit, ({ reporterId, sampleNo }) => [reporterId, sampleNo]);
    const shown = items.flatMap(({ parties, isPublic, tracks, ...summary }) => {
      const concern = concernOf({ reporterId: summary.reporterId, parties, isPublic, tracks });
      return disclosed<CaseSummary>('CASE', viewer, concern, summary) ?? [];
    });
    return { items: shown, next };
  }

  private async keep(tx: EntityManager, { reporterId, sampleNo }: ResultName, { sent, act, step }: Taken): Promise<void> {
    const { track, clocks, from, basis, competence, derived } = step;
    const { act: name, party, on, ...facts } = act;
    const id = [reporterId, sampleNo];
    // Where the result stands is its own to say.
    if (track.track !== 'PUBLICATION')
      await tx.query(
        `INSERT INTO sampling_case_tracks (reporter_id, sample_no, track, party, state, department_id, last_on) VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (reporter_id, sample_no, track, party)
       DO UPDATE SET state = excluded.state, department_id = excluded.department_id, last_on = excluded.last_on`,
        [...id, track.track, party, track.state, track.departmentId, on],
      );
    await keepClocks(tx, { reporterId, sampleNo }, clocks);
    await tx.query(
      `INSERT INTO sampling_case_steps (reporter_id, sample_no, step_no, act, track, party, from_state, to_state, done_on, facts, actor_id,
         competence, basis, taken_at, step_id, content_hash)
       SELECT $1, $2, coalesce(max(step_no), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
       FROM sampling_case_steps WHERE reporter_id = $1 AND sample_no = $2`,
      [
        ...id,
        name,
        track.track,
        party,
        from,
        track.state,
        on,
        json({ ...facts, ...derived }),
        sent.actorId,
        competence,
        basis,
        this.clock.now(),
        sent.stepId,
        sent.hash,
      ],
    );
    await keepRows(tx, this.outbox, CASES, [{ reporter_id: reporterId, sample_no: sampleNo }]);
  }

  private async file(tx: EntityManager, name: ResultName, lock = ''): Promise<OpenedCase> {
    const file = await this.findFile(tx, name, lock);
    if (!file) throw new CaseUnknown();
    return file;
  }

  private async findFile(tx: EntityManager, { reporterId, sampleNo }: ResultName, lock = ''): Promise<OpenedCase | null> {
    const id = [reporterId, sampleNo];
    // Whoever changes a result locks it first, and then its case.
    if (lock !== '') await tx.query(`SELECT FROM sampling_results WHERE reporter_id = $1 AND sample_no = $2 ${lock}`, id);
    const [stored]: (Omit<OpenedCase, 'tracks' | 'clocks' | 'history'> & { status: Status; finality?: string })[] = await tx.query(
      `SELECT ${CASE} FROM sampling_cases c JOIN sampling_results r USING (reporter_id, sample_no)
       WHERE c.reporter_id = $1 AND c.sample_no = $2 ${lock}`,
      id,
    );
    if (!stored) return null;
    const { status, finality, ...file } = stored;
    const tracks: CaseFile['tracks'] = await tx.query(
      `SELECT track, party, state, department_id AS "departmentId", last_on::text AS "lastOn"
       FROM sampling_case_tracks WHERE reporter_id = $1 AND sample_no = $2`,
      id,
    );
    const clocks: Clock[] = await tx.query(
      `SELECT ${CLOCK} FROM sampling_case_clocks WHERE reporter_id = $1 AND sample_no = $2 ORDER BY started_on, clock, party`,
      id,
    );
    const history: CaseStep[] = await tx.query(
      `SELECT act, track, party, from_state AS "from", to_state AS "to", done_on::text AS "on", facts, actor_id AS "actorId", competence,
         basis, taken_at AS "takenAt"
       FROM sampling_case_steps WHERE reporter_id = $1 AND sample_no = $2 ORDER BY step_no`,
      id,
    );
    // A day that is printed may be before the day of a report.
    const last = history.findLast(({ track, facts }) => track === 'PUBLICATION' && facts.reportedRevision === undefined);
    const state = publicationOf(status, finality);
    const publication = { track: 'PUBLICATION', party: 'RESULT', state, departmentId: null, lastOn: last?.on ?? '' } as const;
    return { ...file, tracks: [...tracks, publication], clocks, history };
  }

  private async shown(
    tx: EntityManager,
    file: OpenedCase,
    caller: Principal,
    handlers: readonly string[] = [],
  ): Promise<Seen<SamplingCase>> {
    const { reporterId, sampleNo, regime, verdict, standing, parties, openedOn, history } = file;
    const today = this.today();
    const seen = disclosed<SamplingCase>('CASE', await viewerOf(tx, caller), withHandlers(concernOf(file), handlers), {
      reporterId,
      sampleNo,
      regime,
      verdict,
      standing,
      parties,
      openedOn,
      tracks: tracksOf(file),
      clocks: file.clocks.map((clock) => ({ ...clock, state: clockState(clock, today), left: leftOf(clock) })),
      history,
      saleStops: saleStopsIn(file),
      missing: missingIn(file),
    });
    if (!seen) throw new CaseUnknown();
    return seen;
  }

  private today(): string {
    return dayInChina(this.clock.now());
  }
}

export interface SentCaseStep {
  readonly name: ResultName;
  readonly act: Act;
  /** Of whoever sends it over Kafka. */
  readonly stepId?: string;
}

interface Taken {
  readonly sent: SentStep;
  readonly act: Act;
  readonly step: Step;
}

const CLOCK_COLUMNS = { clock: 'text', party: 'text', ...PAUSABLE_COLUMNS } as const;
const clockRow = ({ clock, party, ...run }: Clock): Record<keyof typeof CLOCK_COLUMNS, unknown> => ({ clock, party, ...pausableRow(run) });

async function keepClocks(tx: EntityManager, { reporterId, sampleNo }: ResultName, clocks: readonly Clock[]): Promise<void> {
  const { columns, from, values } = unnested(CLOCK_COLUMNS, clocks.map(clockRow), 3);
  await tx.query(
    `INSERT INTO sampling_case_clocks (reporter_id, sample_no, ${columns}) SELECT $1, $2, ${columns} FROM ${from}
     ON CONFLICT (reporter_id, sample_no, clock, party, started_on) DO UPDATE SET stopped_on = excluded.stopped_on, due_on = excluded.due_on,
       provisional = excluded.provisional, pauses = excluded.pauses, extensions = excluded.extensions`,
    [reporterId, sampleNo, ...values],
  );
}

const withHandlers = (concern: Concern, handlers: readonly string[]): Concern => ({
  ...concern,
  handlers: [...(concern.handlers ?? []), ...handlers],
});

/** A track that the party has no act in is not one of its tracks. */
function tracksOf(file: CaseFile): SamplingCase['tracks'] {
  return [...file.parties.map(({ party }) => party), 'RESULT' as const].flatMap((party) =>
    TRACKS.flatMap((name) => {
      const { state, departmentId } = trackOf(file, name, party);
      const allowed = allowedIn(name, party, state);
      const isIts = allowed.length > 0 || file.tracks.some((one) => one.track === name && one.party === party);
      return isIts ? [{ track: name, party, state, departmentId, allowed }] : [];
    }),
  );
}

const json = (value: unknown): string | null => (value === undefined || value === null ? null : JSON.stringify(value));
