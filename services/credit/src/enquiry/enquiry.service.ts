import type { EnquiryKind, EnquiryPurpose, OrganisationKind } from '@jinqiao/contracts';
import { dayInChina, pastBefore } from '@jinqiao/law';
import { Gathered } from '@jinqiao/messaging';
import { Clock, decodeCursor, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CreditConfig } from '../config.js';
import { type PublicFacts, UNKNOWN } from '../public-facts/public-facts.js';
import { FactReader } from '../public-facts/public-facts.service.js';
import { type Answered, BudgetSpent, EnquiryRefused, type StatedPurpose, type Question, type Reading, refusalFor } from './enquiry.js';

/** Everything that is asked in one request. */
export interface Asked<Q> {
  readonly caller: Principal;
  readonly purpose: StatedPurpose;
  readonly kind: EnquiryKind;
  readonly readings: readonly Reading<Q>[];
}

/** What is answered about merchants at a moment, by what is public of each. */
export type Decide<Q, A> = (now: Date) => (question: Question<Q>, facts: PublicFacts) => A;

export interface Answers<A> {
  readonly answered: number;
  readonly refused: number;
  readonly items: readonly Answered<A>[];
}

/** What is noted of one request. */
interface Note {
  readonly askedAt: Date;
  /** In China. */
  readonly day: string;
  readonly askerId: string;
  readonly askerKind: Principal['kind'];
  /** Null: none; departments have no budget. */
  readonly budget: number | null;
  readonly kind: EnquiryKind;
  readonly purpose: EnquiryPurpose;
  readonly applicationId?: string;
  readonly basis?: string;
  readonly usccs: readonly string[];
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

const usccsIn = (readings: readonly Reading<unknown>[]): string[] =>
  readings.flatMap((reading) => (reading.ok ? [reading.question.uscc] : []));

function admitted<Q>(reading: Reading<Q>, purpose: StatedPurpose, contracted: ReadonlySet<string>): Reading<Q> {
  if (!reading.ok) return reading;
  const { uscc } = reading.question;
  const refusal = refusalFor(purpose, uscc, contracted);
  return refusal ? { ok: false, uscc, findings: [refusal] } : reading;
}

const LIST = 'enquiries';
/** So many requests about one merchant share a statement. */
const SINGLES_MAX = 1_000;

@Injectable()
export class Enquiries {
  /** Requests about one merchant, each of which would else commit for itself, one after the other under the row of its asker's day. */
  private readonly singles = new Gathered<Note, boolean>((notes) => this.write(notes), SINGLES_MAX);

  constructor(
    private readonly db: DataSource,
    private readonly facts: FactReader,
    private readonly config: CreditConfig,
    private readonly clock: Clock,
  ) {}

  /** Answers what may be asked, once it is noted; a question that is refused leaves nothing, and hinders no other. */
  async answer<Q, A>({ readings, ...asked }: Asked<Q>, decide: Decide<Q, A>): Promise<Answers<A>> {
    const now = this.clock.now();
    const platformId = asked.purpose.purpose === 'CONTRACTED' ? asked.caller.id : null;
    // Also of those that will be refused: they are few, and nobody waits for one answer after the other.
    const found = await this.facts.read(usccsIn(readings), { platformId, today: dayInChina(now) });
    const contracted = new Set([...found].flatMap(([uscc, { isContracted }]) => (isContracted ? [uscc] : [])));
    const items = readings.map((reading) => admitted(reading, asked.purpose, contracted));
    const usccs = usccsIn(items);
    const decideOne = decide(now);
    const answers = items.map((item): Answered<A> => {
      if (!item.ok) return { outcome: 'refused', uscc: item.uscc, errors: item.findings };
      return { outcome: 'answered', ...decideOne(item.question, found.get(item.question.uscc)?.facts ?? UNKNOWN) };
    });
    if (usccs.length > 0) await this.note(usccs, asked, now);
    return { answered: usccs.length, refused: answers.length - usccs.length, items: answers };
  }

  /** The one question of a request. Refused: a problem. */
  async answerOne<Q, A>(asked: Asked<Q>, decide: Decide<Q, A>): Promise<A> {
    const [answer] = (await this.answer(asked, decide)).items;
    if (answer?.outcome !== 'answered') throw new EnquiryRefused(answer?.errors ?? []);
    const { outcome: _outcome, ...said } = answer;
    return said as A;
  }

  /** The log in its order, the oldest first: for auditors all of it, for whoever asked its own. */
  list(caller: Principal, { askerId, ...wanted }: EnquiriesWanted): Promise<Page<Enquiry>> {
    return this.page({ ...wanted, ...(caller.kind !== 'AUDITOR' ? { askerId: caller.id } : askerId !== undefined && { askerId }) });
  }

