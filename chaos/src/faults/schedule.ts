import { Random } from '../random.js';
import { type Broker, BY_WEBHOOK, KEEPING, SERVERS, SERVICES, type Server, type Service } from '../stage.js';

export type Kind =
  | 'kill'
  | 'kill in slow motion'
  | 'freeze'
  | 'restart'
  | 'kill backend'
  | 'flush'
  | 'cancel'
  | 'restore'
  | 'full disk'
  | 'slow disk'
  | 'cut'
  | 'half-open'
  | 'stall'
  | 'delay'
  | 'slow close'
  | 'garbage'
  | 'clock ahead'
  | 'clock behind'
  | 'a day passes'
  | 'rebalance'
  | 'second process'
  | 'poison'
  | EndpointKind;

/** What a platform's endpoint does. */
export type EndpointKind = 'refuse' | 'hang' | 'answer 500' | 'reset' | 'gone';

export interface Fault {
  readonly kind: Kind;
  /** A service, a server, the way between them (`credit-postgres`), or a platform's endpoint (`jd-endpoint`). */
  readonly target: string;
  readonly forMs: number;
  /** Hits everything, so nothing else begins until it is over. */
  readonly alone: boolean;
  /** The next fault begins a moment later whatever it is, in the middle of this one. */
  readonly hurried: boolean;
}

export interface ScheduleOptions {
  readonly seed: string;
  readonly faults: number;
  /** How long a frozen process stays frozen. The lease of a relay is 10 s and a consumer's session 6 s: less would test neither. */
  readonly freezeMs: number;
  /** Only these kinds and targets; absent = all. */
  readonly only?: readonly string[];
  /** Not these. */
  readonly without?: readonly string[];
  /** It can be filled. */
  readonly disk: boolean;
  /** It can be made slow. */
  readonly slowDisk: boolean;
  /** Of several, one at a time goes away. */
  readonly brokers: number;
  /** Only what the stock pipeline can meet as well, so that the same seed gives both the same faults. */
  readonly shared?: boolean;
}

export const endpointOf = (platform: string): string => `${platform}-endpoint`;
const ENDPOINTS = BY_WEBHOOK.map(endpointOf);
const CONSUMERS: readonly Service[] = ['inspection', 'exchange', 'credit', 'monitoring'];
const HURRIED = 0.1;
/** So many faults that leave each other alone are under way at once. */
export const AT_ONCE = 4;
/** How far ahead the schedule looks for a fault that need not wait for those before it. */
const LOOK_AHEAD = 40;

/** The same seed and options give the same faults in the same order, for the same time each. */
export function scheduleOf(options: ScheduleOptions): Fault[] {
  const { seed, faults, freezeMs, only, without = [], disk, slowDisk, brokers, shared = false } = options;
  const random = new Random(`${seed} faults`);
  const all = possible(freezeMs, brokers).filter((fault) => {
    const { kind, target } = fault;
    const isNamedIn = (list: readonly string[]): boolean => [kind, target, `${kind} ${target}`].some((name) => list.includes(name));
    const isAskedFor = (!only || isNamedIn(only)) && !isNamedIn(without) && (!shared || isShared(fault));
    return isAskedFor && (disk || kind !== 'full disk') && (slowDisk || kind !== 'slow disk');
  });
  if (all.length === 0) throw new Error(`no fault is called ${only?.join() ?? ''}`);
  const planned: Fault[] = [];
  // Round by round through everything there is, each time in another order. The first of a round are of as many kinds as possible.
  while (planned.length < faults) planned.push(...spread(random.shuffled(all)));
  return interleaved(planned.slice(0, faults)).map((fault) => ({
    ...fault,
    forMs: Math.round(fault.forMs * (0.8 + 0.4 * random.next())),
    hurried: !fault.alone && random.chance(HURRIED),
  }));
}

