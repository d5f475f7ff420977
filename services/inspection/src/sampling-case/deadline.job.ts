import { DeadlineOverdue, inspectionDeadlines } from '@jinqiao/contracts';
import { dayInChina } from '@jinqiao/law';
import { event, Outbox, OwnTopics, type Received } from '@jinqiao/messaging';
import { Clock, type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { DUTIES } from './sampling-case.acts.js';
import { HANDLED_BY } from './sampling-case.service.js';

const EVERY_MS = 30_000;
const AT_ONCE = 500;

type Overdue = Omit<DeadlineOverdue, 'revision' | 'raisedAt' | 'departmentId'> & { readonly departmentId: string | null };

/** Says what was not done in time. Any number of processes may do so at once: each duty is said by one of them, after any downtime. */
@Injectable()
export class DeadlineJob implements OnApplicationBootstrap, OnModuleDestroy {
  private job: Regular | undefined;

  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
    ownTopics: OwnTopics,
  ) {
    ownTopics.takenOver(inspectionDeadlines, takeOver);
  }

  onApplicationBootstrap(): void {
    this.job = regularly(EVERY_MS, () => this.raise(), new Logger(DeadlineJob.name));
  }

  async onModuleDestroy(): Promise<void> {
    await this.job?.stop();
  }

  /** Raises everything that is overdue by now. Gives back how much that was. */
  async raise(): Promise<number> {
    let raised = 0;
    for (let portion = AT_ONCE; portion === AT_ONCE; raised += portion) portion = await this.db.transaction((tx) => this.raiseSome(tx));
    return raised;
  }

  private async raiseSome(tx: EntityManager): Promise<number> {
    const now = this.clock.now();
    const [overdue]: [Overdue[], number] = await tx.query(
      `UPDATE sampling_case_clocks AS c SET raised_at = $1
       FROM (SELECT reporter_id, sample_no, clock, party, started_on FROM sampling_case_clocks
             WHERE stopped_on IS NULL AND raised_at IS NULL AND due_on < $2::date AND clock = ANY($3)
             ORDER BY due_on, reporter_id, sample_no LIMIT $4 FOR UPDATE SKIP LOCKED) AS late
       WHERE (c.reporter_id, c.sample_no, c.clock, c.party, c.started_on)
         = (late.reporter_id, late.sample_no, late.clock, late.party, late.started_on)
       RETURNING c.reporter_id || ':' || c.sample_no AS subject, c.clock, c.party, c.started_on::text AS "startedOn",
         c.due_on::text AS "dueOn", c.rule_version AS "ruleVersion",
         ${HANDLED_BY} AS "departmentId"`,
      [now, dayInChina(now), DUTIES, AT_ONCE],
    );
    await this.outbox.add(
      tx,
      overdue.map(({ departmentId, ...one }) =>
        event(DeadlineOverdue, { ...one, revision: 1, ...(departmentId !== null && { departmentId }), raisedAt: now.toISOString() }),
      ),
    );
    return overdue.length;
  }
}

/** What was raised and a database that was set back has forgotten is not raised again. */
async function takeOver(tx: EntityManager, said: readonly Received<object | null>[]): Promise<number> {
  const raised = (said as readonly Received<DeadlineOverdue>[]).map(({ data }) => data);
  const taken: [unknown[], number] = await tx.query(
    `UPDATE sampling_case_clocks AS c SET raised_at = x."raisedAt"
     FROM jsonb_to_recordset($1::jsonb) AS x (subject text, clock text, party text, "startedOn" date, "raisedAt" timestamptz)
     WHERE c.reporter_id = split_part(x.subject, ':', 1) AND c.sample_no = substr(x.subject, strpos(x.subject, ':') + 1)
       AND c.clock = x.clock AND c.party = x.party AND c.started_on = x."startedOn" AND c.raised_at IS NULL`,
    [JSON.stringify(raised)],
  );
  return taken[1];
}
