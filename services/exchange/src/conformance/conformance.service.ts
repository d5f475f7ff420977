import { randomUUID } from 'node:crypto';
import { ConformanceRunEnded } from '@jinqiao/contracts';
import { event, Outbox } from '@jinqiao/messaging';
import { Clock, decodeCursor, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, IsNull } from 'typeorm';
import { validate as isUuid } from 'uuid';
import type { Channel } from '../delivery/delivery.js';
import { FeedbackTeller } from '../feedback/feedback.teller.js';
import { OrganisationRow } from '../organisation/organisation.entity.js';
import { OrganisationUnknown } from '../organisation/organisation.js';
import { ConformanceRunRow, type RefusedAnswer } from './conformance.entity.js';
import {
  type Check,
  type CheckResult,
  ConformanceRunning,
  ConformanceRunUnknown,
  endOf,
  type Forged,
  findingsOf,
  isPassed,
  judge,
  type Judged,
  madeUp,
  NotInSandbox,
  type Part,
  PARTS,
  type Seen,
  subjectFor,
  takenBack,
} from './conformance.js';

export interface ConformanceEntry {
  readonly runId: string;
  readonly organisationId: string;
  readonly channel: Channel;
  readonly status: 'RUNNING' | 'PASSED' | 'FAILED';
  readonly checks: Readonly<Record<Check, CheckResult>>;
  /** Answers to what was made up that were refused, with the code of the refusal. */
  readonly refused: readonly RefusedAnswer[];
  readonly startedAt: Date;
  readonly endsAt: Date;
  readonly finishedAt: Date | null;
}

export interface RunFilter {
  readonly platform?: string;
  readonly cursor?: string;
  readonly limit: number;
}

