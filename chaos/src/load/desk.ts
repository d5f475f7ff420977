import { setTimeout as sleep } from 'node:timers/promises';
import { DAY_MS, daysAfter } from '../days.js';
import type { Act, CreditReport, Operation, Outcome, Poison, Repair, Ruling } from '../history.js';
import type { Random } from '../random.js';
import { COUNTY, LABORATORY, ORGANISER } from '../stage.js';
import type { HttpAnswer, Request } from './outside.js';
import type { Plan } from './plan.js';
import { hasSteps } from './wire.js';

type Said = Exclude<Operation, Poison>;
/** What can be one of two that exclude each other. */
type Raced = Act | Ruling | CreditReport | Repair;
export type Way = 'HTTP' | 'KAFKA';
type Matter = Pick<Act, 'matter' | 'name'>;

/** What a desk has of the load it belongs to. */
export interface Office {
  readonly plan: Plan;
  readonly random: Random;
  /** Marks and numbers begin with it. */
  readonly run: string;
  /** Writes down, sends, repeats; gives back what it was told in the end. */
  readonly say: (operation: Said, via: Way) => Promise<Outcome>;
  /** What came back to a step that went over Kafka. */
  readonly answerTo: (mark: string) => Promise<Outcome>;
  readonly ask: (request: Request) => Promise<HttpAnswer | null>;
  readonly isOpen: () => boolean;
  /** By the clock of credit. */
  readonly creditsToday: () => string;
}

const PAUSE_MS = 400;
/** What is worked on was begun so long ago that every period of it may be over. */
const BEGAN_DAYS_AGO = 240;

/** What was begun is left: nothing more is said about it. */
export class Left extends Error {}

/** Whoever works on something step by step: the next step is taken when the last one was answered. */
export class Desk {
  readonly plan: Plan;
  readonly random: Random;
  private readonly office: Office;

  constructor(office: Office) {
    this.office = office;
    this.plan = office.plan;
    this.random = office.random;
  }

  numbered(prefix: string): string {
    return `${this.office.run}-${prefix}-${this.plan.next()}`;
  }

  /** Leaves what was not accepted. */
  async take(operation: Said, via: Way = 'HTTP'): Promise<void> {
    if (!this.office.isOpen()) throw new Left();
    const outcome = await this.say(operation, via);
    if (outcome !== 'accepted' && outcome !== 'sent' && outcome !== 'duplicate') throw new Left();
    await this.pause();
  }

  async pause(): Promise<void> {
    await sleep(this.random.below(PAUSE_MS));
  }

  /** Two at once that exclude each other, each on its way; the one that was accepted. */
  async race<One extends Raced>(one: One, other: One, vias: readonly [Way, Way] = ['HTTP', 'HTTP']): Promise<One> {
    if (!this.office.isOpen()) throw new Left();
    const race = this.numbered('race');
    const both = [one, other].map((operation) => ({ ...operation, race }));
    const outcomes = await Promise.all(both.map((operation, place) => this.say(operation, vias[place] ?? 'HTTP')));
    const accepted = both.find((_, place) => outcomes[place] === 'accepted' || outcomes[place] === 'duplicate');
    if (!accepted) throw new Left();
    return accepted;
  }

  async ask<T>(principal: string, path: string): Promise<T> {
    if (!this.office.isOpen()) throw new Left();
    const answer = await this.office.ask({ principal, method: 'GET', path });
    if (answer?.status !== 200) throw new Left();
    return answer.body as T;
  }

  act({ matter, name }: Matter, act: string, on: string, facts: Act['facts'] = {}): Act {
    return { kind: 'ACT', matter, name, act, by: doneBy(act), on, mark: this.numbered('mark'), facts };
  }

  /** A step that was sent is taken when its answer says so. Whoever has no topic for its steps says them over HTTP, whatever was asked. */
  private async say(operation: Said, via: Way): Promise<Outcome> {
    const hasTopic = operation.kind !== 'ACT' || (operation.by !== LABORATORY && hasSteps(operation.matter));
    const outcome = await this.office.say(operation, hasTopic ? via : 'HTTP');
    return operation.kind === 'ACT' && outcome === 'sent' ? this.office.answerTo(operation.mark) : outcome;
  }

  /** The n-th day since what is worked on began. */
  day(n: number): string {
    return new Date(Date.now() - (BEGAN_DAYS_AGO - n) * DAY_MS).toISOString().slice(0, 10);
  }

  /** So many days from today by the clock of credit, where days pass. */
  creditsDay(fromToday: number): string {
    return daysAfter(this.office.creditsToday(), fromToday);
  }

  /** Some of what is begun is never brought to its end: its clocks run out. */
  leaveSome(part: number): void {
    if (this.random.chance(part)) throw new Left();
  }
}

const BY: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      'ORDER_STOP_SALE',
      'ORDER_CORRECTION',
      'REPORT_CORRECTION',
      'RECORD_RECHECK',
      'REFER_FOR_REVOCATION',
      'CLOSE_HANDLING',
      'FILE_CASE',
      'DECLINE_CASE',
      'PAUSE_CASE',
      'RESUME_CASE',
      'EXTEND_CASE',
      'CONCLUDE_CASE',
    ].map((act) => [act, COUNTY]),
  ),
  ...Object.fromEntries(['RECEIVE_SAMPLE', 'REJECT_SAMPLE', 'BEGIN_TESTING', 'REPORT'].map((act) => [act, LABORATORY])),
};

const doneBy = (act: string): string => BY[act] ?? ORGANISER;
