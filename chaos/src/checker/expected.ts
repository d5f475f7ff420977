import type { Entry, MerchantChange, Operation, Outcome, Receipt, Report, Retraction, Via } from '../history.js';
import { groupedBy } from './topics.js';

/** An operation with what its sender was told in the end. `open`: the sender gave up before it knew. */
export interface Told<O extends Operation = Operation> {
  readonly operation: O;
  readonly via: Via;
  readonly fate: 'applied' | 'refused' | 'open';
  readonly code: string | undefined;
  /** When it was first sent, and last answered: 0 = never. */
  readonly askedAt: number;
  readonly answeredAt: number;
  /**
   * Accepted while a backup of its service was already taken that the database was set back to, and in nothing that is read again. Steps
   * of sheets, cases and recalls are: inspection keeps them on topics of its own (ADR-0020).
   */
  readonly lostWithBackup: boolean;
}

export type State = 'NOTIFIED' | 'PUBLISHED' | 'WITHDRAWN' | 'WAITING';

/** What is decided about a result once it was reported. RECHECK: passed, by whoever sold it. */
export type Effect =
  | { readonly kind: 'VERDICT'; readonly verdict: Report['verdict'] }
  | { readonly kind: 'AUTHORSHIP'; readonly authorship: Authorship }
  | { readonly kind: 'RECHECK' }
  | { readonly kind: 'PUBLICATION'; readonly on: string }
  | { readonly kind: 'EMBARGO' }
  | { readonly kind: 'WITHDRAWAL' };
export type Authorship = 'UNDISPUTED' | 'DENIED' | 'NOT_ITS_PRODUCT';

/** How a result was taken in, and what was decided about it since. */
export interface Decided {
  readonly entered: 'AT_ONCE' | 'WAITS' | 'GIVEN_UP';
  readonly effects: readonly Effect[];
}
export const UNDECIDED: Decided = { entered: 'AT_ONCE', effects: [] };

/** What a revision of a result says. */
export interface Said extends Report {
  readonly authorship: Authorship;
  readonly rechecks: number;
}

/** What inspection has to announce of one result, by what was accepted. */
export interface Announced {
  readonly revision: number;
  readonly topic: 'inspection.sampling-result.v1' | 'inspection.sampling-notice.v1';
  readonly type: 'SamplingResultPublished' | 'SamplingResultNotified' | 'SamplingResultWithdrawn' | 'SamplingNoticeWithdrawn';
  readonly report: Said;
  readonly reportedRevision: number;
}

export interface Subject {
  readonly id: string;
  readonly sampleNo: string;
  readonly reporterId: string;
  readonly via: Via;
  readonly told: readonly Told<Report | Retraction>[];
}

/** Where a result has to stand once everything is caught up. */
export interface Final {
  readonly status: State;
  readonly reportedRevision: number;
  readonly announced: readonly Announced[];
}

export interface Asked {
  readonly told: readonly Told[];
  readonly subjects: ReadonlyMap<string, Subject>;
  readonly shops: ReadonlyMap<string, readonly Told<MerchantChange>[]>;
  readonly receipts: readonly Told<Receipt>[];
  readonly sent: number;
  readonly accepted: number;
}

/** Reads from the history what was asked of the system, and what it answered. */
export function askedIn(history: readonly Entry[]): Asked {
  const answers = groupedBy(
    history.filter((entry) => entry.entry === 'answer'),
    ({ call }) => String(call),
  );
  const setBacks = { inspection: setBacksOf(history, 'inspection'), credit: setBacksOf(history, 'credit') };
  const calls = history.filter((entry) => entry.entry === 'call' && entry.attempt === 1).filter((entry) => entry.entry === 'call');
  const told = calls.flatMap(({ at: askedAt, call, operations, via }) =>
    operations.map((operation, index): Told => {
      const own = answers.get(String(call)) ?? [];
      const answeredAt = own.at(-1)?.at ?? 0;
      return {
        operation,
        via,
        fate: fateOf(
          operation,
          own.map(({ outcomes }) => outcomes[index] ?? 'unknown'),
        ),
        code: own.at(-1)?.code,
        askedAt,
        answeredAt,
        lostWithBackup:
          via !== 'KAFKA' &&
          operation.kind !== 'ACT' &&
          setBacks[keeperOf(operation)].some(({ from, until }) => from <= answeredAt && answeredAt <= until),
      };
    }),
  );
  const results = told.flatMap(resultIn);
  const merchants = told.filter((one): one is Told<MerchantChange> => one.operation.kind === 'MERCHANT');
  return {
    told,
    subjects: new Map([...groupedBy(results, ({ operation }) => `${operation.reporterId}:${operation.sampleNo}`)].map(asSubject)),
    shops: groupedBy(merchants, ({ operation }) => `${operation.platformId}:${operation.shopId}`),
    receipts: told.filter((one): one is Told<Receipt> => one.operation.kind === 'RECEIPT'),
    sent: told.length,
    accepted: told.filter(({ fate }) => fate === 'applied').length,
  };
}

/** A sheet that is confirmed is reported by that. */
function resultIn(told: Told): Told<Report | Retraction>[] {
  const { operation } = told;
  if (operation.kind === 'REPORT' || operation.kind === 'RETRACTION') return [{ ...told, operation }];
  return operation.kind === 'ACT' && operation.enters ? [{ ...told, operation: operation.enters }] : [];
}

