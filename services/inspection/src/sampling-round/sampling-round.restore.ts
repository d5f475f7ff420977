/**
 * The draws of rounds for after a restore (ADR-0020). What was announced, with the pool that it hides, may be larger than a record and is
 * nobody's to read: it is sealed and goes in portions, once. A round that is taken over is put together with it again, and what was drawn
 * is drawn again: the same record gives the same answer everywhere.
 */
import { type KeptRows, SamplingDrawKept } from '@jinqiao/contracts';
import { event, Outbox, type Received } from '@jinqiao/messaging';
import { ConfigProblem, Keyring, KeyMissing } from '@jinqiao/platform';
import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { InspectionConfig } from '../config.js';
import { type Announced, draw, hashOf, type Revealed } from './draw.js';
import type { HiddenObject } from './sampling-round.js';

/** All that the steps after an announcement rest on. */
interface AnnouncedDraw {
  readonly announced: Announced;
  readonly pool: readonly HiddenObject[];
}

/** Characters of a sealed draw in one record: with what stands around them below what the outbox takes. */
const PORTION = 800_000;

@Injectable()
export class KeptDraws {
  private readonly log = new Logger(KeptDraws.name);
  private readonly keyring: Promise<Keyring>;

  constructor(
    private readonly outbox: Outbox,
    { DRAW_SECRET_KEYS }: InspectionConfig,
  ) {
    this.keyring = Keyring.of(DRAW_SECRET_KEYS);
  }

  /** Says what is announced, in its transaction. */
  async keep(tx: EntityManager, { announced, pool }: AnnouncedDraw): Promise<void> {
    const sealed = await (await this.keyring).seal(JSON.stringify({ announced, pool }));
    const portions = Math.ceil(sealed.length / PORTION);
    const of = { announcementHash: hashOf(announced), revision: 1, portions };
    await this.outbox.add(
      tx,
      Array.from({ length: portions }, (_, index) => {
        return event(SamplingDrawKept, { ...of, portion: index + 1, sealed: sealed.slice(index * PORTION, (index + 1) * PORTION) });
      }),
    );
  }

  /** Lays aside the portions of draws that no round here knows, until the rounds are taken over. */
  async takeOver(tx: EntityManager, said: readonly Received<object | null>[]): Promise<number> {
    let laidAside = 0;
    for (const { data } of said as readonly Received<SamplingDrawKept>[]) {
      const news: unknown[] = await tx.query(
        `INSERT INTO restored_draws (announcement_hash, portion, portions, sealed) SELECT $1, $2, $3, $4
         WHERE NOT EXISTS (SELECT FROM sampling_rounds WHERE announcement_hash = $1)
         ON CONFLICT (announcement_hash, portion) DO UPDATE SET portions = excluded.portions, sealed = excluded.sealed RETURNING 1`,
        [data.announcementHash, data.portion, data.portions, data.sealed],
      );
      laidAside += news.length;
    }
    return laidAside;
  }

  /** The rows of a round with its draw; null where what was announced is not known: it was before draws were kept. */
  async complete(tx: EntityManager, rows: KeptRows['rows']): Promise<KeptRows['rows'] | null> {
    const [round] = rows['sampling_rounds'] as readonly { round_id: string; announcement_hash: string | null; revealed: Revealed | null }[];
    const { round_id: roundId, announcement_hash: hash = null, revealed = null } = round ?? {};
    const announcedDraw = hash === null ? null : ((await here(tx, hash)) ?? (await this.laidAside(tx, hash)));
    if (hash !== null && !announcedDraw) {
      this.log.warn(`round ${roundId ?? ''} is left out: nothing is known of the draw announced as ${hash}`);
      return null;
    }
    const { announced = null, pool = null } = announcedDraw ?? {};
    const drawn = announced && revealed ? draw(announced, revealed) : null;
    return { ...rows, sampling_rounds: [{ ...round, announced, pool, drawn }] };
  }

  /** To be called when all rounds are taken over. */
  async forget(tx: EntityManager): Promise<void> {
    await tx.query('DELETE FROM restored_draws');
  }

  private async laidAside(tx: EntityManager, hash: string): Promise<AnnouncedDraw | null> {
    const found: { portions: number; sealed: string }[] = await tx.query(
      'SELECT portions, sealed FROM restored_draws WHERE announcement_hash = $1 ORDER BY portion',
      [hash],
    );
    // Fewer: the database was lost before the rest of them had been published, and with them the announcement.
    if (found.length === 0 || found.length !== found[0]?.portions) return null;
    const opened = JSON.parse(await this.open(found.map(({ sealed }) => sealed).join(''))) as AnnouncedDraw;
    return hashOf(opened.announced) === hash ? opened : null;
  }

  private async open(sealed: string): Promise<string> {
    try {
      return await (await this.keyring).open(sealed);
    } catch (problem) {
      if (!(problem instanceof KeyMissing)) throw problem;
      throw new ConfigProblem(
        `DRAW_SECRET_KEYS must hold the key ${problem.kid}, with which draws are sealed that this database has forgotten.`,
      );
    }
  }
}

async function here(tx: EntityManager, hash: string): Promise<AnnouncedDraw | null> {
  const [found]: AnnouncedDraw[] = await tx.query('SELECT announced, pool FROM sampling_rounds WHERE announcement_hash = $1', [hash]);
  return found ?? null;
}
