import type { ChannelChosen, FeedbackKind } from '@jinqiao/contracts';
import { type Received, unnested } from '@jinqiao/messaging';
import type { EntityManager } from 'typeorm';
import { OrganisationUnknown } from '../organisation/organisation.js';
import { type Channel, isConfirmed, type RevisionName } from './delivery.js';

/** Retries begin anew, and the log numbers on: no two attempts of a delivery have one number. */
export const SCHEDULE_ANEW = 'attempts_before = attempts_before + attempts, attempts = 0';

/** A revision that takes its place in the series of its recipient. */
export interface Delivery extends RevisionName {
  readonly recipientId: string;
  readonly kind: FeedbackKind;
  readonly subject: string;
  readonly type: 'FeedbackIssued' | 'FeedbackWithdrawn';
  readonly purpose: string;
  readonly classification: string;
  readonly legalBasis: string | null;
  readonly retentionUntil: string | null;
  readonly toldAt: string;
  /** When what it says was accepted; null where that is not known any more. */
  readonly acceptedAt: string | null;
  readonly asksAction: boolean;
}

const COLUMNS = {
  recipient_id: 'text',
  feedback_id: 'uuid',
  revision: 'integer',
  kind: 'text',
  subject: 'text',
  type: 'text',
  purpose: 'text',
  classification: 'text',
  legal_basis: 'text',
  retention_until: 'text',
  told_at: 'timestamptz',
  accepted_at: 'timestamptz',
  asks_action: 'boolean',
};

/**
 * Numbers what recipients are told, in the given order, and gives back the positions. They are taken under the lock of the recipient's
 * row, which is held until the commit: they become visible in their order and without gaps, so whoever reads behind a position misses
 * nothing. Reading only what lies below the oldest running transaction would need no lock, but one long transaction anywhere in the
 * database would then hold up every recipient. The last lock a writer takes, recipients in the order of their ids.
 */
export async function addDeliveries(tx: EntityManager, deliveries: readonly Delivery[]): Promise<number[]> {
  const { columns, from, values } = unnested(COLUMNS, deliveries.map(rowOf));
  const rows: (RevisionName & { position: number })[] = await tx.query(
    `WITH told AS (
       SELECT ${columns}, position AS place FROM ${from}
     ), series AS (
       INSERT INTO recipients AS kept (organisation_id, last_position)
       SELECT recipient_id, count(*) FROM told GROUP BY recipient_id ORDER BY recipient_id
       ON CONFLICT (organisation_id) DO UPDATE SET last_position = kept.last_position + excluded.last_position
       RETURNING organisation_id, channel, last_position
     )
     INSERT INTO deliveries (${columns}, channel, due_at, position)
     SELECT ${columns}, s.channel, CASE s.channel WHEN 'WEBHOOK' THEN told_at END,
       s.last_position + 1 - row_number() OVER (PARTITION BY recipient_id ORDER BY place DESC)
     FROM told JOIN series s ON s.organisation_id = recipient_id
     RETURNING feedback_id AS "feedbackId", revision, position`,
    [...values],
  );
  const positions = new Map(rows.map(({ position, ...name }) => [nameOf(name), position]));
  return deliveries.map((one) => positions.get(nameOf(one)) ?? 0);
}

/** Puts what was told once back where it stood; at the end, where the topic does not say or the place is taken. */
export async function putBackDelivery(tx: EntityManager, delivery: Delivery, position: number | null): Promise<void> {
  if (position === null || !(await putAt(tx, delivery, position))) await addDeliveries(tx, [delivery]);
}

