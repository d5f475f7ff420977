import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { regularly, type Regular } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { EvidenceChanged, EvidenceEmpty, EvidenceLost, EvidenceUploadLost } from './evidence.js';

/** A file whose bytes are here and belong to nothing yet. */
export interface ReceivedFile {
  readonly uploadId: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly chunks: number;
}

const CHUNK_BYTES = 524_288;
const SWEEP_MS = 60_000;
// A request has two minutes to arrive (libs/platform); what is older has nobody.
const BROKEN_OFF_AFTER_MINUTES = 10;

/**
 * The bytes of evidence, in rows of PostgreSQL (ADR 17). They come in portion by portion, each a statement of its own: a slow sender holds
 * neither a transaction nor a connection. Only the transaction that keeps them makes them evidence.
 */
@Injectable()
export class EvidenceStore implements OnApplicationBootstrap, OnModuleDestroy {
  private sweeping: Regular | undefined;
  private readonly log = new Logger(EvidenceStore.name);

  constructor(private readonly db: DataSource) {}

  onApplicationBootstrap(): void {
    this.sweeping = regularly(SWEEP_MS, () => this.sweep(), this.log);
  }

  async onModuleDestroy(): Promise<void> {
    await this.sweeping?.stop();
  }

  /** Reads a file to its end. What breaks off leaves nothing. */
  async receive(content: Readable): Promise<ReceivedFile> {
    const uploadId = uuidv7();
    const hash = createHash('sha256');
    let [bytes, chunks] = [0, 0];
    await this.db.query('INSERT INTO evidence_uploads (upload_id) VALUES ($1)', [uploadId]);
    try {
      for await (const portion of portionsOf(content)) {
        hash.update(portion);
        bytes += portion.length;
        chunks += 1;
        await this.db.query('INSERT INTO evidence_chunks (upload_id, chunk_no, content) VALUES ($1, $2, $3)', [uploadId, chunks, portion]);
      }
      if (bytes === 0) throw new EvidenceEmpty();
    } catch (problem) {
      await this.drop(uploadId);
      throw problem;
    }
    return { uploadId, sha256: hash.digest('hex'), bytes, chunks };
  }

  /** Makes what was received evidence. The same bytes are there once, whoever brought them. */
  async keep(tx: EntityManager, { uploadId, sha256, bytes, chunks }: ReceivedFile): Promise<void> {
    const open: [unknown[], number] = await tx.query('DELETE FROM evidence_uploads WHERE upload_id = $1', [uploadId]);
    if (open[1] === 0) throw new EvidenceUploadLost();
    const kept: unknown[] = await tx.query(
      `INSERT INTO evidence_blobs (sha256, upload_id, bytes, chunks) VALUES ($1, $2, $3, $4) ON CONFLICT (sha256) DO NOTHING RETURNING 1`,
      [sha256, uploadId, bytes, chunks],
    );
    if (kept.length === 0) await tx.query('DELETE FROM evidence_chunks WHERE upload_id = $1', [uploadId]);
  }

  /** Forgets what was received, unless it has become evidence: whoever deletes the row of the upload first decides. */
  async drop(uploadId: string): Promise<void> {
    await this.db.query(
      `WITH gone AS (DELETE FROM evidence_uploads WHERE upload_id = $1 RETURNING upload_id)
       DELETE FROM evidence_chunks USING gone WHERE evidence_chunks.upload_id = gone.upload_id`,
      [uploadId],
    );
  }

  /** Of what is known to be evidence. Every byte is checked before the first one leaves, and again on its way. */
  async read(sha256: string): Promise<{ bytes: number; content: Readable }> {
    let bytes = 0;
    for await (const portion of this.bytesOf(sha256)) bytes += portion.length;
    return { bytes, content: Readable.from(this.bytesOf(sha256)) };
  }

  /** What processes that died have left behind. */
  async sweep(): Promise<void> {
    const left: { upload_id: string }[] = await this.db.query(
      `SELECT upload_id FROM evidence_uploads WHERE started_at < clock_timestamp() - $1 * interval '1 minute' LIMIT 1000`,
      [BROKEN_OFF_AFTER_MINUTES],
    );
    for (const { upload_id } of left) await this.drop(upload_id);
  }

  /** The last portion is given out when all of them together have the hash. */
  private async *bytesOf(sha256: string): AsyncGenerator<Buffer> {
    const [blob]: { upload_id: string; chunks: number }[] = await this.db.query(
      'SELECT upload_id, chunks FROM evidence_blobs WHERE sha256 = $1',
      [sha256],
    );
    if (!blob) throw new EvidenceLost();
    const hash = createHash('sha256');
    let held: Buffer | null = null;
    for (let chunkNo = 1; chunkNo <= blob.chunks; chunkNo += 1) {
      const [row]: { content: Buffer }[] = await this.db.query(
        'SELECT content FROM evidence_chunks WHERE upload_id = $1 AND chunk_no = $2',
        [blob.upload_id, chunkNo],
      );
      if (!row) throw this.changed(sha256);
      if (held) yield held;
      hash.update(row.content);
      held = row.content;
    }
    if (!held || hash.digest('hex') !== sha256) throw this.changed(sha256);
    yield held;
  }

  private changed(sha256: string): EvidenceChanged {
    this.log.error(`The bytes of evidence ${sha256} are not those that came in`);
    return new EvidenceChanged(sha256);
  }
}

/** Leaves the stream open where its reader stops: what is still coming in has to be read by somebody. */
async function* portionsOf(content: Readable): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let size = 0;
  for await (const part of content.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    parts.push(part);
    size += part.length;
    if (size < CHUNK_BYTES) continue;
    yield Buffer.concat(parts);
    [parts, size] = [[], 0];
  }
  if (size > 0) yield Buffer.concat(parts);
}
