/**
 * A test message to a platform's endpoint, at any time: a made-up finding that goes the way of a webhook, signed like any other, and says by
 * its purpose and its subject that it is a test. It is in no series and no ledger, and whatever is answered changes nothing about the endpoint.
 */
import { DomainError } from '@jinqiao/schema';
import type { EndpointTest } from '../endpoint/endpoint.js';

/** In place of the purpose that a delivery names: nobody has to look into the body to know a test. */
export const TEST_PURPOSE = 'ENDPOINT_TEST';

const BETWEEN_MS_LEAST = 10_000;

export class TestedJustNow extends DomainError {
  constructor(retryAfter: number) {
    super('TESTED_JUST_NOW', 429, { zh: '刚刚测试过，请稍后再试', en: 'The endpoint was tested just now' }, [], { retryAfter });
  }
}

/** The exchange is nobody's means to call an address often. */
export function assertRested(last: Pick<EndpointTest, 'testedAt'> | null, now: Date): void {
  const left = last === null ? 0 : Date.parse(last.testedAt) + BETWEEN_MS_LEAST - now.getTime();
  if (left > 0) throw new TestedJustNow(Math.ceil(left / 1_000));
}
