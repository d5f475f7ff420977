import { samplingResultIntake, topicOf, type SamplingResultPublished } from '@jinqiao/contracts';
import { type Applied, decodeCursor, encodeCursor, type Page, type Principal } from '@jinqiao/platform';
import type { Finding } from '@jinqiao/schema';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { IntakeRejection, SamplingResult, type Channel } from './sampling-result.entity.js';
import type { Status } from './held-result.js';
import { ReporterNotNamed, SamplingResultUnknown } from './sampling-result.js';

/** A result as the list shows it; the state is the payload of the last event, which never holds the sampler's order number. */
export interface ListedResult {
  readonly reporterId: string;
  readonly sampleNo: string;
  readonly status: Status;
  readonly revision: number;
  readonly reportedRevision: number;
  readonly acceptedAt: string;
  readonly withdrawal: { readonly reason: string | null; readonly withdrawnAt: string } | null;
  readonly state: SamplingResultPublished | null;
}

/** Everything its reporter may know about one sampleNo. */
export interface ReportedResult {
  readonly reporterId: string;
  readonly sampleNo: string;
  readonly status: Status | 'REJECTED';
  readonly result: (ListedResult & KeptBeside) | null;
  /** The newest refusal of each revision, newest first. */
  readonly rejections: readonly Rejection[];
}

interface KeptBeside {
  readonly warnings: readonly Finding[];
  readonly unknownFields: readonly string[];
  readonly otherColumns: Readonly<Record<string, string>> | null;
  readonly channel: Channel;
  readonly importId: string | null;
}

interface Rejection {
  /** The reporter's; null where none could be read. */
  readonly revision: number | null;
  readonly channel: Channel;
  readonly rejectedAt: string;
  readonly errors: readonly Finding[];
}

export interface ResultFilter {
  readonly reporterId?: string;
  readonly status?: Status;
  readonly verdict?: string;
  readonly regime?: string;
  readonly platform?: string;
  readonly from?: string;
  readonly to?: string;
  readonly cursor?: string;
  readonly limit: number;
}

export interface PublishedCounts {
  published: number;
  notified: number;
  withdrawn: number;
}

const LIST = 'sampling-results';
const REJECTIONS_MAX = 50;

/** A department sees its own results, whoever oversees the platform sees all. */
@Injectable()
export class SamplingResultReading {
  constructor(private readonly db: DataSource) {}

  async get(principal: Principal, sampleNo: string, named?: string): Promise<ReportedResult> {
    const reporterId = principal.kind === 'DEPARTMENT' ? principal.id : named;
    if (reporterId === undefined) throw new ReporterNotNamed();
    if (sampleNo.includes('\0')) throw new SamplingResultUnknown();
    const [result, rejections, unreadable] = await Promise.all([
      this.db.getRepository(SamplingResult).findOneBy({ reporterId, sampleNo }),
      this.db.getRepository(IntakeRejection).find({ where: { reporterId, sampleNo }, order: { rejectedAt: 'DESC' }, take: REJECTIONS_MAX }),
      this.unreadable(reporterId, sampleNo),
    ]);
    const all = [...rejections.map(rejectionOf), ...unreadable].sort((a, b) => b.rejectedAt.localeCompare(a.rejectedAt));
    if (!result && all.length === 0) throw new SamplingResultUnknown();
    return {
      reporterId,
      sampleNo,
      status: result?.status ?? 'REJECTED',
      result: result && { ...listed(result), ...besides(result) },
      rejections: all,
    };
  }

