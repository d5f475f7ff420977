import type { MarketEntityStatus } from '@jinqiao/contracts';
import { readUscc } from '@jinqiao/law';
import { event, Outbox, type OutgoingEvent } from '@jinqiao/messaging';
import {
  batchAnswer,
  type BatchAnswer,
  Clock,
  decodeCursor,
  encodeCursor,
  ITEMS_MAX,
  type Page,
  type Principal,
  TooManyItems,
} from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type Answer, onlyAnswer, rejected } from '../answer.js';
import {
  type EntityDecision,
  handOver,
  type KeptEntity,
  type MarketEntity,
  MarketEntityUnknown,
  NOT_ITS_ENTITY,
  readRegistration,
  register,
  type RegistrationRead,
} from './market-entity.js';
import { MarketEntityRow } from './market-entity.entity.js';

export interface MarketEntityAnswer extends MarketEntity {
  /** CHECK_FAILED_LEGACY_CANDIDATE: a pilot code that the register has to settle. */
  usccCheck: string;
}

const LIST = 'market-entities';

@Injectable()
export class MarketEntities {
  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /** One registration; a refusal is a problem and leaves nothing behind. */
  async register(departmentId: string, input: unknown): Promise<Answer> {
    return this.db.transaction(async (tx) => onlyAnswer(await this.accept(tx, departmentId, [input])));
  }

  /** Up to 1,000 registrations, each answered for itself. */
  async registerMany(departmentId: string, inputs: readonly unknown[]): Promise<BatchAnswer<Answer>> {
    if (inputs.length > ITEMS_MAX) throw new TooManyItems();
    return this.db.transaction(async (tx) => batchAnswer(await this.accept(tx, departmentId, inputs)));
  }

  /** Replaces the facts of a registered entity. */
  async change(departmentId: string, uscc: string, facts: object): Promise<Answer> {
    return this.db.transaction(async (tx) => {
      const { state } = await getForUpdate(tx, uscc);
      return onlyAnswer(await this.accept(tx, departmentId, [{ ...facts, uscc: state.uscc }]));
    });
  }

  async changeStatus(departmentId: string, uscc: string, status: MarketEntityStatus): Promise<Answer> {
    return this.db.transaction(async (tx) => {
      const { revision: _before, departmentId: _keeper, ...entity } = (await getForUpdate(tx, uscc)).state;
      return onlyAnswer(await this.accept(tx, departmentId, [{ ...entity, status }]));
    });
  }

  /** By its keeper, or by the operator where that cannot or does not: what comes of it is as if the other had stated it. */
  async handOver(caller: Principal, uscc: string, departmentId: string): Promise<Answer> {
    return this.db.transaction(async (tx) => {
      const kept = await getForUpdate(tx, uscc);
      const { uscc: id } = kept.state;
      if (caller.kind !== 'OPERATOR' && kept.keptBy !== caller.id) return onlyAnswer([rejected(id, [NOT_ITS_ENTITY])]);
      const decision = handOver(kept, departmentId);
      await this.keep(tx, departmentId, [{ decision, usccCheck: readUscc(id).outcome }]);
      return answerOf(id, decision, { warnings: [], unknownFields: [] });
    });
  }

  async find(uscc: string): Promise<MarketEntityAnswer> {
    const row = await this.db.manager.findOneBy(MarketEntityRow, { uscc: readUscc(uscc).code });
    if (!row?.state) throw new MarketEntityUnknown();
    return { ...row.state, usccCheck: row.usccCheck };
  }

  async list({ status, cursor, limit = 100 }: { status?: string; cursor?: string; limit?: number }): Promise<Page<MarketEntityAnswer>> {
    const [after = ''] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const rows = await this.db.query<MarketEntityRow[]>(
      `SELECT uscc, state, uscc_check AS "usccCheck" FROM market_entities
       WHERE uscc > $1 AND ($2::text IS NULL OR status = $2) ORDER BY uscc LIMIT $3`,
      [after, status ?? null, limit + 1],
    );
    const items = rows.slice(0, limit).flatMap(({ state, usccCheck }) => (state ? [{ ...state, usccCheck }] : []));
    const last = items.at(-1);
    return { items, next: rows.length > limit && last ? encodeCursor(LIST, [last.uscc]) : null };
  }

