import { isDeepStrictEqual } from 'node:util';
import { type SamplingResultReported, type SamplingResultRetracted, subjectOf } from '@jinqiao/contracts';
import { dayInChina } from '@jinqiao/law';
import { event, Gathered, Outbox, type OutgoingEvent, type Received } from '@jinqiao/messaging';
import {
  batchAnswer,
  type BatchAnswer,
  Clock,
  currentTrace,
  ITEMS_MAX,
  Metrics,
  isInSandbox,
  namedIn,
  TooManyItems,
} from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, QueryFailedError, type EntityManager } from 'typeorm';
import { Trials } from '../conformance/conformance.trials.js';
import { NO_BATCH } from '../probable-duplicate/batch.js';
import { wayOf } from '../probable-duplicate/likeness.js';
import type { Pair } from '../probable-duplicate/probable-duplicate.js';
import { type Asked, findPairs, keepPairs, lapse } from '../probable-duplicate/probable-duplicate.store.js';
import { type ChangedBy, type PublicationStep, publicationStep, reportedBy } from '../sampling-case/publication.js';
import { followInCases } from '../sampling-case/result-change.js';
import { ENDED } from '../sampling-case/sampling-case.acts.js';
import { endsService } from '../sampling-case/service-duty.js';
import { keepWaiting, type Waiting } from '../waiting-report/waiting-report.js';
import type { Channel } from './sampling-result.entity.js';
import { type HeldResult, isAnnounced, type ResultName } from './held-result.js';
import { type Carried, lockStored, rowOf, type Stored, type StoredRow, write } from './sampling-result.rows.js';
import {
  type Answer,
  decide,
  goesFurther,
  readReport,
  readRetraction,
  SamplingResultRejected,
  SamplingResultUnknown,
  type Accepted,
  type Decision,
  type Reading,
} from './sampling-result.js';

/** A report or retraction as it came in, from whatever channel. */
export interface Submitted {
  readonly kind: 'REPORT' | 'RETRACTION';
  readonly input: unknown;
  /** What the sender wrote beyond the declared fields, where the channel has noticed already. */
  readonly unknownFields?: readonly string[];
  readonly otherColumns?: Readonly<Record<string, string>>;
  readonly causedBy?: Received<SamplingResultReported | SamplingResultRetracted>;
  readonly traceparent?: string;
  /** Whoever is told of a refusal at once need not be able to ask for it later. */
  readonly keepsRefusal?: boolean;
}

export interface Origin {
  readonly channel: Channel;
  readonly importId?: string;
}

// Each is named; a sender with more has sent something else.
const UNKNOWN_FIELDS_MAX = 100;
// The second pass holds every row of the first, so a third would be a fault in this file.
const PASSES_MAX = 2;
const DEADLOCK_ATTEMPTS = 3;
/** A larger request has a transaction of its own: it gains nothing from sharing one, and others would wait for it. */
const SHARED_ITEMS_MAX = 100;

