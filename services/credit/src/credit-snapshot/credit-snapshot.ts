/**
 * The daily snapshot: what is public of every entity, as one signed file with its place in the change feed. A new reader begins with it and
 * follows the changes from there (design §3.2). A file cannot be taken back, and what has ended since is still in it: it goes when the next
 * is there and whoever was at it has read it, and none outlives the period in which a penalty has to be withdrawn (行政处罚法 §48), the
 * shortest there is.
 */
import { dayInChina } from '@jinqiao/law';
import { DomainError } from '@jinqiao/schema';
import { withdrawalOf } from '../withdrawal.js';

/** What is said of a snapshot and signed. */
export interface Manifest {
  /** The day it was built on, in China. */
  readonly date: string;
  /** It shows this moment. */
  readonly takenAt: string;
  /** The cursor with which GET /api/credit/changes goes on from here, and the position that it means. */
  readonly after: string;
  readonly position: number;
  /** One line each. */
  readonly entities: number;
  /** Of the gzip file. */
  readonly bytes: number;
  readonly sha256: string;
}

export interface SignedManifest extends Manifest {
  /** Detached JWS (EdDSA) over the RFC 8785 form of the manifest without it. */
  readonly signature: string;
}

/** A snapshot that is there. */
export interface KeptSnapshot {
  readonly date: string;
  readonly epoch: string;
  readonly takenAt: string;
}

export class SnapshotUnknown extends DomainError {
  constructor() {
    super('SNAPSHOT_UNKNOWN', 404, { zh: '没有该日期的快照', en: 'There is no snapshot of this day, or it is kept no more' });
  }
}

/** So long whoever has begun with a snapshot reads on in it while a newer one is there. */
const BESIDE_NEWER_MS = 3_600_000;

/** One a day, of the present epoch: what was built in another one leads to no place in the feed. */
export const isDue = (today: string, epoch: string, kept: readonly KeptSnapshot[]): boolean =>
  !kept.some((snapshot) => snapshot.epoch === epoch && snapshot.date >= today);

/** The snapshots that may be given out now, newest first: one, and for an hour the one before. All others go. */
export function staying<S extends KeptSnapshot>(now: Date, epoch: string, kept: readonly S[]): S[] {
  const today = dayInChina(now);
  const [newest, before] = kept
    .filter((snapshot) => snapshot.epoch === epoch && today < goneOn(snapshot.date))
    .sort((one, other) => other.date.localeCompare(one.date));
  if (!newest) return [];
  const isReadOn = now.getTime() < new Date(newest.takenAt).getTime() + BESIDE_NEWER_MS;
  return before && isReadOn ? [newest, before] : [newest];
}

/** By the end of this day whatever ended on the day of the snapshot has to be withdrawn; without a rule nothing may stay. */
const goneOn = (date: string): string => withdrawalOf(date)?.dueOn ?? date;
