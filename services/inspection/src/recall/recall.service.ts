import { type RecallClue, RecallContent } from '@jinqiao/contracts';
import { dayInChina } from '@jinqiao/law';
import { Clock as WallClock, decodeCursor, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { contentHash } from '@jinqiao/schema';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { seenBy, viewerOf } from '../actor.js';
import type { ClockState } from '../deadline/run-clock.js';
import { disclosed, sees, type Seen } from '../disclosure/disclosure.js';
import type { RecallStanding, TakenAs } from '../sampling-step/sampling-step.js';
import { isTaken, sentBy } from '../sampling-step/sent-step.js';
import { DUTIES, OF_PRODUCER, type Standing, type State } from './recall.acts.js';
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
  type RecallParts,
  RecallUnacceptable,
  RecallUnknown,
} from './recall.js';
import { type RecallStep, RecallStore } from './recall.store.js';

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

export interface SentClue {
  readonly clue: RecallClue;
  /** Of whoever sends it over Kafka. */
  readonly stepId?: string;
}

export interface SentRecallStep {
  readonly recallNo: string;
  readonly act: Act;
  /** Of whoever sends it over Kafka. */
  readonly stepId?: string;
}

const LIST = 'recalls';
const STEPS = 'recall_steps';
/** What of a row says who sees it. */
const PARTS = `jsonb_build_object('keeperId', keeper_id, 'toldUscc', told_uscc, 'content', jsonb_build_object('producer', content -> 'producer'))`;
/** Recalls that $1 keeps, null: all; and those of the merchant with the code $2 that it knows of. */
const CONCERNS = `($1::text IS NULL OR keeper_id = $1 OR (told_uscc = $2 AND content #>> '{producer,uscc}' = $2))`;

/** Keeps recalls. The lock of a recall decides which of two steps comes first; the other finds the state that it left. */
@Injectable()
export class Recalls {
  constructor(
    private readonly db: DataSource,
    private readonly store: RecallStore,
    private readonly clock: WallClock,
  ) {}

  /** With a clue. May be repeated. */
  async open(caller: Principal, clue: RecallClue): Promise<Seen<RecallFile>> {
    return this.db.transaction(async (tx) => {
      await this.openIn(tx, caller, { clue });
      return this.shown(tx, await this.get(tx, clue.recallNo), caller);
    });
  }

  async openIn(tx: EntityManager, caller: Principal, { clue: sentClue, stepId }: SentClue): Promise<TakenAs> {
    const { on, clue, subject, ...content } = sentClue;
    await this.store.lockNumbers(tx, [content]);
    const sent = sentBy(caller, sentClue, stepId);
    if (await isTaken(tx, STEPS, { recall_no: content.recallNo }, sent)) return 'duplicate';
    const present = await this.store.find(tx, content.recallNo);
    if (present) {
      assertRepeated(present, caller, content);
      return 'duplicate';
    }
    const recall = opened(caller.id, content, on, this.today());
    await this.assertNationalNoFree(tx, content);
    await this.store.keep(tx, {
      recall,
      clocks: recall.clocks,
      announcement: null,
      act: 'OPEN',
      from: null,
      facts: { clue, ...(subject !== undefined && { subject }) },
      by: { id: caller.id, competence: 'KEEPER' },
      sent,
    });
    return 'accepted';
  }

  async act(caller: Principal, recallNo: string, act: Act): Promise<Seen<RecallFile>> {
    return this.db.transaction(async (tx) => {
      await this.take(tx, caller, { recallNo, act });
      return this.shown(tx, await this.get(tx, recallNo), caller);
    });
  }

