/**
 * The change feed: entities in the order in which what is public of them last changed. It keeps no history. An entity stands in it once, at
 * the place of its newest change, with what is public of it now; where nothing is, a tombstone says so for as long as one stays in the
 * topic, and goes. Whoever reads from the start, or from a snapshot, and follows the cursors ends with exactly what is public.
 */
import { creditStatuses, type CreditStatusChanged } from '@jinqiao/contracts';
import { DomainError, topicSettings } from '@jinqiao/schema';
import { type EntityState, factsOf } from '../credit-status/credit-status.js';

/** How far the feed has come. */
export interface ChangeSeries {
  /** Another one after the database was set back: positions of the one mean nothing in the other. */
  readonly epoch: string;
  readonly lastPosition: number;
  /** The highest position of a tombstone that was erased; 0 = none was. */
  readonly erasedThrough: number;
}

/** Where a reader stands. */
export interface ReaderPlace {
  readonly epoch: string;
  /** It has read up to here. */
  readonly position: number;
  /** `erasedThrough` when it began: those tombstones took back nothing that it was ever told. */
  readonly floor: number;
  /**
   * What ended up to here it does not hold: the end of the series when it began, or was last at the end. Its own position says less: an
   * entity that moves on ahead of a reader takes its end along, and the reader goes past the place where it stood.
   */
  readonly cleared: number;
}

/** Nothing public is left of the entity; its revisions go on. */
export interface EntityRemoved {
  readonly uscc: string;
  readonly revision: number;
  readonly removed: true;
}

export type EntityChange = CreditStatusChanged | EntityRemoved;

export class CursorTooOld extends DomainError {
  constructor(pointer: string) {
    const message = 'What has ended since is not told behind this cursor any more: begin again from a snapshot, or without a cursor.';
    super(
      'CURSOR_TOO_OLD',
      410,
      { zh: '游标已过期，请从快照重新开始', en: 'The cursor is too old, begin again from a snapshot' },
      [{ code: 'CURSOR_TOO_OLD', pointer, message }],
      { snapshots: '/api/credit/snapshots' },
    );
  }
}

/** Whoever begins with nothing needs no tombstone of the time before. */
export const theStart = ({ epoch, lastPosition, erasedThrough }: ChangeSeries): ReaderPlace => ({
  epoch,
  position: 0,
  floor: erasedThrough,
  cleared: lastPosition,
});

/** Nothing lies behind it. */
export const theEnd = ({ epoch, lastPosition, erasedThrough }: ChangeSeries): ReaderPlace => ({
  epoch,
  position: lastPosition,
  floor: erasedThrough,
  cleared: lastPosition,
});

/** Where a reader stands that has read on. */
export const movedTo = (place: ReaderPlace, position: number, { lastPosition }: ChangeSeries): ReaderPlace => ({
  ...place,
  position,
  ...(position >= lastPosition && { cleared: lastPosition }),
});

/** Has nothing been erased that this reader was told and does not know to have ended? Beyond the last position nobody can have read. */
export function assertWithin(place: ReaderPlace, series: ChangeSeries, pointer = '/after'): void {
  const missesNothing = Math.max(place.position, place.floor) >= series.erasedThrough;
  if (place.epoch !== series.epoch || place.position > series.lastPosition || !missesNothing) throw new CursorTooOld(pointer);
}

/** An entity as the feed tells it: what is public of it, or that nothing is. */
export function changeOf(entity: EntityState): EntityChange {
  if (entity.publicRecords.length > 0) return factsOf(entity);
  return { uscc: entity.uscc, revision: entity.revision, removed: true };
}

/** As long as the topic keeps its tombstones (design §3.2). */
const TOMBSTONES_KEPT_MS = Number(topicSettings(creditStatuses)['delete.retention.ms']);

/** A tombstone that stands since before this instant has been there long enough. */
export const tombstonesKeptSince = (now: Date): Date => new Date(now.getTime() - TOMBSTONES_KEPT_MS);
