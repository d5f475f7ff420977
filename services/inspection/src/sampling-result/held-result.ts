/** What inspection holds of a result, what comes in about it and what is said of it: the shapes that its rules and its decisions share. */
import type {
  SamplingNoticeWithdrawn,
  SamplingResultNotified,
  SamplingResultPublished,
  SamplingResultReported,
  SamplingResultWithdrawn,
} from '@jinqiao/contracts';
import type { Finding } from '@jinqiao/schema';

export const STATUSES = ['NOTIFIED', 'PUBLISHED', 'WITHDRAWN'] as const;
export type Status = (typeof STATUSES)[number];

/** What inspection holds of one result of one reporter. */
export interface HeldResult {
  readonly reporterId: string;
  readonly sampleNo: string;
  readonly status: Status;
  /** Of the published series; 0 = nothing was ever announced. */
  readonly revision: number;
  readonly reportedRevision: number;
  readonly reportedHash: string;
  /** Reported revisions up to this one were taken over from our own topics: what their senders wrote is not known any more. */
  readonly restoredRevision: number | null;
  /** When `reportedRevision` was accepted. */
  readonly acceptedAt: string;
  /** The last state announced; null when the result was retracted before it ever came. */
  readonly state: SamplingResultPublished | null;
  readonly withdrawal: { readonly reason: string; readonly withdrawnAt: string } | null;
  readonly warnings: readonly Finding[];
}

/** A report or a retraction that is right in itself, with the hash of its content. */
export type Submission =
  | { readonly kind: 'REPORT'; readonly report: SamplingResultReported; readonly revision: number; readonly hash: string }
  | { readonly kind: 'RETRACTION'; readonly reason: string; readonly sampleNo: string; readonly revision: number; readonly hash: string };

export type Announcement =
  | { readonly type: typeof SamplingResultNotified; readonly data: SamplingResultNotified }
  | { readonly type: typeof SamplingResultPublished; readonly data: SamplingResultPublished }
  | { readonly type: typeof SamplingNoticeWithdrawn; readonly data: SamplingNoticeWithdrawn }
  | { readonly type: typeof SamplingResultWithdrawn; readonly data: SamplingResultWithdrawn };
