import type { DeadlineEntry, Page } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { type Asked, Services } from '../services.js';
import {
  assertMayAsk,
  cursorOf,
  DeadlinesIncomplete,
  type MergedPage,
  type Missing,
  type Next,
  nextOf,
  type Places,
  placesIn,
  QuestionRefused,
  type RefusalBody,
  type Said,
  toAsk,
  type WithClocks,
} from './deadline.js';

/** What is asked of every service alike. */
export interface Question {
  readonly filter: Readonly<Record<string, string>>;
  /** As whom: the caller's own token, and what else its request says of itself. */
  readonly headers: Readonly<Record<string, string>>;
}

/** As much as a file holds; more is asked for in parts. */
export const FILE_MAX = 5_000;
const DEFAULT_LIMIT = 100;
const PORTION = 500;

/** Periods of all services, each asked as the caller. */
@Injectable()
export class Deadlines {
  constructor(private readonly services: Services) {}

  async page(question: Question, { cursor, limit = DEFAULT_LIMIT }: { cursor?: string; limit?: number }): Promise<MergedPage> {
    const next = await this.next(question, placesIn(cursor), limit);
    return { items: next.items, next: cursorOf(next), incomplete: next.incomplete };
  }

  /** Up to `FILE_MAX` of them, from the first on; whether more are left. */
  async all(question: Question): Promise<{ items: DeadlineEntry[]; isCut: boolean }> {
    const items: DeadlineEntry[] = [];
    let places: Places = {};
    for (;;) {
      const next = await this.next(question, places, Math.min(PORTION, FILE_MAX - items.length));
      if (next.incomplete.length > 0) throw new DeadlinesIncomplete(next.incomplete);
      items.push(...next.items);
      if (!next.hasMore || items.length === FILE_MAX) return { items, isCut: next.hasMore };
      places = next.places;
    }
  }

  private async next(question: Question, places: Places, limit: number): Promise<Next> {
    const names = toAsk(places);
    const answers = await Promise.all(names.map(async (service) => this.ask(question, service, { cursor: places[service], limit })));
    const refused = answers.filter(({ page }) => page === 'FORBIDDEN');
    assertMayAsk(refused.length, names.length);
    const next = nextOf(
      places,
      answers.map((said) => (said.page === 'FORBIDDEN' ? { ...said, page: NOTHING } : said)),
      limit,
    );
    if (next.incomplete.length > 0 && next.incomplete.length + refused.length === names.length)
      throw new DeadlinesIncomplete(next.incomplete);
    return next;
  }

  private async ask(
    { filter, headers }: Question,
    service: WithClocks,
    { cursor, limit }: { cursor: string | null | undefined; limit: number },
  ): Promise<Said> {
    const query = new URLSearchParams({ ...filter, limit: String(limit), ...(typeof cursor === 'string' && { cursor }) });
    return { service, page: saidIn(await this.services.ask(service, `/api/${service}/deadlines?${query.toString()}`, headers)) };
  }
}

/** Of a caller for whom a service has no periods. */
const NOTHING: Page<DeadlineEntry> = { items: [], next: null };

/** A refusal of the question is the caller's to hear; anything else that is no page is a service that does not answer. */
function saidIn({ status, body }: Asked): Page<DeadlineEntry> | Missing['code'] {
  if (status === 200 && isPage(body)) return body;
  const problem = (body ?? {}) as Partial<RefusalBody>;
  const code = typeof problem.code === 'string' ? problem.code : 'SERVICE_UNAVAILABLE';
  if (status === 403 && code === 'FORBIDDEN') return code;
  if (status !== null && THE_CALLERS.includes(status)) throw new QuestionRefused(body as RefusalBody);
  return code;
}

/** Wrong question, no or a bad token, shut out, too many requests: it would be the same everywhere. */
const THE_CALLERS: readonly number[] = [400, 401, 403, 429];

const isPage = (body: unknown): body is Page<DeadlineEntry> =>
  typeof body === 'object' && body !== null && 'items' in body && Array.isArray(body.items) && 'next' in body;
