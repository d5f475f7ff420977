import { Bell, Gathered, Outbox } from '@jinqiao/messaging';
import { Clock } from '@jinqiao/platform';
import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { entitlementOf } from '../entitlement/entitlement.js';
import { secondsOf, signatures } from '../endpoint/endpoint.signature.js';
import { webhookIdOf } from './webhook.js';
import { CONCURRENCY, WebhookSender } from './webhook.sender.js';
import { type Attempt, type Claimed, Webhooks } from './webhook.service.js';

/** Attempts under way in one process. An endpoint that hangs holds one of them once its first ones have timed out. */
const IN_FLIGHT_MAX = 512;
const RECORDED_TOGETHER_MAX = 200;
/** A commit of this process wakes it at once; what other processes tell is found by looking. */
const POLL_MS = 500;
const BACKOFF_MS = { first: 250, longest: 5_000 };
const STOP_MS_MAX = 2_000;

/** One of the attempts that may be under way at an endpoint. */
interface Slot {
  /** May be said twice. */
  free(): void;
}

/**
 * Sends what is due by webhook, in as many processes as there are: each takes deliveries under a lease. A process that dies leaves its
 * leases to run out, and what it had under way is tried again with the same webhook-id. An attempt is over when its row is committed.
 */
@Injectable()
export class WebhookDispatcher implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger(WebhookDispatcher.name);
  private readonly stop = new AbortController();
  private readonly underWay = new Map<Claimed, Promise<void>>();
  private readonly inFlight = new Map<string, number>();
  /** Endpoints that have said 410 to this process: nothing that is claimed already goes there. */
  private readonly gone = new Set<string>();
  private readonly ends: Gathered<Attempt, null>;
  private running = false;
  private finished: Promise<void> = Promise.resolve();
  private readonly bell = new Bell();

  constructor(
    private readonly webhooks: Webhooks,
    private readonly sender: WebhookSender,
    private readonly clock: Clock,
    outbox: Outbox,
  ) {
    this.ends = new Gathered(async (attempts) => {
      await webhooks.keep(attempts);
      return attempts.map(() => null);
    }, RECORDED_TOGETHER_MAX);
    outbox.onCommitted(() => this.bell.ring());
  }

  onApplicationBootstrap(): void {
    this.running = true;
    this.finished = this.run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.running = false;
    this.bell.ring();
    await this.finished;
    const ended = Promise.all(this.underWay.values());
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, STOP_MS_MAX).unref())]);
    const left = [...this.underWay.keys()];
    this.stop.abort();
    await Promise.all(this.underWay.values());
    if (left.length > 0) await this.webhooks.release(left).catch(() => undefined);
  }

  private async run(): Promise<void> {
    let backoff = BACKOFF_MS.first;
    while (this.running) {
      try {
        const claimed = await this.claim();
        for (const one of claimed) this.start(one);
        backoff = BACKOFF_MS.first;
        if (claimed.length === 0) await this.bell.rest(POLL_MS);
      } catch (error) {
        this.log.warn(`webhooks wait: ${sentenceOf(error)}`);
        await this.bell.rest(backoff);
        backoff = Math.min(backoff * 2, BACKOFF_MS.longest);
      }
    }
  }

  private async claim(): Promise<Claimed[]> {
    const all = IN_FLIGHT_MAX - this.underWay.size;
    return all === 0 ? [] : this.webhooks.claim(this.inFlight, { each: CONCURRENCY, all });
  }

  private start(claimed: Claimed): void {
    const slot = this.takeSlot(claimed.endpointId);
    const attempt = this.attempt(claimed, slot)
      // The lease runs out, and it is tried again.
      .catch((error: unknown) => {
        if (!this.stop.signal.aborted) this.log.warn(`an attempt was not kept: ${sentenceOf(error)}`);
      })
      .finally(() => {
        this.underWay.delete(claimed);
        slot.free();
      });
    this.underWay.set(claimed, attempt);
  }

  private async attempt(claimed: Claimed, slot: Slot): Promise<void> {
    if (this.gone.has(claimed.endpointId)) return this.webhooks.release([claimed]);
    const startedAt = this.clock.now();
    const began = performance.now();
    const { endpointId, url, said: body } = claimed;
    const attempted = await this.sender.send({ endpointId, url, body, headers: headersOf(claimed, startedAt) }, this.stop.signal);
    if (attempted.outcome === 'GONE') this.gone.add(endpointId);
    // A success makes room before it is kept; a failure when the next claim sees it.
    if (attempted.outcome === 'DELIVERED') slot.free();
    await this.ends.add({ claimed, attempted, startedAt, tookMs: Math.round(performance.now() - began) });
  }

  private takeSlot(endpointId: string): Slot {
    this.inFlight.set(endpointId, (this.inFlight.get(endpointId) ?? 0) + 1);
    let isFree = false;
    return {
      free: () => {
        if (isFree) return;
        isFree = true;
        const left = (this.inFlight.get(endpointId) ?? 1) - 1;
        if (left === 0) this.inFlight.delete(endpointId);
        else this.inFlight.set(endpointId, left);
        this.bell.ring();
      },
    };
  }
}

/** Standard Webhooks, and why the platform may have it, as on the topic; HTTP headers are ASCII (CloudEvents HTTP binding §3.1.3). */
export function headersOf(claimed: Omit<Claimed, 'endpointId' | 'url'>, at: Date): Record<string, string> {
  const id = webhookIdOf(claimed);
  const { legalBasis, retentionUntil } = claimed;
  return {
    'content-type': 'application/json',
    'user-agent': 'jinqiao-exchange',
    'webhook-id': id,
    'webhook-timestamp': String(secondsOf(at)),
    'webhook-signature': signatures(claimed.secrets, id, at, claimed.said),
    'ce-specversion': '1.0',
    'ce-id': id,
    'ce-source': '/services/exchange',
    'ce-type': `platform.feedback.${claimed.type}`,
    'ce-revision': String(claimed.revision),
    'ce-sequence': String(claimed.position),
    'ce-entitlement': entitlementOf(claimed.recipientId, claimed.kind),
    'ce-purpose': claimed.purpose,
    'ce-classification': claimed.classification,
    ...(legalBasis && { 'ce-legalbasis': encodeURIComponent(legalBasis) }),
    ...(retentionUntil && { 'ce-retentionuntil': retentionUntil }),
  };
}

const sentenceOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
