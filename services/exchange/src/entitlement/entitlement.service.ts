import {
  type EntitlementState,
  type EntitlementStatus,
  type EventClass,
  type FeedbackKind,
  GrantAnswerOverdue,
  type SharingAttribute,
} from '@jinqiao/contracts';
import { arrangedUntil, dayInChina } from '@jinqiao/law';
import { event, lockKeys, Outbox } from '@jinqiao/messaging';
import { Clock, decodeCursor, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { factsOf, providerScope } from '../catalogue/catalogue.js';
import { isProvisional } from '../deadline/answer-period.js';
import { OrganisationUnknown } from '../organisation/organisation.js';
import {
  type Act,
  AGREED_KINDS,
  change,
  type Changed,
  computedAgain,
  concludeAgreement,
  entitlementOf,
  EntitlementUnknown,
  type GrantDraft,
  GrantExists,
  leave,
  overdue,
  partyOf,
  periodOf,
  requestGrant,
  statutoryNotice,
  StatutoryNoticeStands,
  TOLD_UNDER,
} from './entitlement.js';

/** Of requests of which it was not said yet. */
const NOT_RAISED = `NOT EXISTS (SELECT FROM entitlement_revisions r
  WHERE r.entitlement_id = entitlements.entitlement_id AND r.event = '${GrantAnswerOverdue.name}')`;
const LIVES = "status IN ('REQUESTED', 'ACTIVE', 'SUSPENDED')";
const LIST = 'entitlements';
/** Two requests for the same must see each other. */
const GRANT_LOCKS = 'grant';
/** The exchange itself, where nobody decides: a period has run out, a platform was admitted before there were agreements. */
const EXCHANGE = 'service.exchange';

/** What the law itself gives a platform: nothing of it can be changed. */
export interface StatutoryNotice {
  readonly entitlementId: string;
  readonly kind: 'STATUTORY_NOTICE';
  readonly status: 'ACTIVE';
  readonly recipientId: string;
  readonly feedbackKind: FeedbackKind;
  readonly legalBasis: string;
  readonly purpose: string;
}

export type EntitlementEntry = EntitlementState | StatutoryNotice;

export interface EntitlementFilter {
  readonly kind?: EntitlementState['kind'];
  readonly status?: EntitlementStatus;
  readonly recipient?: string;
  readonly provider?: string;
  readonly stream?: string;
  /** Requests that were not answered within their statutory period. */
  readonly overdue?: boolean;
  readonly cursor?: string;
  readonly limit: number;
}

/** Requests and what becomes of them; agreements of platforms. What follows at the broker is the job's. */
@Injectable()
export class Entitlements {
  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  async request({ id }: Principal, draft: GrantDraft): Promise<EntitlementState> {
    return this.db.transaction(async (tx) => {
      const requester: unknown[] = await tx.query(`SELECT FROM organisations WHERE id = $1 AND kind = 'DEPARTMENT'`, [id]);
      if (requester.length === 0) throw new OrganisationUnknown();
      const asked = { facts: factsOf(draft.stream), providers: await providersOf(tx, draft.stream) };
      const requested = requestGrant(draft, asked, { entitlementId: `GRANT:${uuidv7()}`, requesterId: id, now: this.clock.now() });
      await assertNoneLives(tx, id, draft.stream);
      await addEntitlement(tx, requested.state);
      await this.keep(tx, requested);
      return requested.state;
    });
  }

  async change(caller: Principal, entitlementId: string, { act, reason }: { act: Act; reason: string | null }): Promise<EntitlementState> {
    if (statutoryNotice(entitlementId)) throw new StatutoryNoticeStands();
    return this.db.transaction(async (tx) => {
      const [state] = await lockedStates(tx, 'entitlement_id = $1', entitlementId);
      if (!state) throw new EntitlementUnknown();
      const changed = change(state, { act, party: partyOf(state, caller), by: caller.id, reason }, this.clock.now());
      await this.keep(tx, changed);
      return changed.state;
    });
  }

  /** In the transaction that admits the platform: what it hears by agreement it hears from the start. */
  async conclude(tx: EntityManager, platformId: string, by: string): Promise<void> {
    for (const kind of AGREED_KINDS) {
      const concluded = concludeAgreement(platformId, kind, by, this.clock.now());
      if (await addEntitlement(tx, concluded.state)) await this.keep(tx, concluded);
    }
  }

  /** For an organisation that leaves: what it had ends, what it gave is taken back. */
  async endAllOf(tx: EntityManager, organisationId: string, { by, reason }: { by: string; reason: string }): Promise<void> {
    const living = await lockedStates(tx, `$1 IN (recipient_id, provider_id) AND ${LIVES}`, organisationId);
    for (const state of living) await this.keep(tx, leave(state, { organisationId, by, reason }, this.clock.now()));
  }

  /** For platforms that were admitted before there were agreements. Gives back how many that were. */
  async concludeMissing(): Promise<number> {
    return this.db.transaction(async (tx) => {
      const platforms: { id: string }[] = await tx.query(
        `SELECT id FROM organisations o WHERE kind = 'PLATFORM' AND status <> 'SANDBOX'
           AND (SELECT count(*) FROM entitlements e WHERE e.recipient_id = o.id AND e.kind = 'AGREEMENT') < $1
         ORDER BY id`,
        [AGREED_KINDS.length],
      );
      for (const { id } of platforms) await this.conclude(tx, id, EXCHANGE);
      return platforms.length;
    });
  }

  /** Ends what the clock has ended. Gives back how many that were. */
  async expire(): Promise<number> {
    return this.db.transaction(async (tx) => {
      const now = this.clock.now();
      const over = await lockedStates(tx, `valid_until < $1::date AND ${LIVES}`, dayInChina(now));
      for (const state of over) await this.keep(tx, change(state, { act: 'EXPIRE', party: 'CLOCK', by: EXCHANGE, reason: null }, now));
      return over.length;
    });
  }

  /** Unanswered requests whose period waited for holidays that are published by now. Gives back how many that were. */
  async computeAgain(): Promise<number> {
    return this.db.transaction(async (tx) => {
      const waiting = await lockedStates(tx, `answer_provisional AND status = 'REQUESTED' AND answer_due_on <= $1::date`, arrangedUntil());
      for (const state of waiting) {
        const attribute = attributeOf(state);
        const moved = attribute && computedAgain(state, attribute, EXCHANGE, this.clock.now());
        if (moved) await this.keep(tx, moved);
        else await tx.query('UPDATE entitlements SET answer_provisional = FALSE WHERE entitlement_id = $1', [state.entitlementId]);
      }
      return waiting.length;
    });
  }

  /** Says of each unanswered request once that its period has passed. Gives back of how many. */
  async raiseOverdue(): Promise<number> {
    return this.db.transaction(async (tx) => {
      const now = this.clock.now();
      const late = await lockedStates(tx, `status = 'REQUESTED' AND answer_due_on < $1::date AND ${NOT_RAISED}`, dayInChina(now));
      // Whoever waited for a lock is told of the row as it has become, and of its revisions as they were.
      const unsaid = late.filter(({ overdueRaisedAt }) => overdueRaisedAt === undefined);
      for (const state of unsaid) await this.keep(tx, overdue(state, EXCHANGE, now));
      return unsaid.length;
    });
  }

  async one(caller: Principal, entitlementId: string): Promise<EntitlementEntry> {
    const notice = statutoryNotice(entitlementId);
    if (notice) return noticeFor(caller, notice);
    const [row]: { state: EntitlementState }[] = await this.db.query(
      'SELECT r.state FROM entitlements e JOIN entitlement_revisions r USING (entitlement_id, revision) WHERE e.entitlement_id = $1',
      [entitlementId],
    );
    if (!row || !maySee(caller, row.state)) throw new EntitlementUnknown();
    return row.state;
  }

  /** Everything that was done to it, in order. */
  async history(caller: Principal, entitlementId: string): Promise<{ event: string; state: EntitlementState }[]> {
    await this.one(caller, entitlementId);
    return this.db.query('SELECT event, state FROM entitlement_revisions WHERE entitlement_id = $1 ORDER BY revision', [entitlementId]);
  }

  /** An organisation's own, given and had; everybody's for those who look after all. */
  async list(caller: Principal, filter: EntitlementFilter): Promise<Page<EntitlementState>> {
    const [after = ''] = filter.cursor === undefined ? [] : decodeCursor(LIST, filter.cursor);
    const rows: { state: EntitlementState }[] = await this.db.query(
      `SELECT r.state FROM entitlements e JOIN entitlement_revisions r USING (entitlement_id, revision)
       WHERE e.entitlement_id > $1 AND ($2::text IS NULL OR $2 IN (e.recipient_id, e.provider_id))
         AND ($3::text IS NULL OR e.kind = $3) AND ($4::text IS NULL OR e.status = $4)
         AND ($5::text IS NULL OR e.recipient_id = $5) AND ($6::text IS NULL OR e.provider_id = $6)
         AND ($7::text IS NULL OR e.stream = $7)
         AND ($8::boolean IS NULL OR (e.status = 'REQUESTED' AND e.answer_due_on < $9::date) = $8)
       ORDER BY e.entitlement_id
       LIMIT $10`,
      [
        after,
        seesAll(caller) ? null : caller.id,
        filter.kind ?? null,
        filter.status ?? null,
        filter.recipient ?? null,
        filter.provider ?? null,
        filter.stream ?? null,
        filter.overdue ?? null,
        dayInChina(this.clock.now()),
        filter.limit + 1,
      ],
    );
    return pageOf(
      LIST,
      rows.map(({ state }) => state),
      filter.limit,
      ({ entitlementId }) => [entitlementId],
    );
  }

  private async keep(tx: EntityManager, { event: type, state }: Changed): Promise<void> {
    await keepRevision(tx, type, state);
    await this.outbox.add(tx, event(type, state));
  }
}

const seesAll = ({ kind }: Principal): boolean => kind === 'OPERATOR' || kind === 'AUDITOR';
const maySee = (caller: Principal, state: EntitlementState): boolean => seesAll(caller) || partyOf(state, caller) !== null;

function noticeFor(caller: Principal, { feedbackKind, recipientId }: { feedbackKind: FeedbackKind; recipientId: string }): StatutoryNotice {
  if (!seesAll(caller) && caller.id !== recipientId) throw new EntitlementUnknown();
  const { purpose, legalBasis } = TOLD_UNDER[feedbackKind];
  return {
    entitlementId: entitlementOf(recipientId, feedbackKind),
    kind: 'STATUTORY_NOTICE',
    status: 'ACTIVE',
    recipientId,
    feedbackKind,
    legalBasis: `${legalBasis.instrument}${legalBasis.article ?? ''}`,
    purpose,
  };
}

/** The departments that the directory names as the source of a stream. */
export async function providersOf(tx: EntityManager, stream: string): Promise<string[]> {
  const rows: { id: string }[] = await tx.query(
    `SELECT id FROM organisations WHERE kind = 'DEPARTMENT' AND status <> 'EXITED' AND scopes @> ARRAY[$1::text] ORDER BY id`,
    [providerScope(stream)],
  );
  return rows.map(({ id }) => id);
}

/**
 * Locked first, in the order of their ids, and read then: in one statement, whoever waited for a lock would join the row as it has become
 * with the revisions as they were, and find nothing.
 */
async function lockedStates(tx: EntityManager, which: string, given: string): Promise<EntitlementState[]> {
  const locked: { id: string }[] = await tx.query(
    `SELECT entitlement_id AS id FROM entitlements WHERE ${which} ORDER BY entitlement_id FOR UPDATE`,
    [given],
  );
  if (locked.length === 0) return [];
  const rows: { state: EntitlementState }[] = await tx.query(
    `SELECT r.state FROM entitlements e JOIN entitlement_revisions r USING (entitlement_id, revision)
     WHERE e.entitlement_id = ANY($1) ORDER BY e.entitlement_id`,
    [locked.map(({ id }) => id)],
  );
  return rows.map(({ state }) => state);
}

async function assertNoneLives(tx: EntityManager, recipientId: string, stream: string): Promise<void> {
  await lockKeys(tx, GRANT_LOCKS, [`${recipientId} ${stream}`]);
  const living: unknown[] = await tx.query(
    `SELECT FROM entitlements
     WHERE recipient_id = $1 AND stream = $2 AND kind = 'GRANT' AND ${LIVES}`,
    [recipientId, stream],
  );
  if (living.length > 0) throw new GrantExists();
}

/** The row of one that is not known yet; false when it is. Its revision has to follow. */
export async function addEntitlement(tx: EntityManager, state: EntitlementState): Promise<boolean> {
  const rows: unknown[] = await tx.query(
    `INSERT INTO entitlements (entitlement_id, revision, kind, status, recipient_id, provider_id, stream, feedback_kind, mode, valid_until)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING RETURNING revision`,
    [
      state.entitlementId,
      state.revision,
      state.kind,
      state.status,
      state.recipientId,
      state.providerId ?? null,
      state.stream ?? null,
      state.feedbackKind ?? null,
      state.mode ?? null,
      state.validUntil ?? null,
    ],
  );
  return rows.length > 0;
}

/** The row follows its newest revision; a platform whose agreement is in force (again) is told what it was not told before. */
export async function keepRevision(tx: EntityManager, type: EventClass, state: EntitlementState): Promise<void> {
  await tx.query('INSERT INTO entitlement_revisions (entitlement_id, revision, event, state) VALUES ($1, $2, $3, $4)', [
    state.entitlementId,
    state.revision,
    type.name,
    JSON.stringify(state),
  ]);
  const { entitlementId, revision, status, answerDueOn = null } = state;
  const attribute = attributeOf(state);
  const period = answerDueOn !== null && attribute ? periodOf(state, attribute) : null;
  await tx.query(
    `UPDATE entitlements SET revision = $2, status = $3, answer_due_on = $4, catches_up = (kind = 'AGREEMENT' AND $3 = 'ACTIVE'),
       answer_from = $5, answer_rule = $6, answer_provisional = $7
     WHERE entitlement_id = $1`,
    [
      entitlementId,
      revision,
      status,
      answerDueOn,
      period?.startedOn ?? null,
      period?.ruleVersion ?? null,
      period !== null && answerDueOn !== null && isProvisional(period, answerDueOn),
    ],
  );
}

/** Null where an earlier version granted a stream that this one does not know. */
const attributeOf = ({ stream }: EntitlementState): SharingAttribute | null =>
  stream === undefined ? null : (factsOf(stream)?.attribute ?? null);
