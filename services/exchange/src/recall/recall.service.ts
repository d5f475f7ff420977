import type { RecallPublished } from '@jinqiao/contracts';
import { RecallClosed, RecallWithdrawn } from '@jinqiao/contracts';
import { lockKeys, type Received } from '@jinqiao/messaging';
import { Clock } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { IS_TOLD } from '../feedback/feedback.service.js';
import { FeedbackTeller, type Told } from '../feedback/feedback.teller.js';
import { type Recall, settle } from './recall.js';

type RecallReceived = Received<RecallPublished | null>;

/** Recalls whose platforms are brought up to date in one transaction of the sweep. */
const SWEPT_MAX = 100;
/** A recall and a platform that has just been admitted must see each other. Recalls are few: one lock holds them all. */
const RECALL_LOCKS = 'recall-audience';
const ALL = ['all'];

/** Does the platform `o` trade in a sector of the recall `r`? Where either side says nothing of sectors it may: rather told than sold. */
const CONCERNS = `(coalesce(r.state -> 'sectors', '[]') = '[]' OR cardinality(o.sectors) = 0 OR r.state -> 'sectors' ?| o.sectors)`;

/** Tells platforms about recalls of what they may sell. */
@Injectable()
export class RecallFeedback {
  constructor(
    private readonly db: DataSource,
    private readonly teller: FeedbackTeller,
    private readonly clock: Clock,
  ) {}

  /** Applies the newest state of each recall; a revision that is not the highest yet changes nothing. */
  async follow(tx: EntityManager, received: readonly RecallReceived[]): Promise<void> {
    const newest = new Map<string, RecallReceived>();
    for (const one of received) if (revisionOf(one) > (newest.get(one.key)?.revision ?? 0)) newest.set(one.key, one);
    await lockKeys(tx, RECALL_LOCKS, ALL);
    const rows: { recallNo: string }[] = await tx.query(
      `INSERT INTO recalls (recall_no, revision, standing, state, applied_at)
       SELECT "recallNo", revision, standing, state, clock_timestamp()
       FROM jsonb_to_recordset($1::jsonb) AS x("recallNo" text, revision integer, standing text, state jsonb)
       ORDER BY "recallNo"
       ON CONFLICT (recall_no) DO UPDATE SET revision = EXCLUDED.revision, standing = EXCLUDED.standing, state = EXCLUDED.state,
         applied_at = EXCLUDED.applied_at
       WHERE recalls.revision < EXCLUDED.revision
       RETURNING new.recall_no AS "recallNo"`,
      [JSON.stringify([...newest].map(([recallNo, one]) => recallOf(recallNo, one)))],
    );
    await this.settle(tx, new Map(rows.map(({ recallNo }) => [recallNo, newest.get(recallNo) ?? null])));
  }

  /**
   * Tells one platform (it has just been admitted, or trades in other sectors), or all of them (null), of the recalls that go on and that
   * it was not told of, in transactions of its own. Gives back how many recalls that concerned.
   */
  async tellMissing(platformId: string | null): Promise<number> {
    let told = 0;
    let after = '';
    // Bounded by the number of recalls: each round begins behind the last one.
    for (;;) {
      const recallNos = await this.db.transaction((tx) => this.tellSome(tx, platformId, after));
      told += recallNos.length;
      after = recallNos.at(-1) ?? '';
      if (recallNos.length < SWEPT_MAX) return told;
    }
  }

  private async tellSome(tx: EntityManager, platformId: string | null, after: string): Promise<string[]> {
    await lockKeys(tx, RECALL_LOCKS, ALL);
    const rows: { recallNo: string }[] = await tx.query(
      `SELECT r.recall_no AS "recallNo" FROM recalls r
       WHERE r.standing = 'PUBLISHED' AND r.recall_no > $2
         AND EXISTS (SELECT FROM organisations o
           WHERE ${IS_TOLD} AND ${CONCERNS} AND ($1::text IS NULL OR o.id = $1)
             AND NOT EXISTS (SELECT FROM feedbacks f WHERE f.kind = 'RECALL' AND f.subject = r.recall_no
                               AND f.recipient_id = o.id AND f.status = 'ISSUED'))
       ORDER BY r.recall_no
       LIMIT $3`,
      [platformId, after, SWEPT_MAX],
    );
    const recallNos = rows.map(({ recallNo }) => recallNo);
    await this.settle(tx, new Map(recallNos.map((recallNo) => [recallNo, null])));
    return recallNos;
  }

  /** Brings the platforms of these recalls up to date; the lock is held. */
  private async settle(tx: EntityManager, causes: ReadonlyMap<string, RecallReceived | null>): Promise<void> {
    const recallNos = [...causes.keys()];
    if (recallNos.length === 0) return;
    const recalls: (Recall & { concerned: string[] })[] = await tx.query(
      `SELECT r.recall_no AS "recallNo", r.revision, r.standing, r.state,
         ARRAY(SELECT o.id FROM organisations o WHERE ${IS_TOLD} AND ${CONCERNS} ORDER BY o.id) AS concerned
       FROM recalls r WHERE r.recall_no = ANY($1) ORDER BY r.recall_no`,
      [recallNos],
    );
    const platforms: { id: string }[] = await tx.query(`SELECT o.id FROM organisations o WHERE ${IS_TOLD}`);
    const present = new Set(platforms.map(({ id }) => id));
    const feedbacks = await this.teller.load(tx, 'RECALL', recallNos);
    const now = this.clock.now();
    const told = recalls.flatMap(({ concerned, ...recall }): Told[] => {
      const standing = { recall, concerned: new Set(concerned), present, feedbacks: feedbacks.get(recall.recallNo) ?? [] };
      return settle(standing, now).map((feedback) => ({ feedback, causedBy: causes.get(recall.recallNo) ?? null }));
    });
    await this.teller.tell(tx, told);
    // What was taken over after a restore does not say whose recall it is about.
    await tx.query(
      `UPDATE feedbacks f SET publisher_id = r.state ->> 'keeperId' FROM recalls r
       WHERE f.kind = 'RECALL' AND f.subject = r.recall_no AND f.publisher_id IS NULL AND r.recall_no = ANY($1)`,
      [recallNos],
    );
    await tx.query('UPDATE recalls SET applied_at = clock_timestamp() WHERE recall_no = ANY($1)', [recallNos]);
  }
}

const revisionOf = ({ data, revision }: RecallReceived): number => data?.revision ?? revision ?? 0;

function recallOf(recallNo: string, one: RecallReceived): Recall {
  const isOver = one.data === null || one.is(RecallWithdrawn);
  const standing = isOver ? 'WITHDRAWN' : one.is(RecallClosed) ? 'CLOSED' : 'PUBLISHED';
  return { recallNo, revision: revisionOf(one), standing, state: one.data };
}
