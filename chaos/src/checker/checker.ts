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
import { checkHistory } from './timing.js';
import { readTopics } from './topics.js';

export type { Violation } from './findings.js';

export interface Evidence {
  /** The file in which the outside world wrote down what it sent and what it was answered. */
  readonly history: string;
  /** A plain client that may read every topic. */
  readonly kafka: Kafka;
  readonly databaseUrl: (service: string) => string;
}

/**
 * Judges a run from outside: the history, the topics, the tables. It knows the names of topics and tables and the rules of the published
 * interface, worked out here a second time, and shares no code with what it judges (the linter sees to that).
 */
export async function check({
  history: file,
  kafka,
  databaseUrl,
}: Evidence): Promise<{ violations: Violation[]; sent: number; accepted: number }> {
  const findings = new Findings();
  const history = readHistory(file);
  const asked = askedIn(history);
  const topics = await readTopics(kafka);
  const tables = new Tables(databaseUrl);
  checkHistory(history, findings);
  checkRepeats(history, topics, findings);
  const finals = await checkInspection(asked, topics, tables, findings);
  await checkCredit(finals, topics, tables, findings);
  await checkMonitoring(finals, tables, findings);
  await checkExchange({ asked, finals }, topics, tables, findings);
  await checkConsumers(topics, tables, findings);
  return { violations: findings.violations, sent: asked.sent, accepted: asked.accepted };
}
