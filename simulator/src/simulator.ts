import { setTimeout as sleep } from 'node:timers/promises';
import type { Behaviour, Channel, ChannelName, ChannelParts } from './channel.js';
import { type Access, Exchange, Refused } from './exchange.js';
import { Memory } from './memory.js';
import { answersTo, type Arrived, type Held, lineOf, type Stance } from './platform.js';
import { PullChannel } from './pull.js';
import { type Compared, reconcile } from './reconciliation.js';
import { TopicChannel } from './topic.js';
import { type Listening, WebhookChannel } from './webhook.js';

export interface SimulatorOptions {
  readonly access: Access;
  readonly channel: ChannelName;
  /** What the platform says it did; ACTED unless told otherwise. */
  readonly stance?: Stance;
  readonly behaviour?: Partial<Behaviour>;
  /** Of an earlier life; absent: it knows nothing yet. */
  readonly memory?: Memory;
  /** Leaves alone what the platform was told before. */
  readonly onlyNew?: boolean;
  readonly listening?: Listening;
  readonly say?: (line: string) => void;
}

interface Switched {
  /** The last position before the channel was chosen. */
  readonly since: number;
}

const WELL: Behaviour = { slowMs: 0, dead: null, wrong: false };
const AGAIN_MS = 1_000;

/** A platform that is told by one channel and answers, as an outsider: with its own credentials, over published interfaces. */
export class Simulator {
  readonly memory: Memory;
  private readonly options: SimulatorOptions;
  private readonly exchange: Exchange;
  private readonly channel: Channel;
  private behaviour: Behaviour;
  private since = 0;
  private isStopped = false;
  private answering: Promise<void> = Promise.resolve();

  private constructor(options: SimulatorOptions) {
    this.options = options;
    this.memory = options.memory ?? new Memory();
    this.exchange = new Exchange(options.access);
    this.behaviour = { ...WELL, ...options.behaviour };
    this.channel = channelOf(options, {
      access: options.access,
      exchange: this.exchange,
      memory: this.memory,
      behaviour: () => this.behaviour,
      receive: (arrived) => this.receive(arrived),
      say: (line) => this.say(line),
    });
  }

  /** Resolves when the platform has chosen its channel and is told by it. */
  static async start(options: SimulatorOptions): Promise<Simulator> {
    const simulator = new Simulator(options);
    try {
      await simulator.begin();
      return simulator;
    } catch (problem) {
      await simulator.stop();
      throw problem;
    }
  }

  /** Becomes slow, dead, wrong, or well again. */
  async behave(changes: Partial<Behaviour>): Promise<void> {
    const { dead } = this.behaviour;
    this.behaviour = { ...this.behaviour, ...changes };
    this.say(`is now ${described(this.behaviour)}`);
    if (this.behaviour.dead !== dead) {
      // Whoever dies resets its connections.
      await this.channel.close();
      if (this.isListening) await this.channel.open();
    }
    this.answerRest();
  }

  /** Compares what it holds with what it was told up to an instant; what it lacks is told again by its channel. */
  async reconcile(asOf: Date): Promise<Compared> {
    const compared = await reconcile(this.exchange, this.memory.feedbacks, asOf);
    const { differingBuckets, differences, redelivered } = compared;
    const found = differences.map(({ kind, feedbackId }) => `${kind} ${feedbackId}`);
    this.say(
      `reconciled: ${differingBuckets.length} of 256 buckets differ, ${redelivered} are told again${found.map((one) => `, ${one}`).join('')}`,
    );
    if (redelivered > 0 && this.options.channel === 'PULL') await this.pullAnew();
    return compared;
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.answering;
    await this.channel.close();
  }

  private async begin(): Promise<void> {
    const { channel, onlyNew = false } = this.options;
    // An endpoint has to be there before the channel can be chosen; a topic and a series are there already.
    if (channel === 'WEBHOOK') await this.channel.open();
    const { since } = await this.exchange.put<Switched>('channel', { channel });
    if (onlyNew) this.since = since;
    this.say(`is told by ${channel}`);
    if (channel !== 'WEBHOOK' && this.isListening) await this.channel.open();
    if (channel === 'WEBHOOK' && !this.isListening) await this.channel.close();
    this.answerRest();
  }

  /** What hangs still takes connections, where there are any to take. */
  private get isListening(): boolean {
    const { dead } = this.behaviour;
    return dead === null || (dead === 'HANGING' && this.options.channel === 'WEBHOOK');
  }

  private async receive(arrived: Arrived): Promise<void> {
    if (arrived.position <= this.since) return;
    if (this.behaviour.slowMs > 0) await sleep(this.behaviour.slowMs);
    const reception = this.memory.receive(arrived, new Date());
    this.say(`${lineOf(arrived)}: ${reception.toLowerCase()}`);
    const held = this.memory.find(arrived.told.feedbackId);
    if (reception === 'APPLIED' && held) this.answer(held);
  }

  /** What is told again by pull stands where it stood, behind the cursor. */
  private async pullAnew(): Promise<void> {
    await this.channel.close();
    this.memory.cursor = null;
    if (this.isListening) await this.channel.open();
  }

  private answerRest(): void {
    for (const held of this.memory.feedbacks) this.answer(held);
  }

  /** One after the other, and not in the way of what arrives. */
  private answer(held: Held): void {
    this.answering = this.answering.then(() => this.answerAll(held));
  }

  private async answerAll(held: Held): Promise<void> {
    const { stance = 'ACTED' } = this.options;
    const { wrong } = this.behaviour;
    const answers = answersTo(held, stance, wrong);
    for (const [index, answered] of answers.entries()) {
      // A later revision is answered in its place.
      const current = this.memory.find(held.told.feedbackId);
      if (current?.told.revision !== held.told.revision || index < current.answered) continue;
      const said = await this.untilAnswered(async () => {
        if (this.channel.answer) return this.channel.answer(answered);
        return (await this.exchange.post<{ status: string }>('receipts', answered)).status;
      });
      if (said === null) return;
      if (!wrong) this.memory.answered(held, index + 1);
      this.say(`answered ${held.told.subject} with ${answered.status}: ${said}`);
    }
  }

  /** What cannot be told now is told later; null when the platform stops or dies first. */
  private async untilAnswered(give: () => Promise<string>): Promise<string | null> {
    while (!this.isStopped && this.behaviour.dead === null) {
      try {
        return await give();
      } catch (problem) {
        if (problem instanceof Refused) return problem.code;
        await sleep(AGAIN_MS);
      }
    }
    return null;
  }

  private say(line: string): void {
    this.options.say?.(`${this.options.access.clientId} ${line}`);
  }
}

function channelOf({ channel, listening = { port: 0 } }: SimulatorOptions, parts: ChannelParts): Channel {
  switch (channel) {
    case 'KAFKA':
      return new TopicChannel(parts);
    case 'WEBHOOK':
      return new WebhookChannel(parts, listening);
    case 'PULL':
      return new PullChannel(parts);
  }
}

function described({ slowMs, dead, wrong }: Behaviour): string {
  const words = [dead?.toLowerCase(), wrong && 'wrong', slowMs > 0 && `slow by ${slowMs} ms`].filter(Boolean);
  return words.length > 0 ? words.join(', ') : 'well';
}
