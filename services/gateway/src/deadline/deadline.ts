/**
 * One list of the periods of all services. Each service lists its own in the same order and for the same caller; here the next ones of all
 * of them are taken, and a cursor says for each service where it goes on. A service that does not answer is named, and goes on where it was
 * as soon as it answers again: nothing of it is passed over.
 */
import { cursorAfter, type DeadlineEntry, decodeCursor, encodeCursor, Forbidden, mergedByDue, type Page } from '@jinqiao/platform';
import { DomainError, type Finding } from '@jinqiao/schema';

/** The services that keep clocks. Their places in a cursor: a new one is added behind the others. */
export const WITH_CLOCKS = ['inspection', 'exchange'] as const;
export type WithClocks = (typeof WITH_CLOCKS)[number];

/** Where the list of a service goes on: its own cursor, undefined at its beginning, null at its end. */
type Place = string | null | undefined;
export type Places = Readonly<Partial<Record<WithClocks, string | null>>>;

export interface Missing {
  readonly service: string;
  readonly code: string;
}

export interface MergedPage extends Page<DeadlineEntry> {
  /** Services that did not answer: what they have is not here. */
  incomplete: Missing[];
}

/** What a service said: a page, or why not. */
export interface Said {
  readonly service: WithClocks;
  readonly page: Page<DeadlineEntry> | Missing['code'];
}

/** Nobody answered; or a file was asked for, which is whole or is none: whoever subscribes to it keeps what it has. */
export class DeadlinesIncomplete extends DomainError {
  constructor(incomplete: readonly Missing[]) {
    super('DEADLINES_INCOMPLETE', 503, { zh: '部分服务未答复，期限清单不完整', en: 'Services did not answer: the list is not whole' }, [], {
      incomplete,
    });
  }
}

/** A service has refused the question, as it stands or to this caller. */
export class QuestionRefused extends DomainError {
  constructor({ code, status, titleZh, title, errors = [], ...rest }: RefusalBody) {
    const { type: _type, detail: _detail, instance: _instance, pointer: _pointer, ...extra } = rest;
    super(code, status, { zh: titleZh, en: title }, errors, extra);
  }
}

export interface RefusalBody {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly titleZh: string;
  readonly errors?: readonly Finding[];
  readonly [extra: string]: unknown;
}

const LIST = 'merged-deadlines';

export function placesIn(cursor: string | undefined): Places {
  if (cursor === undefined) return {};
  const places = decodeCursor(LIST, cursor);
  return Object.fromEntries(
    WITH_CLOCKS.flatMap((service, at) => {
      const place = places[at];
      return place === undefined || place === '' ? [] : [[service, place === null ? null : String(place)]];
    }),
  );
}

/** Those that have still something to say. */
export const toAsk = (places: Places): WithClocks[] => WITH_CLOCKS.filter((service) => places[service] !== null);

export interface Next {
  readonly items: DeadlineEntry[];
  readonly places: Places;
  readonly incomplete: Missing[];
  /** Somebody who has answered has more. */
  readonly hasMore: boolean;
}

/** The next `limit` of what the services said, each of them asked for as many. */
export function nextOf(before: Places, said: readonly Said[], limit: number): Next {
  const pages = said.flatMap(({ service, page }) => (typeof page === 'string' ? [] : [{ service, page }]));
  const items = mergedByDue(
    pages.map(({ page }) => page.items),
    limit,
  );
  const taken = new Set(items.map(({ deadlineId }) => deadlineId));
  const places: Partial<Record<WithClocks, string | null>> = { ...before };
  for (const { service, page } of pages) {
    const place = placeAfter(before[service], page, page.items.filter(({ deadlineId }) => taken.has(deadlineId)).length);
    if (place !== undefined) places[service] = place;
  }
  return {
    items,
    places,
    incomplete: said.flatMap(({ service, page }) => (typeof page === 'string' ? [{ service, code: page }] : [])),
    hasMore: pages.some(({ service }) => places[service] !== null),
  };
}

/** What was not taken of a page is asked for again: its own order puts it behind what was. */
function placeAfter(before: Place, { items, next }: Page<DeadlineEntry>, taken: number): Place {
  if (taken === items.length) return next;
  const last = items[taken - 1];
  return last ? cursorAfter(last) : before;
}

/** Where nobody who answered has more the list ends, also when somebody did not answer: it would have no end while that lasts. */
export const cursorOf = ({ places, hasMore }: Next): string | null =>
  hasMore
    ? encodeCursor(
        LIST,
        WITH_CLOCKS.map((service) => (places[service] === undefined ? '' : places[service])),
      )
    : null;

/** What a service has nothing of for this kind of caller is left out; a refusal by all of them is one. */
export function assertMayAsk(refused: number, asked: number): void {
  if (asked > 0 && refused === asked) throw new Forbidden();
}
