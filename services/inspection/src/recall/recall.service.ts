import { RecallContent } from '@jinqiao/contracts';
import { dayInChina } from '@jinqiao/law';
import { Clock as WallClock, decodeCursor, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { contentHash } from '@jinqiao/schema';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { seenBy, viewerOf } from '../actor.js';
import type { ClockState } from '../deadline/run-clock.js';
import { disclosed, sees, type Seen } from '../disclosure/disclosure.js';
import type { ActName, BEGINNINGS, Competence, Facts, Standing, State } from './recall.acts.js';
import {
  type Act,
  allowedIn,
  type Clock,
  clockState,
  concernOf,
  decide,
  opened,
  type Recall,
  RecallNoTaken,
  RecallUnacceptable,
  RecallUnknown,
} from './recall.js';
import { RecallStore } from './recall.store.js';

export interface RecallStep {
  readonly act: ActName | keyof typeof BEGINNINGS;
  readonly from: State | null;
  readonly to: State;
  /** The public revision afterwards. */
  readonly revision: number;
  readonly on: string;
  readonly facts: Facts;
  readonly actorId: string;
  readonly competence: Competence;
  readonly basis: string;
  readonly takenAt: Date;
}

export interface RecallFile extends RecallContent {
  readonly keeperId: string;
  readonly state: State;
  /** How everybody knows it; null: nobody does. */
  readonly standing: Standing | null;
  readonly revision: number;
  readonly round: number;
  readonly reportedRevision: number | null;
  readonly closedOn: string | null;
  readonly allowed: ReturnType<typeof allowedIn>;
  readonly clocks: readonly (Clock & { readonly state: ClockState })[];
  readonly history: readonly RecallStep[];
}

export interface RecallSummary {
  readonly recallNo: string;
  readonly keeperId: string;
  readonly state: State;
  readonly standing: Standing | null;
  readonly revision: number;
  readonly product: string;
  readonly producer: string;
  /** The next day by which something is due; over, if it lies behind. */
  readonly dueOn: string | null;
}

export interface RecallFilter {
  readonly state?: State;
  readonly overdue: boolean;
  readonly cursor?: string;
  readonly limit: number;
}

export interface Clue extends RecallContent {
  /** The day it was discovered. */
  readonly on: string;
  readonly clue: string;
  readonly subject?: string;
}

const LIST = 'recalls';

/** Keeps recalls. The lock of a recall decides which of two steps comes first; the other finds the state that it left. */
@Injectable()
export class Recalls {
  constructor(
    private readonly db: DataSource,
    private readonly store: RecallStore,
    private readonly clock: WallClock,
  ) {}

  /** With a clue. May be repeated. */
  async open(caller: Principal, { on, clue, subject, ...content }: Clue): Promise<Seen<RecallFile>> {
    const keeperId = caller.id;
    return this.db.transaction(async (tx) => {
      await this.store.lockNumbers(tx, [content]);
      const present = await this.store.find(tx, content.recallNo);
      if (present) return this.repeated(tx, present, caller, content);
      const recall = opened(keeperId, content, on, this.today());
      await this.assertNationalNoFree(tx, content);
      await this.store.keep(tx, {
        recall,
        clocks: recall.clocks,
        announcement: null,
        act: 'OPEN',
        from: null,
        facts: { clue, ...(subject !== undefined && { subject }) },
        by: { id: keeperId, competence: 'KEEPER' },
      });
      return this.shown(tx, recall, caller);
    });
  }

  async act(caller: Principal, recallNo: string, act: Act): Promise<Seen<RecallFile>> {
    return this.db.transaction(async (tx) => {
      await this.store.lockNumbers(tx, [{ nationalNo: act.content?.nationalNo }]);
      const before = await this.get(tx, recallNo, 'FOR UPDATE');
      const viewer = await viewerOf(tx, caller);
      if (!sees('RECALL', viewer, concernOf(before))) throw new RecallUnknown();
      const { from, recall, clocks, competence, announcement } = decide(before, viewer, act, {
        today: this.today(),
        at: this.clock.now().toISOString(),
      });
      if (act.content?.nationalNo !== undefined) await this.assertNationalNoFree(tx, recall.content);
      const { act: name, on: _on, ...facts } = act;
      await this.store.keep(tx, { recall, clocks, announcement, act: name, from, facts, by: { id: caller.id, competence } });
      return this.shown(tx, await this.get(tx, recallNo), caller);
    });
  }

  async find(caller: Principal, recallNo: string): Promise<Seen<RecallFile>> {
    const tx = this.db.manager;
    return this.shown(tx, await this.get(tx, recallNo), caller);
  }

  /** Of a department its own, of everybody else and of the province all. */
  async list(caller: Principal, { state, overdue, cursor, limit }: RecallFilter): Promise<Page<Seen<RecallSummary>>> {
    const [after = ''] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const viewer = await viewerOf(this.db.manager, caller);
    const rows: RecallSummary[] = await this.db.query(
      `SELECT recall_no AS "recallNo", keeper_id AS "keeperId", state, standing, revision, content #>> '{product,name}' AS product,
         content #>> '{producer,name}' AS producer, due_on::text AS "dueOn"
       FROM recalls LEFT JOIN LATERAL (SELECT min(due_on) AS due_on FROM recall_clocks c
         WHERE c.recall_no = recalls.recall_no AND c.stopped_on IS NULL AND c.clock <> 'OBJECTION') AS next ON true
       WHERE ($1::text IS NULL OR keeper_id = $1) AND recall_no > $2 AND ($3::text IS NULL OR state = $3)
         AND (NOT $4::boolean OR due_on < $5::date)
       ORDER BY recall_no LIMIT $6`,
      [seenBy(viewer), after, state ?? null, overdue, this.today(), limit + 1],
    );
    const { items, next } = pageOf(LIST, rows, limit, ({ recallNo }) => [recallNo]);
    return { items: items.flatMap((one) => disclosed('RECALL', viewer, concernOf(one), one) ?? []), next };
  }

  private async repeated(tx: EntityManager, present: Recall, caller: Principal, content: RecallContent): Promise<Seen<RecallFile>> {
    const isSame = contentHash(RecallContent, present.content) === contentHash(RecallContent, content);
    if (present.keeperId !== caller.id || present.reportedRevision !== null || !isSame) throw new RecallNoTaken();
    return this.shown(tx, present, caller);
  }

  private async assertNationalNoFree(tx: EntityManager, content: RecallContent): Promise<void> {
    const findings = await this.store.nationalNoFindings(tx, content);
    if (findings.length > 0) throw new RecallUnacceptable(findings);
  }

  private async get(tx: EntityManager, recallNo: string, lock: '' | 'FOR UPDATE' = ''): Promise<Recall> {
    // PostgreSQL keeps no zero byte; to the caller it is a recall that does not exist.
    const recall = recallNo.includes('\0') ? null : await this.store.find(tx, recallNo, lock);
    if (!recall) throw new RecallUnknown();
    return recall;
  }

  private async shown(tx: EntityManager, recall: Recall, caller: Principal): Promise<Seen<RecallFile>> {
    const { content, keeperId, state, standing, revision, round, reportedRevision, closedOn, clocks } = recall;
    const history: RecallStep[] = await tx.query(
      `SELECT act, from_state AS "from", to_state AS "to", revision, done_on::text AS "on", facts, actor_id AS "actorId", competence, basis,
         taken_at AS "takenAt"
       FROM recall_steps WHERE recall_no = $1 ORDER BY step_no`,
      [content.recallNo],
    );
    const today = this.today();
    const seen = disclosed<RecallFile>('RECALL', await viewerOf(tx, caller), concernOf(recall), {
      ...content,
      keeperId,
      state,
      standing,
      revision,
      round,
      reportedRevision,
      closedOn,
      allowed: allowedIn(state),
      clocks: clocks.map((clock) => ({ ...clock, state: clockState(clock, today) })),
      history,
    });
    if (!seen) throw new RecallUnknown();
    return seen;
  }

  private today(): string {
    return dayInChina(this.clock.now());
  }
}
