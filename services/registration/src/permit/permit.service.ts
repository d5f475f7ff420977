import { event, Outbox, type OutgoingEvent } from '@jinqiao/messaging';
import { Clock, decodeCursor, type Page, pageOf, batchAnswer, type BatchAnswer, ITEMS_MAX, TooManyItems } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type Answer, onlyAnswer, rejected } from '../answer.js';
import { PermitRow } from './permit.entity.js';
import { decide, type Permit, PermitUnknown, readPermit, retract } from './permit.js';

export interface PermitQuestion {
  departmentId?: string;
  permitNo?: string;
  uscc?: string;
  cursor?: string;
  limit?: number;
}

const LIST = 'permits';

@Injectable()
export class Permits {
  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /** One permit; a refusal is a problem and leaves nothing behind. */
  async state(departmentId: string, input: unknown): Promise<Answer> {
    return this.db.transaction(async (tx) => onlyAnswer(await this.accept(tx, departmentId, [input])));
  }

  /** Up to 1,000 permits, each answered for itself. */
  async stateMany(departmentId: string, inputs: readonly unknown[]): Promise<BatchAnswer<Answer>> {
    if (inputs.length > ITEMS_MAX) throw new TooManyItems({ zh: '许可', en: 'permits' });
    return this.db.transaction(async (tx) => batchAnswer(await this.accept(tx, departmentId, inputs)));
  }

  /** Takes back what a department stated in error. */
  async retract(departmentId: string, permitNo: string, reason: string): Promise<Answer> {
    return this.db.transaction(async (tx) => {
      const decision = retract(await getForUpdate(tx, departmentId, permitNo), reason);
      if (decision.outcome === 'accepted') {
        await writePermits(tx, [decision.state]);
        await this.outbox.add(tx, event(decision.type, decision.state));
      }
      const { outcome, state } = decision;
      return { id: permitNo, outcome, revision: state.revision, warnings: [], errors: [], unknownFields: [] };
    });
  }

  async list({ departmentId, permitNo, uscc, cursor, limit = 100 }: PermitQuestion): Promise<Page<Permit>> {
    const [afterDepartment = '', afterPermit = ''] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const rows = await this.db.query<{ state: Permit }[]>(
      `SELECT state FROM permits
       WHERE (department_id, permit_no) > ($1, $2) AND ($3::text IS NULL OR department_id = $3) AND ($4::text IS NULL OR permit_no = $4)
         AND ($5::text IS NULL OR uscc = $5)
       ORDER BY department_id, permit_no LIMIT $6`,
      [afterDepartment, afterPermit, departmentId ?? null, permitNo ?? null, uscc ?? null, limit + 1],
    );
    const states = rows.map(({ state }) => state);
    return pageOf(LIST, states, limit, (permit) => [permit.departmentId, permit.permitNo]);
  }

  private async accept(tx: EntityManager, departmentId: string, inputs: readonly unknown[]): Promise<Answer[]> {
    const now = this.clock.now();
    const read = inputs.map((input) => readPermit(departmentId, input, now));
    const known = await lockPermits(
      tx,
      departmentId,
      read.flatMap(({ stated, errors }) => (stated && errors.length === 0 ? stated.permitNo : [])),
    );
    const written = new Map<string, Permit>();
    const events: OutgoingEvent[] = [];
    const answers = read.map(({ id, stated, errors, warnings, unknownFields }): Answer => {
      if (!stated || errors.length > 0) return rejected(id, errors, unknownFields);
      const decision = decide(known.get(stated.permitNo) ?? null, stated);
      if (decision.outcome === 'accepted') {
        known.set(stated.permitNo, decision.state);
        written.set(stated.permitNo, decision.state);
        events.push(event(decision.type, decision.state));
      }
      return { id, outcome: decision.outcome, revision: decision.state.revision, warnings, errors: [], unknownFields };
    });
    await writePermits(tx, [...written.values()]);
    await this.outbox.add(tx, events);
    return answers;
  }
}

async function getForUpdate(tx: EntityManager, departmentId: string, permitNo: string): Promise<Permit> {
  if (permitNo.includes('\0')) throw new PermitUnknown();
  const row = await tx.findOne(PermitRow, { where: { departmentId, permitNo }, lock: { mode: 'pessimistic_write' } });
  if (!row?.state) throw new PermitUnknown();
  return row.state;
}

// A row of revision 0 is made first, so that there is something to lock; two senders of the same new number then wait for each other.
async function lockPermits(tx: EntityManager, departmentId: string, named: readonly string[]): Promise<Map<string, Permit>> {
  const numbers = [...new Set(named)];
  if (numbers.length === 0) return new Map();
  await tx.query(
    `INSERT INTO permits (department_id, permit_no)
     SELECT $1, permit_no FROM unnest($2::text[]) AS permit_no ORDER BY permit_no ON CONFLICT DO NOTHING`,
    [departmentId, numbers],
  );
  const rows = await tx.query<{ permitNo: string; state: Permit | null }[]>(
    'SELECT permit_no AS "permitNo", state FROM permits WHERE department_id = $1 AND permit_no = ANY ($2) ORDER BY permit_no FOR UPDATE',
    [departmentId, numbers],
  );
  return new Map(rows.flatMap(({ permitNo, state }) => (state ? [[permitNo, state] as const] : [])));
}

async function writePermits(tx: EntityManager, states: readonly Permit[]): Promise<void> {
  if (states.length === 0) return;
  await tx.query(
    `UPDATE permits SET revision = (state_now ->> 'revision')::integer, state = state_now, changed_at = clock_timestamp()
     FROM jsonb_array_elements($1::jsonb) AS state_now
     WHERE department_id = state_now ->> 'departmentId' AND permit_no = state_now ->> 'permitNo'`,
    [JSON.stringify(states)],
  );
}
