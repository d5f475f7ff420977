import type { Finding } from './domain-error.js';

/** The last that was accepted of a series of revisions, which whoever sends it numbers (design §3.3). */
export interface LastAccepted {
  readonly revision: number;
  readonly hash: string;
  /** Up to here the series was taken over after a restore: what its sender wrote is not known any more. */
  readonly restoredRevision: number | null;
}

type Next = Pick<LastAccepted, 'revision' | 'hash'>;

/** Is it the next of its series, has it been taken already, or why can it not be? */
export function placeOf(last: LastAccepted, { revision, hash }: Next): 'NEXT' | 'DUPLICATE' | Finding {
  // After a restore the intake is read again: what has its effect already must not be called stale, and its hash went with the database.
  if (revision <= (last.restoredRevision ?? 0)) return 'DUPLICATE';
  if (revision < last.revision) return refused('STALE_REVISION', last, 'has been followed by a later one');
  if (revision > last.revision) return 'NEXT';
  return hash === last.hash ? 'DUPLICATE' : refused('REVISION_CONFLICT', last, 'was reported before with another content');
}

/** A gap is accepted, and said; of a series that begins the last revision is 0. */
export function gapFindings(lastRevision: number, revision: number): Finding[] {
  const expected = lastRevision + 1;
  if (revision <= expected) return [];
  return [{ code: 'REVISION_GAP', pointer: '/revision', message: `is ${revision}, the next one would have been ${expected}` }];
}

const refused = (code: string, { revision }: LastAccepted, why: string): Finding => ({
  code,
  pointer: '/revision',
  message: `${why}; the last accepted revision is ${revision}`,
});
