import { randomUUID } from 'node:crypto';
import { Outbox } from '@jinqiao/messaging';
import { Clock, ConfigProblem, Keyring, KeyMissing } from '@jinqiao/platform';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { ExchangeConfig } from '../config.js';
import { WebhookSecret } from './endpoint.entity.js';
import type { Endpoint, EndpointStatus } from './endpoint.js';
import { sayEndpoints } from './endpoint.memory.js';
import { newSecret } from './endpoint.signature.js';

/** More than there are platforms. */
const OPENED_MAX = 1_000;

/** The secrets that webhooks are signed with: encrypted in the database, open in this process only. */
@Injectable()
export class EndpointSecrets implements OnModuleInit {
  private keyring: Keyring;
  /** Opening a secret costs more than signing with it. */
  private readonly opened = new Map<string, string>();

  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
    private readonly config: ExchangeConfig,
  ) {}

  async onModuleInit(): Promise<void> {
    this.keyring = await Keyring.of(this.config.WEBHOOK_SECRET_KEYS);
    await this.sealAnew();
  }

  /** A new one for an endpoint. Answers what the platform is shown. */
  async add(tx: EntityManager, { endpointId, algorithm }: Endpoint, createdAt: Date): Promise<string> {
    const { kept, shown } = newSecret(algorithm);
    const secret = await this.keyring.seal(kept);
    await tx.insert(WebhookSecret, { secretId: randomUUID(), endpointId, secret, createdAt, validUntil: null });
    return shown;
  }

  /** Those that sign at a moment, the newest first. */
  async valid(tx: EntityManager, endpointIds: readonly string[], at: Date): Promise<{ endpointId: string; secret: string }[]> {
    const rows: { endpointId: string; secret: string }[] = await tx.query(
      `SELECT endpoint_id AS "endpointId", secret FROM webhook_secrets
       WHERE endpoint_id = ANY($1) AND (valid_until IS NULL OR valid_until > $2)
       ORDER BY created_at DESC, valid_until DESC NULLS FIRST`,
      [endpointIds, at],
    );
    return Promise.all(rows.map(async ({ endpointId, secret }) => ({ endpointId, secret: await this.open(secret) })));
  }

  private async open(sealed: string): Promise<string> {
    const known = this.opened.get(sealed);
    if (known !== undefined) return known;
    const secret = await this.keyring.open(sealed);
    if (this.opened.size >= OPENED_MAX) this.opened.clear();
    this.opened.set(sealed, secret);
    return secret;
  }

  /**
   * Everything is kept under the first key: what was kept as it is before secrets were encrypted, and what a former key has encrypted,
   * so that it can be taken away; and it is said anew, so that what a restore takes over is under the first key too. Row by row: whoever
   * is interrupted, or does it beside another process, begins again.
   */
  private async sealAnew(): Promise<void> {
    for (const { secretId, endpointId, secret } of await this.db.manager.find(WebhookSecret)) {
      const state = this.keyring.stateOf(secret);
      if (state === 'CURRENT') continue;
      const sealed = await this.keyring.seal(state === 'OPEN' ? secret : await this.openFormer(secret));
      await this.db.transaction(async (tx) => {
        const [endpoint]: { status: EndpointStatus }[] = await tx.query(
          'SELECT status FROM webhook_endpoints WHERE endpoint_id = $1 FOR UPDATE',
          [endpointId],
        );
        await tx.update(WebhookSecret, { secretId, secret }, { secret: sealed });
        if (endpoint?.status !== 'ENDED') await sayEndpoints(tx, this.outbox, [endpointId], this.clock.now());
      });
    }
  }

  private async openFormer(sealed: string): Promise<string> {
    try {
      return await this.keyring.open(sealed);
    } catch (problem) {
      if (!(problem instanceof KeyMissing)) throw problem;
      throw new ConfigProblem(`WEBHOOK_SECRET_KEYS must hold the key ${problem.kid}, with which secrets in webhook_secrets are encrypted.`);
    }
  }
}
