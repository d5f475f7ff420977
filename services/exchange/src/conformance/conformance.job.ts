import { Clock, type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type Algorithm, newSecret } from '../endpoint/endpoint.signature.js';
import { deliveryOf } from '../feedback/feedback.teller.js';
import { headersOf } from '../webhook/webhook.dispatcher.js';
import { WebhookSender } from '../webhook/webhook.sender.js';
import type { ConformanceRunRow } from './conformance.entity.js';
import { type Forged, madeUp } from './conformance.js';
import { Conformance } from './conformance.service.js';

const EVERY_MS = 1_000;

/** Carries runs on, and plays the one who sends what the exchange has not signed. */
@Injectable()
export class ConformanceJob implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger(ConformanceJob.name);
  private readonly stopped = new AbortController();
  private job: Regular | undefined;

  constructor(
    private readonly db: DataSource,
    private readonly conformance: Conformance,
    private readonly sender: WebhookSender,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.job = regularly(EVERY_MS, () => this.carryOn(), this.log);
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped.abort();
    await this.job?.stop();
  }

  private async carryOn(): Promise<void> {
    const runs = await this.conformance.running();
    const carried = await Promise.allSettled(runs.map((run) => this.carry(run)));
    // One that fails holds up no other.
    for (const one of carried) if (one.status === 'rejected') this.log.warn(String(one.reason));
  }

  private async carry(run: ConformanceRunRow): Promise<void> {
    const isForgeryDue = run.channel === 'WEBHOOK' && run.repeatedAt !== null && run.forged === null;
    if (isForgeryDue) await this.conformance.keepForged(run.runId, await this.forge(run));
    await this.conformance.advance(run.runId);
  }

  /** Like a webhook in everything but the secret. Nothing of it is kept among the deliveries, whatever the endpoint answers. */
  private async forge(run: ConformanceRunRow): Promise<Forged> {
    const [endpoint]: { endpointId: string; url: string; algorithm: Algorithm }[] = await this.db.query(
      `SELECT endpoint_id AS "endpointId", url, algorithm FROM webhook_endpoints WHERE organisation_id = $1 AND status = 'ACTIVE'`,
      [run.organisationId],
    );
    if (!endpoint) return { status: null };
    const { endpointId, url, algorithm } = endpoint;
    const at = this.clock.now();
    const { said } = madeUp(run, 'FORGED', null, at);
    const body = JSON.stringify(said);
    const forged = { ...deliveryOf('FeedbackIssued', said), position: 0, secrets: [newSecret(algorithm).kept], said: body };
    const { status } = await this.sender.send({ endpointId, url, body, headers: headersOf(forged, at) }, this.stopped.signal);
    return { status };
  }
}
