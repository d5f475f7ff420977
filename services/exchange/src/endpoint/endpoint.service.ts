import { randomUUID } from 'node:crypto';
import { Outbox } from '@jinqiao/messaging';
import { Clock, decodeCursor, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, IsNull, Not } from 'typeorm';
import { validate as isUuid } from 'uuid';
import { ExchangeConfig } from '../config.js';
import { assertPlatform, dueAtOnce } from '../delivery/delivery.series.js';
import { allowedUrl, assertReachable, Exceptions, type Resolve, resolveByTheSystem } from './endpoint.address.js';
import { WebhookEndpoint, WebhookSecret } from './endpoint.entity.js';
import {
  afterAct,
  assertLiving,
  assertRotatable,
  type Endpoint,
  EndpointExists,
  type EndpointStatus,
  EndpointUnknown,
} from './endpoint.js';
import { sayEndpoints } from './endpoint.memory.js';
import { EndpointSecrets } from './endpoint.secrets.js';
import type { Algorithm } from './endpoint.signature.js';

const HOUR_MS = 3_600_000;
const LIST = 'webhook-endpoints';

/** Which URLs are let through, and what names mean. Tests put their own in its place. */
@Injectable()
export class EndpointAddresses {
  readonly exceptions: Exceptions;
  readonly resolve: Resolve = resolveByTheSystem;

  constructor(config: ExchangeConfig) {
    this.exceptions = new Exceptions(config.WEBHOOK_ALLOWED_HOSTS);
  }
}

/** `secret` is in the answer that makes it and in no other. */
export type WithSecret = Endpoint & { readonly secret: string };

export interface ListRequest {
  readonly platform?: string;
  readonly cursor?: string;
  readonly limit: number;
}

export interface EndpointDraft {
  readonly url: string;
  readonly contact: string;
  readonly algorithm: Algorithm;
}

