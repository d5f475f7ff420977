/* One list of two: held against a plain recount, whatever the sizes of pages and whoever does not answer for a while. */
import { cursorAfter, type DeadlineEntry, mergedByDue, type Page } from '@jinqiao/platform';
import fc from 'fast-check';
import { cursorOf, type Next, nextOf, type Places, placesIn, type Said, toAsk, type WithClocks, WITH_CLOCKS } from './deadline.js';
import { formatAsked } from './deadline.format.js';
import { aDeadline } from './deadline.harness.js';

type Lists = Readonly<Record<WithClocks, readonly DeadlineEntry[]>>;

/** What a service answers that keeps these: those behind the one that its cursor names. */
function pageOf(list: readonly DeadlineEntry[], cursor: string | null | undefined, limit: number): Page<DeadlineEntry> {
  const rest = list.slice(list.findIndex((one) => cursorAfter(one) === cursor) + 1);
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rest.length > limit && last ? cursorAfter(last) : null };
}

const lists: fc.Arbitrary<Lists> = fc
  .uniqueArray(
    fc.record({
      of: fc.constantFrom(...WITH_CLOCKS),
      day: fc.integer({ min: 1, max: 9 }),
      id: fc.string({ maxLength: 3, unit: 'binary' }),
    }),
    {
      selector: ({ id }) => id,
      maxLength: 14,
    },
  )
  .map((made) => {
    const of = (service: WithClocks): DeadlineEntry[] =>
      mergedByDue(
        [
          made
            .filter((one) => one.of === service)
            .map(({ day, id }) => aDeadline({ deadlineId: `x${id}`, dueAt: `2026-05-0${day}T15:59:59.000Z` })),
        ],
        99,
      );
    return { inspection: of('inspection'), exchange: of('exchange') };
  });

/** Reads on to the end, with the cursor going through its text each time. */
function walk(all: Lists, { limit, away }: { limit: number; away: (service: WithClocks, round: number) => boolean }): Next[] {
  const pages: Next[] = [];
  for (let cursor: string | undefined, round = 0; ; round += 1) {
    const places: Places = placesIn(cursor);
    const said = toAsk(places).map((service): Said => ({
      service,
      page: away(service, round) ? 'SERVICE_UNAVAILABLE' : pageOf(all[service], places[service], limit),
    }));
    const next = nextOf(places, said, limit);
    pages.push(next);
    const following = cursorOf(next);
    if (following === null) return pages;
    cursor = following;
  }
}

describe('the merged list', () => {
  it('has everything of everybody once, in order, in pages of any size', () => {
    fc.assert(
      fc.property(lists, fc.integer({ min: 1, max: 6 }), (all, limit) => {
        const pages = walk(all, { limit, away: () => false });
        const expected = mergedByDue(Object.values(all), 99);
        expect(pages.flatMap(({ items }) => items)).toEqual(expected);
        expect(pages.slice(0, -1).every(({ items }) => items.length === limit)).toBe(true);
        expect(pages.flatMap(({ incomplete }) => incomplete)).toEqual([]);
      }),
    );
  });

  it('names who does not answer, passes nothing of it over, and gives nothing twice', () => {
    const outages = fc.array(fc.boolean(), { maxLength: 4 });
    fc.assert(
      fc.property(lists, fc.integer({ min: 1, max: 3 }), outages, (all, limit, outage) => {
        const pages = walk(all, { limit, away: (service, round) => service === 'exchange' && outage[round] === true });
        const ids = pages.flatMap(({ items }) => items.map(({ deadlineId }) => deadlineId));
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids).toEqual(expect.arrayContaining(all.inspection.map(({ deadlineId }) => deadlineId)));
        const isNamed = pages.at(-1)?.incomplete.some(({ service }) => service === 'exchange') ?? false;
        if (!isNamed) expect(ids.length).toBe(all.inspection.length + all.exchange.length);
        for (const [round, { incomplete }] of pages.entries()) {
          if (outage[round] !== true) expect(incomplete).toEqual([]);
        }
      }),
    );
  });

  it('comes to an end while somebody does not answer', () => {
    const pages = walk({ inspection: [aDeadline()], exchange: [] }, { limit: 5, away: (service) => service === 'exchange' });
    expect(pages).toHaveLength(1);
    expect(pages[0]).toMatchObject({ items: [aDeadline()], incomplete: [{ service: 'exchange', code: 'SERVICE_UNAVAILABLE' }] });
  });

  it('refuses a cursor of another list', () => {
    expect(() => placesIn('WyJ4Il0.abc')).toThrow('not one this list has given out');
  });
});

describe('the format', () => {
  it.each([
    [undefined, 'json'],
    ['*/*', 'json'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'json'],
    ['text/calendar', 'ics'],
    ['text/csv;charset=utf-8', 'csv'],
    ['text/csv;q=0.5, text/calendar', 'ics'],
    ['application/json, text/csv', 'json'],
    ['text/calendar;q=0, text/csv', 'csv'],
    ['image/png', 'json'],
  ])('of Accept: %s is %s', (accept, format) => expect(formatAsked(accept)).toBe(format));
});
