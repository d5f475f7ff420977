/**
 * Evidence of one feedback: what was told, where it went, what was answered, and the way of each of these entries to a head of the ledger.
 * It is one text in RFC 8785 form, signed as a whole; `npm run verify-evidence` (tools/verify-evidence.mjs) needs nothing else and shares
 * no code with this.
 */
import type { FeedbackAnswered, FeedbackIssued, FeedbackKind, FeedbackWithdrawn, LedgerHeadSigned } from '@jinqiao/contracts';
import type { JWK } from 'jose';
import type { Answered, Entry, Told } from '../ledger/ledger.js';
import type { Proven } from '../ledger/ledger.service.js';

export type Said = FeedbackIssued | FeedbackWithdrawn;

export interface ProvenEntry {
  readonly seq: number;
  readonly entry: Entry;
  /** Place in `heads` of the first head that covers the entry. */
  readonly head: number;
  /** From the leaf up, lower-case hex (RFC 9162 §2.1.3). */
  readonly path: readonly string[];
}

export interface UnsignedEvidence {
  readonly format: 'jinqiao-evidence-1';
  readonly madeAt: string;
  readonly feedbackId: string;
  readonly recipientId: string;
  readonly kind: FeedbackKind;
  readonly subject: string;
  readonly told: readonly Said[];
  readonly answers: readonly FeedbackAnswered[];
  readonly entries: readonly ProvenEntry[];
  readonly heads: readonly LedgerHeadSigned[];
  /** Public keys of the exchange that signed heads and this. */
  readonly keys: readonly JWK[];
  /** Public keys with which the recipient signed answers. */
  readonly recipientKeys: readonly JWK[];
}

/** What was said and answered, as far as the ledger proves it: what came since the last head belongs into the next evidence. */
export function evidenceOf(
  proven: readonly Proven[],
  kept: { told: readonly Said[]; answers: readonly FeedbackAnswered[] },
): Pick<UnsignedEvidence, 'told' | 'answers' | 'entries' | 'heads'> {
  const entries = proven.map(({ entry }) => JSON.parse(entry) as Entry);
  const told = new Set(entries.filter(isTold).map(({ feedbackRevision }) => feedbackRevision));
  const answered = new Set(entries.filter(isAnswered).map(nameOf));
  const sizes = [...new Set(proven.map(({ head }) => head.size))];
  return {
    told: kept.told.filter(({ revision }) => told.has(revision)),
    answers: kept.answers.filter((answer) => answered.has(nameOf(answer))),
    entries: proven.map(({ seq, head, path }, nth) => ({
      seq,
      entry: entries[nth] as Entry,
      head: sizes.indexOf(head.size),
      path: path.map((hash) => hash.toString('hex')),
    })),
    heads: sizes.flatMap((size) => proven.find(({ head }) => head.size === size)?.head ?? []),
  };
}

const isTold = (entry: Entry): entry is Told => entry.kind === 'TOLD';
const isAnswered = (entry: Entry): entry is Answered => entry.kind === 'ANSWERED';
const nameOf = ({ feedbackRevision, revision }: { feedbackRevision: number; revision: number }): string =>
  `${feedbackRevision}#${revision}`;
