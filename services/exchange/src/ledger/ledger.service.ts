import { LedgerHeadSigned } from '@jinqiao/contracts';
import { dayInChina } from '@jinqiao/law';
import { event, Outbox, unnested } from '@jinqiao/messaging';
import { Clock, sign, type SigningKey, signingKeyOf } from '@jinqiao/platform';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { JWK } from 'jose';
import { DataSource, type EntityManager } from 'typeorm';
import { ExchangeConfig } from '../config.js';
import {
  type Consistency,
  dayToClose,
  type Entry,
  HeadLost,
  type HeadName,
  HeadsReversed,
  HeadUnknown,
  type LastHead,
  nextHead,
  written,
} from './ledger.js';
import { besidesOf, betweenOf, coverOf, grow, hashOver, leafHash, type NodePlace, type Range, type TreeNode } from './merkle.js';

/** Any number; whoever adds to the tree holds it until its transaction ends. */
const LEDGER_LOCK = 5_110_023;
const ENTRIES_AT_ONCE = 5_000;
const INTAKE = { feedback_id: 'uuid', entry: 'text' } as const;
const ENTRIES = { seq: 'bigint', ...INTAKE } as const;
const NODES = { level: 'smallint', node_index: 'bigint', hash: 'bytea' } as const;

/** An entry with its number, and the way from it to the root of a head. */
export interface Proven {
  readonly seq: number;
  readonly entry: string;
  readonly head: LedgerHeadSigned;
  readonly path: readonly Buffer[];
}

/**
 * Keeps the ledger. A business transaction only leaves its entries at the door (`add`); one process at a time then takes what was
 * committed into the tree and signs heads. So no transaction waits for another's place in the tree.
 */
