import { createHash } from 'node:crypto';
import type { EntityManager } from 'typeorm';

const LOCKS = 1_024;

/**
 * Two rows that must see each other (an alias and a feedback waiting for it) take the same lock for the rest of the transaction.
 * Keys hash to 1,024 numbers, taken in sorted order, so any two transactions meet in the same order and cannot deadlock on them.
 */
export async function lockKeys(tx: EntityManager, namespace: string, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  const numbers = [...new Set(keys.map((key) => lockNumber(key)))].sort((a, b) => a - b);
  // Locks are taken in the order the rows are read; the array keeps it.
  await tx.query(`SELECT pg_advisory_xact_lock(hashtext($1), number) FROM unnest($2::int[]) AS number`, [namespace, numbers]);
}

const lockNumber = (key: string): number => createHash('sha256').update(key).digest().readUInt16BE(0) % LOCKS;
