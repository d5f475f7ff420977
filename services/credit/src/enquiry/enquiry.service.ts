import type { EnquiryKind, EnquiryPurpose, OrganisationKind } from '@jinqiao/contracts';
import { dayInChina } from '@jinqiao/law';
import { Clock, decodeCursor, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { CreditConfig } from '../config.js';
import type { PublicFacts } from '../public-facts/public-facts.js';
import { FactReader } from '../public-facts/public-facts.service.js';
import { findContracted } from '../register-copy/register-copy.js';
import { type Answered, BudgetSpent, EnquiryRefused, type StatedPurpose, type Question, type Reading, refusalFor } from './enquiry.js';

/** Everything that is asked in one request. */
export interface Asked<Q> {
  readonly caller: Principal;
  readonly purpose: StatedPurpose;
  readonly kind: EnquiryKind;
  readonly readings: readonly Reading<Q>[];
}

/** What a merchant is told about, by what is public on the moment it is asked. */
export type Decide<Q, A> = (question: Question<Q>, facts: PublicFacts, now: Date) => A;

export interface Answers<A> {
  readonly answered: number;
  readonly refused: number;
  readonly items: readonly Answered<A>[];
}

/** A line of the log: who was answered about whom, when and why. */
export interface Enquiry {
  readonly seq: string;
  readonly askedAt: Date;
  readonly askerId: string;
  readonly askerKind: OrganisationKind;
  readonly kind: EnquiryKind;
  readonly uscc: string;
  readonly purpose: EnquiryPurpose;
  readonly applicationId: string | null;
  readonly basis: string | null;
}

export interface EnquiriesWanted {
  readonly uscc?: string;
  readonly askerId?: string;
  readonly cursor?: string;
  readonly limit: number;
}

const LIST = 'enquiries';
const UNKNOWN: PublicFacts = { registration: null, held: [] };

@Injectable()
export class Enquiries {
  constructor(
    private readonly db: DataSource,
    private readonly facts: FactReader,
    private readonly config: CreditConfig,
    private readonly clock: Clock,
  ) {}

  /** Answers what may be asked and notes it in the same transaction; a question that is refused leaves nothing, and hinders no other. */
  async answer<Q, A>({ readings, ...asked }: Asked<Q>, decide: Decide<Q, A>): Promise<Answers<A>> {
    const now = this.clock.now();
    return this.db.transaction(async (tx) => {
      const items = await this.admit(tx, readings, asked);
      const usccs = items.flatMap((item) => (item.ok ? [item.question.uscc] : []));
      const facts = usccs.length === 0 ? new Map<string, PublicFacts>() : await this.facts.read(tx, usccs, dayInChina(now));
      const answers = items.map((item): Answered<A> => {
        if (!item.ok) return { outcome: 'refused', uscc: item.uscc, errors: item.findings };
        return { outcome: 'answered', ...decide(item.question, facts.get(item.question.uscc) ?? UNKNOWN, now) };
      });
      // The last statement: it holds the row of the asker's day until the commit.
      await this.note(tx, usccs, asked, now);
      return { answered: usccs.length, refused: answers.length - usccs.length, items: answers };
    });
  }

  /** The one question of a request. Refused: a problem. */
  async answerOne<Q, A>(asked: Asked<Q>, decide: Decide<Q, A>): Promise<A> {
    const [answer] = (await this.answer(asked, decide)).items;
    if (answer?.outcome !== 'answered') throw new EnquiryRefused(answer?.errors ?? []);
    const { outcome: _outcome, ...said } = answer;
    return said as A;
  }

  /** The log in its order, the oldest first: for auditors all of it, for whoever asked its own. */
  async list(caller: Principal, { uscc, askerId, cursor, limit }: EnquiriesWanted): Promise<Page<Enquiry>> {
    const [after = 0] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const rows: Enquiry[] = await this.db.query(
      `SELECT seq, asked_at AS "askedAt", asker_id AS "askerId", asker_kind AS "askerKind", kind, uscc, purpose,
              application_id AS "applicationId", basis
       FROM enquiries
       WHERE seq > $1 AND ($2::text IS NULL OR asker_id = $2) AND ($3::text IS NULL OR uscc = $3)
       ORDER BY seq LIMIT $4`,
      [after, caller.kind === 'AUDITOR' ? (askerId ?? null) : caller.id, uscc ?? null, limit + 1],
    );
    return pageOf(LIST, rows, limit, ({ seq }) => [seq]);
  }

  private async admit<Q>(
    tx: EntityManager,
    readings: readonly Reading<Q>[],
    { caller, purpose }: Omit<Asked<Q>, 'readings'>,
  ): Promise<readonly Reading<Q>[]> {
    if (purpose.purpose !== 'CONTRACTED') return readings;
    const usccs = readings.flatMap((reading) => (reading.ok ? [reading.question.uscc] : []));
    const contracted = await findContracted(tx, caller.id, usccs);
    return readings.map((reading): Reading<Q> => {
      const refusal = reading.ok ? refusalFor(purpose, reading.question.uscc, contracted) : null;
      return reading.ok && refusal ? { ok: false, uscc: reading.question.uscc, findings: [refusal] } : reading;
    });
  }

  /** Notes what is answered, and counts it against the day of a platform. Throws BudgetSpent, which undoes both. */
  private async note(
    tx: EntityManager,
    usccs: readonly string[],
    { caller, purpose, kind }: Omit<Asked<unknown>, 'readings'>,
    now: Date,
  ): Promise<void> {
    if (usccs.length === 0) return;
    // Departments have no budget.
    const budget = caller.kind === 'PLATFORM' ? this.config.ENQUIRIES_PER_DAY : null;
    const noted: unknown[] = await tx.query(
      `WITH spent AS (
         INSERT INTO enquiry_budgets AS kept (asker_id, day, used)
         SELECT $1, $2::date, $3::integer WHERE $4::integer IS NULL OR $3::integer <= $4
         ON CONFLICT (asker_id, day) DO UPDATE SET used = kept.used + excluded.used
           WHERE $4::integer IS NULL OR kept.used + excluded.used <= $4
         RETURNING used
       )
       INSERT INTO enquiries (asked_at, asker_id, asker_kind, kind, uscc, purpose, application_id, basis)
       SELECT $5::timestamptz, $1, $6, $7, given.uscc, $8, $9, $10
       FROM spent CROSS JOIN unnest($11::text[]) WITH ORDINALITY AS given (uscc, position)
       ORDER BY given.position
       RETURNING seq`,
      [
        caller.id,
        dayInChina(now),
        usccs.length,
        budget,
        now,
        caller.kind,
        kind,
        purpose.purpose,
        purpose.applicationId ?? null,
        purpose.basis ?? null,
        usccs,
      ],
    );
    if (noted.length === 0) throw new BudgetSpent(budget ?? 0, now);
  }
}
