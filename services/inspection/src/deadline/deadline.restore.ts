import type { DeadlineOverdue } from '@jinqiao/contracts';
import type { Received } from '@jinqiao/messaging';
import type { EntityManager } from 'typeorm';
import { ALL_DUTIES } from './all-duties.js';

/** What was raised and a database that was set back has forgotten is not raised again. */
export async function takeOverOverdue(tx: EntityManager, said: readonly Received<object | null>[]): Promise<number> {
  const raised = (said as readonly Received<DeadlineOverdue>[]).map(({ data }) => data);
  let taken = 0;
  for (const duties of ALL_DUTIES) taken += await duties.takeOver(tx, raised);
  return taken;
}
