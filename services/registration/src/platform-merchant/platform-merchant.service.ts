import { event, Outbox, type OutgoingEvent } from '@jinqiao/messaging';
import {
  Clock,
  decodeCursor,
  type Page,
  pageOf,
  type Principal,
  batchAnswer,
  type BatchAnswer,
  ITEMS_MAX,
  TooManyItems,
} from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type Answer, onlyAnswer, rejected } from '../answer.js';
import {
  changed,
  exit,
  type Merchant,
  type MerchantDecision,
  type MerchantFacts,
  MerchantUnknown,
  onboard,
  readOnboarding,
} from './platform-merchant.js';
import { PlatformMerchantRow } from './platform-merchant.entity.js';

export interface MerchantQuestion {
  platformId?: string;
  uscc?: string;
  cursor?: string;
  limit?: number;
}

const LIST = 'merchants';

@Injectable()
export class PlatformMerchants {
  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /** One shop; a refusal is a problem and leaves nothing behind. */
  async onboard(platformId: string, input: unknown): Promise<Answer> {
    return this.db.transaction(async (tx) => onlyAnswer(await this.accept(tx, platformId, [input])));
  }

  /** Up to 1,000 shops, each answered for itself. */
  async onboardMany(platformId: string, inputs: readonly unknown[]): Promise<BatchAnswer<Answer>> {
    if (inputs.length > ITEMS_MAX) throw new TooManyItems();
    return this.db.transaction(async (tx) => batchAnswer(await this.accept(tx, platformId, inputs)));
  }

  /** Replaces the facts of a shop that sells. */
  async change(platformId: string, shopId: string, facts: MerchantFacts): Promise<Answer> {
    const { onboarding, errors, warnings, unknownFields } = readOnboarding(platformId, { ...facts, shopId }, this.clock.now());
    return this.db.transaction(async (tx) => {
      const before = await getForUpdate(tx, platformId, shopId);
      if (!onboarding || errors.length > 0) return onlyAnswer([rejected(shopId, errors, unknownFields)]);
      return this.settle(tx, changed(before, { ...onboarding, onboardedAt: before.onboardedAt }), { shopId, warnings, unknownFields });
    });
  }

  async exit(platformId: string, shopId: string, exitedAt: string | undefined): Promise<Answer> {
    return this.db.transaction(async (tx) => {
      const before = await getForUpdate(tx, platformId, shopId);
      return this.settle(tx, exit(before, exitedAt, this.clock.now()), { shopId, warnings: [], unknownFields: [] });
    });
  }

  async find(platformId: string, shopId: string): Promise<Merchant> {
    const row = await this.db.manager.findOneBy(PlatformMerchantRow, { platformId, shopId });
    if (!row?.state) throw new MerchantUnknown();
    return row.state;
  }

  /** A platform sees its own shops, whatever it asks for; a department sees all. */
  async list(principal: Principal, { platformId, uscc, cursor, limit = 100 }: MerchantQuestion): Promise<Page<Merchant>> {
    const [afterPlatform = '', afterShop = ''] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const of = principal.kind === 'PLATFORM' ? principal.id : platformId;
    const rows = await this.db.query<{ state: Merchant }[]>(
      `SELECT state FROM platform_merchants
       WHERE (platform_id, shop_id) > ($1, $2) AND ($3::text IS NULL OR platform_id = $3) AND ($4::text IS NULL OR uscc = $4)
       ORDER BY platform_id, shop_id LIMIT $5`,
      [afterPlatform, afterShop, of ?? null, uscc ?? null, limit + 1],
    );
    const states = rows.map(({ state }) => state);
    return pageOf(LIST, states, limit, ({ platformId, shopId }) => [platformId, shopId]);
  }

  private async accept(tx: EntityManager, platformId: string, inputs: readonly unknown[]): Promise<Answer[]> {
    const now = this.clock.now();
    const read = inputs.map((input) => readOnboarding(platformId, input, now));
    const known = await lockShops(
      tx,
      platformId,
      read.flatMap(({ onboarding, errors }) => (onboarding && errors.length === 0 ? onboarding.shopId : [])),
    );
    const written = new Map<string, Merchant>();
    const events: OutgoingEvent[] = [];
    const answers = read.map(({ id, onboarding, errors, warnings, unknownFields }): Answer => {
      if (!onboarding || errors.length > 0) return rejected(id, errors, unknownFields);
      const decision = onboard(known.get(onboarding.shopId) ?? null, onboarding, now);
      if (decision.outcome === 'rejected') return rejected(id, decision.errors, unknownFields);
      if (decision.outcome === 'accepted') {
        known.set(onboarding.shopId, decision.state);
        written.set(onboarding.shopId, decision.state);
        events.push(event(decision.type, decision.state));
      }
      return { id, outcome: decision.outcome, revision: decision.state.revision, warnings, errors: [], unknownFields };
    });
    await writeShops(tx, [...written.values()]);
    await this.outbox.add(tx, events);
    return answers;
  }

  private async settle(
    tx: EntityManager,
    decision: MerchantDecision,
    { shopId, ...told }: Pick<Answer, 'warnings' | 'unknownFields'> & { shopId: string },
  ): Promise<Answer> {
    if (decision.outcome === 'rejected') return onlyAnswer([rejected(shopId, decision.errors, told.unknownFields)]);
    if (decision.outcome === 'accepted') {
      await writeShops(tx, [decision.state]);
      await this.outbox.add(tx, event(decision.type, decision.state));
    }
    return { id: shopId, outcome: decision.outcome, revision: decision.state.revision, errors: [], ...told };
  }
}

async function getForUpdate(tx: EntityManager, platformId: string, shopId: string): Promise<Merchant> {
  const row = await tx.findOne(PlatformMerchantRow, { where: { platformId, shopId }, lock: { mode: 'pessimistic_write' } });
  if (!row?.state) throw new MerchantUnknown();
  return row.state;
}

// A row of revision 0 is made first, so that there is something to lock; two senders of the same new shop then wait for each other.
async function lockShops(tx: EntityManager, platformId: string, named: readonly string[]): Promise<Map<string, Merchant>> {
  const shopIds = [...new Set(named)].sort();
  if (shopIds.length === 0) return new Map();
  await tx.query(
    'INSERT INTO platform_merchants (platform_id, shop_id) SELECT $1, shop_id FROM unnest($2::text[]) AS shop_id ORDER BY shop_id ON CONFLICT DO NOTHING',
    [platformId, shopIds],
  );
  const rows = await tx.query<{ shopId: string; state: Merchant | null }[]>(
    'SELECT shop_id AS "shopId", state FROM platform_merchants WHERE platform_id = $1 AND shop_id = ANY ($2) ORDER BY shop_id FOR UPDATE',
    [platformId, shopIds],
  );
  return new Map(rows.flatMap(({ shopId, state }) => (state ? [[shopId, state] as const] : [])));
}

async function writeShops(tx: EntityManager, states: readonly Merchant[]): Promise<void> {
  if (states.length === 0) return;
  await tx.query(
    `UPDATE platform_merchants SET revision = (state_now ->> 'revision')::integer, state = state_now, changed_at = clock_timestamp()
     FROM jsonb_array_elements($1::jsonb) AS state_now
     WHERE platform_id = state_now ->> 'platformId' AND shop_id = state_now ->> 'shopId'`,
    [JSON.stringify(states)],
  );
}