/** A platform's own care of its endpoint. */
@Injectable()
export class Endpoints {
  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
    private readonly addresses: EndpointAddresses,
    private readonly secrets: EndpointSecrets,
  ) {}

  /** What is due by webhook and was not delivered goes to the new endpoint at once. */
  async register({ id }: Principal, { url, contact, algorithm }: EndpointDraft): Promise<WithSecret> {
    await this.assertAllowed(url);
    const at = this.clock.now();
    const endpoint: Endpoint = {
      endpointId: randomUUID(),
      organisationId: id,
      url,
      algorithm,
      contact,
      status: 'ACTIVE',
      statusReason: null,
      statusSince: at,
      registeredAt: at,
      failures: 0,
      failingSince: null,
      pausedUntil: null,
      lastTest: null,
    };
    return this.db.transaction(async (tx) => {
      await assertPlatform(tx, id);
      const living: unknown[] = await tx.query(`SELECT FROM webhook_endpoints WHERE organisation_id = $1 AND status <> 'ENDED'`, [id]);
      if (living.length > 0) throw new EndpointExists();
      await tx.insert(WebhookEndpoint, endpoint);
      const secret = await this.secrets.add(tx, endpoint, at);
      await dueAtOnce(tx, id, at);
      await sayEndpoints(tx, this.outbox, [endpoint.endpointId], at);
      return { ...endpoint, secret };
    });
  }

  async change(by: Principal, endpointId: string, { url, contact }: { url: string; contact: string }): Promise<Endpoint> {
    await this.assertAllowed(url);
    return this.db.transaction(async (tx) => {
      const endpoint = await this.getForUpdate(tx, by, endpointId);
      assertLiving(endpoint);
      await tx.update(WebhookEndpoint, { endpointId }, { url, contact });
      await sayEndpoints(tx, this.outbox, [endpointId], this.clock.now());
      return { ...endpoint, url, contact };
    });
  }

  /** Both secrets sign until the overlap is over; with 0 hours the old one stops at once, for one that has leaked. */
  async rotate(by: Principal, endpointId: string, overlapHours: number): Promise<WithSecret & { readonly oldValidUntil: Date }> {
    return this.db.transaction(async (tx) => {
      const endpoint = await this.getForUpdate(tx, by, endpointId);
      assertLiving(endpoint);
      const at = this.clock.now();
      const valid = await this.secrets.valid(tx, [endpointId], at);
      assertRotatable(valid.length, overlapHours);
      const oldValidUntil = new Date(at.getTime() + overlapHours * HOUR_MS);
      const ending = overlapHours === 0 ? { endpointId } : { endpointId, validUntil: IsNull() };
      await tx.update(WebhookSecret, ending, { validUntil: oldValidUntil });
      const secret = await this.secrets.add(tx, endpoint, at);
      await sayEndpoints(tx, this.outbox, [endpointId], at);
      return { ...endpoint, secret, oldValidUntil };
    });
  }

  /** After a long failure; what waits goes at once. */
  async enable(by: Principal, endpointId: string): Promise<Endpoint> {
    return this.db.transaction(async (tx) => {
      const at = this.clock.now();
      await dueAtOnce(tx, by.id, at);
      const endpoint = await this.getForUpdate(tx, by, endpointId);
      assertLiving(endpoint);
      const enabled = {
        status: 'ACTIVE',
        statusReason: null,
        statusSince: at,
        failures: 0,
        failingSince: null,
        pausedUntil: null,
      } as const;
      await tx.update(WebhookEndpoint, { endpointId }, enabled);
      await sayEndpoints(tx, this.outbox, [endpointId], at);
      return { ...endpoint, ...enabled };
    });
  }

  async remove(by: Principal, endpointId: string): Promise<Endpoint> {
    return this.db.transaction(async (tx) => {
      const endpoint = await this.getForUpdate(tx, by, endpointId);
      if (endpoint.status === 'ENDED') return endpoint;
      const ended = { status: 'ENDED', statusReason: 'REMOVED', statusSince: this.clock.now() } as const;
      await tx.update(WebhookEndpoint, { endpointId }, ended);
      await tx.delete(WebhookSecret, { endpointId });
      await sayEndpoints(tx, this.outbox, [endpointId], ended.statusSince);
      return { ...endpoint, ...ended };
    });
  }

  /** A platform's own, the newest first; everybody's for those who look after all. */
  async list(caller: Principal, { platform, cursor, limit }: ListRequest): Promise<Page<Endpoint>> {
    const [registeredBefore = 'infinity', idBefore = FIRST_ID] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const rows = await this.db.manager
      .createQueryBuilder(WebhookEndpoint, 'endpoint')
      .where('(endpoint.registeredAt, endpoint.endpointId) < (:registeredBefore::timestamptz, :idBefore::uuid)', {
        registeredBefore,
        idBefore,
      })
      .andWhere(':of::text IS NULL OR endpoint.organisationId = :of', { of: whose(caller, platform) })
      .orderBy('endpoint.registeredAt', 'DESC')
      .addOrderBy('endpoint.endpointId', 'DESC')
      .limit(limit + 1)
      .getMany();
    return pageOf(LIST, rows, limit, ({ registeredAt, endpointId }) => [registeredAt.toISOString(), endpointId]);
  }

  private async assertAllowed(url: string): Promise<void> {
    const { exceptions, resolve } = this.addresses;
    await assertReachable(allowedUrl(url, exceptions), exceptions, resolve);
  }

  private async getForUpdate(tx: EntityManager, { id }: Principal, endpointId: string): Promise<Endpoint> {
    if (!isUuid(endpointId)) throw new EndpointUnknown();
    const where = { endpointId, organisationId: id };
    const endpoint = await tx.findOne(WebhookEndpoint, { where, lock: { mode: 'pessimistic_write' } });
    if (endpoint === null) throw new EndpointUnknown();
    return endpoint;
  }
}

/** Above every id, for a list that goes down. */
const FIRST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

const whose = ({ kind, id }: Principal, platform: string | undefined): string | null => (kind === 'PLATFORM' ? id : (platform ?? null));

/** What the status of a platform means for its endpoint. What is due stays due. */
export async function followStatus(
  tx: EntityManager,
  outbox: Outbox,
  { organisationId, act, at }: { organisationId: string; act: 'SUSPEND' | 'RESUME' | 'EXIT'; at: Date },
): Promise<void> {
  const where = { organisationId, status: Not<EndpointStatus>('ENDED') };
  const endpoint = await tx.findOne(WebhookEndpoint, { where, lock: { mode: 'pessimistic_write' } });
  if (endpoint === null) return;
  const after = afterAct(endpoint, act);
  if (after === null) return;
  const { endpointId } = endpoint;
  await tx.update(WebhookEndpoint, { endpointId }, { ...after, statusSince: at });
  if (after.status === 'ENDED') await tx.delete(WebhookSecret, { endpointId });
  await sayEndpoints(tx, outbox, [endpointId], at);
}
