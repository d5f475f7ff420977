import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer } from 'kafkajs';
import type { Answer, History, Operation, Outcome, Poison, Via } from '../history.js';
import type { Random } from '../random.js';
import { COUNTY, DEPARTMENTS, ORGANISER, PLATFORMS } from '../stage.js';
import { workOnCommitment, workOnEarlyDecision, workOnPenalty, workOnPeriods } from './credit.js';
import { Desk, Left, type Office } from './desk.js';
import type { HttpAnswer, Request, Speaking } from './outside.js';
import { type FeedbackSeen, type Lane, Plan, type ResultLane } from './plan.js';
import { workOnPlan } from './plans.js';
import { workOnRecall } from './recalls.js';
import { drawRound, type Round, workOnSheet } from './sheets.js';
import { arrayRequest, fileRequest, type KafkaRecord, poisonRecord, recordOf, requestOf, type Sendable } from './wire.js';
import { stateLaboratories, workOnCase, workOnPair } from './work.js';

export interface LoadOptions {
  readonly callsPerSecond: number;
  /** Part of the senders that give up in the middle and never say another word about it. */
  readonly givingUp: number;
  /** Everything there is to say, or only results, one a request, as the stock pipeline understands them. */
  readonly says: 'EVERYTHING' | 'RESULTS';
  /** By the clock of credit. */
  readonly creditsToday: () => string;
}

const IN_FLIGHT_MAX = 48;
const RETRY_MS = { first: 300, longest: 3_000 };
const ITEMS_MAX = 12;
const ANSWER_LOOKED_FOR_EVERY_MS = 50;
/** Part of the calls with which somebody begins to work on something, which is about ten calls more. */
const BEGINNING = 0.06;

type Reply = Pick<Answer, 'outcomes' | 'status' | 'code'>;

interface Sending {
  readonly via: Via;
  readonly operations: readonly Operation[];
  readonly lanes: readonly Lane[];
  readonly deliver: () => Promise<Reply>;
}

/** The outside world: departments and platforms that speak at a steady rate and repeat themselves until they are understood. */
export class Load {
  private readonly plan: Plan;
  private readonly outside: Speaking;
  private readonly history: History;
  private readonly random: Random;
  private readonly options: LoadOptions & { readonly run: string };
  private readonly readers: Consumer[] = [];
  private readonly eventIds = new Map<string, number>();
  /** What became of steps that went over Kafka, by their ids. */
  private readonly answers = new Map<string, Outcome>();
  private readonly desk: Desk;
  private round: Round = { roundId: '', assignments: [], left: 0 };
  private working = 0;
  private inFlight = 0;
  private calls = 0;
  private running = false;
  private draining = false;
  private finished: Promise<void> = Promise.resolve();

  constructor(outside: Speaking, history: History, random: Random, options: LoadOptions & { readonly run: string }) {
    this.outside = outside;
    this.history = history;
    this.random = random;
    this.options = options;
    this.plan = new Plan(random, options.run);
    this.desk = new Desk(this.office());
  }

  async start(): Promise<void> {
    if (this.options.says === 'EVERYTHING') {
      await stateLaboratories(this.outside);
      this.round = await drawRound(this.outside, this.options.run);
    }
    for (const platform of this.options.says === 'EVERYTHING' ? PLATFORMS : []) {
      const reader = await this.outside.follow(platform, `platform.${platform}.feedback.v1`, (value) => this.hear(platform, value));
      this.readers.push(reader);
    }
    if (this.options.says === 'EVERYTHING') {
      for (const department of [ORGANISER, COUNTY]) {
        const topic = `department.${department}.sampling-step-answer.v1`;
        this.readers.push(await this.outside.follow(department, topic, (value) => this.hearAnswer(value)));
      }
    }
    this.history.write({ entry: 'phase', phase: 'load begins' });
    this.running = true;
    this.finished = this.run();
  }