const LIST = 'conformance-runs';
/** A platform that is careless may be refused as often as it likes. */
const REFUSED_ANNOUNCED_MAX = 200;
/** Above every id, for a list that goes down. */
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Runs of the conformance check: what is told, what is seen, and the verdict. */
@Injectable()
export class Conformance {
  constructor(
    private readonly db: DataSource,
    private readonly teller: FeedbackTeller,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  async start({ id }: Principal): Promise<ConformanceEntry> {
    return this.db.transaction(async (tx) => {
      const platform = await tx.findOne(OrganisationRow, { where: { id, kind: 'PLATFORM' }, lock: { mode: 'for_no_key_update' } });
      if (platform === null) throw new OrganisationUnknown();
      if (platform.status !== 'SANDBOX') throw new NotInSandbox(platform.status);
      if (await tx.existsBy(ConformanceRunRow, { organisationId: id, finishedAt: IsNull() })) throw new ConformanceRunning();
      const run = this.newRun(id, await channelOf(tx, id));
      const told = PARTS.map((part) => ({ feedback: madeUp(run, part, null, run.startedAt), causedBy: null }));
      await tx.insert(ConformanceRunRow, run);
      await this.teller.tell(tx, told);
      return this.entryOf(tx, run);
    });
  }

  async one(caller: Principal, runId: string): Promise<ConformanceEntry> {
    const run = isUuid(runId) ? await this.db.manager.findOneBy(ConformanceRunRow, { runId }) : null;
    if (run === null || (caller.kind === 'PLATFORM' && run.organisationId !== caller.id)) throw new ConformanceRunUnknown();
    return this.entryOf(this.db.manager, run);
  }

  /** A platform's own, the newest first; everybody's for those who look after all. */
  async list(caller: Principal, { platform, cursor, limit }: RunFilter): Promise<Page<ConformanceEntry>> {
    const [startedBefore = 'infinity', idBefore = LAST_ID] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const rows = await this.db.manager
      .createQueryBuilder(ConformanceRunRow, 'run')
      .where('(run.startedAt, run.runId) < (:startedBefore::timestamptz, :idBefore::uuid)', { startedBefore, idBefore })
      .andWhere(':of::text IS NULL OR run.organisationId = :of', { of: caller.kind === 'PLATFORM' ? caller.id : (platform ?? null) })
      .orderBy('run.startedAt', 'DESC')
      .addOrderBy('run.runId', 'DESC')
      .limit(limit + 1)
      .getMany();
    const { items, next } = pageOf(LIST, rows, limit, ({ startedAt, runId }) => [startedAt.toISOString(), runId]);
    return { items: await Promise.all(items.map((run) => this.entryOf(this.db.manager, run))), next };
  }

  /** The runs that have not ended. */
  async running(): Promise<ConformanceRunRow[]> {
    return this.db.manager.find(ConformanceRunRow, { where: { finishedAt: IsNull() }, order: { startedAt: 'ASC' } });
  }

  /** Tells the second part when the first is answered, and ends what is over. Any number of processes may do so at once. */
  async advance(runId: string): Promise<void> {
    await this.db.transaction(async (tx) => {
      // Feedbacks before the run, as where answers are refused.
      const subjects = PARTS.map((part) => subjectFor(runId, part));
      const feedbacks = await this.teller.load(tx, 'SAMPLING_RESULT', subjects);
      const run = await tx.findOne(ConformanceRunRow, { where: { runId, finishedAt: IsNull() }, lock: { mode: 'for_no_key_update' } });
      if (run === null) return;
      const now = this.clock.now();
      const { next, checks } = judge(run, await seenOf(tx, run), now);
      if (next === 'FINISH') {
        const ended = { ...run, checks, passed: isPassed(checks), finishedAt: now };
        await tx.update(ConformanceRunRow, { runId }, { checks, passed: ended.passed, finishedAt: now });
        await this.outbox.add(tx, event(ConformanceRunEnded, endedRun(ended)));
      }
      if (next !== 'TELL_ON') return;
      const [revised, withdrawn] = subjects.map((subject) => feedbacks.get(subject)?.[0]);
      if (!revised || !withdrawn) throw new Error(`what run ${runId} told is not there`);
      await tx.update(ConformanceRunRow, { runId }, { repeatedAt: now });
      await this.teller.tellAgain(tx, run.organisationId, [run.revisedId]);
      await this.teller.tell(tx, [
        { feedback: madeUp(run, 'REVISED', revised, now), causedBy: null },
        { feedback: takenBack(withdrawn, now), causedBy: null },
      ]);
    });
  }

  async keepForged(runId: string, forged: Forged): Promise<void> {
    await this.db.manager.update(ConformanceRunRow, { runId, forged: IsNull() }, { forged });
  }

  private newRun(organisationId: string, channel: Channel): ConformanceRunRow {
    const runId = randomUUID();
    const startedAt = this.clock.now();
    return {
      runId,
      organisationId,
      channel,
      ...findingsOf(runId, organisationId),
      startedAt,
      endsAt: endOf(startedAt),
      repeatedAt: null,
      forged: null,
      refused: [],
      checks: null,
      passed: null,
      finishedAt: null,
    };
  }

  private async entryOf(tx: EntityManager, run: ConformanceRunRow): Promise<ConformanceEntry> {
    const { runId, organisationId, channel, checks, passed, refused, startedAt, endsAt, finishedAt } = run;
    return {
      runId,
      organisationId,
      channel,
      status: passed === null ? 'RUNNING' : passed ? 'PASSED' : 'FAILED',
      checks: checks ?? judge(run, await seenOf(tx, run), this.clock.now()).checks,
      refused,
      startedAt,
      endsAt,
      finishedAt,
    };
  }
}

/** A run that has ended, as it is announced. */
function endedRun(run: ConformanceRunRow & Pick<Judged, 'checks'> & { passed: boolean; finishedAt: Date }): ConformanceRunEnded {
  const { runId, organisationId, channel, checks, passed, refused, startedAt, endsAt, finishedAt } = run;
  return {
    runId,
    revision: 1,
    organisationId,
    channel,
    passed,
    checks: { ...checks },
    refused: refused.slice(0, REFUSED_ANNOUNCED_MAX),
    startedAt: startedAt.toISOString(),
    endsAt: endsAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
  };
}

async function channelOf(tx: EntityManager, id: string): Promise<Channel> {
  const [recipient]: { channel: Channel }[] = await tx.query('SELECT channel FROM recipients WHERE organisation_id = $1', [id]);
  return recipient?.channel ?? 'KAFKA';
}

/** What the platform has answered to the findings of a run, refused or not. */
async function seenOf(tx: EntityManager, { revisedId, withdrawnId, refused }: ConformanceRunRow): Promise<Seen[]> {
  const rows: (Omit<Seen, 'part' | 'isRefused'> & { feedbackId: string })[] = await tx.query(
    `SELECT feedback_id AS "feedbackId", feedback_revision AS "feedbackRevision", status, accepted_at AS at
     FROM answers WHERE feedback_id IN ($1, $2)`,
    [revisedId, withdrawnId],
  );
  const partOf = (feedbackId: string): Part => (feedbackId === revisedId ? 'REVISED' : 'WITHDRAWN');
  return [
    ...rows.map(({ feedbackId, ...answer }) => ({ ...answer, part: partOf(feedbackId), isRefused: false })),
    ...refused.map(({ feedbackId, feedbackRevision, status, at }) => ({
      part: partOf(feedbackId),
      feedbackRevision,
      status,
      at: new Date(at),
      isRefused: true,
    })),
  ];
}
