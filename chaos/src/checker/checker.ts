import type { Kafka } from 'kafkajs';
import { readHistory } from '../history.js';
import { checkConsumers } from './consumers.js';
import { checkCredit } from './credit.js';
import { checkExchange } from './exchange.js';
import { askedIn } from './expected.js';
import { Findings, type Violation } from './findings.js';
import { checkInspection } from './inspection.js';
import { checkMonitoring } from './monitoring.js';
import { checkRepeats } from './repeats.js';
import { Tables } from './tables.js';
import { checkHistory, recoveriesIn, type Recovery } from './timing.js';
import { readTopics } from './topics.js';
import { checkWebhooks } from './webhooks.js';

export type { Violation } from './findings.js';
export type { Recovery } from './timing.js';

export interface Evidence {
  /** The file in which the outside world wrote down what it sent and what it was answered. */
  readonly history: string;
  /** A plain client that may read every topic. */
  readonly kafka: Kafka;
  readonly databaseUrl: (service: string) => string;
  readonly patience: number;
}

export interface Verdict {
  readonly violations: readonly Violation[];
  readonly slow: readonly Violation[];
  readonly sent: number;
  readonly accepted: number;
  /** Events that were sent again, as at least once allows around a fault. */
  readonly repeats: number;
  readonly recoveries: readonly Recovery[];
}

/**
 * Judges a run from outside: the history, the topics, the tables. It knows the names of topics and tables and the rules of the published
 * interface, worked out here a second time, and shares no code with what it judges (the linter sees to that).
 */
export async function check({ history: file, kafka, databaseUrl, patience }: Evidence): Promise<Verdict> {
  const findings = new Findings();
  const history = readHistory(file);
  const asked = askedIn(history);
  const topics = await readTopics(kafka);
  const tables = new Tables(databaseUrl);
  checkHistory(history, { findings, patience });
  const repeats = checkRepeats(history, topics, findings);
  const finals = await checkInspection(asked, topics, tables, findings);
  await checkCredit(finals, topics, tables, findings);
  await checkMonitoring(finals, tables, findings);
  await checkExchange({ asked, finals }, topics, tables, findings);
  await checkWebhooks(history, topics, tables, findings);
  await checkConsumers(topics, tables, findings);
  const { violations, slow } = findings;
  return { violations, slow, sent: asked.sent, accepted: asked.accepted, repeats, recoveries: recoveriesIn(history) };
}