  /** No new calls; what is under way is repeated until it is settled, at most this long. */
  async stop(withinMs: number): Promise<void> {
    this.running = false;
    await this.finished;
    const giveUpAt = Date.now() + withinMs;
    const isBusy = (): boolean => this.inFlight > 0 || this.working > 0;
    while (isBusy() && Date.now() < giveUpAt) await sleep(50);
    this.draining = true;
    while (isBusy()) await sleep(50);
    this.history.write({ entry: 'phase', phase: 'load ends' });
    await Promise.all(this.readers.map((reader) => reader.disconnect().catch(() => undefined)));
    await this.outside.close();
  }

  /** Reports records that begin or end to be public with the next day. */
  async reportPeriods(): Promise<void> {
    await Promise.all([this.workOn(workOnPeriods), this.workOn(workOnPeriods)]);
  }

  /** A record nobody can handle, among the others. */
  async poison(): Promise<Poison> {
    const poison = this.plan.poison();
    await this.send({ via: 'KAFKA', operations: [poison], lanes: [], deliver: () => this.produce(poisonRecord(poison)) });
    return poison;
  }

  private async run(): Promise<void> {
    const startedAt = Date.now();
    for (let tick = 0; this.running; tick++) {
      const due = startedAt + (tick * 1_000) / this.options.callsPerSecond;
      if (due > Date.now()) await sleep(due - Date.now());
      if (this.inFlight >= IN_FLIGHT_MAX) continue;
      if (this.options.says === 'EVERYTHING' && this.random.chance(BEGINNING)) {
        void this.workOn(this.random.pick(WORK));
        continue;
      }
      const next = this.next();
      if (next) void this.send(next);
    }
  }

  private next(): Sending | null {
    const kind = this.random.next();
    if (this.options.says === 'RESULTS')
      return kind < 0.5 ? this.single(this.plan.newResult('HTTP', DEPARTMENTS[0]), 'REPORT') : this.change('HTTP', 'REPORT');
    if (kind < 0.17) return this.single(this.plan.newResult('HTTP'), 'REPORT');
    if (kind < 0.25) return this.many('HTTP');
    if (kind < 0.28) return this.many('FILE');
    if (kind < 0.43) return this.single(this.plan.newResult('KAFKA'), 'REPORT');
    if (kind < 0.58) return this.change('HTTP', 'REPORT');
    if (kind < 0.7) return this.change('KAFKA', 'REPORT');
    if (kind < 0.77) return this.change('HTTP', 'RETRACTION');
    if (kind < 0.82) return this.change('KAFKA', 'RETRACTION');
    return kind < 0.91 ? this.receipt() : this.merchant();
  }

  /** Begins something new, and works on it until it is done or somebody does not know any more how it stands. */
  private async workOn(work: Work): Promise<void> {
    this.working++;
    try {
      await work(this.desk, this.round);
    } catch (problem) {
      if (!(problem instanceof Left)) throw problem;
    } finally {
      this.working--;
    }
  }

  private office(): Office {
    const { plan, random, options } = this;
    return {
      ...{ plan, random, run: options.run },
      say: async (operation, via) => (await this.send(this.one(operation, [], via)))[0] ?? 'unknown',
      answerTo: (mark) => this.answerTo(mark),
      ask: (request) => this.outside.http(request),
      isOpen: () => this.running,
      creditsToday: options.creditsToday,
    };
  }

  private single(lane: ResultLane, kind: 'REPORT' | 'RETRACTION'): Sending {
    const operation = kind === 'REPORT' ? this.plan.report(lane) : this.plan.retraction(lane);
    return this.one(operation, [lane], lane.via === 'KAFKA' ? 'KAFKA' : 'HTTP');
  }

  private change(via: 'HTTP' | 'KAFKA', kind: 'REPORT' | 'RETRACTION'): Sending | null {
    const lane = this.plan.knownResult(via);
    return lane && this.single(lane, kind);
  }

