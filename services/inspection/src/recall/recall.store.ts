import type { RecallContent, RecallFacts, RecallPublished } from '@jinqiao/contracts';
import { event, keepRows, lockKeys, Outbox, type Received, unnested } from '@jinqiao/messaging';
import { Clock as WallClock } from '@jinqiao/platform';
import type { Finding } from '@jinqiao/schema';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { rulesOf, RUN_COLUMNS, runRow } from '../deadline/run-clock.js';
import { RECALLS } from '../kept-rows/kept-rows.js';
import type { SentStep } from '../sampling-step/sent-step.js';
import type { ActName, BEGINNINGS, Competence, State } from './recall.acts.js';
import { type Announcement, BASIS, type Clock, type Recall } from './recall.js';

/** What a step leaves: the recall, its changed clocks, what is said of it, and the history. */
export interface Taken {
  readonly recall: Recall;
  readonly clocks: readonly Clock[];
  readonly announcement: Announcement | null;
  readonly act: ActName | keyof typeof BEGINNINGS;
  readonly from: string | null;
  readonly facts: object;
  readonly by: { readonly id: string; readonly competence: Competence };
  /** As its sender wrote it; not of a notice. */
  readonly sent?: SentStep;
  readonly causedBy?: Received<object | null>;
}

export interface RecallStep {
  readonly act: ActName | keyof typeof BEGINNINGS;
  readonly from: State | null;
  readonly to: State;
  /** The public revision afterwards. */
  readonly revision: number;
  readonly on: string;
  readonly facts: RecallFacts & { readonly ruleVersions?: readonly string[] };
  readonly actorId: string;
  readonly competence: Competence;
  readonly basis: string;
  readonly takenAt: Date;
}

const CLOCK = `clock, started_on::text AS "startedOn", due_on::text AS "dueOn", provisional, rule_version AS "ruleVersion",
  stopped_on::text AS "stoppedOn"`;
const CLOCK_COLUMNS = { clock: 'text', ...RUN_COLUMNS } as const;
const clockRow = ({ clock, ...run }: Clock): Record<keyof typeof CLOCK_COLUMNS, unknown> => ({ clock, ...runRow(run) });
const NUMBERS = 'recall-no';
const NATIONAL_NUMBERS = 'recall-national-no';

/** The rows of recalls, and what goes out with them. */
@Injectable()
export class RecallStore {
  constructor(
    private readonly outbox: Outbox,
    private readonly clock: WallClock,
  ) {}

  /** Before any row is locked: whoever asks first for a number has it, though there is no row yet. */
  async lockNumbers(tx: EntityManager, named: readonly Pick<Partial<RecallContent>, 'recallNo' | 'nationalNo'>[]): Promise<void> {
    await lockKeys(
      tx,
      NUMBERS,
      named.flatMap(({ recallNo }) => recallNo ?? []),
    );
    await lockKeys(
      tx,
      NATIONAL_NUMBERS,
      named.flatMap(({ nationalNo }) => nationalNo ?? []),
    );
  }

  async find(tx: EntityManager, recallNo: string, lock: '' | 'FOR UPDATE' = ''): Promise<Recall | null> {
    const [row]: Omit<Recall, 'clocks'>[] = await tx.query(
      `SELECT keeper_id AS "keeperId", state, content, revision, standing, round, said, closed_on::text AS "closedOn",
         reported_revision AS "reportedRevision", reported_hash AS "reportedHash", told_uscc AS "toldUscc", last_on::text AS "lastOn"
       FROM recalls WHERE recall_no = $1 ${lock}`,
      [recallNo],
    );
    if (!row) return null;
    const clocks: Clock[] = await tx.query(`SELECT ${CLOCK} FROM recall_clocks WHERE recall_no = $1 ORDER BY started_on, clock`, [
      recallNo,
    ]);
    return { ...row, clocks };
  }

  /** Somebody else's national number; its lock is held. */
  async nationalNoFindings(tx: EntityManager, { recallNo, nationalNo }: RecallContent, at = ''): Promise<Finding[]> {
    if (nationalNo === undefined) return [];
    const others: unknown[] = await tx.query('SELECT FROM recalls WHERE national_no = $1 AND recall_no <> $2', [nationalNo, recallNo]);
    return others.length === 0 ? [] : [{ code: 'NATIONAL_NO_TAKEN', pointer: `${at}/nationalNo`, message: 'belongs to another recall' }];
  }

  /** The last that is written of a step. */
  async keep(tx: EntityManager, taken: Taken): Promise<void> {
    const { recall, clocks, announcement, causedBy } = taken;
    const { recallNo } = recall.content;
    await tx.query(
      `INSERT INTO recalls (recall_no, keeper_id, state, content, revision, standing, round, said, closed_on, reported_revision, reported_hash,
         told_uscc, last_on)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
       ON CONFLICT (recall_no) DO UPDATE SET state = excluded.state, content = excluded.content, revision = excluded.revision,
         standing = excluded.standing, round = excluded.round, said = excluded.said, closed_on = excluded.closed_on,
         reported_revision = excluded.reported_revision, reported_hash = excluded.reported_hash, told_uscc = excluded.told_uscc,
         last_on = excluded.last_on`,
      [
        recallNo,
        recall.keeperId,
        recall.state,
        JSON.stringify(recall.content),
        recall.revision,
        recall.standing,
        recall.round,
        recall.said && JSON.stringify(recall.said),
        recall.closedOn,
        recall.reportedRevision,
        recall.reportedHash,
        recall.toldUscc,
        recall.lastOn,
      ],
    );
    // What stops and starts again on the day it began runs on.
    const rows = [...new Map(clocks.map((one) => [`${one.clock} ${one.startedOn}`, clockRow(one)])).values()];
    const { columns, from, values } = unnested(CLOCK_COLUMNS, rows, 2);
    await tx.query(
      `INSERT INTO recall_clocks (recall_no, ${columns}) SELECT $1, ${columns} FROM ${from}
       ON CONFLICT (recall_no, clock, started_on) DO UPDATE SET stopped_on = excluded.stopped_on`,
      [recallNo, ...values],
    );
    await this.addStep(tx, taken);
    if (announcement) {
      const { type, data } = announcement;
      await this.outbox.add(tx, event<RecallPublished>(type, data, causedBy && { causedBy }));
    }
    await keepRows(tx, this.outbox, RECALLS, [{ recall_no: recallNo }]);
  }

  async history(tx: EntityManager, recallNo: string): Promise<RecallStep[]> {
    return tx.query(
      `SELECT act, from_state AS "from", to_state AS "to", revision, done_on::text AS "on", facts, actor_id AS "actorId", competence, basis,
         taken_at AS "takenAt"
       FROM recall_steps WHERE recall_no = $1 ORDER BY step_no`,
      [recallNo],
    );
  }

  private async addStep(tx: EntityManager, { recall, clocks, act, from, facts, by, sent }: Taken): Promise<void> {
    await tx.query(
      `INSERT INTO recall_steps (recall_no, step_no, act, from_state, to_state, revision, done_on, facts, actor_id, competence, basis, taken_at,
         step_id, content_hash)
       SELECT $1, coalesce(max(step_no), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 FROM recall_steps WHERE recall_no = $1`,
      [
        recall.content.recallNo,
        act,
        from,
        recall.state,
        recall.revision,
        recall.lastOn,
        JSON.stringify({ ...facts, ...rulesOf(clocks) }),
        by.id,
        by.competence,
        BASIS,
        this.clock.now(),
        sent?.stepId,
        sent?.hash,
      ],
    );
  }
}
