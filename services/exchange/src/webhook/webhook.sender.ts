import { Clock } from '@jinqiao/platform';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { buildConnector, type Dispatcher, Pool } from 'undici';
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

/** Where an endpoint is reached. */
interface Target {
  readonly url: string;
  readonly origin: string;
  readonly path: string;
  readonly pool: Pool;
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

class AnswerTooLate extends Error {
  constructor() {
    super(`No answer within ${ANSWER_MS_MAX / 1_000} s`);
  }
}

/** Sends webhooks: a pool of connections for each endpoint, so that one that is slow holds up nobody else, each to a checked address. */
@Injectable()
export class WebhookSender implements OnApplicationShutdown {
  private readonly targets = new Map<string, Target>();

  constructor(
    private readonly clock: Clock,
    private readonly addresses: EndpointAddresses,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.targets.values()].map(({ pool }) => pool.destroy()));
  }

  /** Whatever happens is an outcome; it throws only what `stop` was aborted for. */
  async send({ endpointId, url, headers, body }: WebhookRequest, stop: AbortSignal): Promise<Attempted> {
    const call = new Call();
    const patience = setTimeout(() => call.end(new AnswerTooLate()), ANSWER_MS_MAX);
    const stopped = (): void => call.end(new Error('The process ends'));
    stop.addEventListener('abort', stopped);
    try {
      stop.throwIfAborted();
      const { path, pool } = this.targetOf(endpointId, url);
      pool.dispatch({ method: 'POST', path, headers, body }, call);
      const { status, retryAfter } = await call.answered;
      return { outcome: outcomeOf(status), status, reason: null, retryAt: retryAtOf(retryAfter, this.clock.now()) };
    } catch (error) {
      if (stop.aborted) throw error;
      return { outcome: failureOf(error), status: null, reason: reasonOf(error), retryAt: null };
    } finally {
      clearTimeout(patience);
      stop.removeEventListener('abort', stopped);
    }
  }

  private targetOf(endpointId: string, url: string): Target {
    const known = this.targets.get(endpointId);
    if (known?.url === url) return known;
    const { pathname, search, origin } = allowedUrl(url, this.addresses.exceptions);
    const target = { url, origin, path: `${pathname}${search}`, pool: known?.origin === origin ? known.pool : this.poolOf(origin) };
    // What is still under way at the old address ends there.
    if (known && known.pool !== target.pool) void known.pool.close();
    this.targets.set(endpointId, target);
    return target;
  }

  private poolOf(origin: string): Pool {
    return new Pool(origin, {
      connections: CONCURRENCY,
      pipelining: 1,
      headersTimeout: ANSWER_MS_MAX,
      bodyTimeout: CONNECT_MS_MAX,
      connect: this.connector(),
    });
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

/**
 * A request until its status is known. Undici's own `request` makes a stream of every answer and takes a signal that each needs for
 * itself, which together cost as much as the sending: of an answer nothing but the status and one header is wanted.
 */
class Call implements Dispatcher.DispatchHandler {
  readonly answered: Promise<Answer>;
  private resolve: (answer: Answer) => void;
  private reject: (reason: Error) => void;
  private controller: Dispatcher.DispatchController | null = null;
  private ended: Error | null = null;
  private bytes = 0;

  constructor() {
    this.answered = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** Also while it waits for its connection. */
  end(reason: Error): void {
    this.ended = reason;
    this.reject(reason);
    this.controller?.abort(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.ended) controller.abort(this.ended);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    const retryAfter = headers['retry-after'];
    // What is said before the answer (1xx) is none.
    if (status >= 200) this.resolve({ status, retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.bytes > BODY_BYTES_MAX) controller.abort(new Error('The answer is longer than is read'));
  }

  onResponseEnd(): void {
    // Its status was all that is wanted.
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.reject(error);
  }
}

function failureOf(error: unknown): Attempted['outcome'] {
  if (error instanceof AnswerTooLate || codeOf(error).endsWith('TIMEOUT') || codeOf(error) === 'ETIMEDOUT') return 'TIMED_OUT';
  return error instanceof EndpointAddressRefused ? 'ADDRESS_REFUSED' : 'UNREACHABLE';
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

function reasonOf(error: unknown): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const text = first instanceof Error ? first.message : String(first);
  return `${codeOf(first)} ${text}`.trim().slice(0, REASON_MAX);
}