  private many(via: 'HTTP' | 'FILE'): Sending {
    const reporter = this.random.pick(DEPARTMENTS);
    const lanes = Array.from({ length: 2 + this.random.below(ITEMS_MAX - 1) }, () => this.plan.newResult(via, reporter));
    const reports = lanes.map((lane) => this.plan.report(lane));
    const request = via === 'FILE' ? fileRequest(reports) : arrayRequest(reports);
    const read = via === 'FILE' ? readImport : readItems;
    return { via, operations: reports, lanes, deliver: this.byHttp(request, (answer) => read(answer, reports.length)) };
  }

  private receipt(): Sending | null {
    const receipt = this.plan.receipt();
    return receipt && this.one(receipt, [], this.random.chance(0.5) ? 'HTTP' : 'KAFKA');
  }

  private merchant(): Sending | null {
    const next = this.plan.merchant();
    return next && this.one(next.change, [next.lane], 'HTTP');
  }

  private one(operation: Exclude<Operation, Poison>, lanes: readonly Lane[], via: 'HTTP' | 'KAFKA'): Sending {
    if (via === 'HTTP' || !isSendable(operation)) {
      return { via: 'HTTP', operations: [operation], lanes, deliver: this.byHttp(requestOf(operation), readSingle) };
    }
    const record = recordOf(operation, this.nextEventId(operation));
    return { via, operations: [operation], lanes, deliver: () => this.produce(record) };
  }

  private byHttp(request: Request, read: (answer: HttpAnswer) => Reply): () => Promise<Reply> {
    const key = this.random.chance(0.5) ? randomUUID() : undefined;
    return async () => {
      const answer = await this.outside.http(request, key);
      return answer ? read(answer) : UNKNOWN;
    };
  }

  private async produce({ principal, topic, message }: KafkaRecord): Promise<Reply> {
    try {
      await this.outside.produce(principal, topic, message);
      return { outcomes: ['sent'] };
    } catch {
      return UNKNOWN;
    }
  }

  // Written down before and after every attempt, and repeated by the same sender until it has an answer.
  private async send({ via, operations, lanes, deliver }: Sending): Promise<readonly Outcome[]> {
    const call = ++this.calls;
    this.inFlight++;
    for (const lane of lanes) lane.busy = true;
    let pause = RETRY_MS.first;
    let outcomes: readonly Outcome[];
    for (let attempt = 1; ; attempt++) {
      this.history.write({ entry: 'call', call, attempt, via, operations });
      const reply = await deliver();
      outcomes = operations.map((_, index) => reply.outcomes[index] ?? 'unknown');
      this.history.write({ entry: 'answer', call, attempt, ...reply, outcomes });
      await this.readBack(call, operations, outcomes);
      if (!outcomes.includes('unknown')) break;
      if (this.draining || this.random.chance(this.options.givingUp)) {
        for (const lane of lanes) lane.closed = true;
        break;
      }
      await sleep(pause);
      pause = Math.min(pause * 2, RETRY_MS.longest);
    }
    for (const lane of lanes) lane.busy = false;
    this.inFlight--;
    return outcomes;
  }

  private async readBack(call: number, operations: readonly Operation[], outcomes: readonly Outcome[]): Promise<void> {
    const [first] = operations;
    if (outcomes[0] !== 'accepted' || (first?.kind !== 'REPORT' && first?.kind !== 'RETRACTION') || !this.random.chance(0.5)) return;
    const answer = await this.outside.http({
      principal: first.reporterId,
      method: 'GET',
      path: `/api/inspection/sampling-results/${first.sampleNo}`,
    });
    if (answer?.status !== 200 && answer?.status !== 404) return;
    const found = answer.body as { result?: { reportedRevision?: number } | null };
    const shown = answer.status === 404 ? null : (found.result?.reportedRevision ?? null);
    this.history.write({ entry: 'read-back', call, sampleNo: first.sampleNo, accepted: first.revision, shown });
  }

