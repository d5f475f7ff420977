/**
 * The ledger of deliveries: what was told, where it went and what was answered, as entries that are only ever added. Entries are leaves
 * of one Merkle tree, a head vouches for all of them so far, and each head names the one before it: whoever keeps a head can tell whether
 * anything before it was changed, left out or put in, without seeing what concerns others.
 */
import type { AnswerStatus, FeedbackIssued, FeedbackWithdrawn, LedgerHeadSigned } from '@jinqiao/contracts';
import { addDays, dayInChina } from '@jinqiao/law';
import { canonicalForm, canonicalHash, DomainError } from '@jinqiao/schema';
import type { JWK } from 'jose';
import { deliveredUnder, type DeliveredUnder } from '../entitlement/entitlement.js';

interface AboutFeedback {
  readonly feedbackId: string;
  readonly feedbackRevision: number;
  readonly recipientId: string;
  /** RFC 3339. */
  readonly at: string;
}

/** Entries that were added before deliveries named what entitles to them say nothing of it. */
type AboutDelivery = AboutFeedback & Partial<DeliveredUnder>;

/** A revision of a feedback was issued, with this content. */
export interface Told extends AboutDelivery {
  readonly kind: 'TOLD';
  readonly contentHash: string;
}
/** The broker keeps it on the recipient's topic, acknowledged by all replicas in sync. */
export interface Published extends AboutDelivery {
  readonly kind: 'PUBLISHED';
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
}
/** A webhook was sent; `outcome` says what came of it, `status` what the endpoint answered, if it did. */
export interface Attempted extends AboutDelivery {
  readonly kind: 'ATTEMPTED';
  readonly attempt: number;
  readonly outcome: string;
  readonly status?: number;
}
/** The recipient said that it has what it pulled. */
export interface Acknowledged extends AboutDelivery {
  readonly kind: 'ACKNOWLEDGED';
}
/** The recipient answered it. */
export interface Answered extends AboutFeedback {
  readonly kind: 'ANSWERED';
  readonly revision: number;
  readonly status: AnswerStatus;
  readonly contentHash: string;
  readonly superseded: boolean;
  /** RFC 7638 thumbprint of the recipient's key that signed it; absent = the recipient did not sign. */
  readonly signedBy?: string;
}
/** Everything up to this revision was erased: the time to keep it had passed. What is told of it later begins anew. */
export interface Erased extends AboutFeedback {
  readonly kind: 'ERASED';
  readonly at: string;
}
/** The recipient was given this many revisions to read: these positions of its series, or records of a stream it was granted. */
export interface Pulled {
  readonly kind: 'PULLED';
  readonly recipientId: string;
  readonly entitlementIds: readonly string[];
  /** Of the grant; what a series holds has purposes of its own. */
  readonly purpose?: string;
  readonly records: number;
  readonly from?: number;
  readonly to?: number;
  readonly stream?: string;
  readonly at: string;
}
/** What the recipient holds was compared with what it was told. */
export interface Reconciled {
  readonly kind: 'RECONCILED';
  readonly recipientId: string;
  readonly entitlementIds: readonly string[];
  readonly reconciliationId: string;
  readonly at: string;
}
/** By this grant the broker lets the recipient read the stream, or lets it no more. */
export interface AccessChanged extends DeliveredUnder {
  readonly kind: 'OPENED' | 'CLOSED';
  readonly recipientId: string;
  readonly stream: string;
  readonly at: string;
}
/** The database was set back behind this head, which stays published; the ledger goes on from what was left. */
export interface SetBack {
  readonly kind: 'SET_BACK';
  readonly head: LedgerHeadSigned;
  readonly at: string;
}

export type Entry = Told | Published | Attempted | Acknowledged | Answered | Pulled | Reconciled | AccessChanged | Erased | SetBack;

export const toldEntry = ({
  feedbackId,
  revision,
  recipientId,
  kind,
  contentHash,
  issuedAt,
}: FeedbackIssued | FeedbackWithdrawn): Told => ({
  kind: 'TOLD',
  feedbackId,
  feedbackRevision: revision,
  recipientId,
  ...deliveredUnder(recipientId, kind),
  contentHash,
  at: issuedAt,
});

/** What is hashed of an entry and kept of it: its RFC 8785 form. */
export const written = (entry: Entry): string => canonicalForm(entry);

/** The head before, as far as the next one depends on it. */
export type LastHead = LedgerHeadSigned | null;

export type UnsignedHead = Omit<LedgerHeadSigned, 'signature'>;

/**
 * The day that has to be closed now, or null. A day is closed by the first look at the ledger after its midnight in China; days on which
 * nobody looked are closed together, by the last of them.
 */
export function dayToClose(last: LastHead, now: Date): string | null {
  const yesterday = addDays(dayInChina(now), -1);
  const isClosed = last !== null && last.date >= yesterday && dayInChina(new Date(last.signedAt)) > yesterday;
  return isClosed ? null : yesterday;
}

export function nextHead(last: LastHead, tree: { size: number; root: Buffer }, date: string, now: Date): UnsignedHead {
  return {
    date,
    revision: last?.date === date ? last.revision + 1 : 1,
    size: tree.size,
    rootHash: tree.root.toString('hex'),
    ...(last && { previousHash: hashOfHead(last) }),
    signedAt: now.toISOString(),
  };
}

export const hashOfHead = (head: LedgerHeadSigned): string => canonicalHash(head);

/** A head by its date and number; without a number the last one of that date. */
export interface HeadName {
  readonly date: string;
  readonly revision?: number | undefined;
}

/**
 * That a later head follows from an earlier one: the entries of the first are still there, unchanged, and nothing was put between them.
 * `npm run verify-evidence -- --heads FILE` checks it.
 */
export interface Consistency {
  readonly format: 'jinqiao-consistency-1';
  readonly first: LedgerHeadSigned;
  readonly second: LedgerHeadSigned;
  /** Lower-case hex (RFC 9162 §2.1.4). */
  readonly path: readonly string[];
  /** Public keys of the exchange that signed heads. */
  readonly keys: readonly JWK[];
}

export class HeadUnknown extends DomainError {
  constructor(pointer: '/from' | '/to') {
    super('HEAD_UNKNOWN', 404, { zh: '没有这个账本头', en: 'No such head of the ledger was signed' }, [
      { code: 'HEAD_UNKNOWN', pointer, message: 'GET /api/exchange/ledger/heads lists them.' },
    ]);
  }
}

/** Whoever kept such a head has the proof that entries are gone; the ledger says so itself. */
export class HeadLost extends DomainError {
  constructor(pointer: '/from' | '/to') {
    super(
      'HEAD_LOST',
      409,
      {
        zh: '数据库曾回退，该账本头所证条目已不完整',
        en: 'The database was set back behind this head: not all of its entries are here any more',
      },
      [{ code: 'HEAD_LOST', pointer, message: 'An entry SET_BACK of the ledger names it.' }],
    );
  }
}

export class HeadsReversed extends DomainError {
  constructor() {
    super('HEADS_REVERSED', 422, { zh: '起止账本头顺序颠倒', en: 'The second head covers less than the first' }, [
      { code: 'HEADS_REVERSED', pointer: '/to', message: 'Name the earlier head as from.' },
    ]);
  }
}
