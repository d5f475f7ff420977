import { randomUUID } from 'node:crypto';
import { Clock, type Principal } from '@jinqiao/platform';
import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { validate as isUuid } from 'uuid';
import { madeUp } from '../conformance/conformance.js';
import { WebhookEndpoint } from '../endpoint/endpoint.entity.js';
import { assertLiving, type EndpointTest, EndpointUnknown } from '../endpoint/endpoint.js';
import { EndpointSecrets } from '../endpoint/endpoint.secrets.js';
import { deliveryOf } from '../feedback/feedback.teller.js';
import { webhookIdOf } from '../webhook/webhook.js';
import { headersOf } from '../webhook/webhook.dispatcher.js';
import { WebhookSender } from '../webhook/webhook.sender.js';
import { assertRested, TEST_PURPOSE } from './endpoint-test.js';

interface Begun {
  readonly url: string;
  readonly secrets: readonly string[];
  readonly at: Date;
}

/** Sends test messages: each is noted with the endpoint, sent outside of any transaction, and noted with what came back. */
@Injectable()
export class EndpointTests implements OnModuleDestroy {
  private readonly log = new Logger(EndpointTests.name);
  private readonly stopped = new AbortController();

  constructor(
    private readonly db: DataSource,
    private readonly secrets: EndpointSecrets,
    private readonly sender: WebhookSender,
    private readonly clock: Clock,
  ) {}

  onModuleDestroy(): void {
    this.stopped.abort();
  }

  async test(by: Principal, endpointId: string): Promise<EndpointTest & { readonly webhookId: string }> {
    const { url, secrets, at } = await this.begin(by, endpointId);
    const { said } = madeUp({ runId: randomUUID(), organisationId: by.id }, 'TEST', null, at);
    const body = JSON.stringify(said);
    const message = { ...deliveryOf('FeedbackIssued', said), purpose: TEST_PURPOSE, position: 0, secrets, said: body };
    const began = performance.now();
    const sent = await this.sender.send({ endpointId, url, body, headers: headersOf(message, at) }, this.stopped.signal);
    const { outcome, status, reason } = sent;
    const test = { testedAt: at.toISOString(), outcome, status, reason, tookMs: Math.round(performance.now() - began) };
    await this.keep(endpointId, test);
    this.log.log(`endpoint ${endpointId} was tested: ${outcome}${status === null ? '' : ` ${status}`}`);
    return { webhookId: webhookIdOf(said), ...test };
  }

  /** Also of one that is disabled: whether it is mended is asked before it is enabled. */
  private async begin({ id }: Principal, endpointId: string): Promise<Begun> {
    if (!isUuid(endpointId)) throw new EndpointUnknown();
    return this.db.transaction(async (tx) => {
      const where = { endpointId, organisationId: id };
      const endpoint = await tx.findOne(WebhookEndpoint, { where, lock: { mode: 'pessimistic_write' } });
      if (endpoint === null) throw new EndpointUnknown();
      assertLiving(endpoint);
      const at = this.clock.now();
      assertRested(endpoint.lastTest, at);
      const lastTest = { testedAt: at.toISOString(), outcome: null, status: null, reason: null, tookMs: null };
      await tx.update(WebhookEndpoint, { endpointId }, { lastTest });
      const valid = await this.secrets.valid(tx, [endpointId], at);
      return { url: endpoint.url, secrets: valid.map(({ secret }) => secret), at };
    });
  }

  private async keep(endpointId: string, test: EndpointTest): Promise<void> {
    await this.db.query(`UPDATE webhook_endpoints SET last_test = $2 WHERE endpoint_id = $1 AND last_test ->> 'testedAt' = $3`, [
      endpointId,
      test,
      test.testedAt,
    ]);
  }
}
