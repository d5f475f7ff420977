import { type ResultParty, samplingResultIntake, topicOf, type SamplingResultPublished } from '@jinqiao/contracts';
import { type Applied, decodeCursor, type Page, pageOf, type Principal } from '@jinqiao/platform';
import type { Finding } from '@jinqiao/schema';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { seesAll, type Viewer, viewerOf } from '../actor.js';
import { type Concern, disclosed, type Seen } from '../disclosure/disclosure.js';
import { type CaseParts, type CaseParty, partiesOf } from '../sampling-case/sampling-case.js';
import { IS_PUBLIC, SERVED_OF_RESULT, TRACKS_OF_RESULT } from '../sampling-case/sampling-case.service.js';
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

/** Who sees what of a result stands in `../disclosure`. */
@Injectable()
export class SamplingResultReading {
  constructor(private readonly db: DataSource) {}

  async get(caller: Principal, sampleNo: string, named?: string): Promise<Seen<ReportedResult>> {
    const reporterId = named ?? (caller.kind === 'DEPARTMENT' ? caller.id : undefined);
    if (reporterId === undefined) throw new ReporterNotNamed();
    if (`${reporterId}${sampleNo}`.includes('\0')) throw new SamplingResultUnknown();
    const [result, rejections, unreadable] = await Promise.all([
      this.db.getRepository(SamplingResult).findOneBy({ reporterId, sampleNo }),
      this.db.getRepository(IntakeRejection).find({ where: { reporterId, sampleNo }, order: { rejectedAt: 'DESC' }, take: REJECTIONS_MAX }),
      this.unreadable(reporterId, sampleNo),
    ]);
    const all = [...rejections.map(rejectionOf), ...unreadable].sort((a, b) => b.rejectedAt.localeCompare(a.rejectedAt));
    if (!result && all.length === 0) throw new SamplingResultUnknown();
    const [concern = { owners: [reporterId] }] = await this.concerns(result ? [result] : []);
    const seen = disclosed<ReportedResult>('REPORTED_RESULT', await viewerOf(this.db.manager, caller), concern, {
      reporterId,
      sampleNo,
      status: result?.status ?? 'REJECTED',
      result: result && { ...listed(result), ...besides(result) },
      rejections: all,
    });
    if (!seen) throw new SamplingResultUnknown();
    return seen;
  }

  /** In the order of reporter and sampleNo, which no later revision changes: a page never misses what a change moved. */
  async list(caller: Principal, filter: ResultFilter): Promise<Page<Seen<ListedResult>>> {
    const viewer = await viewerOf(this.db.manager, caller);
    const { reporterId, ...whose } = whoseResults(viewer, filter.reporterId);
    const query = this.db
      .getRepository(SamplingResult)
      .createQueryBuilder('r')
      .orderBy('r.reporterId')
      .addOrderBy('r.sampleNo')
      .take(filter.limit + 1);
    if (reporterId) query.andWhere('r.reporterId = :reporterId', { reporterId });
    if (whose.among) query.andWhere(whose.among, { id: viewer.id, uscc: viewer.uscc });
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
    const { items: found, next } = pageOf(LIST, await query.getMany(), filter.limit, (one) => [one.reporterId, one.sampleNo]);
    const concerns = await this.concerns(found);
    const items = found.flatMap((result, index) => {
      const { [index]: concern } = concerns;
      return (concern && disclosed('RESULT', viewer, concern, listed(result))) ?? [];
    });
    return { items, next };
  }

  /** What of each result says who sees it. A party has been told when it was served, and of what is public; who took its place since has not. */
  private async concerns(results: readonly SamplingResult[]): Promise<Concern[]> {
    const rows: (Pick<CaseParts, 'tracks'> & { served: readonly CaseParty[] })[] = await this.db.query(
      `SELECT ${TRACKS_OF_RESULT} AS tracks, ${SERVED_OF_RESULT} AS served FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS r (reporter_id, sample_no, place) ORDER BY place`,
      [results.map(({ reporterId }) => reporterId), results.map(({ sampleNo }) => sampleNo)],
    );
    return results.map(({ reporterId, status, state }, index) => {
      const { tracks = [], served = [] } = rows[index] ?? {};
      const isPublic = (status === 'PUBLISHED' || status === 'WITHDRAWN') && state?.publishedAt !== undefined;
      return {
        owners: [reporterId],
        handlers: tracks.flatMap(({ departmentId }) => departmentId ?? []),
        parties: (state ? partiesOf(state) : []).filter(
          ({ party, uscc }) => isPublic || served.some((one) => one.party === party && one.uscc === uscc),
        ),
      };
    });
  }

  async counts(): Promise<PublishedCounts> {
    const rows: { status: Status; count: string }[] = await this.db.query('SELECT status, count(*) FROM sampling_results GROUP BY status');
    const count = (status: Status): number => Number(rows.find((row) => row.status === status)?.count ?? 0);
    return { published: count('PUBLISHED'), notified: count('NOTIFIED'), withdrawn: count('WITHDRAWN') };
  }

  /** How far the series of one subject (`reporterId:sampleNo`) has come, and since when. */
  async applied(principal: Principal, subject: string): Promise<Applied> {
    const [reporterId = '', ...rest] = subject.split(':');
    const viewer = await viewerOf(this.db.manager, principal);
    const isVisible = (seesAll(viewer) || viewer.id === reporterId) && !subject.includes('\0');
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

interface Whose {
  readonly reporterId?: string | undefined;
  /** Of these, those that concern the viewer. */
  readonly among?: string;
}

/** A department's own unless it names another one: of that one's, what was handed over to it. */
function whoseResults(viewer: Viewer, named: string | undefined): Whose {
  if (seesAll(viewer)) return { reporterId: named };
  if (viewer.kind === 'MERCHANT') return { reporterId: named, among: OF_MERCHANT };
  return named === undefined || named === viewer.id ? { reporterId: viewer.id } : { reporterId: named, among: HANDED_OVER };
}

const HANDED_OVER = `EXISTS (SELECT FROM sampling_case_tracks t
  WHERE t.reporter_id = r.reporter_id AND t.sample_no = r.sample_no AND t.department_id = :id)`;
/** That name the code as `party`, and of which that party has been told. */
const told = (party: ResultParty, uscc: string): string => `((${uscc}) = :uscc AND (${IS_PUBLIC} OR ${SERVED_OF_RESULT}
  @> jsonb_build_array(jsonb_build_object('party', '${party}', 'uscc', (:uscc)::text))))`;
const OF_MERCHANT = `(${told('SAMPLED_PARTY', `r.state -> 'sampledParty' ->> 'uscc'`)}
  OR ${told('NOMINAL_PRODUCER', `r.state -> 'nominalProducer' ->> 'uscc'`)})`;

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
