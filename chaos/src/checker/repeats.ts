import type { Entry } from '../history.js';
import type { Judging } from './timing.js';
import { identityOf, isPoison, type Topics } from './topics.js';

/** These leave a relay alone, so it has no reason to send anything twice. */
const HARMLESS = ['second process', 'rebalance', 'poison', 'flush', 'cancel'];
/**
 * A lease runs for 10 s; whoever takes over repeats what the other had not removed yet. A request whose answer was lost is given up after
 * 15 s, and sent again.
 */
const AFTER_MS = 20_000;

interface Span {
  readonly target: string;
  readonly from: number;
  to: number;
}

/**
 * A service may send an event again only around a fault that hit it, the broker or the database: never in peace. On a machine as slow as
 * patience says it takes as many times longer: a broker alone may take a minute to start again. Counts all repeats.
 */
export function checkRepeats(history: readonly Entry[], { records }: Pick<Topics, 'records'>, { findings, patience }: Judging): number {
  const spans = faultSpans(history, AFTER_MS * patience);
  const unexcused = new Map<string, number>();
  let repeats = 0;
  for (const list of records.values()) {
    const seen = new Set<string>();
    for (const record of list) {
      const service = /^\/services\/(\w+)$/.exec(record.headers['ce_source'] ?? '')?.[1];
      if (service === undefined || isPoison(record) || record.headers['dlt-topic'] !== undefined) continue;
      const isRepeat = seen.size === seen.add(identityOf(record)).size;
      if (!isRepeat) continue;
      repeats++;
      const isExcused = spans.some(({ target, from, to }) => concerns(target, service) && record.at >= from && record.at <= to);
      if (!isExcused) unexcused.set(service, (unexcused.get(service) ?? 0) + 1);
    }
  }
  for (const [service, count] of unexcused) findings.add('EVENT_REPEATED', `${service} sent ${count} events again with nothing the matter`);
  return repeats;
}

const concerns = (target: string, service: string): boolean =>
  ['kafka', 'postgres', 'issuer', service].includes(target.split('-')[0] ?? '');

function faultSpans(history: readonly Entry[], afterMs: number): Span[] {
  const spans = new Map<number, Span>();
  for (const entry of history) {
    if (entry.entry !== 'fault' || HARMLESS.includes(entry.kind)) continue;
    const span = spans.get(entry.number) ?? { target: entry.target, from: entry.at, to: entry.at };
    span.to = entry.at + afterMs;
    spans.set(entry.number, span);
  }
  return [...spans.values()];
}