function possible(freezeMs: number, brokers: number): Fault[] {
  const each = <T extends string>(kind: Kind, targets: readonly T[], forMs: number, alone = false): Fault[] =>
    targets.map((target) => ({ kind, target, forMs, alone, hurried: false }));
  const kafka: readonly ('kafka' | Broker)[] =
    brokers === 1 ? ['kafka'] : Array.from({ length: brokers }, (_, at) => `kafka-${at + 1}` as const);
  const servers = [...kafka, 'postgres', 'redis', 'issuer'];
  const ways = KEEPING.flatMap((service) => SERVERS.map((server) => wayBetween(service, server)));
  return [
    ...each('kill', SERVICES, 0),
    ...each('kill in slow motion', KEEPING, 3_000),
    ...each('freeze', SERVICES, freezeMs),
    ...each('kill', servers, 0, true),
    ...each('freeze', servers, freezeMs, true),
    ...each('restart', kafka, 0, true),
    ...each('kill backend', ['postgres'], 0),
    ...each('flush', ['redis'], 0),
    ...each('full disk', ['postgres'], 8_000, true),
    ...each('slow disk', ['postgres', ...kafka], 10_000, true),
    ...each('cut', ways, 3_000),
    ...each('half-open', ways, 8_000),
    ...each('stall', ways, 8_000),
    ...each('delay', ways, 10_000),
    ...each('slow close', ways, 0),
    ...each('garbage', ways, 0),
    ...each('clock ahead', KEEPING, 6_000),
    ...each('clock behind', KEEPING, 6_000),
    ...each('a day passes', ['credit'], 5_000),
    ...each('cancel', CONSUMERS, 3_000),
    ...each('restore', KEEPING, 6_000, true),
    ...each('rebalance', CONSUMERS, 4_000),
    ...each('second process', KEEPING, 12_000),
    ...each('poison', ['intake'], 0),
    ...each('refuse', ENDPOINTS, 6_000),
    // Longer than the exchange waits for an answer.
    ...each('hang', ENDPOINTS, 20_000),
    ...each('answer 500', ENDPOINTS, 6_000),
    ...each('reset', ENDPOINTS, 6_000),
    ...each('gone', ENDPOINTS, 0),
  ];
}

export const wayBetween = (service: Service, server: Server): string => `${service}-${server}`;

/**
 * It has neither gateway nor registration nor Redis nor webhooks, it has nowhere to set poison aside, and no period of its records begins
 * or ends. Its inspection consumes nothing, and is the entrance itself, so nobody can keep results from it until its outbox is empty.
 */
const isShared = ({ kind, target }: Fault): boolean =>
  kind !== 'a day passes' &&
  !/gateway|registration|redis|intake|endpoint/.test(target) &&
  !(target === 'inspection' && ['cancel', 'rebalance', 'restore'].includes(kind));

/** Whom a service hears from: while that is silent, nobody can say how long the service itself takes. */
const HEARS: Readonly<Partial<Record<string, readonly string[]>>> = {
  registration: ['gateway'],
  exchange: ['inspection'],
  credit: ['inspection'],
  monitoring: ['inspection'],
};
/** These start a process. Two at once would measure the processor. */
const STARTING: readonly Kind[] = ['kill', 'kill in slow motion', 'second process', 'restore'];

/** Two faults of which one has to wait for the other: a killed service is watched by itself, and nobody is hit twice at once. */
export function areInEachOthersWay(one: Fault, other: Fault): boolean {
  const [own, others] = [hit(one), hit(other)];
  const isStarting = (fault: Fault): boolean => STARTING.includes(fault.kind);
  const hears = (fault: Fault, from: string): boolean => isStarting(fault) && (HEARS[hit(fault)] ?? []).includes(from);
  return one.alone || other.alone || own === others || (isStarting(one) && isStarting(other)) || hears(one, others) || hears(other, own);
}

const hit = ({ target }: Fault): string => target.split('-')[0] ?? target;

/** The same faults, in nearly the same order, with neighbours that can be under way at once. */
function interleaved(faults: readonly Fault[]): Fault[] {
  const left = [...faults];
  const ordered: Fault[] = [];
  while (left.length > 0) {
    const before = ordered.slice(1 - AT_ONCE);
    const free = left.slice(0, LOOK_AHEAD).findIndex((fault) => before.every((other) => !areInEachOthersWay(fault, other)));
    ordered.push(...left.splice(Math.max(0, free), 1));
  }
  return ordered;
}

/** One of each kind first, then the second of each, and so on. */
function spread(faults: readonly Fault[]): Fault[] {
  const seen = new Map<Kind, number>();
  const rank = faults.map((fault) => {
    const before = seen.get(fault.kind) ?? 0;
    seen.set(fault.kind, before + 1);
    return { fault, before };
  });
  return rank.sort((one, other) => one.before - other.before).map(({ fault }) => fault);
}
