import { Clock } from '@jinqiao/platform';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { buildConnector, Pool } from 'undici';
import { allowedUrl, checkedLookup, EndpointAddressRefused, isRefusedLiteral } from '../endpoint/endpoint.address.js';
import { EndpointAddresses } from '../endpoint/endpoint.service.js';
import { type Attempted, outcomeOf, retryAtOf } from './webhook.js';

/** Attempts under way at one endpoint, in one process. */
export const CONCURRENCY = 16;
const CONNECT_MS_MAX = 5_000;
/** Until the status is known. The specification asks for 15 to 30 s. */
export const ANSWER_MS_MAX = 15_000;
/** What an endpoint says besides its status is not kept; reading a little of it keeps the connection. */
const BODY_BYTES_MAX = 16_384;
const REASON_MAX = 200;

export interface WebhookRequest {
  readonly endpointId: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends webhooks: a pool of connections for each endpoint, so that one that is slow holds up nobody else, each to a checked address. */
@Injectable()
export class WebhookSender implements OnApplicationShutdown {
  private readonly pools = new Map<string, { readonly origin: string; readonly pool: Pool }>();

  constructor(
    private readonly clock: Clock,
    private readonly addresses: EndpointAddresses,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.pools.values()].map(({ pool }) => pool.destroy()));
  }

  /** Whatever happens is an outcome; it throws only what `stop` was aborted for. */
  async send({ endpointId, url, headers, body }: WebhookRequest, stop: AbortSignal): Promise<Attempted> {
    const patience = AbortSignal.timeout(ANSWER_MS_MAX);
    try {
      const { pathname, search, origin } = allowedUrl(url, this.addresses.exceptions);
      const answer = await this.poolOf(endpointId, origin).request({
        method: 'POST',
        path: `${pathname}${search}`,
        headers,
        body,
        signal: AbortSignal.any([patience, stop]),
      });
      void answer.body.dump({ limit: BODY_BYTES_MAX }).catch(() => undefined);
      const { statusCode, headers: answered } = answer;
      const retryAfter = answered['retry-after'];
      const retryAt = retryAtOf(Array.isArray(retryAfter) ? retryAfter[0] : retryAfter, this.clock.now());
      return { outcome: outcomeOf(statusCode), status: statusCode, reason: null, retryAt };
    } catch (error) {
      if (stop.aborted) throw error;
      return { outcome: failureOf(error, patience), status: null, reason: reasonOf(error), retryAt: null };
    }
  }

  private poolOf(endpointId: string, origin: string): Pool {
    const known = this.pools.get(endpointId);
    if (known?.origin === origin) return known.pool;
    // What is still under way at the old address ends there.
    void known?.pool.close();
    const pool = new Pool(origin, {
      connections: CONCURRENCY,
      pipelining: 1,
      headersTimeout: ANSWER_MS_MAX,
      bodyTimeout: CONNECT_MS_MAX,
      connect: this.connector(),
    });
    this.pools.set(endpointId, { origin, pool });
    return pool;
  }

  /** Addresses in a URL are never looked up, names are looked up by us: both are checked for each connection. */
  private connector(): buildConnector.connector {
    const { exceptions, resolve } = this.addresses;
    const free = buildConnector({ timeout: CONNECT_MS_MAX });
    const checked = buildConnector({ timeout: CONNECT_MS_MAX, lookup: checkedLookup(resolve) });
    return (options, callback) => {
      const { hostname, port } = options;
      if (exceptions.allow({ hostname, port })) return free(options, callback);
      if (isRefusedLiteral(hostname)) return callback(new EndpointAddressRefused('The address is not a public one'), null);
      return checked(options, callback);
    };
  }
}

function failureOf(error: unknown, patience: AbortSignal): Attempted['outcome'] {
  if (patience.aborted || codeOf(error).endsWith('TIMEOUT') || codeOf(error) === 'ETIMEDOUT') return 'TIMED_OUT';
  return error instanceof EndpointAddressRefused ? 'ADDRESS_REFUSED' : 'UNREACHABLE';
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

function reasonOf(error: unknown): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const text = first instanceof Error ? first.message : String(first);
  return `${codeOf(first)} ${text}`.trim().slice(0, REASON_MAX);
}