@Injectable()
export class SamplingResults {
  private readonly submissions;
  private readonly unknownFields;
  private readonly requests = new Gathered<Request, Answer[]>(
    (requests) => this.inTransaction((tx) => this.acceptTogether(tx, requests)),
    ITEMS_MAX,
    ({ submitted }) => submitted.length,
  );

  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
    private readonly trials: Trials,
    metrics: Metrics,
  ) {
    this.submissions = metrics.counter(
      'inspection_submissions_total',
      'Reports and retractions answered, by channel, outcome and first error',
      ['channel', 'outcome', 'code'],
    );
    this.unknownFields = metrics.counter('inspection_unknown_fields_total', 'Fields that no report declares, ignored', ['channel']);
  }

  /** One result over HTTP; refused = nothing is kept, not even the refusal. */
  async acceptOne(reporterId: string, submitted: Submitted): Promise<Answer> {
    const [answer] = await this.requests.add({ reporterId, submitted: [{ ...submitted, ...currentTrace(), keepsRefusal: false }] });
    if (!answer) throw new Error('A submission got no answer');
    if (answer.outcome === 'rejected') throw new SamplingResultRejected(answer.errors);
    return answer;
  }

  /** Up to 1,000 results over HTTP, each answered for itself. Small requests that come at the same time share a transaction. */
  async acceptMany(reporterId: string, inputs: readonly unknown[]): Promise<BatchAnswer<Answer>> {
    if (inputs.length > ITEMS_MAX) throw new TooManyItems({ zh: '结果', en: 'results' });
    const trace = currentTrace();
    const submitted = inputs.map((input): Submitted => ({ kind: 'REPORT', input, ...trace }));
    if (inputs.length <= SHARED_ITEMS_MAX) return batchAnswer(await this.requests.add({ reporterId, submitted }));
    return batchAnswer(await this.inTransaction((tx) => this.accept(tx, reporterId, submitted, { channel: 'HTTP' })));
  }

  /**
   * The one way in, for every channel. Submissions of one sampleNo are applied in their order, and each is answered in its place. Rows
   * are locked and written in the order of their keys; whoever calls it several times in one transaction keeps to that order, too.
   */
  async accept(tx: EntityManager, reporterId: string, submitted: readonly Submitted[], origin: Origin): Promise<Answer[]> {
    const context = { ...origin, reporterId, now: this.clock.now() };
    const items = submitted.map((one, place) => itemOf(one, place, context.now));
    const answers = items.map(refusalOf);
    if (await isInSandbox(tx, reporterId)) return this.tryOut(tx, items, answers, context);
    for (const { place, answer } of await this.apply(tx, grouped(items.filter(isReadable)), context)) answers[place] = answer;
    const settled = answers.filter((answer) => answer !== null);
    const kept = settled.filter((_answer, place) => submitted[place]?.keepsRefusal !== false);
    await this.keepRejections(tx, kept, context);
    this.count(settled, origin.channel);
    return settled;
  }

  /** By the same rules, kept apart: nothing is compared with what others reported, and nothing announced. */
  private async tryOut(
    tx: EntityManager,
    items: readonly Item[],
    refusals: readonly (Answer | null)[],
    context: Context,
  ): Promise<Answer[]> {
    const { reporterId, now } = context;
    const readable = items.filter(isReadable);
    const tried = await this.trials.lock(
      tx,
      reporterId,
      readable.map(({ sampleNo }) => sampleNo),
    );
    const answers = [...refusals];
    for (const item of readable) {
      const decision = decide(tried.get(item.sampleNo) ?? null, reporterId, item.reading, now);
      if (decision.outcome === 'accepted') tried.set(item.sampleNo, decision.held);
      answers[item.place] = answerTo(item, decision);
    }
    const settled = answers.filter((answer) => answer !== null).map((answer): Answer => ({ ...answer, sandbox: true }));
    await this.trials.keep(tx, reporterId, { tried, answers: settled, now });
    return settled;
  }

  /** Runs a use case, again if PostgreSQL chose it as the victim of a deadlock: two senders of the same new results can meet so. */
  async inTransaction<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.db.transaction(work);
      } catch (problem) {
        if (attempt === DEADLOCK_ATTEMPTS || !isDeadlock(problem)) throw problem;
      }
    }
  }

  /** Is it, or may it still be, objected to in its case? The caller holds the lock of its row. */
  async isOpenToObjections(tx: EntityManager, { reporterId, sampleNo }: ResultName): Promise<boolean> {
    return (await openToObjections(tx, { reporterId, now: this.clock.now() }, [sampleNo])).has(sampleNo);
  }

  /** Changes one result by something other than what its reporter sends, under the lock of its row. `by`: who, where it is not its reporter. */
  async change(
    tx: EntityManager,
    { reporterId, sampleNo }: ResultName,
    to: (held: HeldResult) => Changed | Promise<Changed>,
    by?: ChangedBy,
  ): Promise<void> {
    const stored = (await lockStored(tx, reporterId, [sampleNo])).get(sampleNo);
    if (!stored) throw new SamplingResultUnknown();
    const { held, announcements } = await to(stored.held);
    if (held !== stored.held) await write(tx, [rowOf({ held, carried: stored.carried })], [sampleNo]);
    await this.outbox.add(
      tx,
      announcements.map(({ type, data }) => event<object>(type, data)),
    );
    const now = this.clock.now();
    const step = publicationStep(stored.held, held, by ?? reportedBy(reporterId, held.reportedRevision, now));
    const endServiceOf = endsService(stored.held, held) ? [sampleNo] : [];
    await followInCases(tx, this.outbox, { reporterId, now }, { steps: step ? [step] : [], endServiceOf });
  }

  private async acceptTogether(tx: EntityManager, requests: readonly Request[]): Promise<Answer[][]> {
    const answers = new Map<Request, Answer[]>();
    const byReporter = Map.groupBy(requests, ({ reporterId }) => reporterId);
    for (const [reporterId, own] of [...byReporter].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const submitted = own.flatMap((request) => request.submitted);
      const all = await this.accept(tx, reporterId, submitted, { channel: 'HTTP' });
      let from = 0;
      for (const request of own) answers.set(request, all.slice(from, (from += request.submitted.length)));
    }
    return requests.map((request) => answers.get(request) ?? []);
  }

  private async apply(tx: EntityManager, bySampleNo: ReadonlyMap<string, readonly ReadableItem[]>, context: Context): Promise<Placed[]> {
    const placed: Placed[] = [];
    let open = [...bySampleNo.keys()];
    for (let pass = 1; open.length > 0; pass += 1) {
      if (pass > PASSES_MAX) throw new Error('A locked row could not be written');
      const stored = await lockStored(tx, context.reporterId, open);
      const pairs = await pairsOf(
        tx,
        open.flatMap((sampleNo) => toCompare(stored.get(sampleNo), bySampleNo.get(sampleNo) ?? [])),
        context,
      );
      const objected = await openToObjections(
        tx,
        context,
        open.filter((sampleNo) => isToGoFurther(stored.get(sampleNo), bySampleNo.get(sampleNo) ?? [])),
      );
      const compared = { ...context, pairs, objected };
      const folds = open.map((sampleNo) => fold(stored.get(sampleNo) ?? null, bySampleNo.get(sampleNo) ?? [], compared));
      const rows = folds.flatMap(({ row }) => row ?? []);
      const written = await write(tx, rows, [...stored.keys()]);
      // Not written: someone else has just created the row. The next pass sees it, decides anew and announces that instead.
      open = rows.filter((row) => !written.has(row.sample_no)).map((row) => row.sample_no);
      const done = folds.filter(({ row }) => !row || written.has(row.sample_no));
      await this.outbox.add(
        tx,
        done.flatMap(({ events }) => events),
      );
      await keepWaiting(
        tx,
        done.flatMap(({ waiting }) => waiting),
      );
      await keepCompared(tx, this.outbox, done, context);
      const steps = done.flatMap((one) => one.steps);
      const endServiceOf = done.flatMap((one) => one.endsServiceOf ?? []);
      await followInCases(tx, this.outbox, context, { steps, endServiceOf });
      placed.push(...done.flatMap(({ answers }) => answers));
    }
    return placed;
  }

  private count(answers: readonly Answer[], channel: Channel): void {
    for (const { outcome, errors, unknownFields } of answers) {
      this.submissions.inc({ channel, outcome, code: errors[0]?.code ?? '' });
      if (unknownFields.length > 0) this.unknownFields.inc({ channel }, unknownFields.length);
    }
  }

  private async keepRejections(tx: EntityManager, answers: readonly Answer[], { reporterId, channel, now }: Context): Promise<void> {
    const byKey = new Map<string, object>();
    for (const { sampleNo, revision, errors, outcome } of answers) {
      if (outcome !== 'rejected' || sampleNo === null) continue;
      const row = { reporter_id: reporterId, sample_no: sampleNo, revision: revision ?? 0, channel, errors, rejected_at: now };
      byKey.set(`${sampleNo}\n${row.revision}`, row);
    }
    if (byKey.size === 0) return;
    await tx.query(
      `INSERT INTO intake_rejections
       SELECT * FROM jsonb_populate_recordset(NULL::intake_rejections, $1::jsonb) ORDER BY sample_no, revision
       ON CONFLICT (reporter_id, sample_no, revision)
       DO UPDATE SET channel = EXCLUDED.channel, errors = EXCLUDED.errors, rejected_at = EXCLUDED.rejected_at`,
      [JSON.stringify([...byKey.values()])],
    );
  }
}

