import type { FeedbackKind } from '@jinqiao/contracts';
import { Clock, decodeCursor, encodeCursor, Metrics, type Principal } from '@jinqiao/platform';
import { Injectable, Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { sightOf } from '../feedback/feedback.queries.js';
import type { Channel, DeliveryState, RevisionName } from './delivery.js';

/** A delivery as those see it who look after all: whether and how it gets there, and nothing of what it says. */
export interface DeliveryEntry extends RevisionName {
  readonly recipientId: string;
  readonly position: number;
  readonly kind: FeedbackKind;
  readonly subject: string;
  readonly channel: Channel;
  readonly state: DeliveryState;
  readonly toldAt: Date;
  readonly deliveredAt: Date | null;
  /** When the next webhook is tried. */
  readonly dueAt: Date | null;
  readonly attempts: number;
}

/** What is due by webhook or pull at one platform and is not delivered. */
export interface Undelivered {
  readonly platformId: string;
  readonly due: number;
  readonly givenUp: number;
  readonly waiting: number;
  readonly oldestToldAt: Date;
}

export interface DeliveryList {
  readonly byPlatform: readonly Undelivered[];
  readonly items: readonly DeliveryEntry[];
  readonly cursor: string | null;
  readonly more: boolean;
}

export interface OverviewRequest {
  readonly platform?: string;
  readonly undelivered?: boolean;
  readonly after?: string;
  readonly limit: number;
}

const LIST = 'deliveries of all';
/** What one platform has undelivered is counted so far and no further: a scrape costs the same whatever waits. */
const COUNTED_MAX = 10_000;
const UNDELIVERED = `d.delivered_at IS NULL AND d.channel <> 'KAFKA'`;
const STATE = `CASE WHEN d.delivered_at IS NOT NULL THEN 'DELIVERED' WHEN d.channel = 'KAFKA' THEN 'PUBLISHED'
  WHEN d.channel = 'PULL' THEN 'WAITING' WHEN d.due_at IS NULL THEN 'GIVEN_UP' ELSE 'DUE' END`;
const STATES_UNDELIVERED = ['DUE', 'GIVEN_UP', 'WAITING'] as const satisfies readonly DeliveryState[];

/** What gets to whom, for operators and auditors, and for a department of what follows from its facts. */
@Injectable()
export class DeliveryOverview {
  private readonly log = new Logger(DeliveryOverview.name);

  constructor(
    private readonly db: DataSource,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    const count = metrics.gauge('deliveries_undelivered', `Due by webhook or pull and not delivered; ${COUNTED_MAX} a platform at most`, [
      'state',
    ]);
    const age = metrics.gauge('deliveries_oldest_undelivered_age_seconds', 'Age of the oldest of them; 0 when there is none', ['state']);
    metrics.beforeScrape(async () => {
      const now = this.clock.now().getTime();
      const found = await this.measure();
      for (const state of STATES_UNDELIVERED) {
        const one = found?.get(state);
        count.set({ state }, found ? (one?.deliveries ?? 0) : NaN);
        age.set({ state }, found ? (one ? (now - one.oldest.getTime()) / 1_000 : 0) : NaN);
      }
    });
  }

  async list(caller: Principal, { platform, undelivered = false, after, limit }: OverviewRequest): Promise<DeliveryList> {
    const [recipientAfter = '', positionAfter = 0] = after === undefined ? [] : decodeCursor(LIST, after);
    const these = `($1::text IS NULL OR d.recipient_id = $1) AND ($2::text IS NULL OR EXISTS (
      SELECT FROM feedbacks f WHERE f.feedback_id = d.feedback_id AND f.publisher_id = $2))`;
    const given = [platform ?? null, sightOf(caller).publisher];
    const rows: DeliveryEntry[] = await this.db.query(
      `SELECT d.recipient_id AS "recipientId", d.position, d.feedback_id AS "feedbackId", d.revision, d.kind, d.subject, d.channel,
         ${STATE} AS state, d.told_at AS "toldAt", d.delivered_at AS "deliveredAt", d.due_at AS "dueAt", d.attempts
       FROM deliveries d
       WHERE ${these} AND ${undelivered ? UNDELIVERED : 'TRUE'} AND (d.recipient_id, d.position) > ($3, $4::integer)
       ORDER BY d.recipient_id, d.position
       LIMIT $5`,
      [...given, recipientAfter, positionAfter, limit + 1],
    );
    const byPlatform: Undelivered[] = await this.db.query(
      `SELECT d.recipient_id AS "platformId", (count(*) FILTER (WHERE ${STATE} = 'DUE'))::integer AS due,
         (count(*) FILTER (WHERE ${STATE} = 'GIVEN_UP'))::integer AS "givenUp",
         (count(*) FILTER (WHERE ${STATE} = 'WAITING'))::integer AS waiting, min(d.told_at) AS "oldestToldAt"
       FROM deliveries d WHERE ${these} AND ${UNDELIVERED} GROUP BY d.recipient_id ORDER BY min(d.told_at), d.recipient_id`,
      given,
    );
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    const cursor = last ? encodeCursor(LIST, [last.recipientId, last.position]) : (after ?? null);
    return { byPlatform, items, cursor, more: rows.length > limit };
  }

  /** Null while the database is away; everything else is still told. */
  private async measure(): Promise<Map<DeliveryState, { deliveries: number; oldest: Date }> | null> {
    try {
      const rows: { state: DeliveryState; deliveries: number; oldest: Date }[] = await this.db.query(
        `SELECT state, count(*)::integer AS deliveries, min(told_at) AS oldest
         FROM recipients r CROSS JOIN LATERAL (
           SELECT ${STATE} AS state, d.told_at FROM deliveries d WHERE d.recipient_id = r.organisation_id AND ${UNDELIVERED}
           ORDER BY d.position LIMIT $1
         ) AS d
         GROUP BY state`,
        [COUNTED_MAX],
      );
      return new Map(rows.map((row) => [row.state, row]));
    } catch (problem) {
      this.log.warn(`deliveries could not be measured: ${problem instanceof Error ? problem.message : String(problem)}`);
      return null;
    }
  }
}
