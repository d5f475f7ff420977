import type { Kafka } from 'kafkajs';
import { type Entry, readHistory } from '../history.js';
import { checkAnswers, type Refused } from './answers.js';
import { checkClocks } from './clocks.js';
import { checkConsumers } from './consumers.js';
import { checkCopies } from './copies.js';
import { checkCredit } from './credit.js';
import { checkExchange } from './exchange.js';
import { type Asked, askedIn, type Decided, setBacksOf, toldOf } from './expected.js';
import { Findings, type Violation } from './findings.js';
import { checkInspection } from './inspection.js';
import { checkMerges } from './merges.js';
import { checkMonitoring } from './monitoring.js';
import { checkRecallClocks } from './recall-clocks.js';
import { checkRecalls, forgottenRecalls } from './recalls.js';
import { checkRecords } from './records.js';
import { checkRepeats } from './repeats.js';
import { checkProofs, decidedBy, historiesIn, judgeSteps } from './steps.js';
import { Tables } from './tables.js';
import { checkHistory, recoveriesIn, type Recovery } from './timing.js';
import { readTopics, type Topics } from './topics.js';
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
  const repeats = checkRepeats(history, topics, { findings, patience });
  const { decided, refused } = await checkWork({ history, asked }, topics, tables, findings);
  const finals = await checkInspection({ asked, decided }, topics, tables, findings);
  await checkCredit(finals, topics, tables, findings);
  await checkMonitoring(finals, tables, findings);
  await checkExchange({ asked, finals }, topics, tables, findings);
  await checkWebhooks(history, topics, tables, findings);
  await checkConsumers(refused, topics, tables, findings);
  await checkRecords({ asked, history }, tables, findings);
  await checkCopies(history, topics, tables, findings);
  const { violations, slow } = findings;
  return { violations, slow, sent: asked.sent, accepted: asked.accepted, repeats, recoveries: recoveriesIn(history) };
}

/** What is worked on at inspection, and what that decides about results. */
async function checkWork(
  { history, asked }: { history: readonly Entry[]; asked: Asked },
  topics: Topics,
  tables: Tables,
  findings: Findings,
): Promise<{ decided: Map<string, Decided>; refused: Refused }> {
  const histories = await historiesIn(tables);
  const { steps } = histories;
  const setBacks = setBacksOf(history, 'inspection').length;
  const { acts, refused } = checkAnswers({ acts: toldOf(asked, 'ACT'), steps, setBacks }, topics, findings);
  const forgotten = forgottenRecalls(topics, setBacks, findings);
  judgeSteps({ acts, proofs: toldOf(asked, 'PROOF'), forgotten }, histories, findings);
  await checkClocks(history, topics, tables, findings);
  await checkRecalls({ steps, forgotten }, topics, tables, findings);
  await checkRecallClocks(forgotten, tables, findings);
  await checkProofs(asked, tables, findings);
  const merged = await checkMerges({ asked, isSetBack: setBacks > 0 }, topics, tables, findings);
  return { decided: new Map([...decidedBy(asked, histories), ...merged]), refused };
}
