import { Random } from '../random.js';
import { type Broker, KEEPING, SERVERS, SERVICES, type Server, type Service } from '../stage.js';

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
  | 'rebalance'
  | 'second process'
  | 'poison';

export interface Fault {
  readonly kind: Kind;
  /** A service, a server, or the way between them (`credit-postgres`). */
  readonly target: string;
  readonly forMs: number;
  /** The next fault does not wait for this one to be over. */
  readonly overlaps: boolean;
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
}

const CONSUMERS: readonly Service[] = ['inspection', 'exchange', 'credit', 'monitoring'];
const OVERLAPPING = 0.2;

/** The same seed and options give the same faults in the same order, for the same time each. */
export function scheduleOf({ seed, faults, freezeMs, only, without = [], disk, slowDisk, brokers }: ScheduleOptions): Fault[] {
  const random = new Random(`${seed} faults`);
  const all = possible(freezeMs, brokers).filter(({ kind, target }) => {
    const isNamedIn = (list: readonly string[]): boolean => [kind, target, `${kind} ${target}`].some((name) => list.includes(name));
    return (!only || isNamedIn(only)) && !isNamedIn(without) && (disk || kind !== 'full disk') && (slowDisk || kind !== 'slow disk');
  });
  if (all.length === 0) throw new Error(`no fault is called ${only?.join() ?? ''}`);
  const planned: Fault[] = [];
  // Round by round through everything there is, each time in another order. The first of a round are of as many kinds as possible.
  while (planned.length < faults) planned.push(...spread(random.shuffled(all)));
  return planned.slice(0, faults).map((fault) => ({
    ...fault,
    forMs: Math.round(fault.forMs * (0.8 + 0.4 * random.next())),
    overlaps: fault.overlaps && random.chance(OVERLAPPING),
  }));
}

function possible(freezeMs: number, brokers: number): Fault[] {
  const each = <T extends string>(kind: Kind, targets: readonly T[], forMs: number, overlaps = true): Fault[] =>
    targets.map((target) => ({ kind, target, forMs, overlaps }));
  const kafka: readonly ('kafka' | Broker)[] =
    brokers === 1 ? ['kafka'] : Array.from({ length: brokers }, (_, at) => `kafka-${at + 1}` as const);
  const servers = [...kafka, 'postgres', 'redis', 'issuer'];
  const ways = KEEPING.flatMap((service) => SERVERS.map((server) => wayBetween(service, server)));
  return [
    ...each('kill', SERVICES, 0),
    ...each('kill in slow motion', KEEPING, 3_000),
    ...each('freeze', SERVICES, freezeMs),
    ...each('kill', servers, 0, false),
    ...each('freeze', servers, freezeMs, false),
    ...each('restart', kafka, 0, false),
    ...each('kill backend', ['postgres'], 0),
    ...each('flush', ['redis'], 0),
    ...each('full disk', ['postgres'], 8_000, false),
    ...each('slow disk', ['postgres', ...kafka], 10_000, false),
    ...each('cut', ways, 3_000),
    ...each('half-open', ways, 8_000),
    ...each('stall', ways, 8_000),
    ...each('delay', ways, 10_000),
    ...each('slow close', ways, 0),
    ...each('garbage', ways, 0),
    ...each('clock ahead', KEEPING, 6_000),
    ...each('clock behind', KEEPING, 6_000),
    ...each('cancel', CONSUMERS, 3_000),
    ...each('restore', KEEPING, 6_000, false),
    ...each('rebalance', CONSUMERS, 4_000),
    ...each('second process', KEEPING, 12_000),
    ...each('poison', ['intake'], 0),
  ];
}

export const wayBetween = (service: Service, server: Server): string => `${service}-${server}`;

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
