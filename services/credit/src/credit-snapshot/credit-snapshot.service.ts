import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { dayInChina } from '@jinqiao/law';
import { Clock, sign, type SigningKey, signingKeyOf } from '@jinqiao/platform';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { CreditConfig } from '../config.js';
import { theEnd } from '../credit-change/credit-change.js';
import { CreditChanges, cursorAt, RECORD_NOS_A_PAGE } from '../credit-change/credit-change.service.js';
import { type EntityState, factsOf } from '../credit-status/credit-status.js';
import { isDue, type KeptSnapshot, type Manifest, type SignedManifest, SnapshotUnknown, staying } from './credit-snapshot.js';

interface SnapshotRow extends KeptSnapshot {
  readonly snapshotId: string;
  readonly chunks: number;
  readonly manifest: SignedManifest;
  readonly signedBy: SigningKey['publicKey'];
}

export interface SnapshotContent {
  readonly manifest: SignedManifest;
  readonly stream: Readable;
}

/** Held by the process that builds, until it has built or its connection has ended. Any number. */
const BUILD_LOCK = 5_110_032;
const ENTITIES_A_CHUNK = 1_000;
const compressed = promisify(gzip);

/**
 * Builds snapshots and gives them out. The file lies in the database, in rows: every process can give it out, it is written in the
 * transaction that signs it, and it goes back with the database, together with the feed that it leads to. A directory would have to be
 * shared, and would not go back; large objects are outside of the rights and foreign keys of the rest.
 */
@Injectable()
export class CreditSnapshots implements OnModuleInit {
  private readonly log = new Logger(CreditSnapshots.name);
  private key: SigningKey;

  constructor(
    private readonly db: DataSource,
    private readonly changes: CreditChanges,
    private readonly clock: Clock,
    private readonly config: CreditConfig,
  ) {}

  async onModuleInit(): Promise<void> {
    this.key = await signingKeyOf(this.config.SNAPSHOT_SIGNING_KEY);
  }

  /**
   * Builds the snapshot of today where there is none; null = nothing to build, or not now. All of it is one transaction, which sees the
   * entities and the feed as of one moment; rows that die meanwhile in other tables are vacuumed after it.
   */
  async build(stopping?: AbortSignal): Promise<SignedManifest | null> {
    return this.alone((manager) =>
      manager.transaction('REPEATABLE READ', async (tx) => {
        const takenAt = this.clock.now();
        const today = dayInChina(takenAt);
        const series = await this.changes.series(tx);
        const kept = await this.kept(tx);
        if (!isDue(today, series.epoch, kept) || (await this.isBehind(tx, today))) return null;
        const snapshotId = randomUUID();
        const { chunks, ...content } = await this.write(tx, snapshotId, stopping);
        const unsigned: Manifest = {
          date: today,
          takenAt: takenAt.toISOString(),
          after: cursorAt(theEnd(series)),
          position: series.lastPosition,
          ...content,
        };
        const manifest: SignedManifest = { ...unsigned, signature: await sign(unsigned, this.key) };
        await tx.query('DELETE FROM credit_snapshots WHERE date = $1', [today]);
        await tx.query(
          `INSERT INTO credit_snapshots (snapshot_id, date, epoch, chunks, manifest, signed_by) VALUES ($1, $2, $3, $4, $5, $6)`,
          [snapshotId, today, series.epoch, chunks, manifest, this.key.publicKey],
        );
        return manifest;
      }),
    );
  }

  /** Erases what may not be given out any more; answers how many. */
  async eraseOld(): Promise<number> {
    return this.db.transaction(async (tx) => {
      const { epoch } = await this.changes.series(tx);
      const kept = await this.kept(tx);
      const stay = new Set(staying(this.clock.now(), epoch, kept).map(({ snapshotId }) => snapshotId));
      const going = kept.filter(({ snapshotId }) => !stay.has(snapshotId)).map(({ snapshotId }) => snapshotId);
      if (going.length > 0) await tx.query('DELETE FROM credit_snapshots WHERE snapshot_id = ANY ($1::uuid[])', [going]);
      return going.length;
    });
  }

  async list(): Promise<SignedManifest[]> {
    return (await this.givenOut()).map(({ manifest }) => manifest);
  }

  async get(date: string): Promise<SignedManifest> {
    return (await this.find(date)).manifest;
  }

  /** The file, read from the database part by part as the reader takes it. */
  async content(date: string): Promise<SnapshotContent> {
    const snapshot = await this.find(date);
    return { manifest: snapshot.manifest, stream: Readable.from(this.chunksOf(snapshot), { objectMode: false }) };
  }