  /** Who was answered about a merchant, for the merchant. */
  listAbout(uscc: string, page: Pick<EnquiriesWanted, 'cursor' | 'limit'>): Promise<Page<Enquiry>> {
    return this.page({ ...page, uscc });
  }

  /** Erases at most so many of the oldest lines whose time has passed, and the budgets of their days; answers how many lines. */
  async erase(most: number): Promise<number> {
    const before = pastBefore('SHARING_LOGS_KEPT', this.clock.now());
    if (before === null) return 0;
    // The log is in the order of time but for what the clocks of processes differ by, so no index on the time is needed to find the oldest.
    const [row]: { erased: number }[] = await this.db.query(
      `WITH erased AS (
         DELETE FROM enquiries WHERE seq IN (
           SELECT seq FROM (SELECT seq, asked_at FROM enquiries ORDER BY seq LIMIT $2) AS oldest
           WHERE asked_at < $1::timestamptz AND NOT enquiry_has_to_stay(asked_at))
         RETURNING 1
       ), budgets AS (
         DELETE FROM enquiry_budgets WHERE day < $3::date AND NOT enquiry_has_to_stay(day)
       )
       SELECT count(*)::integer AS erased FROM erased`,
      [before, most, dayInChina(before)],
    );
    return row?.erased ?? 0;
  }

  private async page({ uscc, askerId, cursor, limit }: EnquiriesWanted): Promise<Page<Enquiry>> {
    const [after = 0] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const rows: Enquiry[] = await this.db.query(
      `SELECT seq, asked_at AS "askedAt", asker_id AS "askerId", asker_kind AS "askerKind", kind, uscc, purpose,
              application_id AS "applicationId", basis
       FROM enquiries
       WHERE seq > $1 AND ($2::text IS NULL OR asker_id = $2) AND ($3::text IS NULL OR uscc = $3)
       ORDER BY seq LIMIT $4`,
      [after, askerId ?? null, uscc ?? null, limit + 1],
    );
    return pageOf(LIST, rows, limit, ({ seq }) => [seq]);
  }

  /** Notes what is answered, and counts it against the day of a platform; resolves when both are durable. Throws BudgetSpent. */
  private async note(usccs: readonly string[], { caller, purpose, kind }: Omit<Asked<unknown>, 'readings'>, now: Date): Promise<void> {
    const budget = caller.kind === 'PLATFORM' ? this.config.ENQUIRIES_PER_DAY : null;
    const note = { ...purpose, askedAt: now, day: dayInChina(now), askerId: caller.id, askerKind: caller.kind, budget, kind, usccs };
    if (usccs.length === 1 && (await this.singles.add(note))) return;
    // Many have a statement of their own; so has one that did not fit into its day together with others.
    const [isNoted] = await this.write([note]);
    if (!isNoted) throw new BudgetSpent(budget ?? 0, now);
  }

  /** Of each asker's day everything or nothing: whether each was noted. Lines are written in the order of the notes. */
  private async write(notes: readonly Note[]): Promise<boolean[]> {
    const spent: { askerId: string; day: string }[] = await this.db.query(
      `WITH given AS (
         SELECT * FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS ("askedAt" timestamptz, day date, "askerId" text, "askerKind" text,
           budget integer, kind text, purpose text, "applicationId" text, basis text, usccs text[])) WITH ORDINALITY AS given
           ("askedAt", day, "askerId", "askerKind", budget, kind, purpose, "applicationId", basis, usccs, place)
       ), wanted AS (
         SELECT "askerId", day, sum(cardinality(usccs))::integer AS count, min(budget) AS budget FROM given GROUP BY "askerId", day
       ), spent AS (
         INSERT INTO enquiry_budgets AS kept (asker_id, day, used)
         SELECT "askerId", day, count FROM wanted WHERE budget IS NULL OR count <= budget ORDER BY "askerId", day
         ON CONFLICT (asker_id, day) DO UPDATE SET used = kept.used + excluded.used
           WHERE (SELECT budget IS NULL OR kept.used + excluded.used <= budget FROM wanted WHERE "askerId" = kept.asker_id AND day = kept.day)
         RETURNING asker_id, day
       ), noted AS (
         INSERT INTO enquiries (asked_at, asker_id, asker_kind, kind, uscc, purpose, application_id, basis)
         SELECT "askedAt", "askerId", "askerKind", kind, about.uscc, purpose, "applicationId", basis
         FROM given JOIN spent ON asker_id = "askerId" AND spent.day = given.day
         CROSS JOIN unnest(usccs) WITH ORDINALITY AS about (uscc, nth)
         ORDER BY place, nth
       )
       SELECT asker_id AS "askerId", day::text FROM spent`,
      [JSON.stringify(notes)],
    );
    return notes.map(({ askerId, day }) => spent.some((of) => of.askerId === askerId && of.day === day));
  }
}
