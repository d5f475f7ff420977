import { ChannelChosen, type FeedbackKind } from '@jinqiao/contracts';
import { event, Outbox } from '@jinqiao/messaging';
import { Clock, decodeCursor, encodeCursor, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { validate as isUuid } from 'uuid';
import {
  AcknowledgementUnclear,
  assertWithinSeries,
  type Channel,
  CursorOfAnother,
  DeliveryUnknown,
  EndpointMissing,
  replayedSince,
  type RevisionName,
  type Switched,
} from './delivery.js';
import { assertPlatform, changeChannel, lockChannel } from './delivery.series.js';
import { startClocks } from '../clock/clock.receipts.js';
import { deliveredUnder, entitlementOf } from '../entitlement/entitlement.js';
import { Ledger } from '../ledger/ledger.service.js';

const CURSORS = 'deliveries';
const PAGE_BYTES_MAX = 8 * 1024 * 1024;

/** A revision as it is pulled: `said` is the text that stands on the topic and that a webhook carries, byte for byte. */
export interface PulledDelivery extends RevisionName {
  readonly position: number;
  readonly type: string;
  readonly kind: FeedbackKind;
  readonly subject: string;
  readonly contentHash: string;
  readonly entitlementId: string;
  readonly purpose: string;
  readonly classification: string;
  readonly legalBasis: string | null;
  readonly retentionUntil: string | null;
  readonly toldAt: Date;
  readonly channel: Channel;
  readonly deliveredAt: Date | null;
  readonly said: string;
}

/** A stretch of the series. There is always a cursor behind it, so that a platform goes on from there whenever it likes. */
export interface Pulled {
  readonly items: PulledDelivery[];
  readonly cursor: string;
  readonly more: boolean;
}

export interface PullRequest {
  readonly after?: string;
  readonly undelivered?: boolean;
  readonly limit: number;
}

export interface Acknowledged {
  readonly acknowledged: number;
  /** Known to be delivered before. */
  readonly repeated: number;
}

export interface ChannelState {
  readonly channel: Channel;
  readonly lastPosition: number;
  /** Due by webhook or pull, and neither taken nor acknowledged. */
  readonly undelivered: number;
}

interface Series {
  readonly channel: Channel;
  readonly lastPosition: number;
  readonly floor: number;
}

/** What a platform pulls and acknowledges, and by which channel it is told. */
@Injectable()
export class Deliveries {
  constructor(
    private readonly db: DataSource,
    private readonly ledger: Ledger,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  async pull({ id }: Principal, { after, undelivered = false, limit }: PullRequest): Promise<Pulled> {
    const series = await this.series(id);
    const from = after === undefined ? series.floor - 1 : positionOf(after, id);
    assertWithinSeries(from, series);
    // A long feedback may have 900 KB: a page ends with the one that fills it, whatever the limit.
    const rows: (Omit<PulledDelivery, 'entitlementId'> & { bytesBefore: string })[] = await this.db.query(
      `SELECT * FROM (
         SELECT d.position, d.feedback_id AS "feedbackId", d.revision, 'platform.feedback.' || d.type AS type, d.kind, d.subject,
           r.content_hash AS "contentHash", d.purpose, d.classification, d.legal_basis AS "legalBasis",
           d.retention_until AS "retentionUntil", d.told_at AS "toldAt", d.channel, d.delivered_at AS "deliveredAt", r.said::text AS said,
           sum(octet_length(r.said::text)) OVER (ORDER BY d.position) - octet_length(r.said::text) AS "bytesBefore"
         FROM (SELECT * FROM deliveries
               WHERE recipient_id = $1 AND position > $2 AND (delivered_at IS NULL OR NOT $3)
               ORDER BY position LIMIT $4) d
         JOIN feedback_revisions r ON r.feedback_id = d.feedback_id AND r.revision = d.revision
       ) AS page
       WHERE "bytesBefore" < $5
       ORDER BY position`,
      [id, from, undelivered, limit, PAGE_BYTES_MAX],
    );
    const items = rows.map(({ bytesBefore: _bytes, ...item }) => ({ ...item, entitlementId: entitlementOf(id, item.kind) }));
    const reached = items.at(-1)?.position ?? from;
    await this.notePulled(id, items);
    return { items, cursor: cursorOf(id, reached), more: items.length > 0 && reached < series.lastPosition };
  }

  /** Everything up to a cursor, or the named revisions. May be repeated; what is due by webhook is not sent any more. */
  async acknowledge({ id }: Principal, given: { cursor?: string; deliveries?: readonly RevisionName[] }): Promise<Acknowledged> {
    const { cursor, deliveries } = given;
    if ((cursor === undefined) === (deliveries === undefined)) throw new AcknowledgementUnclear();
    const upTo = cursor === undefined ? null : positionOf(cursor, id);
    if (upTo !== null) assertWithinSeries(upTo, { ...(await this.series(id)), floor: 0 });
    return this.db.transaction(async (tx) => {
      const now = this.clock.now();
      await this.received(tx, id, { upTo, named: deliveries ?? [], at: now });
      const positions = await this.lock(tx, id, upTo, deliveries ?? []);
      const [taken]: [(RevisionName & { kind: FeedbackKind })[], number] = await tx.query(
        `UPDATE deliveries SET delivered_at = $3, delivered_by = 'PULL', due_at = NULL
         WHERE recipient_id = $1 AND position = ANY($2) AND delivered_at IS NULL
         RETURNING feedback_id AS "feedbackId", revision, kind`,
        [id, positions, now],
      );
      const entries = taken.map(({ feedbackId, revision, kind }) => {
        const about = { feedbackId, feedbackRevision: revision, recipientId: id, ...deliveredUnder(id, kind) };
        return { kind: 'ACKNOWLEDGED' as const, ...about, at: now.toISOString() };
      });
      await this.ledger.add(tx, entries);
      return { acknowledged: taken.length, repeated: positions.length - taken.length };
    });
  }

  async channel({ id }: Principal): Promise<ChannelState> {
    const { channel, lastPosition } = await this.series(id);
    const [row]: { undelivered: number }[] = await this.db.query(
      `SELECT count(*)::integer AS undelivered FROM deliveries WHERE recipient_id = $1 AND delivered_at IS NULL AND channel <> 'KAFKA'`,
      [id],
    );
    return { channel, lastPosition, undelivered: row?.undelivered ?? 0 };
  }

  /** In effect with the commit: positions are taken under the same lock, so each revision is due by one channel. */
  async switchTo({ id }: Principal, channel: Channel): Promise<Switched & { cursor: string }> {
    return this.db.transaction(async (tx) => {
      await assertPlatform(tx, id);
      if (channel === 'WEBHOOK') await assertEndpoint(tx, id);
      const before = await lockChannel(tx, id);
      const since = before.lastPosition;
      if (before.channel === channel) return { channel, since, moved: 0, cursor: cursorOf(id, since) };
      const chosen: ChannelChosen = { organisationId: id, revision: before.revision + 1, channel };
      const moved = await changeChannel(tx, chosen, before);
      await this.outbox.add(tx, event(ChannelChosen, chosen));
      return { channel, since, moved: moved.length, cursor: cursorOf(id, (moved[0] ?? since + 1) - 1) };
    });
  }

  private async notePulled(recipientId: string, items: readonly PulledDelivery[]): Promise<void> {
    const [first, last] = [items[0], items.at(-1)];
    if (!first || !last) return;
    const entitlementIds = [...new Set(items.map(({ entitlementId }) => entitlementId))].sort();
    const at = this.clock.now().toISOString();
    await this.ledger.add(this.db.manager, [
      { kind: 'PULLED', recipientId, entitlementIds, records: items.length, from: first.position, to: last.position, at },
    ]);
  }

  /** What is acknowledged starts clocks; those come first in the order of locks. */
  private async received(
    tx: EntityManager,
    id: string,
    { upTo, named, at }: { upTo: number | null; named: readonly RevisionName[]; at: Date },
  ): Promise<void> {
    const rows: RevisionName[] = await tx.query(
      `SELECT feedback_id AS "feedbackId", revision FROM deliveries WHERE recipient_id = $1 AND delivered_at IS NULL AND ${NAMED}`,
      namedBy(id, upTo, named),
    );
    await startClocks(
      tx,
      rows.map((row) => ({ ...row, at })),
    );
  }

  private async lock(tx: EntityManager, id: string, upTo: number | null, named: readonly RevisionName[]): Promise<number[]> {
    const rows: (RevisionName & { position: number })[] = await tx.query(
      `SELECT feedback_id AS "feedbackId", revision, position FROM deliveries
       WHERE recipient_id = $1 AND ${NAMED} ORDER BY position FOR UPDATE`,
      namedBy(id, upTo, named),
    );
    const found = new Set(rows.map(nameOf));
    const unknown = named.flatMap((name, index) => (found.has(nameOf(name)) ? [] : [`/deliveries/${index}`]));
    if (unknown.length > 0) throw new DeliveryUnknown(unknown);
    return rows.map(({ position }) => position);
  }

  /** Everything from the floor on is there: what the last 90 days told, and before that what is still due. */
  private async series(id: string): Promise<Series> {
    const [series]: Series[] = await this.db.query(
      `SELECT r.channel, r.last_position AS "lastPosition", coalesce(least(
         (SELECT position FROM deliveries WHERE recipient_id = $1 AND told_at >= $2 ORDER BY told_at, position LIMIT 1),
         (SELECT position FROM deliveries WHERE recipient_id = $1 AND delivered_at IS NULL AND channel <> 'KAFKA' ORDER BY position LIMIT 1)
       ), r.last_position + 1) AS floor
       FROM recipients r WHERE r.organisation_id = $1`,
      [id, replayedSince(this.clock.now())],
    );
    return series ?? { channel: 'KAFKA', lastPosition: 0, floor: 1 };
  }
}

async function assertEndpoint(tx: EntityManager, id: string): Promise<void> {
  const rows: unknown[] = await tx.query(`SELECT FROM webhook_endpoints WHERE organisation_id = $1 AND status = 'ACTIVE'`, [id]);
  if (rows.length === 0) throw new EndpointMissing();
}

/** The deliveries of $1 up to position $2, and those named in $3. */
const NAMED = `(position <= $2 OR (feedback_id, revision) IN (
  SELECT "feedbackId", revision FROM jsonb_to_recordset($3::jsonb) AS x("feedbackId" uuid, revision integer)))`;

const namedBy = (id: string, upTo: number | null, named: readonly RevisionName[]): unknown[] => {
  const known = named.filter(({ feedbackId }) => isUuid(feedbackId));
  return [id, upTo ?? 0, JSON.stringify(known)];
};

const nameOf = ({ feedbackId, revision }: RevisionName): string => `${feedbackId} ${revision}`;

const cursorOf = (recipientId: string, position: number): string => encodeCursor(CURSORS, [recipientId, position]);

function positionOf(cursor: string, recipientId: string): number {
  const [owner, position] = decodeCursor(CURSORS, cursor);
  if (owner !== recipientId) throw new CursorOfAnother();
  return Number(position);
}