type Changed = Pick<Accepted, 'held' | 'announcements'>;

/** Over HTTP, from one reporter. */
interface Request {
  readonly reporterId: string;
  readonly submitted: readonly Submitted[];
}

interface Context extends Origin {
  readonly reporterId: string;
  readonly now: Date;
}

/** With the pair that each report is the later one of, and the results that are or may still be objected to. */
interface Compared extends Context {
  readonly pairs: ReadonlyMap<Item, Pair>;
  readonly objected: ReadonlySet<string>;
}

interface Item {
  readonly submitted: Submitted;
  readonly place: number;
  readonly sampleNo: string | null;
  readonly revision: number | null;
  readonly reading: Reading;
  readonly unknownFields: readonly string[];
}
type ReadableItem = Item & { readonly sampleNo: string; readonly reading: Reading & { ok: true } };

interface Placed {
  readonly place: number;
  readonly answer: Answer;
}

function itemOf(submitted: Submitted, place: number, now: Date): Item {
  const reading = submitted.kind === 'REPORT' ? readReport(submitted.input, now) : readRetraction(submitted.input);
  const unknownFields = (submitted.unknownFields ?? reading.unknownFields).slice(0, UNKNOWN_FIELDS_MAX);
  if (!reading.ok) {
    const { name, revision } = namedIn(submitted.input, 'sampleNo');
    return { submitted, place, reading, unknownFields, sampleNo: name, revision };
  }
  const { submission } = reading;
  const sampleNo = submission.kind === 'REPORT' ? submission.report.sampleNo : submission.sampleNo;
  return { submitted, place, reading, unknownFields, sampleNo, revision: submission.revision };
}

