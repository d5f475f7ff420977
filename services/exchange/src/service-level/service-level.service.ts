import { Clock, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { isReal } from '../conformance/conformance.js';
import {
  type DepartmentLevel,
  type Period,
  periodOf,
  type PlatformLevel,
  PlatformUnknown,
  type Scope,
  scopeOf,
  type ServiceLevelFilter,
} from './service-level.js';

export interface ServiceLevelReport extends Period {
  readonly platforms: readonly PlatformLevel[];
  readonly departments: readonly DepartmentLevel[];
}

const DAY = (instant: string): string => `(${instant} AT TIME ZONE 'Asia/Shanghai')::date`;
/** The instants at which the first day begins and the last one ends. */
const WITHIN = (instant: string): string =>
  `${instant} >= $1::timestamp AT TIME ZONE 'Asia/Shanghai' AND ${instant} < ($2::timestamp + interval '1 day') AT TIME ZONE 'Asia/Shanghai'`;
const PART = (share: number, value: string): string => `percentile_cont(${share}) WITHIN GROUP (ORDER BY ${value})`;
/** A Spread, computed where the rows are. What has no value has not ended and counts in no percentile. */
const SPREAD = (value: string, open: string): string =>
  `jsonb_build_object('count', count(${value}), 'open', count(*) FILTER (WHERE ${open}), 'p50', ${PART(0.5, value)},
     'p95', ${PART(0.95, value)}, 'p99', ${PART(0.99, value)}, 'max', max(${value}))`;
const SECONDS = (from: string, to: string): string => `extract(epoch FROM ${to} - ${from})::double precision`;

/** Computes service levels from the tables that record them anyway. */
@Injectable()
export class ServiceLevels {
  constructor(
    private readonly db: DataSource,
    private readonly clock: Clock,
  ) {}

  async report(caller: Principal, filter: ServiceLevelFilter): Promise<ServiceLevelReport> {
    const period = periodOf(filter, this.clock.now());
    const scope = scopeOf(caller, filter);
    if (caller.kind !== 'PLATFORM' && scope.platform !== null) await this.assertPlatform(scope.platform);
    return {
      ...period,
      platforms: await this.platforms(period, scope),
      departments: scope.platform === null ? await this.departments(period, scope) : [],
    };
  }

  /**
   * One index scan a recipient (deliveries_told). Whoever answers has it, whether its channel said so or not. An answer is waited for where
   * something has to be done, the revision is the present one, and what it asks is not done.
   */
  private platforms({ from, to }: Period, { platform, department }: Scope): Promise<PlatformLevel[]> {
    return this.db.query(
      `SELECT platform_id AS "platformId", kind, day::text, count(*)::integer AS told,
         ${SPREAD(SECONDS('accepted_at', 'delivered_at'), 'delivered_at IS NULL')} AS "acceptedToDelivered",
         ${SPREAD(SECONDS('delivered_at', 'answered_at'), 'awaits_answer')} AS "deliveredToAnswered"
       FROM (
         SELECT r.organisation_id AS platform_id, d.kind, ${DAY('d.told_at')} AS day, d.accepted_at, a.answered_at,
           least(d.published_at, d.delivered_at, a.first_at) AS delivered_at,
           d.asks_action AND a.answered_at IS NULL AND f.closed_at IS NULL AND f.revision = d.revision AS awaits_answer
         FROM recipients r
         CROSS JOIN LATERAL (SELECT * FROM deliveries WHERE recipient_id = r.organisation_id AND ${WITHIN('told_at')}) AS d
         JOIN feedbacks f ON f.feedback_id = d.feedback_id
         LEFT JOIN LATERAL (
           SELECT min(accepted_at) AS first_at, min(accepted_at) FILTER (WHERE status <> 'RECEIVED') AS answered_at
           FROM answers WHERE feedback_id = d.feedback_id AND feedback_revision = d.revision
         ) AS a ON TRUE
         WHERE ${isReal('d')} AND ($3::text IS NULL OR r.organisation_id = $3) AND ($4::text IS NULL OR f.publisher_id = $4)
       ) AS told
       GROUP BY platform_id, kind, day
       ORDER BY day, platform_id, kind`,
      [from, to, platform, department],
    );
  }

  private departments({ from, to }: Period, { department }: Scope): Promise<DepartmentLevel[]> {
    return this.db.query(
      `SELECT department_id AS "departmentId", day::text, count(*)::integer AS reported,
         ${SPREAD('(day - sampled_on)', 'sampled_on IS NULL')} AS "sampledToReportedDays",
         ${SPREAD(SECONDS('reported_at', 'published_at'), 'published_at IS NULL AND stands')} AS "reportedToPublished"
       FROM (
         SELECT split_part(subject, ':', 1) AS department_id, ${DAY('reported_at')} AS day, sampled_on, reported_at, published_at, stands
         FROM subjects WHERE ${WITHIN('reported_at')}
       ) AS reported
       WHERE $3::text IS NULL OR department_id = $3
       GROUP BY department_id, day
       ORDER BY day, department_id`,
      [from, to, department],
    );
  }

  private async assertPlatform(id: string): Promise<void> {
    const rows: unknown[] = await this.db.query(`SELECT FROM organisations WHERE id = $1 AND kind = 'PLATFORM'`, [id]);
    if (rows.length === 0) throw new PlatformUnknown();
  }
}