  /** One step, over HTTP or Kafka. */
  async take(tx: EntityManager, caller: Principal, { recallNo, act, stepId }: SentRecallStep): Promise<TakenAs> {
    await this.store.lockNumbers(tx, [{ nationalNo: act.content?.nationalNo }]);
    const before = await this.get(tx, recallNo, 'FOR UPDATE');
    const viewer = await viewerOf(tx, caller);
    if (!sees('RECALL', viewer, concernOf(before))) throw new RecallUnknown();
    const sent = sentBy(caller, act, stepId);
    if (await isTaken(tx, STEPS, { recall_no: recallNo }, sent)) return 'duplicate';
    const { from, recall, clocks, competence, announcement } = decide(before, viewer, act, {
      today: this.today(),
      at: this.clock.now().toISOString(),
    });
    if (act.content?.nationalNo !== undefined) await this.assertNationalNoFree(tx, recall.content, '/content');
    const { act: name, on: _on, ...facts } = act;
    await this.store.keep(tx, { recall, clocks, announcement, act: name, from, facts, by: { id: caller.id, competence }, sent });
    return 'accepted';
  }

  /** Of all recalls that one transaction works on, before the first of them. */
  async lock(tx: EntityManager, named: Parameters<RecallStore['lockNumbers']>[1]): Promise<void> {
    await this.store.lockNumbers(tx, named);
  }

  /** How a recall stands, for those who have a part in it. */
  async standing(tx: EntityManager, caller: Principal, recallNo: string): Promise<RecallStanding> {
    const recall = await this.store.find(tx, recallNo);
    return recall && sees('RECALL', await viewerOf(tx, caller), concernOf(recall))
      ? { state: recall.state, allowed: allowedIn(recall.state).map(({ act, by }) => ({ act, by: [...by] })) }
      : {};
  }

  async find(caller: Principal, recallNo: string): Promise<Seen<RecallFile>> {
    const tx = this.db.manager;
    return this.shown(tx, await this.get(tx, recallNo), caller);
  }

  /** Of a department its own, of a merchant those that it knows of, of the province and who watches over all everything. */
  async list(caller: Principal, { state, overdue, cursor, limit }: RecallFilter): Promise<Page<Seen<RecallSummary>>> {
    const [after = ''] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const viewer = await viewerOf(this.db.manager, caller);
    const periods = viewer.kind === 'MERCHANT' ? DUTIES.filter((clock) => OF_PRODUCER.includes(clock)) : DUTIES;
    const rows: (RecallSummary & { parts: RecallParts })[] = await this.db.query(
      `SELECT recall_no AS "recallNo", keeper_id AS "keeperId", state, standing, revision, content #>> '{product,name}' AS product,
         content #>> '{producer,name}' AS producer, due_on::text AS "dueOn", ${PARTS} AS parts
       FROM recalls LEFT JOIN LATERAL (SELECT min(due_on) AS due_on FROM recall_clocks c
         WHERE c.recall_no = recalls.recall_no AND c.stopped_on IS NULL AND c.clock = ANY($8)) AS next ON true
       WHERE ${CONCERNS} AND recall_no > $3 AND ($4::text IS NULL OR state = $4) AND (NOT $5::boolean OR due_on < $6::date)
       ORDER BY recall_no LIMIT $7`,
      [seenBy(viewer), viewer.uscc, after, state ?? null, overdue, this.today(), limit + 1, periods],
    );
    const { items, next } = pageOf(LIST, rows, limit, ({ recallNo }) => [recallNo]);
    const shown = items.flatMap(({ parts, ...summary }) => disclosed<RecallSummary>('RECALL', viewer, concernOf(parts), summary) ?? []);
    return { items: shown, next };
  }

  private async assertNationalNoFree(tx: EntityManager, content: RecallContent, at = ''): Promise<void> {
    const findings = await this.store.nationalNoFindings(tx, content, at);
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
      history: await this.store.history(tx, content.recallNo),
    });
    if (!seen) throw new RecallUnknown();
    return seen;
  }

  private today(): string {
    return dayInChina(this.clock.now());
  }
}

/** Whoever says once more what it said begins nothing anew; anybody else has to find another number. */
function assertRepeated(present: Recall, caller: Principal, content: RecallContent): void {
  const isSame = contentHash(RecallContent, present.content) === contentHash(RecallContent, content);
  if (present.keeperId !== caller.id || present.reportedRevision !== null || !isSame) throw new RecallNoTaken();
}