@Injectable()
export class Ledger implements OnModuleInit {
  private key: SigningKey;

  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
    private readonly config: ExchangeConfig,
  ) {}

  async onModuleInit(): Promise<void> {
    this.key = await signingKeyOf(this.config.LEDGER_SIGNING_KEY);
    const { publicKey } = this.key;
    await this.db.query('INSERT INTO ledger_keys (kid, jwk, used_since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [
      publicKey.kid,
      publicKey,
      this.clock.now(),
    ]);
  }

  /** Adds entries in the transaction of what they are about. */
  async add(tx: EntityManager, entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return;
    const rows = entries.map((entry) => ({ feedback_id: feedbackOf(entry), entry: written(entry) }));
    const { columns, from, values } = unnested(INTAKE, rows);
    await tx.query(`INSERT INTO ledger_intake (${columns}) SELECT ${columns} FROM ${from} ORDER BY position`, [...values]);
  }

  /** Takes into the tree what waits for it and closes days that are over. Answers how many entries it took. */
  async settle(): Promise<number> {
    let taken = 0;
    for (let portion = ENTRIES_AT_ONCE; portion === ENTRIES_AT_ONCE; taken += portion) {
      portion = await this.inTurn(async (tx) => {
        const entries = await this.takeIn(tx);
        if (entries < ENTRIES_AT_ONCE) await this.closeDay(tx);
        return entries;
      });
    }
    return taken;
  }

  /** A head over everything that is in the tree: the last one, or a new one of today. Null = the ledger is empty. */
  async headOfNow(): Promise<LastHead> {
    await this.settle();
    return this.inTurn(async (tx) => {
      const last = await this.lastHead(tx);
      const size = await this.size(tx);
      if (size === 0 || (last?.size === size && !(await this.isLost(tx, last)))) return last;
      return this.signHead(tx, last, dayInChina(this.clock.now()));
    });
  }

  /**
   * The entries about a feedback since it was last erased, each with its way to the first head that covers it. Everything settled before is
   * found.
   */
  async proven(feedbackId: string): Promise<Proven[]> {
    const rows: { seq: string; entry: string; head: LedgerHeadSigned }[] = await this.db.query(
      `SELECT entry.seq, entry.entry, covering.head FROM ledger_entries AS entry
       CROSS JOIN LATERAL (SELECT head FROM ledger_heads WHERE NOT lost AND size > entry.seq ORDER BY size LIMIT 1) AS covering
       WHERE entry.feedback_id = $1 AND entry.seq > (
         SELECT coalesce(max(seq), -1) FROM ledger_entries WHERE feedback_id = $1 AND entry LIKE '%"kind":"ERASED"%')
       ORDER BY entry.seq`,
      [feedbackId],
    );
    const besides = rows.map(({ seq, head }) => besidesOf(Number(seq), head.size));
    const hashes = await this.hashesOver(this.db.manager, besides.flat());
    return rows.map(({ seq, entry, head }, nth) => {
      return { seq: Number(seq), entry, head, path: hashes.splice(0, besides[nth]?.length) };
    });
  }

  /** Heads in the order in which they were signed, from the one with this many entries on. */
  async heads(after: { date: string; revision: number } | null, limit: number): Promise<LedgerHeadSigned[]> {
    const rows: { head: LedgerHeadSigned }[] = await this.db.query(
      'SELECT head FROM ledger_heads WHERE (date, revision) > ($1, $2) ORDER BY date, revision LIMIT $3',
      [after?.date ?? '', after?.revision ?? 0, limit],
    );
    return rows.map(({ head }) => head);
  }

  /** That one head follows from another. */
  async consistency(from: HeadName, to: HeadName): Promise<Consistency> {
    const [first, second] = [await this.head(from, '/from'), await this.head(to, '/to')];
    if (first.size > second.size) throw new HeadsReversed();
    // Everything follows from nothing.
    const between = first.size === 0 ? [] : betweenOf(first.size, second.size);
    const path = await this.hashesOver(this.db.manager, between);
    return {
      format: 'jinqiao-consistency-1',
      first,
      second,
      path: path.map((hash) => hash.toString('hex')),
      keys: await this.keys(),
    };
  }

  /** Every key that ever signed, the present one among them. */
  async keys(): Promise<JWK[]> {
    const rows: { jwk: JWK }[] = await this.db.query('SELECT jwk FROM ledger_keys ORDER BY used_since, kid');
    return rows.map(({ jwk }) => jwk);
  }

  now(): Date {
    return this.clock.now();
  }

  sign(payload: object): Promise<string> {
    return sign(payload, this.key);
  }

  private async head({ date, revision }: HeadName, pointer: '/from' | '/to'): Promise<LedgerHeadSigned> {
    const [row]: { head: LedgerHeadSigned; lost: boolean }[] = await this.db.query(
      `SELECT head, lost FROM ledger_heads WHERE date = $1 AND ($2::integer IS NULL OR revision = $2)
       ORDER BY lost, revision DESC LIMIT 1`,
      [date, revision ?? null],
    );
    if (!row) throw new HeadUnknown(pointer);
    if (row.lost) throw new HeadLost(pointer);
    return row.head;
  }

  private async inTurn<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    return this.db.transaction(async (tx) => {
      await tx.query('SELECT pg_advisory_xact_lock($1)', [LEDGER_LOCK]);
      return work(tx);
    });
  }

  private async takeIn(tx: EntityManager): Promise<number> {
    const waiting: { feedback_id: string | null; entry: string }[] = await tx.query(
      `WITH taken AS (
         DELETE FROM ledger_intake WHERE id IN (SELECT id FROM ledger_intake ORDER BY id LIMIT $1) RETURNING *
       ) SELECT feedback_id, entry FROM taken ORDER BY id`,
      [ENTRIES_AT_ONCE],
    );
    if (waiting.length === 0) return 0;
    const size = await this.size(tx);
    const made = grow(
      size,
      await this.nodes(tx, coverOf([0, size])),
      waiting.map(({ entry }) => leafHash(entry)),
    );
    const entries = unnested(
      ENTRIES,
      waiting.map((row, nth) => ({ seq: size + nth, ...row })),
    );
    await tx.query(`INSERT INTO ledger_entries (${entries.columns}) SELECT ${entries.columns} FROM ${entries.from}`, [...entries.values]);
    const nodes = unnested(NODES, made.map(nodeRow));
    await tx.query(`INSERT INTO ledger_nodes (${nodes.columns}) SELECT ${nodes.columns} FROM ${nodes.from}`, [...nodes.values]);
    return waiting.length;
  }

  private async closeDay(tx: EntityManager): Promise<void> {
    const last = await this.lastHead(tx);
    const day = dayToClose(last, this.clock.now());
    if (day !== null && (last !== null || (await this.size(tx)) > 0)) await this.signHead(tx, last, day);
  }

  private async signHead(tx: EntityManager, last: LastHead, date: string): Promise<LedgerHeadSigned> {
    const size = await this.size(tx);
    const unsigned = nextHead(last, { size, root: hashOver(await this.nodes(tx, coverOf([0, size]))) }, date, this.clock.now());
    const head: LedgerHeadSigned = { ...unsigned, signature: await this.sign(unsigned) };
    await tx.query('INSERT INTO ledger_heads (date, revision, size, head) VALUES ($1, $2, $3, $4)', [date, head.revision, size, head]);
    await this.outbox.add(tx, event(LedgerHeadSigned, head));
    return head;
  }

  private async lastHead(tx: EntityManager): Promise<LastHead> {
    const [row]: { head: LedgerHeadSigned }[] = await tx.query('SELECT head FROM ledger_heads ORDER BY date DESC, revision DESC LIMIT 1');
    return row?.head ?? null;
  }

  /** A lost head vouches for other entries than there are, also where there are as many. */
  private async isLost(tx: EntityManager, { date, revision }: LedgerHeadSigned): Promise<boolean> {
    const rows: unknown[] = await tx.query('SELECT FROM ledger_heads WHERE date = $1 AND revision = $2 AND lost', [date, revision]);
    return rows.length > 0;
  }

  private async size(tx: EntityManager): Promise<number> {
    const [row]: { size: string }[] = await tx.query('SELECT coalesce(max(seq) + 1, 0) AS size FROM ledger_entries');
    return Number(row?.size);
  }

  private async hashesOver(tx: EntityManager, ranges: readonly Range[]): Promise<Buffer[]> {
    const covers = ranges.map(coverOf);
    const nodes = await this.nodes(tx, covers.flat());
    return covers.map((cover) => hashOver(nodes.splice(0, cover.length)));
  }

  /** The hashes of complete subtrees, in the order of their places. */
  private async nodes(tx: EntityManager, wanted: readonly NodePlace[]): Promise<Buffer[]> {
    const places = wanted.map(({ level, index }) => ({ level, node_index: index }));
    const { from, values } = unnested({ level: 'smallint', node_index: 'bigint' }, places);
    const rows: { hash: Buffer }[] = await tx.query(
      `SELECT hash FROM ${from} JOIN ledger_nodes USING (level, node_index) ORDER BY position`,
      [...values],
    );
    if (rows.length !== places.length) throw new Error('the ledger lacks nodes of its tree');
    return rows.map(({ hash }) => hash);
  }
}

const feedbackOf = (entry: Entry): string | null => ('feedbackId' in entry ? entry.feedbackId : null);

const nodeRow = ({ level, index, hash }: TreeNode): object => ({ level, node_index: index, hash: `\\x${hash.toString('hex')}` });
