import type { EntitlementState } from '@jinqiao/contracts';
import type { Received } from '@jinqiao/messaging';
import type { EntityManager } from 'typeorm';
import { addEntitlement, keepRevision } from './entitlement.service.js';

/** Every revision that was announced and is not known; the job then tells the broker. One by one, as they are few. */
export async function takeOverEntitlements(tx: EntityManager, said: readonly Received<object | null>[]): Promise<number> {
  let news = 0;
  for (const { data, type } of said as readonly Received<EntitlementState>[]) {
    const [known]: { revision: number }[] = await tx.query('SELECT revision FROM entitlements WHERE entitlement_id = $1 FOR UPDATE', [
      data.entitlementId,
    ]);
    if ((known?.revision ?? 0) >= data.revision) continue;
    if (!known) await addEntitlement(tx, data);
    await keepRevision(tx, type, data);
    news += 1;
  }
  return news;
}
