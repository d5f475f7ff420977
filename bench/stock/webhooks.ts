import type pg from 'pg';
import { Webhook } from 'standardwebhooks';

export const WEBHOOKS_TABLE = `CREATE TABLE webhooks (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, webhook_id text NOT NULL, url text NOT NULL, secret text NOT NULL, body text NOT NULL,
  sent_at timestamptz)`;

const AT_ONCE = 64;

interface Row {
  readonly id: string;
  readonly webhook_id: string;
  readonly url: string;
  readonly secret: string;
  readonly body: string;
}

/** Webhooks as one writes them first: the next 64 that are not sent, each with a fetch and an update of its own. Gives back how many. */
export async function sendWebhooks(db: pg.Pool): Promise<number> {
  const { rows } = await db.query<Row>(
    `SELECT id, webhook_id, url, secret, body FROM webhooks WHERE sent_at IS NULL ORDER BY id LIMIT ${AT_ONCE}`,
  );
  await Promise.all(
    rows.map(async ({ id, webhook_id: webhookId, url, secret, body }) => {
      const at = new Date();
      const answer = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'webhook-id': webhookId,
          'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
          'webhook-signature': new Webhook(secret).sign(webhookId, at, body),
        },
        body,
      });
      await answer.arrayBuffer();
      if (answer.ok) await db.query('UPDATE webhooks SET sent_at = now() WHERE id = $1', [id]);
    }),
  );
  return rows.length;
}
