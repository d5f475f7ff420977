import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { OutboxRow, OutboxRows } from './relaying.js';

/** A record the broker refused; later events of its key wait behind it. */
export interface ParkedKey {
  readonly seq: string;
  readonly topic: string;
  readonly key: string | null;
  readonly parkedAt: Date;
  readonly reason: string;
}

/** The outbox and its lease, as the relay reads and clears them. */
@Injectable()
export class OutboxTable implements OutboxRows {
  constructor(private readonly db: DataSource) {}

  async lead(holder: string, leaseMs: number): Promise<boolean> {
    const rows: unknown[] = await this.db.query(
      `INSERT INTO relay_leases AS lease (name, holder, expires_at) VALUES ('outbox', $1, clock_timestamp() + $2 * interval '1 ms')
       ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
         WHERE lease.holder = excluded.holder OR lease.expires_at < clock_timestamp()
       RETURNING name`,
      [holder, leaseMs],
    );
    return rows.length > 0;
  }

  async resign(holder: string): Promise<void> {
    await this.db.query('DELETE FROM relay_leases WHERE holder = $1', [holder]);
  }

  async next(rows: number, besides: readonly string[], heldTopics: readonly string[]): Promise<OutboxRow[]> {
    return this.db.query('SELECT * FROM next_of_outbox($1, $2, $3)', [rows, heldTopics, besides]);
  }

  async remove(seqs: readonly string[], holder: string): Promise<number> {
    const removed: [unknown[], number] = await this.db.query(
      `DELETE FROM outbox WHERE seq = ANY($1::bigint[])
       AND EXISTS (SELECT FROM relay_leases WHERE name = 'outbox' AND holder = $2 AND expires_at > clock_timestamp())`,
      [seqs, holder],
    );
    return removed[1];
  }

  async park(seq: string, reason: string): Promise<void> {
    await this.db.query('UPDATE outbox SET parked_at = clock_timestamp(), parked_reason = $2 WHERE seq = $1', [seq, reason]);
  }

  /** What the broker refused, oldest first, at most 200. */
  async parked(): Promise<ParkedKey[]> {
    return this.db.query(
      `SELECT seq, topic, key, parked_at AS "parkedAt", parked_reason AS reason FROM outbox WHERE parked_at IS NOT NULL ORDER BY seq LIMIT 200`,
    );
  }

  async unpark(topic: string, key: string): Promise<number> {
    const freed: [unknown[], number] = await this.db.query(
      'UPDATE outbox SET parked_at = NULL, parked_reason = NULL WHERE topic = $1 AND key = $2 AND parked_at IS NOT NULL',
      [topic, key],
    );
    return freed[1];
  }
}