  async keys(): Promise<SigningKey['publicKey'][]> {
    const keys = [this.key.publicKey, ...(await this.givenOut()).map(({ signedBy }) => signedBy)];
    return [...new Map(keys.map((key) => [key.kid, key])).values()];
  }

  /** One process at a time; null = another one is at it. A lock of the session, for a transaction that only waits would be ended. */
  private async alone<T>(work: (manager: EntityManager) => Promise<T>): Promise<T | null> {
    const runner = this.db.createQueryRunner();
    try {
      const [row] = (await runner.query('SELECT pg_try_advisory_lock($1) AS taken', [BUILD_LOCK])) as { taken: boolean }[];
      if (!row?.taken) return null;
      try {
        return await work(runner.manager);
      } finally {
        await runner.query('SELECT pg_advisory_unlock($1)', [BUILD_LOCK]);
      }
    } finally {
      await runner.release();
    }
  }

  /** Is a record public although its last day has passed? The clock will have ended it in a minute; a file would say it for days. */
  private async isBehind(tx: EntityManager, today: string): Promise<boolean> {
    const late: unknown[] = await tx.query(`SELECT FROM credit_records WHERE standing = 'PUBLIC' AND public_until < $1::date LIMIT 1`, [
      today,
    ]);
    if (late.length > 0) this.log.warn('the snapshot waits until every record whose last day has passed is ended');
    return late.length > 0;
  }

  /** Each chunk is a gzip member of its own (RFC 1952 §2.2), so no more than one is in memory. */
  private async write(
    tx: EntityManager,
    snapshotId: string,
    stopping?: AbortSignal,
  ): Promise<Pick<Manifest, 'entities' | 'bytes' | 'sha256'> & { chunks: number }> {
    const sum = createHash('sha256');
    let [entities, bytes, chunks] = [0, 0, 0];
    let page = await this.publicAfter(tx, '');
    // The first member is there in any case: an empty file is no gzip file.
    do {
      stopping?.throwIfAborted();
      const member = await compressed(page.map((entity) => `${JSON.stringify(factsOf(entity))}\n`).join(''));
      sum.update(member);
      entities += page.length;
      bytes += member.length;
      chunks += 1;
      await tx.query('INSERT INTO snapshot_chunks (snapshot_id, chunk_no, bytes) VALUES ($1, $2, $3)', [snapshotId, chunks, member]);
      page = await this.publicAfter(tx, page.at(-1)?.uscc ?? '');
    } while (page.length > 0);
    return { entities, bytes, sha256: sum.digest('hex'), chunks };
  }

  private async publicAfter(tx: EntityManager, uscc: string): Promise<EntityState[]> {
    return tx.query(
      `SELECT uscc, revision, "publicRecords", "recordNos", commitments, records FROM (
         SELECT uscc, revision, public_records AS "publicRecords", record_nos AS "recordNos", commitments, records,
           sum(jsonb_array_length(record_nos)) OVER (ORDER BY uscc) - jsonb_array_length(record_nos) AS nos_before
         FROM (SELECT * FROM credit_entities WHERE uscc > $1 AND public_records <> '[]' ORDER BY uscc LIMIT $2) AS next
       ) AS page
       WHERE nos_before < $3 ORDER BY uscc`,
      [uscc, ENTITIES_A_CHUNK, RECORD_NOS_A_PAGE],
    );
  }

  private async *chunksOf({ snapshotId, chunks }: SnapshotRow): AsyncGenerator<Buffer> {
    for (let chunkNo = 1; chunkNo <= chunks; chunkNo += 1) {
      const [row]: { bytes: Buffer }[] = await this.db.query('SELECT bytes FROM snapshot_chunks WHERE snapshot_id = $1 AND chunk_no = $2', [
        snapshotId,
        chunkNo,
      ]);
      // Erased meanwhile: the answer breaks off, short of its length.
      if (!row) throw new SnapshotUnknown();
      yield row.bytes;
    }
  }

  private async find(date: string): Promise<SnapshotRow> {
    const found = (await this.givenOut()).find((snapshot) => snapshot.date === date);
    if (!found) throw new SnapshotUnknown();
    return found;
  }

  private async givenOut(): Promise<SnapshotRow[]> {
    const { epoch } = await this.changes.series(this.db.manager);
    return staying(this.clock.now(), epoch, await this.kept(this.db.manager));
  }

  /** Every snapshot there is: three, for a moment. */
  private async kept(tx: EntityManager): Promise<SnapshotRow[]> {
    return tx.query(
      `SELECT snapshot_id AS "snapshotId", date::text, epoch, manifest ->> 'takenAt' AS "takenAt", chunks, manifest, signed_by AS "signedBy" FROM credit_snapshots`,
    );
  }
}
