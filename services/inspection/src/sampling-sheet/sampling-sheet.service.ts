import type { ResultParty } from '@jinqiao/contracts';
import { dayInChina, rule } from '@jinqiao/law';
import { Clock as WallClock, decodeCursor, Forbidden, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { canonicalHash } from '@jinqiao/schema';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { validate as isUuid } from 'uuid';
import { seenBy, viewerOf } from '../actor.js';
import { type ClockState, rulesOf } from '../deadline/run-clock.js';
import { disclosed, sees, type Seen } from '../disclosure/disclosure.js';
import { basisOf } from '../sampling-case/sampling-case.js';
import type { Status } from '../sampling-result/held-result.js';
import { SamplingResultRejected } from '../sampling-result/sampling-result.js';
import { SamplingResults } from '../sampling-result/sampling-result.service.js';
import { sampledBefore } from '../sampling-round/sampled-before.js';
import { type Level, RoundUnknown, sampledTooLately } from '../sampling-round/sampling-round.js';
import type { Standing, TakenAs } from '../sampling-step/sampling-step.js';
import { isTaken, sentBy, wasLast } from '../sampling-step/sent-step.js';
import { type ActRule, ACTS, DUTIES, type State, STATES } from './sampling-sheet.acts.js';
import type { TakeSheetActBody } from './sampling-sheet.facts.js';
import {
  allowedIn,
  type Clock,
  clockState,
  concernOf,
  decide,
  ObjectHasSheet,
  ResultIsPublic,
  type Sheet,
  SheetConflict,
  type SheetParts,
  SheetUnknown,
} from './sampling-sheet.js';
import { resultOf } from './sampling-sheet.result.js';
import { type SheetName, type SheetStep, SheetStore, TOLD, WITH_RESULT } from './sampling-sheet.store.js';

export interface SamplingSheet extends Omit<Sheet, 'drawn' | 'caseHandlerIds' | 'told' | 'clocks'> {
  readonly laboratoryId: string;
  readonly allowed: ReturnType<typeof allowedIn>;
  readonly clocks: readonly (Clock & { readonly state: ClockState })[];
  readonly history: readonly SheetStep[];
}

export interface SheetSummary extends SheetName {
  readonly roundId: string;
  readonly object: string;
  readonly state: State;
  readonly laboratoryId: string;
  /** The next day by which something is due; over, if it lies behind. */
  readonly dueOn: string | null;
}

export interface SheetFilter {
  readonly roundId?: string;
  readonly state?: State;
  readonly cursor?: string;
  readonly limit: number;
}

/** How far a round is: what was drawn and not sampled counts as what was drawn. */
export interface RoundProgress {
  /** With what was drawn in place of another. */
  readonly drawn: number;
  readonly replaced: number;
  readonly withoutSheet: number;
  readonly states: Readonly<Record<State, number>>;
  /** Why nothing was sampled. */
  readonly notSampled: Readonly<Record<string, number>>;
}

export interface SheetOpening {
  readonly sampleNo: string;
  readonly roundId: string;
  readonly objectId: string;
}

export interface SentSheetStep {
  readonly name: SheetName;
  readonly act: TakeSheetActBody;
  /** Of whoever sends it over Kafka. */
  readonly stepId?: string;
}

const LIST = 'sampling-sheets';
const STEPS = 'sampling_sheet_steps';
/** Has the party with the code $8 been told? */
const isTold = (party: ResultParty): string =>
  `(s.state = 'CONFIRMED' AND (${TOLD}) @> jsonb_build_array(jsonb_build_object('party', '${party}', 'uscc', $8::text)))`;
/** Sheets in which $1 has a part, null: all; and those of the merchant with the code $8, of which nobody asks in what state they are before it has been told. */
const CONCERNS = `($1::text IS NULL OR s.organiser_id = $1 OR s.handler_id = $1 OR s.sampler_bodies @> ARRAY[$1]
  OR (s.laboratory_id = $1 AND s.sample ->> 'testSeal' IS NOT NULL)
  OR (s.organiser_id, s.sample_no) IN (SELECT reporter_id, sample_no FROM sampling_case_tracks WHERE department_id = $1)
  OR (s.sample #>> '{sampledParty,uscc}' = $8 AND ((s.mode = 'ON_SITE' AND $3::text IS NULL) OR ${isTold('SAMPLED_PARTY')}))
  OR (s.sample #>> '{nominalProducer,uscc}' = $8 AND ${isTold('NOMINAL_PRODUCER')}))`;

/** What of a row says who sees it. */
const PARTS = `jsonb_build_object('organiserId', s.organiser_id, 'handlerId', s.handler_id, 'samplers', s.samplers, 'mode', s.mode,
  'drawn', s.drawn, 'state', s.state, 'told', ${TOLD}, 'sample', jsonb_strip_nulls(jsonb_build_object('testSeal', s.sample ->> 'testSeal',
    'sampledParty', s.sample -> 'sampledParty', 'nominalProducer', s.sample -> 'nominalProducer')), 'caseHandlerIds',
  ARRAY(SELECT department_id FROM sampling_case_tracks t
    WHERE t.reporter_id = s.organiser_id AND t.sample_no = s.sample_no AND department_id IS NOT NULL))`;

/** Keeps sampling sheets. The lock of a sheet decides which of two steps comes first; the other finds the state that it left. */
@Injectable()
export class SamplingSheets {
  constructor(
    private readonly db: DataSource,
    private readonly store: SheetStore,
    private readonly results: SamplingResults,
    private readonly clock: WallClock,
  ) {}

  /** For an object that was drawn. May be repeated. */
  async open(caller: Principal, opening: SheetOpening): Promise<Seen<SamplingSheet>> {
    return this.db.transaction(async (tx) => {
      await this.openIn(tx, caller, opening);
      return this.shown(tx, await this.store.get(tx, { organiserId: caller.id, sampleNo: opening.sampleNo }), caller);
    });
  }

  async openIn(tx: EntityManager, caller: Principal, opening: SheetOpening): Promise<TakenAs> {
    const name = { organiserId: caller.id, sampleNo: opening.sampleNo };
    const of = await this.store.drawnObject(tx, { ...opening, organiserId: caller.id });
    const on = this.today();
    if (await this.store.add(tx, { ...name, ...of, roundId: opening.roundId, on })) {
      const step = { act: 'OPEN', from: null, to: 'DRAWN', on, facts: {}, actorId: caller.id, competence: 'ORGANISER' } as const;
      await this.store.addStep(tx, name, {
        ...step,
        hash: canonicalHash(opening),
        basis: basisOf(of.regime, { article: '第十五条、第十六条' }),
      });
      return 'accepted';
    }
    const there = await this.store.find(tx, name);
    if (!there) throw new ObjectHasSheet();
    if (there.roundId !== opening.roundId || there.object.id !== opening.objectId) throw new SheetConflict();
    return 'duplicate';
  }

  async act(caller: Principal, name: SheetName, act: TakeSheetActBody): Promise<Seen<SamplingSheet>> {
    return this.results.inTransaction(async (tx) => {
      await this.take(tx, caller, { name, act });
      return this.shown(tx, await this.store.get(tx, name), caller);
    });
  }

  /** One step, over HTTP or Kafka. What this organisation has just done and cannot be done again is not taken once more. */
  async take(tx: EntityManager, caller: Principal, { name, act, stepId }: SentSheetStep): Promise<TakenAs> {
    const before = await this.store.get(tx, name, 'FOR UPDATE OF s');
    if (!sees('SHEET', await viewerOf(tx, caller), concernOf(before))) throw new SheetUnknown();
    const sent = sentBy(caller, act, stepId);
    const isOver = (ACTS[act.act] as ActRule).leads[before.state] === undefined;
    const object = { organiser_id: name.organiserId, sample_no: name.sampleNo };
    if (await isTaken(tx, STEPS, object, sent)) return 'duplicate';
    if (isOver && (await wasLast(tx, STEPS, { ...object, actor_id: sent.actorId }, sent))) return 'duplicate';
    const pool = await this.store.poolInspectors(
      tx,
      before,
      (act.samplers ?? []).map(({ inspectorId }) => inspectorId),
    );
    const repeats = act.act === 'SEAL_SAMPLE' ? await this.repeated(tx, before, act) : null;
    const { from, sheet, clocks, competence, basis } = decide(before, caller, act, {
      now: this.clock.now(),
      today: this.today(),
      pool,
      repeats,
    });
    const resultRevision = act.act === 'CONFIRM' ? await this.enter(tx, sheet) : sheet.resultRevision;
    await this.store.save(tx, { ...sheet, resultRevision }, clocks);
    const { act: done, on, ...said } = act;
    const facts = { ...said, ...rulesOf(clocks) };
    await this.store.addStep(tx, name, { act: done, from, to: sheet.state, on, facts, competence, basis, ...sent });
    return 'accepted';
  }

  /** How a sheet stands, for those who have a part in it. */
  async standing(tx: EntityManager, caller: Principal, name: SheetName): Promise<Standing> {
    const sheet = await this.store.find(tx, name);
    return sheet && sees('SHEET', await viewerOf(tx, caller), concernOf(sheet))
      ? { state: sheet.state, allowed: allowedIn(sheet.state).map(({ act, by }) => ({ act, by: [...by] })) }
      : {};
  }

  async find(caller: Principal, name: SheetName): Promise<Seen<SamplingSheet>> {
    return this.shown(this.db.manager, await this.store.get(this.db.manager, name), caller);
  }

  /** Of a department, laboratory or merchant those in which it has a part, of the province and who watches over all everything. */
  async list(caller: Principal, { roundId, state, cursor, limit }: SheetFilter): Promise<Page<Seen<SheetSummary>>> {
    const [organiserAfter = '', sampleAfter = ''] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const tx = this.db.manager;
    const viewer = await viewerOf(tx, caller);
    const rows: { summary: SheetSummary; parts: SheetParts }[] = await tx.query(
      `SELECT jsonb_build_object('organiserId', s.organiser_id, 'sampleNo', s.sample_no, 'roundId', s.round_id, 'object', s.object ->> 'name',
         'state', s.state, 'laboratoryId', s.laboratory_id, 'dueOn', (SELECT min(due_on)::text FROM sampling_sheet_clocks c WHERE c.organiser_id = s.organiser_id
           AND c.sample_no = s.sample_no AND c.stopped_on IS NULL AND c.clock = ANY($7))) AS summary, ${PARTS} AS parts
       FROM sampling_sheets s ${WITH_RESULT}
       WHERE ${CONCERNS} AND ($2::uuid IS NULL OR s.round_id = $2) AND ($3::text IS NULL OR s.state = $3)
         AND (s.organiser_id, s.sample_no) > ($4, $5)
       ORDER BY s.organiser_id, s.sample_no LIMIT $6`,
      [seenBy(viewer), roundId ?? null, state ?? null, organiserAfter, sampleAfter, limit + 1, DUTIES, viewer.uscc],
    );
    const { items, next } = pageOf(LIST, rows, limit, ({ summary: { organiserId, sampleNo } }) => [organiserId, sampleNo]);
    return { items: items.flatMap(({ summary, parts }) => disclosed('SHEET_SUMMARY', viewer, concernOf(parts), summary) ?? []), next };
  }

  /** For the organiser of the round, the province, and those who watch over all. */
  async progress(caller: Principal, roundId: string): Promise<Seen<RoundProgress>> {
    if (!isUuid(roundId)) throw new RoundUnknown();
    const [round]: { organiserId: string; drawn: number; replaced: number }[] = await this.db.query(
      `SELECT organiser_id AS "organiserId", coalesce(jsonb_array_length(drawn || replacements), 0) AS drawn,
         jsonb_array_length(replacements) AS replaced FROM sampling_rounds WHERE round_id = $1`,
      [roundId],
    );
    if (!round) throw new RoundUnknown();
    const rows: { state: State; ground: string | null; sheets: number }[] = await this.db.query(
      `SELECT s.state, t.facts ->> 'ground' AS ground, count(*)::integer AS sheets FROM sampling_sheets s
       LEFT JOIN sampling_sheet_steps t ON t.organiser_id = s.organiser_id AND t.sample_no = s.sample_no AND t.act = 'RECORD_NOT_SAMPLED'
       WHERE s.round_id = $1 GROUP BY 1, 2 ORDER BY 1, 2`,
      [roundId],
    );
    const states = { ...NONE };
    for (const { state, sheets } of rows) states[state] += sheets;
    const notSampled = Object.fromEntries(rows.flatMap(({ ground, sheets }) => (ground === null ? [] : [[ground, sheets]])));
    const opened = rows.reduce((sum, { sheets }) => sum + sheets, 0);
    const { drawn, replaced } = round;
    const progress = { drawn, replaced, withoutSheet: drawn - opened, states, notSampled };
    const seen = disclosed('SAMPLING', await viewerOf(this.db.manager, caller), { owners: [round.organiserId] }, progress);
    if (!seen) throw new Forbidden();
    return seen;
  }

  /** By which row the product that was taken may not be sampled again yet; one round samples it once, of however many parties. */
  private async repeated(tx: EntityManager, { organiserId, roundId, roundNo, regime }: Sheet, { sample, on }: TakeSheetActBody) {
    const row = rule('NO_REPEAT_SAMPLING', { regime, on });
    const producer = sample?.nominalProducer?.uscc;
    if (row === 'NO_RULE' || !sample || producer === undefined) return null;
    const [round]: { level: Level; exemption: string | null }[] = await tx.query(
      `SELECT level, plan ->> 'exemption' AS exemption FROM sampling_rounds WHERE round_id = $1`,
      [roundId],
    );
    if (!round || round.exemption !== null) return null;
    const { standard, brand, spec } = sample.product;
    const all = await sampledBefore(tx, [{ object_id: '', producer, standard, brand, spec }], { regime, today: on });
    const others = all.filter((one) => one.reporterId !== organiserId || one.roundNo !== roundNo);
    return sampledTooLately(others, { organiserId, level: round.level }, row, on).size > 0 ? row.version : null;
  }

  /** The result takes the way of every reported one, as the next revision of its series. */
  private async enter(tx: EntityManager, sheet: Sheet): Promise<number> {
    const { organiserId, sampleNo } = sheet;
    const [there]: { status: Status; reported: number }[] = await tx.query(
      'SELECT status, reported_revision AS reported FROM sampling_results WHERE reporter_id = $1 AND sample_no = $2 FOR UPDATE',
      [organiserId, sampleNo],
    );
    if (there?.status === 'PUBLISHED') throw new ResultIsPublic();
    const revision = (there?.reported ?? 0) + 1;
    const submitted = { kind: 'REPORT', input: resultOf(sheet, revision), keepsRefusal: false } as const;
    const [answer] = await this.results.accept(tx, organiserId, [submitted], { channel: 'HTTP' });
    if (answer?.outcome !== 'accepted') throw new SamplingResultRejected(answer?.errors ?? []);
    return revision;
  }

  private async shown(tx: EntityManager, sheet: Sheet, caller: Principal): Promise<Seen<SamplingSheet>> {
    const { drawn, caseHandlerIds: _handlers, told: _told, clocks, ...rest } = sheet;
    const seen = disclosed<SamplingSheet>('SHEET', await viewerOf(tx, caller), concernOf(sheet), {
      ...rest,
      laboratoryId: drawn.laboratoryId,
      allowed: allowedIn(sheet.state),
      clocks: clocks.map((clock) => ({ ...clock, state: clockState(clock, this.clock.now()) })),
      history: await this.store.history(tx, sheet),
    });
    if (!seen) throw new SheetUnknown();
    return seen;
  }

  private today(): string {
    return dayInChina(this.clock.now());
  }
}

const NONE = Object.fromEntries(STATES.map((state) => [state, 0])) as Record<State, number>;