async function putAt(tx: EntityManager, delivery: Delivery, position: number): Promise<boolean> {
  const [recipient]: { channel: Channel }[] = await tx.query(
    `INSERT INTO recipients AS kept (organisation_id, last_position) VALUES ($1, $2)
     ON CONFLICT (organisation_id) DO UPDATE SET last_position = greatest(kept.last_position, excluded.last_position)
     RETURNING channel`,
    [delivery.recipientId, position],
  );
  const { columns, from, values } = unnested(COLUMNS, [rowOf(delivery)], 3);
  const rows: unknown[] = await tx.query(
    `INSERT INTO deliveries (${columns}, position, channel, due_at)
     SELECT ${columns}, $1::integer, $2, CASE $2 WHEN 'WEBHOOK' THEN told_at END FROM ${from}
     ON CONFLICT (recipient_id, position) DO NOTHING
     RETURNING position`,
    [position, recipient?.channel ?? 'KAFKA', ...values],
  );
  return rows.length > 0;
}

/** How a recipient is told at the moment. */
interface Told {
  readonly channel: Channel;
  /** Of the choice; 0: never made, or made before choices were announced. */
  readonly revision: number;
  readonly lastPosition: number;
}

/** Under the lock under which positions are taken: each revision is due by one channel. */
export async function lockChannel(tx: EntityManager, recipientId: string): Promise<Told> {
  await tx.query('INSERT INTO recipients (organisation_id) VALUES ($1) ON CONFLICT DO NOTHING', [recipientId]);
  const [told]: Told[] = await tx.query(
    `SELECT channel, channel_revision AS revision, last_position AS "lastPosition" FROM recipients WHERE organisation_id = $1 FOR UPDATE`,
    [recipientId],
  );
  return told ?? { channel: 'KAFKA', revision: 0, lastPosition: 0 };
}

/** What is due by webhook or pull and was not delivered goes on by the new channel, at once; gives back its positions. */
export async function changeChannel(tx: EntityManager, chosen: ChannelChosen, before: Told): Promise<number[]> {
  const { organisationId, revision, channel } = chosen;
  await tx.query('UPDATE recipients SET channel = $2, channel_revision = $3 WHERE organisation_id = $1', [
    organisationId,
    channel,
    revision,
  ]);
  if (channel === before.channel || !isConfirmed(before.channel)) return [];
  const rows: { position: number }[] = await tx.query(
    `SELECT position FROM deliveries WHERE recipient_id = $1 AND delivered_at IS NULL AND channel <> 'KAFKA' ORDER BY position FOR UPDATE`,
    [organisationId],
  );
  const positions = rows.map(({ position }) => position);
  await tx.query(
    `UPDATE deliveries SET channel = $3, ${SCHEDULE_ANEW}, due_at = CASE $3 WHEN 'WEBHOOK' THEN told_at END
     WHERE recipient_id = $1 AND position = ANY($2)`,
    [organisationId, positions, channel],
  );
  return positions;
}

/** What platforms had chosen and a database that was set back does not know. */
export async function takeOverChannels(tx: EntityManager, said: readonly Received<object | null>[]): Promise<number> {
  let news = 0;
  for (const { data } of said as readonly Received<ChannelChosen>[]) {
    const before = await lockChannel(tx, data.organisationId);
    if (before.revision >= data.revision) continue;
    await changeChannel(tx, data, before);
    news += 1;
  }
  return news;
}

/**
 * Everything a recipient is due by webhook, also what was given up, is tried from the start. Gives back how many. Deliveries are locked
 * before endpoints, as where attempts are recorded: the other way round the two would wait for each other.
 */
export async function dueAtOnce(tx: EntityManager, recipientId: string, at: Date): Promise<number> {
  const rows: { position: number }[] = await tx.query(
    `SELECT position FROM deliveries WHERE recipient_id = $1 AND channel = 'WEBHOOK' AND delivered_at IS NULL
     ORDER BY position FOR UPDATE`,
    [recipientId],
  );
  await tx.query(`UPDATE deliveries SET due_at = $3, ${SCHEDULE_ANEW} WHERE recipient_id = $1 AND position = ANY($2)`, [
    recipientId,
    rows.map(({ position }) => position),
    at,
  ]);
  return rows.length;
}

/**
 * What a recipient says it lacks is due once more by its channel, where it stands in the series. Gives back the positions, by feedback, of
 * what is due by the topic: that has to be announced again.
 */
