/** What inspection holds of a result, what comes in about it and what is said of it: the shapes that its rules and its decisions share. */
import type {
  SamplingNoticeWithdrawn,
  SamplingResultNotified,
  SamplingResultPublished,
  SamplingResultReported,
  SamplingResultWithdrawn,
} from '@jinqiao/contracts';
import type { Finding } from '@jinqiao/schema';

// WAITING: nothing was announced of it yet, a person has to say first whether another result reports the same.
export const STATUSES = ['NOTIFIED', 'PUBLISHED', 'WITHDRAWN', 'WAITING'] as const;
export type Status = (typeof STATUSES)[number];

export interface ResultName {
  readonly reporterId: string;
  readonly sampleNo: string;
}

/** What inspection holds of one result of one reporter. */
export interface HeldResult extends ResultName {
  readonly status: Status;
  /** Of the published series; 0 = nothing was ever announced. */
  readonly revision: number;
  readonly reportedRevision: number;
  readonly reportedHash: string;
  /** Reported revisions up to this one were taken over from our own topics: what their senders wrote is not known any more. */
  readonly restoredRevision: number | null;
  /** When `reportedRevision` was accepted. */
  readonly acceptedAt: string;
  /** The last state announced; null when nothing was, because it waits or was retracted before it ever came. */
  readonly state: SamplingResultPublished | null;
  readonly withdrawal: { readonly reason: string; readonly withdrawnAt: string } | null;
  /** Subject of the result that stands in its place, because both report the same. */
  readonly mergedInto: string | null;
  /** Of the state, or of what waits (see batch.ts); null when it was stored before there were any. */
  readonly batchKey: string | null;
  readonly warnings: readonly Finding[];
}

/** Is somebody told of it at the moment? */
export const isAnnounced = (held: Pick<HeldResult, 'status'> | null): boolean =>
  held?.status === 'NOTIFIED' || held?.status === 'PUBLISHED';

/** A report or a retraction that is right in itself, with the hash of its content. */
export type Submission =
  | {
      readonly kind: 'REPORT';
      readonly report: SamplingResultReported;
      readonly revision: number;
      readonly hash: string;
      /** Absent of what has waited since before there were any. */
      readonly batchKey?: string;
    }
  | { readonly kind: 'RETRACTION'; readonly reason: string; readonly sampleNo: string; readonly revision: number; readonly hash: string };

export type Announcement =
  | { readonly type: typeof SamplingResultNotified; readonly data: SamplingResultNotified }
  | { readonly type: typeof SamplingResultPublished; readonly data: SamplingResultPublished }
  | { readonly type: typeof SamplingNoticeWithdrawn; readonly data: SamplingNoticeWithdrawn }
  | { readonly type: typeof SamplingResultWithdrawn; readonly data: SamplingResultWithdrawn };