const isReadable = (item: Item): item is ReadableItem => item.reading.ok;

function grouped(items: readonly ReadableItem[]): Map<string, ReadableItem[]> {
  const groups = new Map<string, ReadableItem[]>();
  for (const item of items) {
    const group = groups.get(item.sampleNo);
    if (group) group.push(item);
    else groups.set(item.sampleNo, [item]);
  }
  return groups;
}

function refusalOf({ reading, sampleNo, revision, unknownFields }: Item): Answer | null {
  if (reading.ok) return null;
  return { sampleNo, outcome: 'rejected', revision, warnings: [], errors: reading.findings, unknownFields };
}

const waitingOf = (reporterId: string, { sampleNo, reading }: ReadableItem, undoes: Waiting['undoes'], since: Date): Waiting => ({
  reporterId,
  sampleNo,
  submission: reading.submission,
  undoes,
  since,
});

interface Fold {
  readonly row: StoredRow | null;
  /** What became of the last comparison with others, where there was one. */
  readonly compared: { readonly sampleNo: string; readonly isStored: boolean; readonly pair: Pair | null } | null;
  readonly waiting: readonly Waiting[];
  /** Of its way to the public. */
  readonly steps: readonly PublicationStep[];
  /** Its sampleNo, where its parties have not to be told any more that it failed. */
  readonly endsServiceOf: string | null;
  readonly events: OutgoingEvent[];
  readonly answers: Placed[];
}

/** Applies all submissions of one sampleNo in their order, to be written once. */
function fold(stored: Stored | null, items: readonly ReadableItem[], context: Compared): Fold {
  const events: OutgoingEvent[] = [];
  const answers: Placed[] = [];
  const waiting: Waiting[] = [];
  const steps: PublicationStep[] = [];
  let current = stored;
  let compared: Fold['compared'] = null;
  for (const item of items) {
    const held = current?.held ?? null;
    const pair = isToCompare(held, item) ? (context.pairs.get(item) ?? null) : null;
    const isOpenToObjections = context.objected.has(item.sampleNo);
    const sound = { ...item.reading, alike: pair && subjectOf(pair.earlier), isOpenToObjections };
    const decision = decide(held, context.reporterId, sound, context.now);
    answers.push({ place: item.place, answer: answerTo(item, decision) });
    if (decision.outcome !== 'accepted') continue;
    if (isSettledBy(decision, held, item)) compared = { sampleNo: item.sampleNo, isStored: stored !== null, pair };
    current = { held: decision.held, carried: carriedBy(item, current?.carried ?? null, context) };
    if (decision.undoes) waiting.push(waitingOf(context.reporterId, item, decision.undoes, context.now));
    const by = reportedBy(context.reporterId, decision.held.reportedRevision, context.now);
    steps.push(...[publicationStep(held, decision.held, by)].filter((step) => step !== null));
    const { causedBy, traceparent } = item.submitted;
    const options = { ...(causedBy && { causedBy }), ...(traceparent && { traceparent }) };
    events.push(...decision.announcements.map(({ type, data }) => event<object>(type, data, options)));
  }
  const after = current?.held ?? null;
  const endsServiceOf = endsService(stored?.held ?? null, after) ? (after?.sampleNo ?? null) : null;
  return { row: current && current !== stored ? rowOf(current) : null, compared, waiting, steps, endsServiceOf, events, answers };
}

/** Before anybody is told of a result, and when it comes to be of other goods. */
function isToCompare(held: HeldResult | null, { reading: { submission } }: ReadableItem): boolean {
  if (submission.kind === 'RETRACTION') return false;
  const { report, batchKey } = submission;
  return !isAnnounced(held) || held?.batchKey !== batchKey || !isDeepStrictEqual(held?.state?.product, report.product);
}

