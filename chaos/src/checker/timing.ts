import type { Entry } from '../history.js';
import type { Findings } from './findings.js';

const SERVICE_KILLED_MS_MAX = 10_000;
const CAUGHT_UP_MS_MAX = 30_000;
const RECOVERED_MS_MAX = 30_000;
/** Whom a service hears from. */
const HEARS: Readonly<Partial<Record<string, readonly string[]>>> = {
  registration: ['gateway'],
  exchange: ['inspection', 'credit', 'registration'],
  credit: ['inspection'],
  monitoring: ['inspection'],
};
const ANSWERED_MS_MAX = 5_000;
const SERVICES = ['registration', 'inspection', 'exchange', 'credit', 'monitoring', 'gateway'];

export interface Judging {
  readonly findings: Findings;
  /** How many times the promised time may pass before being late is a violation; 1 = the promise itself. */
  readonly patience: number;
}

/** What the history alone tells: how long everything took, that offsets only grow, and that what was acknowledged could be read. */
export function checkHistory(history: readonly Entry[], judging: Judging): void {
  const { findings, patience } = judging;
  checkOffsets(history, findings);
  checkReadBacks(history, findings);
  checkRecovery(history, judging);
  checkAnswersWithoutRedis(history, judging);
  for (const entry of history) {
    if (entry.entry !== 'phase') continue;
    if (entry.phase === 'not caught up') findings.add('NOT_CAUGHT_UP', `in the end: ${entry.what ?? ''}`);
    if (entry.phase !== 'caught up') continue;
    const ms = Number(entry.what);
    findings.withinTime(ms, CAUGHT_UP_MS_MAX, patience, { code: 'SLOW_CATCH_UP', what: `it took ${ms} ms` });
  }
}

function checkOffsets(history: readonly Entry[], findings: Findings): void {
  const highest = new Map<string, Map<string, number>>();
  for (const entry of history) {
    // Only a restored backup may take offsets back.
    if (entry.entry === 'phase' && entry.phase === 'database set back') highest.delete(entry.what ?? '');
    if (entry.entry !== 'offsets') continue;
    const own = highest.get(entry.service) ?? new Map<string, number>();
    highest.set(entry.service, own);
    for (const [name, next] of Object.entries(entry.offsets)) {
      const before = own.get(name) ?? 0;
      findings.expect(next >= before, 'OFFSET_WENT_BACK', `${entry.service} ${name} went back from ${before} to ${next}`);
      own.set(name, next);
    }
  }
}

function checkReadBacks(history: readonly Entry[], findings: Findings): void {
  for (const entry of history) {
    if (entry.entry !== 'read-back') continue;
    const { sampleNo, accepted, shown } = entry;
    const isThere = shown !== null && shown >= accepted;
    findings.expect(isThere, 'READ_BACK_FAILED', `${sampleNo} revision ${accepted} was accepted, a GET showed ${shown ?? 'nothing'}`);
  }
}

function checkRecovery(history: readonly Entry[], { findings, patience }: Judging): void {
  for (const { number, kind, target, ms, limitMs } of recoveriesIn(history)) {
    const name = `fault ${number}, ${kind} ${target}`;
    if (ms === null) findings.add('NOT_RECOVERED', `${name}: no new work`);
    else findings.withinTime(ms, limitMs, patience, { code: 'SLOW_RECOVERY', what: `${name}: ${ms} ms, ${limitMs} allowed` });
  }
}

/** Redis holds only what can be rebuilt: while it alone is frozen or gone, whoever asks over HTTP is answered all the same. */
function checkAnswersWithoutRedis(history: readonly Entry[], { findings, patience }: Judging): void {
  const spans = spansIn(history);
  const alone = spans.filter(
    (span) => span.target === 'redis' && !spans.some((other) => other !== span && other.begins < span.since && endOf(other) > span.begins),
  );
  const asked = new Map<string, number>();
  for (const entry of history) {
    if (entry.entry === 'call' && entry.via !== 'KAFKA') asked.set(`${entry.call} ${entry.attempt}`, entry.at);
    if (entry.entry !== 'answer') continue;
    const at = asked.get(`${entry.call} ${entry.attempt}`);
    const span = at === undefined ? undefined : alone.find(({ begins, since }) => begins <= at && at <= since);
    if (at === undefined || !span) continue;
    const what = `fault ${span.number}, ${span.kind} redis: call ${entry.call} was answered after ${entry.at - at} ms`;
    findings.withinTime(entry.at - at, ANSWERED_MS_MAX, patience, { code: 'SLOW_ANSWER', what });
  }
}

export interface Recovery {
  readonly number: number;
  readonly kind: string;
  readonly target: string;
  /** null = no new work at all. */
  readonly ms: number | null;
  readonly rebalanceMs: number | null;
  readonly limitMs: number;
}

interface Span {
  readonly number: number;
  readonly kind: string;
  readonly target: string;
  readonly begins: number;
  readonly since: number;
  readonly recoveryMs: number | undefined;
  readonly rebalanceMs: number | undefined;
}

/**
 * How long each fault took until work went on. Where faults met, the clock of the earlier one begins with the end of the last of those
 * that kept its service from working, and the most generous of their limits holds.
 */
export function recoveriesIn(history: readonly Entry[]): Recovery[] {
  const spans = spansIn(history);
  return spans.map((span) => {
    const { number, kind, target, since, recoveryMs } = span;
    const works = since + (recoveryMs ?? 0);
    const met = spans.filter((other) => other !== span && other.begins < works && endOf(other) > span.begins && concerns(other, span));
    const from = Math.max(since, ...met.map((other) => other.since).filter((end) => end < works));
    const limitMs = Math.max(limitOf(span), ...met.map(limitOf));
    return { number, kind, target, ms: recoveryMs === undefined ? null : works - from, rebalanceMs: span.rebalanceMs ?? null, limitMs };
  });
}

function spansIn(history: readonly Entry[]): Span[] {
  const begins = new Map<number, number>();
  const spans: Span[] = [];
  for (const entry of history) {
    if (entry.entry !== 'fault') continue;
    const { number, kind, target, at, since = at, recoveryMs, rebalanceMs } = entry;
    if (entry.phase === 'begins') begins.set(number, at);
    if (entry.phase === 'recovered')
      spans.push({ number, kind, target, begins: begins.get(number) ?? since, since, recoveryMs, rebalanceMs });
  }
  return spans;
}

const endOf = ({ since, recoveryMs = 0 }: Span): number => since + recoveryMs;

const limitOf = ({ kind, target }: Span): number =>
  kind.startsWith('kill') && SERVICES.includes(target) ? SERVICE_KILLED_MS_MAX : RECOVERED_MS_MAX;

const isEndpoint = (target: string): boolean => target.endsWith('-endpoint');

/** Whether the one can keep the other's service from working: the same service, one it hears from, or what all of them need. */
function concerns(one: Span, other: Span): boolean {
  // A platform's endpoint is nobody's business but its own; what reaches it comes from the exchange.
  if (isEndpoint(one.target)) return one.target === other.target;
  const hit = one.target.split('-')[0] ?? '';
  const needing = isEndpoint(other.target) ? 'exchange' : (other.target.split('-')[0] ?? '');
  const isForAll = (target: string): boolean => !SERVICES.includes(target);
  return isForAll(hit) || isForAll(needing) || hit === needing || (HEARS[needing] ?? []).includes(hit);
}