  /** In the order of reporter and sampleNo, which no later revision changes: a page never misses what a change moved. */
  async list(principal: Principal, filter: ResultFilter): Promise<Page<ListedResult>> {
    const reporterId = principal.kind === 'DEPARTMENT' ? principal.id : filter.reporterId;
    const query = this.db
      .getRepository(SamplingResult)
      .createQueryBuilder('r')
      .orderBy('r.reporterId')
      .addOrderBy('r.sampleNo')
      .take(filter.limit + 1);
    if (reporterId) query.andWhere('r.reporterId = :reporterId', { reporterId });
    if (filter.status) query.andWhere('r.status = :status', { status: filter.status });
    if (filter.verdict) query.andWhere('r.verdict = :verdict', { verdict: filter.verdict });
    if (filter.regime) query.andWhere('r.regime = :regime', { regime: filter.regime });
    if (filter.platform) query.andWhere('r.platform = :platform', { platform: filter.platform });
    if (filter.from) query.andWhere('r.datedOn >= :from', { from: filter.from });
    if (filter.to) query.andWhere('r.datedOn <= :to', { to: filter.to });
    if (filter.cursor) {
      const [afterReporter, afterSample] = decodeCursor(LIST, filter.cursor);
      query.andWhere('(r.reporterId, r.sampleNo) > (:afterReporter, :afterSample)', { afterReporter, afterSample });
    }
    const found = await query.getMany();
    const items = found.slice(0, filter.limit).map(listed);
    const last = items.at(-1);
    return { items, next: found.length > filter.limit && last ? encodeCursor(LIST, [last.reporterId, last.sampleNo]) : null };
  }

  async counts(): Promise<PublishedCounts> {
    const rows: { status: Status; count: string }[] = await this.db.query('SELECT status, count(*) FROM sampling_results GROUP BY status');
    const count = (status: Status): number => Number(rows.find((row) => row.status === status)?.count ?? 0);
    return { published: count('PUBLISHED'), notified: count('NOTIFIED'), withdrawn: count('WITHDRAWN') };
  }

  /** How far the series of one subject (`reporterId:sampleNo`) has come, and since when. */
  async applied(principal: Principal, subject: string): Promise<Applied> {
    const [reporterId = '', ...rest] = subject.split(':');
    const isVisible = (principal.kind !== 'DEPARTMENT' || principal.id === reporterId) && !subject.includes('\0');
    const found = isVisible ? await this.db.getRepository(SamplingResult).findOneBy({ reporterId, sampleNo: rest.join(':') }) : null;
    if (!found) throw new SamplingResultUnknown();
    return { revision: found.revision, appliedAt: found.appliedAt };
  }

  /** Records on the reporter's topic that broke the contract never became a submission; the messaging core kept them as dead letters. */
  private async unreadable(reporterId: string, sampleNo: string): Promise<Rejection[]> {
    const rows: { code: string; pointer: string | null; reason: string; failed_at: Date }[] = await this.db.query(
      `SELECT code, pointer, reason, failed_at FROM dead_letters d
       WHERE topic = $1 AND key = $2 AND replayed_at IS NULL
         AND NOT EXISTS (SELECT 1 FROM intake_rejections r
                         WHERE r.reporter_id = $3 AND r.sample_no = $2 AND r.errors -> 0 ->> 'code' = d.code)
       ORDER BY failed_at DESC LIMIT $4`,
      [topicOf(samplingResultIntake, reporterId), sampleNo, reporterId, REJECTIONS_MAX],
    );
    return rows.map(({ code, pointer, reason, failed_at }) => ({
      revision: null,
      channel: 'KAFKA',
      rejectedAt: failed_at.toISOString(),
      errors: [{ code, pointer: pointer ?? '', message: reason }],
    }));
  }
}

function listed(result: SamplingResult): ListedResult {
  const { reporterId, sampleNo, status, revision, reportedRevision, acceptedAt, withdrawalReason, withdrawnAt, state } = result;
  const withdrawal = withdrawnAt && { reason: withdrawalReason, withdrawnAt: withdrawnAt.toISOString() };
  return { reporterId, sampleNo, status, revision, reportedRevision, acceptedAt: acceptedAt.toISOString(), withdrawal, state };
}

const besides = ({ warnings, unknownFields, otherColumns, channel, importId }: SamplingResult): KeptBeside => ({
  warnings,
  unknownFields,
  otherColumns,
  channel,
  importId,
});

const rejectionOf = ({ revision, channel, rejectedAt, errors }: IntakeRejection): Rejection => ({
  revision: revision === 0 ? null : revision,
  channel,
  rejectedAt: rejectedAt.toISOString(),
  errors,
});
