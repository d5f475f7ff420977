import { Gathered } from '@jinqiao/messaging';
import { DomainError } from '@jinqiao/schema';
import { Injectable } from '@nestjs/common';
import { ServiceConfig } from './config.js';
import { Redis } from './redis.js';

export class RateLimited extends DomainError {
  constructor(retryAfter: number) {
    super('RATE_LIMITED', 429, { zh: '请求过于频繁', en: 'Too many requests' }, [], { retryAfter });
  }
}

const WINDOW_MS = 60_000;
const COUNT = `
  local taken = redis.call('INCRBY', KEYS[1], ARGV[1])
  if taken == tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
  return { taken, redis.call('PTTL', KEYS[1]) }`;
/** So many requests are counted by one command at most. */
const TOGETHER_MAX = 1_000;

/** The place of a request in its principal's minute; null: Redis is away. */
type Place = { readonly taken: number; readonly millisecondsLeft: number } | null;

/** So many requests per principal in a minute, over all processes and services. With Redis away nobody is refused. */
@Injectable()
export class RateLimit {
  /** Requests that come while others are being counted are counted together. */
  private readonly counting = new Gathered<string, Place>((principalIds) => this.count(principalIds), TOGETHER_MAX);

  constructor(
    private readonly config: ServiceConfig,
    private readonly redis: Redis,
  ) {}

  /** Counts one request. Throws RateLimited (429) with the seconds until the window ends. */
  async take(principalId: string): Promise<void> {
    const place = await this.counting.add(principalId);
    if (!place || place.taken <= this.config.RATE_LIMIT_PER_MINUTE) return;
    throw new RateLimited(Math.max(1, Math.ceil(place.millisecondsLeft / 1_000)));
  }

  /** In the order of the requests, each principal's by one command. */
  private async count(principalIds: readonly string[]): Promise<Place[]> {
    const before = new Map<string, Place>();
    const counts = [...Map.groupBy(principalIds, (id) => id)].map(async ([id, { length }]) => {
      const last = await this.add(id, length);
      before.set(id, last && { ...last, taken: last.taken - length });
    });
    await Promise.all(counts);
    return principalIds.map((id) => {
      const place = before.get(id) ?? null;
      const own = place && { ...place, taken: place.taken + 1 };
      before.set(id, own);
      return own;
    });
  }

  /** The place of the last of so many requests. */
  private async add(principalId: string, requests: number): Promise<Place> {
    const key = `${this.config.KAFKA_NAMESPACE}rate:${principalId}`;
    const answer = await this.redis.ask((client) => client.eval(COUNT, { keys: [key], arguments: [String(requests), String(WINDOW_MS)] }));
    const [taken, millisecondsLeft] = Array.isArray(answer) ? answer.map(Number) : [];
    return taken === undefined || millisecondsLeft === undefined ? null : { taken, millisecondsLeft };
  }
}
