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
  local taken = redis.call('INCR', KEYS[1])
  if taken == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
  return { taken, redis.call('PTTL', KEYS[1]) }`;

/** So many requests per principal in a minute, over all processes and services. With Redis away nobody is refused. */
@Injectable()
export class RateLimit {
  constructor(
    private readonly config: ServiceConfig,
    private readonly redis: Redis,
  ) {}

  /** Counts one request. Throws RateLimited (429) with the seconds until the window ends. */
  async take(principalId: string): Promise<void> {
    const key = `${this.config.KAFKA_NAMESPACE}rate:${principalId}`;
    const answer = await this.redis.ask((client) => client.eval(COUNT, { keys: [key], arguments: [String(WINDOW_MS)] }));
    const [taken, millisecondsLeft] = Array.isArray(answer) ? answer.map(Number) : [];
    if (taken === undefined || millisecondsLeft === undefined || taken <= this.config.RATE_LIMIT_PER_MINUTE) return;
    throw new RateLimited(Math.max(1, Math.ceil(millisecondsLeft / 1_000)));
  }
}
