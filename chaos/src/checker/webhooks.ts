import { createHash } from 'node:crypto';
import type { EndpointEntry, Entry, WebhookEntry } from '../history.js';
import type { Findings } from './findings.js';
import type { Tables } from './tables.js';
import { eventsOn, groupedBy, type Topics } from './topics.js';

/** A try, and as many retries as the schedule has: then it is given up, and stays in pull. */
const ATTEMPTS_MAX = 8;
/** What was under way when the platform saw that its endpoint had ended has arrived by then. */
const UNDER_WAY_MS = 3_000;

/** A revision that is due by webhook, or was. */
export interface DeliveryRow {
  readonly platform: string;
  readonly name: string;
  readonly position: number;
  readonly attempts: number;
  readonly due: boolean;
  readonly delivered: boolean;
  /** Rows of the log, and of them successes. */
  readonly logged: string;
  readonly successes: string;
}

/**
 * What platforms with webhooks were told is delivered or still due, each with its attempts; what is delivered has reached the endpoint,
 * signed, with the bytes of the topic and each subject's revisions in their order; and nothing reaches an endpoint that has ended.
 */
export async function checkWebhooks(history: readonly Entry[], topics: Topics, tables: Tables, findings: Findings): Promise<void> {
  if (!history.some(({ entry }) => entry === 'endpoint')) return;
  const rows = await tables.rows<DeliveryRow>(
    'exchange',
    `SELECT d.recipient_id AS platform, d.feedback_id || '_' || d.revision AS name, d.position, d.attempts, d.due_at IS NOT NULL AS due,
       d.delivered_at IS NOT NULL AS delivered, count(a.attempt_id) AS logged, count(*) FILTER (WHERE a.outcome = 'DELIVERED') AS successes
     FROM deliveries d LEFT JOIN webhook_attempts a ON a.feedback_id = d.feedback_id AND a.revision = d.revision
     WHERE d.channel = 'WEBHOOK'
     GROUP BY d.recipient_id, d.position`,
  );
  judgeWebhooks({ history, rows }, topics, findings);
}

interface Seen {
  readonly history: readonly Entry[];
  readonly rows: readonly DeliveryRow[];
}

export function judgeWebhooks({ history, rows }: Seen, topics: Topics, findings: Findings): void {
  const calls = history.filter((entry) => entry.entry === 'webhook');
  checkDeliveries(rows, calls, findings);
  // What was committed and not published when a database is lost is worked out again, and says another time of issue.
  const isSetBack = history.some((entry) => isSettingBack(entry));
  const platforms = new Set(history.flatMap((entry) => (entry.entry === 'endpoint' ? [entry.platformId] : [])));
  for (const platform of platforms) checkTold({ platform, rows, calls, isSetBack }, topics, findings);
  checkAfterTheEnd(history, findings);
}

const isSettingBack = (entry: Entry): boolean =>
  entry.entry === 'phase' && entry.phase === 'database set back' && entry.what === 'exchange';

function checkDeliveries(rows: readonly DeliveryRow[], calls: readonly WebhookEntry[], findings: Findings): void {
  const taken = new Set(calls.filter(({ did }) => did === 'taken').map(({ id }) => id));
  for (const { platform, name, attempts, due, delivered, logged, successes } of rows) {
    const what = `webhook ${name} to ${platform}`;
    const isGivenUp = attempts >= ATTEMPTS_MAX;
    findings.expect(delivered || due || isGivenUp, 'WEBHOOK_LOST', `${what} is neither delivered nor due, after ${attempts} attempts`);
    findings.expect(!delivered || taken.has(name), 'WEBHOOK_NOT_TAKEN', `${what} is delivered, and the endpoint never took it`);
    findings.expect(!delivered || Number(successes) > 0, 'WEBHOOK_UNLOGGED', `${what} is delivered by no attempt in the log`);
    findings.expect(Number(logged) >= attempts, 'WEBHOOK_UNLOGGED', `${what} was tried ${attempts} times, ${logged} are in the log`);
  }
  for (const { platformId, id, did } of calls)
    findings.expect(did !== 'unsigned', 'WEBHOOK_UNSIGNED', `webhook ${id} reached ${platformId} with a wrong signature`);
}

interface Told {
  readonly platform: string;
  readonly rows: readonly DeliveryRow[];
  readonly calls: readonly WebhookEntry[];
  readonly isSetBack: boolean;
}

/** The topic holds everything, in the order of each subject: the other channel has to say the same. */
function checkTold({ platform, rows, calls, isSetBack }: Told, topics: Topics, findings: Findings): void {
  const known = new Set(rows.map(({ name }) => name));
  const first = new Map<string, number>();
  const own = calls.filter(({ platformId, did }) => platformId === platform && did === 'taken');
  for (const [index, { id }] of own.entries()) if (!first.has(id)) first.set(id, index);
  const hashes = groupedBy(own, ({ id }) => id);
  const events = eventsOn(topics, `platform.${platform}.feedback.v1`, findings);
  for (const [subject, told] of groupedBy(events, ({ key }) => key)) {
    const names = told.map(({ body, revision }) => `${String(body?.['feedbackId'])}_${revision}`);
    for (const [index, name] of names.entries()) {
      findings.expect(known.has(name), 'WEBHOOK_LOST', `${platform} was told ${name} on its topic, and it is no webhook`);
      const hash = createHash('sha256')
        .update(told[index]?.value ?? '')
        .digest('hex');
      const same = (hashes.get(name) ?? []).map((call) => call.hash === hash);
      const isRight = isSetBack ? same.length === 0 || same.includes(true) : !same.includes(false);
      findings.expect(isRight, 'WEBHOOK_WRONG', `webhook ${name} to ${platform} has other bytes than the topic`);
    }
    const order = names.flatMap((name) => first.get(name) ?? []);
    const isInOrder = order.every((at, index) => index === 0 || (order[index - 1] ?? 0) < at);
    findings.expect(isInOrder, 'WEBHOOK_ORDER', `${platform} took the webhooks of ${subject} in another order than they were told`);
  }
}

/**
 * From when its platform has seen that an endpoint has ended nothing goes there, a database that was set back included: unless a fault held
 * the sender up between its decision to send and the sending.
 */
function checkAfterTheEnd(history: readonly Entry[], findings: Findings): void {
  const ended = new Map<string, EndpointEntry>();
  let heldUpAt = 0;
  let underWay = 0;
  for (const entry of history) {
    if (entry.entry === 'fault' && canHoldUp(entry.target)) {
      if (entry.phase === 'begins') underWay += 1;
      if (entry.phase === 'recovered') underWay -= 1;
      heldUpAt = entry.at;
    }
    if (entry.entry === 'endpoint' && entry.phase === 'ended' && !ended.has(entry.path)) ended.set(entry.path, entry);
    if (entry.entry !== 'webhook') continue;
    const end = ended.get(entry.path);
    if (!end || underWay > 0) continue;
    const late = entry.at - Math.max(end.at, heldUpAt);
    findings.expect(
      late <= UNDER_WAY_MS,
      'WEBHOOK_AFTER_THE_END',
      `webhook ${entry.id} reached ${entry.path} ${entry.at - end.at} ms after its platform saw that it had ended`,
    );
  }
}

const canHoldUp = (target: string): boolean => /^(exchange|postgres|kafka)/.test(target);
