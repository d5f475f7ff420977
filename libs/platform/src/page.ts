import { createHash } from 'node:crypto';
import { DomainError } from '@jinqiao/schema';

/** One page of a list; `next` is the cursor of the page after it, null on the last one. */
export interface Page<T> {
  items: T[];
  next: string | null;
}

export class BadCursor extends DomainError {
  constructor() {
    super('BAD_CURSOR', 400, { zh: '分页游标无效', en: 'The cursor is not one this list has given out' }, [
      { code: 'BAD_CURSOR', pointer: '/cursor', message: 'The cursor is not one this list has given out.' },
    ]);
  }
}

/** Positions in a list: the values of the columns it is sorted by, in that order. */
export type CursorPosition = readonly (string | number | null)[];

// A check sum, not a secret: a cursor opens nothing the caller may not read anyway, it only has to be ours and whole.
const sum = (list: string, position: string): string =>
  createHash('sha256').update(`${list}\n${position}`).digest('base64url').slice(0, 12);

/** The opaque cursor of a position in the named list. */
export function encodeCursor(list: string, position: CursorPosition): string {
  const text = JSON.stringify(position);
  return `${Buffer.from(text).toString('base64url')}.${sum(list, text)}`;
}

/** The position behind a cursor. Throws BadCursor (400) for anything encodeCursor has not made for the same list. */
export function decodeCursor(list: string, cursor: string): (string | number | null)[] {
  const [encoded = '', given = ''] = cursor.split('.');
  const text = Buffer.from(encoded, 'base64url').toString();
  if (given !== sum(list, text)) throw new BadCursor();
  return JSON.parse(text) as (string | number | null)[];
}

/** A page out of `limit + 1` rows that were read: the row too many says that there is a next one. */
export function pageOf<T>(list: string, rows: readonly T[], limit: number, positionOf: (row: T) => CursorPosition): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last ? encodeCursor(list, positionOf(last)) : null };
}
