import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { accessToken, webhookSecretKey } from '@jinqiao/infra-local';
import { Keyring } from '@jinqiao/platform';
import pg from 'pg';
import { sendWebhooks, WEBHOOKS_TABLE } from '../stock/webhooks.js';
import { postedBatch } from './effects.js';
import { type Contender, type Options, type Outcome, percentile, race, ratioOf, timed, type Work } from './harness.js';
import { plainDatabase, settle, until } from './place.js';
import { DEPARTMENT, PLATFORMS, reportAt, WORST } from './results.js';
import { Client, numberIn, onStack, openLoop, type Running } from './running-stack.js';

/*
 * A backlog of committed feedback to twenty endpoints until the last is delivered: ours keeps each attempt in a log and in the ledger too,
 * and keeps the order of each subject. Then the same with one endpoint that takes requests and never answers, and with one that answers
 * late, which never looks dead. Then everything live, where a result is timed from its acceptance to the delivery of what follows from it,
 * by the clocks of the rows.
 */
const ENDPOINTS = 20;
const LIVE = { requests: 100, perRequest: 10 };
const LIVE_WARM_SECONDS = 5;
/** The same for everybody, so that the endpoints need not be told. */
const SECRET = `whsec_${randomBytes(32).toString('base64')}`;
const POOL = 20;

export async function webhook(options: Options): Promise<Outcome> {
  const receiver = await Receiver.start();
  try {
    return await onStack('webhook', (running) => measured(running, receiver, options));
  } finally {
    receiver.stop();
  }
}

async function measured(running: Running, receiver: Receiver, options: Options): Promise<Outcome> {
  const count = Math.ceil(options.size(20_000, 400) / ENDPOINTS) * ENDPOINTS;
  const stockUrl = await plainDatabase(running.stack.servers, 'bench_stock_webhook');
  const place = { running, receiver, count };
  const figures = await race(
    [looped(place, stockUrl), delivered(place, OURS, null), delivered(place, BESIDE_DEAD, 'dead'), delivered(place, BESIDE_SLOW, 'slow')],
    (items): Work => ({ sent: items, taken: items, signed: items }),
    options,
  );
  const took = await live(running, receiver, options.size(60, 5));
  const [p50, p99] = [percentile(took, 50), percentile(took, 99)];
  const figure = (percent: number, value: number) => ({
    name: `accepted to delivered at 1,000/s, p${percent}`,
    unit: 'ms',
    samples: [value],
  });
  return {
    bench: 'webhook',
    figures: [...figures.values(), figure(50, p50), figure(99, p99)],
    ratios: [
      { name: 'fetch() in a loop of 64', value: ratioOf(figures, OURS, STOCK), goal: 5 },
      // Of each of the others: they are one fewer.
      { name: 'rate beside a dead endpoint', value: ratioOf(figures, BESIDE_DEAD, OURS) * (ENDPOINTS / (ENDPOINTS - 1)), goal: 0.95 },
      { name: 'rate beside a slow endpoint', value: ratioOf(figures, BESIDE_SLOW, OURS) * (ENDPOINTS / (ENDPOINTS - 1)), goal: 0.95 },
      { name: 'accepted to delivered p99, 2 s', value: 2_000 / p99, goal: 1 },
    ],
    notes: [`${ENDPOINTS} endpoints in one process on the same machine; bodies of ${Buffer.byteLength(BODY)} bytes.`],
  };
}

const STOCK = 'fetch() in a loop of 64';
const OURS = 'ours';
const BESIDE_DEAD = 'ours, 19 beside a dead one';
const BESIDE_SLOW = 'ours, 19 beside a slow one';
/** What the first of the endpoints does that does not take its webhooks like the others; the receiver knows it by its path. */
type Laggard = 'dead' | 'slow' | null;

interface BacklogPlace {
  readonly running: Running;
  readonly receiver: Receiver;
  readonly count: number;
}

/** As large as a feedback is. */
const BODY = JSON.stringify({
  feedbackId: '<<feedback>>',
  recipientId: '<<recipient>>',
  revision: 1,
  kind: 'SAMPLING_RESULT',
  subject: '<<subject>>',
  subjectRevision: 1,
  entitlement: { kind: 'STATUTORY_NOTICE', id: 'E_COMMERCE_LAW_38' },
  issuedAt: '2026-09-10T01:00:00.000Z',
  actionsRequired: ['STOP_SALE', 'DELIST', 'BLOCK_RELISTING', 'INFORM_MERCHANT'].map((action) => ({
    action,
    mandatory: true,
    basis: '中华人民共和国产品质量法第四十九条',
  })),
  legalBasis: [{ instrument: '中华人民共和国电子商务法', article: '第三十八条', ruleVersion: '2019-01-01' }],
  content: reportAt('W', 1, WORST),
  contentHash: 'a'.repeat(64),
});

