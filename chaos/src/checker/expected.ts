import type { Entry, MerchantChange, Operation, Outcome, Receipt, Report, Retraction, Via } from '../history.js';
import { groupedBy } from './topics.js';

/** An operation with what its sender was told in the end. `open`: the sender gave up before it knew. */
export interface Told<O extends Operation = Operation> {
  readonly operation: O;
  readonly via: Via;
  readonly fate: 'applied' | 'refused' | 'open';
  readonly code: string | undefined;
  /** Accepted while a backup of inspection was already taken that its database was set back to, and in nothing that is read again. */
  readonly lostWithBackup: boolean;
}

export type State = 'NOTIFIED' | 'PUBLISHED' | 'WITHDRAWN';

/** What inspection has to announce of one result, by what was accepted. */
export interface Announced {
  readonly revision: number;
  readonly topic: 'inspection.sampling-result.v1' | 'inspection.sampling-notice.v1';
  readonly type: 'SamplingResultPublished' | 'SamplingResultNotified' | 'SamplingResultWithdrawn' | 'SamplingNoticeWithdrawn';
  readonly report: Report;
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
  const setBacks = setBacksOf(history, 'inspection');
  const calls = history.filter((entry) => entry.entry === 'call' && entry.attempt === 1).filter((entry) => entry.entry === 'call');
  const told = calls.flatMap(({ call, operations, via }) =>
    operations.map((operation, index): Told => {
      const own = answers.get(String(call)) ?? [];
      const answeredAt = own.at(-1)?.at ?? 0;
      return {
        operation,
        via,
        fate: fateOf(own.map(({ outcomes }) => outcomes[index] ?? 'unknown')),
        code: own.at(-1)?.code,
        lostWithBackup: via !== 'KAFKA' && setBacks.some(({ from, until }) => from <= answeredAt && answeredAt <= until),
      };
    }),
  );
  const results = told.filter(
    (one): one is Told<Report | Retraction> => one.operation.kind === 'REPORT' || one.operation.kind === 'RETRACTION',
  );
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

/** From before the backup was taken until its database was set back to it. */
function setBacksOf(history: readonly Entry[], service: string): { from: number; until: number }[] {
  const setBacks: { from: number; until: number }[] = [];
  let from = 0;
  for (const entry of history) {
    if (entry.entry === 'fault' && entry.phase === 'begins' && entry.kind === 'restore' && entry.target === service) from = entry.at;
    if (entry.entry === 'phase' && entry.phase === 'database set back' && entry.what === service) setBacks.push({ from, until: entry.at });
  }
  return setBacks;
}

function fateOf(outcomes: readonly Outcome[]): Told['fate'] {
  if (outcomes.some((outcome) => outcome === 'accepted' || outcome === 'duplicate' || outcome === 'sent')) return 'applied';
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
export function finalOf({ told }: Subject, stored: number | null): Final | null {
  const accepted = told.filter(({ fate, operation }) => fate === 'applied' || (fate === 'open' && operation.revision === stored));
  const announced: Announced[] = [];
  let status: State | null = null;
  let last: Report | null = null;
  let reportedRevision = 0;
  for (const { operation, lostWithBackup } of accepted) {
    const isForgotten = lostWithBackup && stored !== null && stored < operation.revision;
    if (operation.kind === 'RETRACTION' && status === 'WITHDRAWN' && isForgotten) continue;
    reportedRevision = operation.revision;
    const announce = (type: Announced['type'], report: Report): void => {
      const topic =
        type === 'SamplingResultPublished' || type === 'SamplingResultWithdrawn'
          ? 'inspection.sampling-result.v1'
          : 'inspection.sampling-notice.v1';
      announced.push({ revision: announced.length + 1, topic, type, report, reportedRevision: operation.revision });
    };
    if (operation.kind === 'RETRACTION') {
      if (last && status === 'PUBLISHED') announce('SamplingResultWithdrawn', last);
      if (last && status === 'NOTIFIED') announce('SamplingNoticeWithdrawn', last);
      status = 'WITHDRAWN';
      continue;
    }
    if (last && status === 'PUBLISHED' && !operation.published) announce('SamplingResultWithdrawn', last);
    announce(operation.published ? 'SamplingResultPublished' : 'SamplingResultNotified', operation);
    status = operation.published ? 'PUBLISHED' : 'NOTIFIED';
    last = operation;
  }
  return status && { status, reportedRevision, announced };
}