export const toldOf = <K extends Operation['kind']>({ told }: Asked, kind: K): Told<Extract<Operation, { kind: K }>>[] =>
  told.filter((one): one is Told<Extract<Operation, { kind: K }>> => one.operation.kind === kind);

const AT_CREDIT: readonly string[] = ['RECORD', 'RECORD_RETRACTION', 'REPAIR'];
const keeperOf = ({ kind }: Operation): 'inspection' | 'credit' => (AT_CREDIT.includes(kind) ? 'credit' : 'inspection');

/** From before the backup was taken until its database was set back to it. */
export function setBacksOf(history: readonly Entry[], service: string): { from: number; until: number }[] {
  const setBacks: { from: number; until: number }[] = [];
  let from = 0;
  for (const entry of history) {
    if (entry.entry === 'fault' && entry.phase === 'begins' && entry.kind === 'restore' && entry.target === service) from = entry.at;
    if (entry.entry === 'phase' && entry.phase === 'database set back' && entry.what === service) setBacks.push({ from, until: entry.at });
  }
  return setBacks;
}

/** These are taken once: whoever repeats one of them is refused because of what it did the first time. */
const TAKEN_ONCE: readonly string[] = ['ACT', 'RULING'];

function fateOf({ kind }: Operation, outcomes: readonly Outcome[]): Told['fate'] {
  if (outcomes.some((outcome) => outcome === 'accepted' || outcome === 'duplicate' || outcome === 'sent')) return 'applied';
  if (TAKEN_ONCE.includes(kind) && outcomes.includes('unknown')) return 'open';
  return outcomes.at(-1) === 'rejected' ? 'refused' : 'open';
}

function asSubject([id, told]: [string, Told<Report | Retraction>[]]): [string, Subject] {
  const [first] = told;
  const { reporterId = '', sampleNo = '' } = first?.operation ?? {};
  return [id, { id, sampleNo, reporterId, via: first?.via ?? 'HTTP', told }];
}

/**
 * `stored`: the reporter's revision in the table, which alone can say what became of an operation nobody was told about, and of a retraction
 * that announced nothing when the database was set back: what is in no event goes with it (ADR-0009).
 */
export function finalOf({ told }: Subject, stored: number | null, { entered, effects }: Decided = UNDECIDED): Final | null {
  const accepted = told.filter(({ fate, operation }) => fate === 'applied' || (fate === 'open' && operation.revision === stored));
  const announced: Announced[] = [];
  let status: State | null = null;
  let last: Said | null = null;
  let reportedRevision = 0;
  const announce = (type: Announced['type'], report: Said): void => {
    announced.push({ revision: announced.length + 1, topic: topicOf(type), type, report, reportedRevision });
  };
  const withdraw = (): void => {
    if (last && status === 'PUBLISHED') announce('SamplingResultWithdrawn', last);
    if (last && status === 'NOTIFIED') announce('SamplingNoticeWithdrawn', last);
    status = 'WITHDRAWN';
  };
  for (const { operation, lostWithBackup } of accepted) {
    const isForgotten = lostWithBackup && stored !== null && stored < operation.revision;
    if (operation.kind === 'RETRACTION' && status === 'WITHDRAWN' && isForgotten) continue;
    reportedRevision = operation.revision;
    if (entered !== 'AT_ONCE') {
      status = entered === 'WAITS' ? 'WAITING' : 'WITHDRAWN';
      continue;
    }
    if (operation.kind === 'RETRACTION') {
      withdraw();
      continue;
    }
    if (last && status === 'PUBLISHED' && !operation.published) announce('SamplingResultWithdrawn', last);
    last = { ...operation, authorship: 'UNDISPUTED', rechecks: 0 };
    announce(operation.published ? 'SamplingResultPublished' : 'SamplingResultNotified', last);
    status = operation.published ? 'PUBLISHED' : 'NOTIFIED';
  }
  for (const effect of effects) {
    // Of what is withdrawn nothing is announced any more.
    if (!last || status === 'WITHDRAWN') continue;
    if (effect.kind === 'WITHDRAWAL') {
      withdraw();
      continue;
    }
    if (effect.kind === 'PUBLICATION') status = 'PUBLISHED';
    if (effect.kind === 'EMBARGO') {
      announce('SamplingResultWithdrawn', last);
      status = 'NOTIFIED';
    }
    last = after(last, effect);
    announce(status === 'PUBLISHED' ? 'SamplingResultPublished' : 'SamplingResultNotified', last);
  }
  return status && { status, reportedRevision, announced };
}

const topicOf = (type: Announced['type']): Announced['topic'] =>
  type === 'SamplingResultPublished' || type === 'SamplingResultWithdrawn'
    ? 'inspection.sampling-result.v1'
    : 'inspection.sampling-notice.v1';

function after(said: Said, effect: Exclude<Effect, { kind: 'WITHDRAWAL' }>): Said {
  switch (effect.kind) {
    case 'VERDICT':
      return { ...said, verdict: effect.verdict };
    case 'AUTHORSHIP':
      return { ...said, authorship: effect.authorship };
    case 'RECHECK':
      return { ...said, rechecks: said.rechecks + 1 };
    case 'PUBLICATION':
      return { ...said, publishedOn: effect.on };
    case 'EMBARGO':
      return said;
  }
}