const looped = ({ running: { stack }, receiver, count }: BacklogPlace, url: string): Contender => ({
  name: STOCK,
  async run() {
    const db = new pg.Pool({ connectionString: url, max: POOL });
    await db.query(`DROP TABLE IF EXISTS webhooks; ${WEBHOOKS_TABLE}`);
    await db.query(
      `INSERT INTO webhooks (webhook_id, url, secret, body)
       SELECT 'loop-' || n || '_1', $1 || '/' || n % $2, $3, $4 FROM generate_series(1, $5::integer) AS n`,
      [receiver.origin, ENDPOINTS, SECRET, BODY, count],
    );
    await db.query('ANALYZE webhooks');
    await receiver.reset();
    await settle(stack.servers);
    const seconds = await timed(async () => {
      while ((await sendWebhooks(db)) > 0);
    });
    const { rows } = await db.query<{ sent: number }>('SELECT count(sent_at)::integer AS sent FROM webhooks');
    await db.end();
    return { items: count, seconds, work: { sent: rows[0]?.sent ?? 0, ...(await receiver.counts()) } };
  },
});

/** From the moment at which the endpoints may be called until nothing is due at those that take theirs at once. */
const delivered = ({ running, receiver, count }: BacklogPlace, name: string, laggard: Laggard): Contender => ({
  name,
  async run() {
    const { exchange } = running.databases;
    const run = `b${randomBytes(3).toString('hex')}`;
    const keyring = await Keyring.of(webhookSecretKey(running.stack.servers.seed));
    await fill(exchange, { run, origin: receiver.origin, count, laggard, secret: await keyring.seal(SECRET) });
    await receiver.reset();
    await settle(running.stack.servers);
    const living = `recipient_id LIKE '${run}-%'${laggard ? ` AND recipient_id <> '${run}-0'` : ''}`;
    const items = laggard ? count - count / ENDPOINTS : count;
    const seconds = await timed(async () => {
      await exchange.query(`UPDATE webhook_endpoints SET paused_until = NULL WHERE organisation_id LIKE '${run}-%'`);
      const due = `SELECT count(*) FROM deliveries WHERE ${living} AND due_at IS NOT NULL`;
      // The table is not asked before there is hope: counting all that is due many times costs more than delivering it.
      const isTaken = async (): Promise<boolean> => (await receiver.counts()).taken >= items;
      await until('everything to be delivered', async () => (await isTaken()) && (await numberIn(exchange, due)) === 0);
    });
    await exchange.query(
      `UPDATE webhook_endpoints SET status = 'ENDED', status_reason = 'REMOVED' WHERE organisation_id LIKE '${run}-%' AND status = 'ACTIVE'`,
    );
    const sent = await numberIn(exchange, `SELECT count(*) FROM deliveries WHERE ${living} AND delivered_by = 'WEBHOOK'`);
    return { items, seconds, work: { sent, ...(await receiver.counts()) } };
  },
});

interface Filling {
  readonly run: string;
  readonly origin: string;
  readonly count: number;
  readonly laggard: Laggard;
  /** As the exchange keeps it. */
  readonly secret: string;
}

/** What the exchange would have told twenty platforms, each feedback of a subject of its own; the endpoints wait. */
async function fill(exchange: pg.Client, { run, origin, count, laggard, secret }: Filling): Promise<void> {
  const platforms = `SELECT '${run}-' || p AS id, p FROM generate_series(0, ${ENDPOINTS - 1}) AS p`;
  const feedbacks = `SELECT md5('${run}' || n)::uuid AS id, '${run}-' || n % ${ENDPOINTS} AS recipient, '${run}:' || n AS subject,
                       n / ${ENDPOINTS} + 1 AS position FROM generate_series(0, ${count - 1}) AS n`;
  await exchange.query('BEGIN');
  await exchange.query(`
    INSERT INTO organisations (id, kind, name, aliases, sectors, scopes, revision)
    SELECT id, 'PLATFORM', id, '{}', '{}', '{}', 1 FROM (${platforms}) AS p;
    INSERT INTO recipients (organisation_id, channel, last_position)
    SELECT id, 'WEBHOOK', ${count / ENDPOINTS} FROM (${platforms}) AS p;
    INSERT INTO webhook_endpoints (endpoint_id, organisation_id, url, algorithm, contact, status, status_since, registered_at, paused_until)
    SELECT md5(id)::uuid, id, '${origin}/' || CASE p WHEN 0 THEN '${laggard ?? '0'}' ELSE p::text END, 'HMAC_SHA256', 'bench', 'ACTIVE',
      now(), now(), 'infinity' FROM (${platforms}) AS p;
    INSERT INTO webhook_secrets (secret_id, endpoint_id, secret, created_at)
    SELECT gen_random_uuid(), md5(id)::uuid, '${secret}', now() FROM (${platforms}) AS p;
    INSERT INTO feedbacks (feedback_id, recipient_id, kind, subject, publisher_id, revision, status, asked_since)
    SELECT id, recipient, 'SAMPLING_RESULT', subject, '${DEPARTMENT}', 1, 'ISSUED', 1 FROM (${feedbacks}) AS f;`);
  await exchange.query(
    `INSERT INTO feedback_revisions (feedback_id, revision, content_hash, said)
     SELECT id, 1, repeat('a', 64),
       replace(replace(replace($1, '<<feedback>>', id::text), '<<recipient>>', recipient), '<<subject>>', subject)::json
     FROM (${feedbacks}) AS f`,
    [BODY],
  );
  await exchange.query(`
    INSERT INTO deliveries (recipient_id, position, feedback_id, revision, kind, subject, type, purpose, classification, channel, told_at, due_at, asks_action)
    SELECT recipient, position, id, 1, 'SAMPLING_RESULT', subject, 'FeedbackIssued', 'SAMPLING_FEEDBACK', 'RESTRICTED_TO_RECIPIENT', 'WEBHOOK',
      now(), now(), TRUE FROM (${feedbacks}) AS f;`);
  await exchange.query('COMMIT');
  await exchange.query('ANALYZE feedback_revisions, deliveries');
}

