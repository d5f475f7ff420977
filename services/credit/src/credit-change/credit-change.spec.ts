import fc from 'fast-check';
import {
  assertWithin,
  changeOf,
  type ChangeSeries,
  CursorTooOld,
  movedTo,
  type ReaderPlace,
  theStart,
  tombstonesKeptSince,
} from './credit-change.js';

const uscc = '91120199MA9XXX0111';
const series = (named: Partial<ChangeSeries> = {}): ChangeSeries => ({ epoch: 'a', lastPosition: 100, erasedThrough: 40, ...named });
const place = (named: Partial<ReaderPlace> = {}): ReaderPlace => ({ epoch: 'a', position: 60, floor: 0, cleared: 50, ...named });

describe('an entity in the feed', () => {
  const commitments = { open: 0, broken: 0 };

  it('is told with what is public of it', () => {
    const entity = {
      uscc,
      revision: 3,
      publicRecords: [{ type: 'RECALL' as const, count: 1 }],
      recordNos: ['r'],
      commitments,
      records: [],
    };
    expect(changeOf(entity)).toEqual({ ...entity, lists: [] });
  });

  it('is a tombstone when nothing is', () => {
    expect(changeOf({ uscc, revision: 4, publicRecords: [], recordNos: [], commitments, records: [] })).toEqual({
      uscc,
      revision: 4,
      removed: true,
    });
  });

  it('stays a tombstone for 90 days', () => {
    expect(tombstonesKeptSince(new Date('2026-11-27T00:00:00Z'))).toEqual(new Date('2026-08-29T00:00:00Z'));
  });
});

describe('a cursor', () => {
  it.each([
    ['behind the last erased tombstone', place({ position: 40 })],
    ['at the end of the series', place({ position: 100 })],
    ['of a reader that began after everything was erased', place({ position: 0, floor: 40 })],
    ['of the start', theStart(series())],
  ])('%s goes on', (_, given) => {
    expect(() => assertWithin(given, series())).not.toThrow();
  });

  it('clears what has ended when it is at the end of the series, not by the places it goes past', () => {
    expect(movedTo(place(), 80, series())).toEqual(place({ position: 80 }));
    expect(movedTo(place(), 100, series())).toEqual(place({ position: 100, cleared: 100 }));
  });

  it.each([
    ['before an erased tombstone', place({ position: 39 })],
    ['of a reader that began before the last was erased', place({ position: 10, floor: 39 })],
    ['of another epoch', place({ epoch: 'b' })],
    ['beyond the end of the series', place({ position: 101 })],
  ])('%s is too old', (_, given) => {
    expect(() => assertWithin(given, series())).toThrow(CursorTooOld);
  });
});

/*
 * The rules against every history: entities change, tombstones are erased, readers read a page now and then. A reader that is refused begins
 * again; whoever has come to the end knows exactly what is public, and coming there takes no more pages than there are entities and two.
 */
const entity = fc.integer({ min: 0, max: 4 });
const few = fc.integer({ min: 1, max: 3 });
const act = fc.oneof(
  fc.record({ does: fc.constant('change' as const), entity, isPublic: fc.boolean() }),
  fc.record({ does: fc.constant('erase' as const), most: few }),
  fc.record({ does: fc.constant('read' as const), reader: fc.integer({ min: 0, max: 2 }), most: few }),
);

class Feed {
  series: ChangeSeries = { epoch: 'a', lastPosition: 0, erasedThrough: 0 };
  /** The place at which each entity last ceased to be public, whatever became of it since. */
  readonly ends = new Map<number, number>();
  private readonly rows = new Map<number, { entity: number; position: number; isPublic: boolean }>();

  change(changed: number, isPublic: boolean): void {
    const position = this.series.lastPosition + 1;
    this.series = { ...this.series, lastPosition: position };
    this.rows.set(changed, { entity: changed, position, isPublic });
    if (!isPublic) this.ends.set(changed, position);
  }

  erase(most: number): void {
    for (const { entity: ended, position } of this.after(0)
      .filter(({ isPublic }) => !isPublic)
      .slice(0, most)) {
      this.rows.delete(ended);
      this.series = { ...this.series, erasedThrough: Math.max(this.series.erasedThrough, position) };
    }
  }

  after(position: number): { entity: number; position: number; isPublic: boolean }[] {
    return [...this.rows.values()].filter((row) => row.position > position).sort((a, b) => a.position - b.position);
  }
}

class Reader {
  readonly known = new Map<number, number>();
  at: ReaderPlace | null = null;

  /** Gives back whether it has come to the end. */
  read(feed: Feed, most: number): boolean {
    let at = this.at ?? theStart(feed.series);
    try {
      assertWithin(at, feed.series);
    } catch {
      this.known.clear();
      at = theStart(feed.series);
      assertWithin(at, feed.series);
    }
    const page = feed.after(at.position).slice(0, most);
    for (const { entity: told, isPublic, position } of page) {
      if (isPublic) this.known.set(told, position);
      else this.known.delete(told);
    }
    this.at = movedTo(at, page.at(-1)?.position ?? feed.series.lastPosition, feed.series);
    return page.length === 0;
  }
}

/** Does the reader hold an entity as it was before an end that its cursor says it has cleared? */
const isStale = ({ known, at }: Reader, { ends }: Feed): boolean =>
  [...known].some(([held, toldAt]) => {
    const ended = ends.get(held) ?? 0;
    return at !== null && toldAt < ended && ended <= at.cleared;
  });

it('whoever follows the cursors knows what is public, and nothing that has ended', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60, size: 'max' }), (acts) => {
      const feed = new Feed();
      const readers = [new Reader(), new Reader(), new Reader()];
      for (const one of acts) {
        if (one.does === 'change') feed.change(one.entity, one.isPublic);
        else if (one.does === 'erase') feed.erase(one.most);
        else readers[one.reader]?.read(feed, one.most);
        // Not `expect`: too many of them take seconds.
        if (readers.some((reader) => isStale(reader, feed))) throw new Error('a cursor clears an end that its reader was not told');
      }
      const isPublic = feed.after(0).flatMap((row) => (row.isPublic ? [row.entity] : []));
      for (const reader of readers) {
        for (let pages = 0; !reader.read(feed, 1); pages += 1) expect(pages).toBeLessThan(7);
        expect([...reader.known.keys()].sort()).toEqual(isPublic.sort());
      }
    }),
    { numRuns: 2_000 },
  );
});
