import { addDays, dayInChina } from '@jinqiao/law';
import { Clock, decodeCursor, Metrics, type Page, pageOf, type Principal, type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { seenBy, viewerOf } from '../actor.js';
import { type Alarm, alarmsOn, DAYS_BEFORE, type DayFigures, type Share } from './drift.js';

export interface RaisedAlarm extends Alarm {
  readonly raisedAt: Date;
}

export interface AlarmFilter {
  readonly from?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

const EVERY_MS = 600_000;
const LIST = 'drift-alarms';

/** What each share counts, in SQL over a row of sampling_results. */
const COUNTED: Readonly<Record<Share, string>> = {
  'verdict.UNQUALIFIED': `verdict = 'UNQUALIFIED'`,
  'verdict.UNDETERMINED': `verdict = 'UNDETERMINED'`,
  'verdict.NOT_TESTED': `verdict = 'NOT_TESTED'`,
  'empty.product.category': `state #>> '{product,category}' IS NULL`,
  'empty.product.batch': `state #>> '{product,batch}' IS NULL`,
  'empty.sampledParty.uscc': `state #>> '{sampledParty,uscc}' IS NULL`,
  'empty.nominalProducer': `state -> 'nominalProducer' IS NULL`,
  'empty.laboratory': `state -> 'laboratory' IS NULL`,
  'empty.online': `state -> 'online' IS NULL`,
  'empty.sampledOn': `state ->> 'sampledOn' IS NULL`,
};
const COUNTS = Object.entries(COUNTED).map(([share, counted]) => `'${share}', count(*) FILTER (WHERE ${counted})`);
const DAY = `(accepted_at AT TIME ZONE 'Asia/Shanghai')::date`;

/** Looks at every reporter's day while it goes on, and at the day before when that is over. Any number of processes may: an alarm is kept once. */
@Injectable()
export class DriftSentinel implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly raised;
  private job: Regular | undefined;

  constructor(
    private readonly db: DataSource,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    this.raised = metrics.counter('inspection_drift_alarms_total', 'Days of a reporter that were unlike the four weeks before', [
      'measure',
    ]);
  }

  onApplicationBootstrap(): void {
    this.job = regularly(EVERY_MS, () => this.look(), new Logger(DriftSentinel.name));
  }

  async onModuleDestroy(): Promise<void> {
    await this.job?.stop();
  }

  /** Keeps what is new of today and yesterday. */
  async look(): Promise<void> {
    const now = this.clock.now();
    const today = dayInChina(now);
    const figures = await this.figuresFrom(addDays(today, -DAYS_BEFORE - 1));
    const alarms = [...Map.groupBy(figures, ({ reporterId }) => reporterId).values()].flatMap((own) =>
      [addDays(today, -1), today].flatMap((day) =>
        alarmsOn(
          day,
          own.filter((one) => one.day <= day && one.day >= addDays(day, -DAYS_BEFORE)),
        ),
      ),
    );
    if (alarms.length === 0) return;
    const kept: { measure: string }[] = await this.db.query(
      `INSERT INTO drift_alarms (reporter_id, day, measure, value, results, before, raised_at)
       SELECT x."reporterId", x.day, x.measure, x.value, x.results, x.before, $2
       FROM jsonb_to_recordset($1::jsonb) AS x ("reporterId" text, day date, measure text, value double precision, results integer, before jsonb)
       ON CONFLICT DO NOTHING RETURNING measure`,
      [JSON.stringify(alarms), now],
    );
    for (const { measure } of kept) this.raised.inc({ measure });
  }

  /** The newest first; a department sees its own. */
  async list(caller: Principal, { from, cursor, limit }: AlarmFilter): Promise<Page<RaisedAlarm>> {
    const after = cursor === undefined ? ['infinity', '', ''] : decodeCursor(LIST, cursor);
    const rows: RaisedAlarm[] = await this.db.query(
      `SELECT reporter_id AS "reporterId", day::text, measure, value, results, before, raised_at AS "raisedAt" FROM drift_alarms
       WHERE ($1::text IS NULL OR reporter_id = $1) AND ($2::date IS NULL OR day >= $2)
         AND (day < $3::date OR (day = $3::date AND (reporter_id, measure) > ($4, $5)))
       ORDER BY day DESC, reporter_id, measure LIMIT $6`,
      [seenBy(await viewerOf(this.db.manager, caller)), from ?? null, ...after, limit + 1],
    );
    return pageOf(LIST, rows, limit, ({ day, reporterId, measure }) => [day, reporterId, measure]);
  }

  private figuresFrom(day: string): Promise<DayFigures[]> {
    return this.db.query(
      `SELECT reporter_id AS "reporterId", ${DAY}::text AS day, count(*)::integer AS results, jsonb_build_object(${COUNTS.join(', ')}) AS counts,
         percentile_disc(0.5) WITHIN GROUP (ORDER BY ${DAY} - (state ->> 'sampledOn')::date) AS "lagDays"
       FROM sampling_results WHERE accepted_at >= $1::date::timestamp AT TIME ZONE 'Asia/Shanghai' AND state IS NOT NULL
       GROUP BY reporter_id, ${DAY}`,
      [day],
    );
  }
}