  private async accept(tx: EntityManager, departmentId: string, inputs: readonly unknown[]): Promise<Answer[]> {
    const now = this.clock.now();
    const read = inputs.map((input) => readRegistration(input, now));
    const known = await lockEntities(tx, read);
    const decided: Decided[] = [];
    const answers = read.map(({ id, registration, usccCheck, errors, warnings, unknownFields }): Answer => {
      if (!registration || errors.length > 0) return rejected(id, errors, unknownFields);
      const decision = register(known.get(registration.uscc) ?? null, registration, departmentId);
      if (decision.outcome === 'accepted') known.set(registration.uscc, { state: decision.state, keptBy: departmentId });
      decided.push({ decision, usccCheck });
      return answerOf(id, decision, { warnings, unknownFields });
    });
    await this.keep(tx, departmentId, decided);
    return answers;
  }

  /** Of an entity that comes twice the last is written, and each is announced. */
  private async keep(tx: EntityManager, departmentId: string, decided: readonly Decided[]): Promise<void> {
    const written = new Map<string, { state: MarketEntity; usccCheck: string }>();
    const events: OutgoingEvent[] = [];
    for (const { decision, usccCheck } of decided) {
      if (decision.outcome !== 'accepted') continue;
      written.set(decision.state.uscc, { state: decision.state, usccCheck });
      events.push(event(decision.type, decision.state));
    }
    await writeEntities(tx, departmentId, [...written.values()]);
    await this.outbox.add(tx, events);
  }
}

interface Decided {
  readonly decision: EntityDecision;
  readonly usccCheck: string;
}

function answerOf(
  id: string | null,
  decision: EntityDecision,
  { warnings, unknownFields }: Pick<Answer, 'warnings' | 'unknownFields'>,
): Answer {
  if (decision.outcome === 'rejected') return rejected(id, decision.findings, unknownFields);
  return { id, outcome: decision.outcome, revision: decision.state.revision, warnings, errors: [], unknownFields };
}

async function getForUpdate(tx: EntityManager, uscc: string): Promise<KeptEntity> {
  const row = await tx.findOne(MarketEntityRow, { where: { uscc: readUscc(uscc).code }, lock: { mode: 'pessimistic_write' } });
  if (!row?.state) throw new MarketEntityUnknown();
  return keptAs(row.state, row.statedBy);
}

/** Where the last event does not say who keeps it, the one that stated it does; after a restore of such an event nobody is known to. */
const keptAs = (state: MarketEntity, statedBy: string): KeptEntity => ({ state, keptBy: state.departmentId ?? (statedBy || null) });

// A row of revision 0 is made first, so that there is something to lock; two senders of the same new code then wait for each other.
async function lockEntities(tx: EntityManager, read: readonly RegistrationRead[]): Promise<Map<string, KeptEntity>> {
  const accepted = read.filter(({ registration, errors }) => registration && errors.length === 0);
  const codes = [...new Set(accepted.flatMap(({ registration }) => registration?.uscc ?? []))].sort();
  if (codes.length === 0) return new Map();
  await tx.query('INSERT INTO market_entities (uscc) SELECT uscc FROM unnest($1::text[]) AS uscc ORDER BY uscc ON CONFLICT DO NOTHING', [
    codes,
  ]);
  const rows = await tx.query<MarketEntityRow[]>(
    'SELECT uscc, state, stated_by AS "statedBy" FROM market_entities WHERE uscc = ANY ($1) ORDER BY uscc FOR UPDATE',
    [codes],
  );
  return new Map(rows.flatMap(({ uscc, state, statedBy }) => (state ? [[uscc, keptAs(state, statedBy)] as const] : [])));
}

async function writeEntities(
  tx: EntityManager,
  statedBy: string,
  rows: readonly { state: MarketEntity; usccCheck: string }[],
): Promise<void> {
  if (rows.length === 0) return;
  await tx.query(
    `UPDATE market_entities SET revision = (x.state ->> 'revision')::integer, state = x.state, uscc_check = x."usccCheck", stated_by = $2,
            changed_at = clock_timestamp()
     FROM jsonb_to_recordset($1::jsonb) AS x(state jsonb, "usccCheck" text)
     WHERE market_entities.uscc = x.state ->> 'uscc'`,
    [JSON.stringify(rows), statedBy],
  );
}