  private hear(platformId: string, value: string): void {
    const { feedbackId, revision, contentHash } = JSON.parse(value) as FeedbackSeen;
    const known = this.plan.feedbacks.get(feedbackId);
    if (!known || known.revision < revision) this.plan.feedbacks.set(feedbackId, { platformId, feedbackId, revision, contentHash });
  }

  private hearAnswer(value: string): void {
    const { stepId, outcome } = JSON.parse(value) as { stepId: string; outcome: Outcome };
    this.answers.set(stepId, outcome);
  }

  private async answerTo(mark: string): Promise<Outcome> {
    while (!this.answers.has(mark) && !this.draining) await sleep(ANSWER_LOOKED_FOR_EVERY_MS);
    return this.answers.get(mark) ?? 'unknown';
  }

  // Every source counts for itself, so the same ids come from all of them.
  private nextEventId(operation: Sendable): string {
    const source = operation.kind === 'RECEIPT' ? operation.platformId : operation.kind === 'ACT' ? operation.by : operation.reporterId;
    const count = (this.eventIds.get(source) ?? 0) + 1;
    this.eventIds.set(source, count);
    return `${this.options.run}-${count}`;
  }
}

type Work = (desk: Desk, round: Round) => Promise<void>;

/** Of each kind about as many as are begun: records are soon done. */
const WORK: readonly Work[] = [
  ...[workOnCase, workOnCase, workOnRecall, workOnPair, workOnSheet, workOnPlan],
  ...[workOnPenalty, workOnPenalty, workOnCommitment, workOnEarlyDecision, workOnPeriods],
];

const SENDABLE: readonly string[] = ['REPORT', 'RETRACTION', 'RECEIPT', 'RECORD', 'RECORD_RETRACTION', 'ACT'];
const isSendable = (operation: Operation): operation is Sendable => SENDABLE.includes(operation.kind);

const UNKNOWN: Reply = { outcomes: [] };
/** These say nothing about what was asked: try again. */
const SAY_NOTHING = [401, 403, 408, 425, 429];
const UNDER_WAY = ['IDEMPOTENCY_KEY_IN_USE', 'EVIDENCE_UPLOAD_LOST'];

function readSingle({ status, body }: HttpAnswer): Reply {
  const { code, outcome, status: state } = (body ?? {}) as { code?: string; outcome?: Outcome; status?: string };
  if (status >= 500 || SAY_NOTHING.includes(status) || UNDER_WAY.includes(code ?? '')) return { ...UNKNOWN, status, ...(code && { code }) };
  if (status >= 300) return { outcomes: ['rejected'], status, ...(code && { code }) };
  return { outcomes: [outcome ?? (state === 'duplicate' ? 'duplicate' : 'accepted')], status };
}

function readItems(answer: HttpAnswer, count: number): Reply {
  const { items } = (answer.body ?? {}) as { items?: { outcome: Outcome; errors?: { code: string }[] }[] };
  if (answer.status >= 300 || items?.length !== count) return { ...UNKNOWN, status: answer.status };
  const code = items.flatMap(({ errors = [] }) => errors)[0]?.code;
  return { outcomes: items.map(({ outcome }) => outcome), status: answer.status, ...(code && { code }) };
}

function readImport(answer: HttpAnswer, count: number): Reply {
  const { accepted = 0, duplicate = 0, rejections } = (answer.body ?? {}) as { accepted?: number; duplicate?: number; rejections?: object };
  if (answer.status >= 300) return { ...UNKNOWN, status: answer.status };
  if (accepted + duplicate < count) return { outcomes: [], status: answer.status, code: Object.keys(rejections ?? {}).join() };
  return { outcomes: Array.from({ length: count }, () => (duplicate > 0 ? 'duplicate' : 'accepted')), status: answer.status };
}
