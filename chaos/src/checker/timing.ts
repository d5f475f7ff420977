import type { Entry } from '../history.js';
import type { Findings } from './findings.js';

const SERVICE_KILLED_MS_MAX = 10_000;
const CAUGHT_UP_MS_MAX = 30_000;
const RECOVERED_MS_MAX = 30_000;
const SERVICES = ['registration', 'inspection', 'exchange', 'credit', 'monitoring', 'gateway'];

/** What the history alone tells: how long everything took, that offsets only grow, and that what was acknowledged could be read. */
export function checkHistory(history: readonly Entry[], findings: Findings): void {
  checkOffsets(history, findings);
  checkReadBacks(history, findings);
  checkRecovery(history, findings);
  for (const entry of history) {
    if (entry.entry !== 'phase') continue;
    if (entry.phase === 'not caught up') findings.add('NOT_CAUGHT_UP', `in the end: ${entry.what ?? ''}`);
    if (entry.phase === 'caught up' && Number(entry.what) > CAUGHT_UP_MS_MAX)
      findings.add('SLOW_CATCH_UP', `it took ${entry.what ?? ''} ms`);
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

function checkRecovery(history: readonly Entry[], findings: Findings): void {
  for (const entry of history) {
    if (entry.entry !== 'fault' || entry.phase !== 'recovered') continue;
    const { number, kind, target, recoveryMs } = entry;
    const limit = kind.startsWith('kill') && SERVICES.includes(target) ? SERVICE_KILLED_MS_MAX : RECOVERED_MS_MAX;
    const name = `fault ${number}, ${kind} ${target}`;
    if (recoveryMs === undefined) findings.add('NOT_RECOVERED', `${name}: no new work`);
    else findings.expect(recoveryMs <= limit, 'SLOW_RECOVERY', `${name}: ${recoveryMs} ms, ${limit} allowed`);
  }
}