export async function dueAgain(tx: EntityManager, recipientId: string, revisions: readonly RevisionName[]): Promise<Map<string, number>> {
  const [recipient]: { channel: Channel }[] = await tx.query('SELECT channel FROM recipients WHERE organisation_id = $1 FOR UPDATE', [
    recipientId,
  ]);
  const channel = recipient?.channel ?? 'KAFKA';
  const rows: { feedbackId: string; position: number }[] = await tx.query(
    `SELECT feedback_id AS "feedbackId", position FROM deliveries
     WHERE recipient_id = $1 AND (feedback_id, revision) IN (
       SELECT "feedbackId", revision FROM jsonb_to_recordset($2::jsonb) AS x("feedbackId" uuid, revision integer))
     ORDER BY position FOR UPDATE`,
    [recipientId, JSON.stringify(revisions.map(({ feedbackId, revision }) => ({ feedbackId, revision })))],
  );
  await tx.query(
    `UPDATE deliveries SET channel = $3, delivered_at = NULL, delivered_by = NULL, ${SCHEDULE_ANEW},
       due_at = CASE $3 WHEN 'WEBHOOK' THEN told_at END
     WHERE recipient_id = $1 AND position = ANY($2)`,
    [recipientId, rows.map(({ position }) => position), channel],
  );
  return new Map(channel === 'KAFKA' ? rows.map(({ feedbackId, position }) => [feedbackId, position]) : []);
}

/** A record on a recipient's topic, with the broker's own time. */
export interface OnTopic extends RevisionName {
  readonly at: Date;
}

/** Which of these are due by the topic: they have reached their recipient. */
export async function dueByTopic(tx: EntityManager, records: readonly OnTopic[]): Promise<OnTopic[]> {
  const { from, values } = unnested(ON_TOPIC, records.map(recordRow));
  return tx.query(
    // Found by their names first: how many are not published yet changes too fast for what the planner believes of it.
    `SELECT feedback_id AS "feedbackId", revision, at FROM (
       SELECT d.feedback_id, d.revision, d.channel, d.published_at, given.at FROM ${from}
       JOIN deliveries d ON d.feedback_id = given.feedback_id AND d.revision = given.revision OFFSET 0
     ) AS named
     WHERE channel = 'KAFKA' AND published_at IS NULL`,
    [...values],
  );
}

/** Keeps since when the broker has them: the first time counts, whatever is told again. */
export async function keepPublished(tx: EntityManager, records: readonly OnTopic[]): Promise<void> {
  if (records.length === 0) return;
  const { from, values } = unnested(ON_TOPIC, records.map(recordRow));
  await tx.query(
    `UPDATE deliveries AS d SET published_at = given.at FROM ${from}
     WHERE d.feedback_id = given.feedback_id AND d.revision = given.revision AND d.published_at IS NULL`,
    [...values],
  );
}

const ON_TOPIC = { feedback_id: 'uuid', revision: 'integer', at: 'timestamptz' } as const;

const recordRow = ({ feedbackId, revision, at }: OnTopic): object => ({ feedback_id: feedbackId, revision, at });

/** Only platforms have a series. Their row is locked against another change of what belongs to them. */
export async function assertPlatform(tx: EntityManager, id: string): Promise<void> {
  const rows: unknown[] = await tx.query(`SELECT FROM organisations WHERE id = $1 AND kind = 'PLATFORM' FOR NO KEY UPDATE`, [id]);
  if (rows.length === 0) throw new OrganisationUnknown();
}

const nameOf = ({ feedbackId, revision }: RevisionName): string => `${feedbackId} ${revision}`;

const rowOf = (one: Delivery): Record<keyof typeof COLUMNS, unknown> => ({
  recipient_id: one.recipientId,
  feedback_id: one.feedbackId,
  revision: one.revision,
  kind: one.kind,
  subject: one.subject,
  type: one.type,
  purpose: one.purpose,
  classification: one.classification,
  legal_basis: one.legalBasis,
  retention_until: one.retentionUntil,
  told_at: one.toldAt,
  accepted_at: one.acceptedAt,
  asks_action: one.asksAction,
});