/** Milliseconds from the acceptance of each result to the delivery of its feedback. Every result is sold on a platform with an endpoint. */
async function live(running: Running, receiver: Receiver, seconds: number): Promise<number[]> {
  const { stack, databases } = running;
  await Promise.all(PLATFORMS.map((platform) => byWebhook(running, platform, `${receiver.origin}/live`)));
  const run = `L${randomBytes(3).toString('hex')}`;
  const mix = { unqualified: 0.05, online: 1, revised: 0 };
  const client = new Client(`${stack.origins.inspection}/api/inspection/sampling-results`, await running.token());
  const { requests, perRequest } = LIVE;
  const perSecond = requests * perRequest;
  const all = perSecond * (seconds + LIVE_WARM_SECONDS);
  await openLoop({ perSecond: requests, seconds: seconds + LIVE_WARM_SECONDS }, (nth) =>
    postedBatch(
      client,
      Array.from({ length: perRequest }, (_, n) => reportAt(run, nth * perRequest + n, mix)),
    ),
  );
  client.close();
  const own = `subject BETWEEN '${DEPARTMENT}:${run}-' AND '${DEPARTMENT}:${run}-~'`;
  await until(
    'every feedback to be delivered',
    async () => (await numberIn(databases.exchange, `SELECT count(*) FROM deliveries WHERE ${own} AND delivered_at IS NOT NULL`)) >= all,
    200,
  );
  const at = (column: string): string => `extract(epoch FROM ${column})::float8 * 1000 AS at`;
  const ends = await databases.exchange.query<{ subject: string; at: number }>(
    `SELECT subject, ${at('delivered_at')} FROM deliveries WHERE ${own}`,
  );
  const begins = await databases.inspection.query<{ subject: string; at: number }>(
    `SELECT reporter_id || ':' || sample_no AS subject, ${at('applied_at')} FROM sampling_results
     WHERE reporter_id = '${DEPARTMENT}' AND sample_no BETWEEN '${run}-' AND '${run}-~'
     ORDER BY sample_no OFFSET ${perSecond * LIVE_WARM_SECONDS}`,
  );
  const end = new Map(ends.rows.map((row) => [row.subject, row.at]));
  return begins.rows.map((row) => (end.get(row.subject) ?? Number.NaN) - row.at);
}

/** As the platform itself would have it. */
async function byWebhook({ stack }: Running, platform: string, url: string): Promise<void> {
  const { token } = await accessToken(stack.servers, platform);
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const ask = async (method: string, path: string, body: object): Promise<void> => {
    const answer = await fetch(`${stack.origins.exchange}/api/exchange/${path}`, { method, headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  };
  await ask('POST', 'webhook-endpoints', { url, contact: 'bench' });
  await ask('PUT', 'channel', { channel: 'WEBHOOK' });
}

/** The process that stands for the platforms. */
class Receiver {
  private constructor(
    private readonly child: ChildProcess,
    readonly origin: string,
  ) {}

  static async start(): Promise<Receiver> {
    const child = fork(join(import.meta.dirname, 'webhook-receiver.main.js'), { env: { ...process.env, BENCH_SECRET: SECRET } });
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return new Receiver(child, `http://127.0.0.1:${port}`);
  }

  async reset(): Promise<void> {
    await this.ask('reset');
  }

  counts(): Promise<{ taken: number; signed: number }> {
    return this.ask('counts');
  }

  stop(): void {
    this.child.kill();
  }

  private async ask(what: 'reset' | 'counts'): Promise<{ taken: number; signed: number }> {
    this.child.send(what);
    const [counts] = (await once(this.child, 'message')) as [{ taken: number; signed: number }];
    return counts;
  }
}