/** A retraction leaves nothing to compare. What waits for another ruling is not compared before that. */
function isSettledBy({ held, undoes = [] }: Accepted, before: HeldResult | null, item: ReadableItem): boolean {
  if (undoes.length > 0 || held.mergedInto !== null) return false;
  return item.reading.submission.kind === 'RETRACTION' || isToCompare(before, item);
}

function toCompare(stored: Stored | undefined, items: readonly ReadableItem[]): ReadableItem[] {
  const isRetracted = items.some(({ reading }) => reading.submission.kind === 'RETRACTION');
  return items.filter((item) => isToCompare(isRetracted ? null : (stored?.held ?? null), item));
}

const isToGoFurther = (stored: Stored | undefined, items: readonly ReadableItem[]): boolean =>
  stored !== undefined && items.some(({ reading }) => goesFurther(stored.held, reading.submission));

/**
 * Of these results those with an objection under way, or time left for one: whoever was served has 15 days. Whoever takes a step in a case
 * holds the lock of its result, as the caller does.
 */
async function openToObjections(
  tx: EntityManager,
  { reporterId, now }: Pick<Context, 'reporterId' | 'now'>,
  sampleNos: readonly string[],
): Promise<Set<string>> {
  if (sampleNos.length === 0) return new Set();
  const rows: { sampleNo: string }[] = await tx.query(
    `SELECT sample_no AS "sampleNo" FROM sampling_case_tracks
     WHERE reporter_id = $1 AND sample_no = ANY($2::text[]) AND track = 'OBJECTION' AND state <> ALL($3)
     UNION
     SELECT sample_no FROM sampling_case_clocks
     WHERE reporter_id = $1 AND sample_no = ANY($2::text[]) AND clock = 'OBJECTION' AND stopped_on IS NULL AND due_on >= $4::date`,
    [reporterId, sampleNos, ENDED, dayInChina(now)],
  );
  return new Set(rows.map(({ sampleNo }) => sampleNo));
}

async function pairsOf(tx: EntityManager, items: readonly ReadableItem[], { reporterId, channel }: Context): Promise<Map<Item, Pair>> {
  const way = wayOf(channel);
  const asked = items.flatMap((item): [ReadableItem, Asked][] => {
    const { sampleNo, reading } = item;
    if (reading.submission.kind !== 'REPORT') return [];
    const { report: facts, batchKey = NO_BATCH } = reading.submission;
    return [[item, { reporterId, sampleNo, way, facts, batchKey }]];
  });
  const pairs = await findPairs(
    tx,
    asked.map(([, one]) => one),
  );
  return new Map(asked.flatMap(([item], place) => (pairs[place] ? [[item, pairs[place]] as const] : [])));
}

async function keepCompared(tx: EntityManager, outbox: Outbox, folds: readonly Fold[], { reporterId, now }: Context): Promise<void> {
  const compared = folds.flatMap((one) => one.compared ?? []);
  await lapse(
    tx,
    outbox,
    reporterId,
    compared.flatMap(({ isStored, sampleNo }) => (isStored ? [sampleNo] : [])),
  );
  await keepPairs(
    tx,
    outbox,
    compared.flatMap(({ pair }) => pair ?? []),
    now,
  );
}

function answerTo({ sampleNo, revision, unknownFields }: ReadableItem, decision: Decision): Answer {
  const { outcome } = decision;
  if (outcome === 'rejected') return { sampleNo, outcome, revision, warnings: [], errors: decision.findings, unknownFields };
  const { status, acceptedAt, warnings } = decision.held;
  return { sampleNo, outcome, revision, status, acceptedAt, warnings, errors: [], unknownFields };
}

function carriedBy({ submitted, reading, unknownFields }: ReadableItem, before: Carried | null, { channel, importId }: Context): Carried {
  const { submission } = reading;
  const report = submission.kind === 'REPORT' ? submission.report : null;
  return {
    channel,
    import_id: importId ?? null,
    unknown_fields: unknownFields,
    order_no: report ? (report.online?.orderNo ?? null) : (before?.order_no ?? null),
    reported_at: report ? (report.reportedAt ?? null) : (before?.reported_at ?? null),
    other_columns: submitted.otherColumns ?? (report ? null : (before?.other_columns ?? null)),
  };
}

function isDeadlock(problem: unknown): boolean {
  const driver: unknown = problem instanceof QueryFailedError ? problem.driverError : null;
  return driver instanceof Error && 'code' in driver && driver.code === '40P01';
}
