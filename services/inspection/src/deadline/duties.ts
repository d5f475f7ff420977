import type { DeadlineOverdue } from '@jinqiao/contracts';
import type { DeadlineSource } from '@jinqiao/platform';
import type { EntityManager } from 'typeorm';

export type Overdue = Omit<DeadlineOverdue, 'revision' | 'raisedAt' | 'departmentId'> & { readonly departmentId: string | null };

/** The clocks of one slice. */
export interface Duties {
  /** The table they are in; of its columns `started_on, due_on, first_due_on, provisional, rule_version, stopped_on` mean the same everywhere. */
  readonly table: string;
  /** Where they can be paused the table has columns `pauses, extensions` and `paused` as well. */
  readonly listed: DeadlineSource;
  /** Marks as said what is overdue and was not said yet, `limit` of it at most, and gives it back. */
  readonly raise: (tx: EntityManager, now: Date, limit: number) => Promise<Overdue[]>;
  /** Marks what was said and a database that was set back has forgotten. Gives back how much that was. */
  readonly takeOver: (tx: EntityManager, said: readonly DeadlineOverdue[]) => Promise<number>;
}
