import { SAMPLING_MEASURES as MEASURES } from '@jinqiao/law';
import { keepRows, Outbox } from '@jinqiao/messaging';
import { Clock, decodeCursor, Forbidden, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { validate as isUuid, v7 as uuidv7 } from 'uuid';
import { seenBy, viewerOf } from '../actor.js';
import { disclosed, type Matter, sees, type Seen } from '../disclosure/disclosure.js';
import { PLANS, PLAN_STEPS } from '../kept-rows/kept-rows.js';
import {
  type AmendPlanBody,
  type CreatePlanBody,
  type ListPlansQuery,
  PlanChanged,
  PlanConflict,
  type PlanContent,
  type PlanCoverage,
  planFindings,
  PlanNotYours,
  type PlanStep,
  PlanUnacceptable,
  PlanUnknown,
  type SamplingPlan,
  type TakenPlanStep,
} from './sampling-plan.js';
import { coverageOf, plansWhere, takenOf } from './sampling-plan.store.js';

type PlanWithHistory = SamplingPlan & { readonly history: readonly TakenPlanStep[] };

const LIST = 'sampling-plans';
const BASIS = `${MEASURES}第十一条`;

/** Keeps annual plans. The lock of a plan decides which of two steps comes first, and of two rounds that take what is left of it. */
@Injectable()
export class SamplingPlans {
  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /** A draft. May be repeated; the same number with another content is a conflict. */
  async create(caller: Principal, { planNo, year, title, quotas }: CreatePlanBody): Promise<Seen<PlanWithHistory>> {
    return this.db.transaction(async (tx) => {
      const content = { title, quotas };
      const findings = planFindings(content, []);
      if (findings.length > 0) throw new PlanUnacceptable(findings);
      const planId = uuidv7();
      const made: unknown[] = await tx.query(
        `INSERT INTO sampling_plans (plan_id, organiser_id, year, plan_no, state, revision, content, created_at)
         VALUES ($1, $2, $3, $4, 'DRAFT', 1, $5, $6) ON CONFLICT (organiser_id, year, plan_no) DO NOTHING RETURNING 1`,
        [planId, caller.id, year, planNo, content, this.clock.now()],
      );
      if (made.length > 0) {
        await this.note(tx, planId, { step: 'CREATE', actorId: caller.id });
        return this.shown(tx, await this.one(tx, planId), caller);
      }
      const [there] = await plansWhere(tx, 'organiser_id = $1 AND year = $2 AND plan_no = $3', [caller.id, year, planNo]);
      const [first]: { same: boolean }[] = await tx.query(
        'SELECT content = $2::jsonb AS same FROM sampling_plan_steps WHERE plan_id = $1 ORDER BY step_no LIMIT 1',
        [there?.planId, content],
      );
      if (!there || !first?.same) throw new PlanConflict();
      return this.shown(tx, there, caller);
    });
  }

  amend(caller: Principal, planId: string, { revision, title, quotas, reason }: AmendPlanBody): Promise<Seen<PlanWithHistory>> {
    return this.step(caller, planId, async (tx, plan) => {
      if (plan.revision !== revision) throw new PlanChanged(plan.revision);
      const content: PlanContent = { title, quotas };
      const findings = planFindings(content, await takenOf(tx, plan, null));
      if (findings.length > 0) throw new PlanUnacceptable(findings);
      await tx.query('UPDATE sampling_plans SET content = $2, revision = revision + 1 WHERE plan_id = $1', [planId, content]);
      await this.note(tx, planId, { step: 'AMEND', actorId: caller.id, reason });
    });
  }

  /** From then on rounds may carry it out. May be repeated. */
  publish(caller: Principal, planId: string): Promise<Seen<PlanWithHistory>> {
    return this.step(caller, planId, async (tx, { state }) => {
      if (state === 'PUBLISHED') return;
      await tx.query(`UPDATE sampling_plans SET state = 'PUBLISHED' WHERE plan_id = $1`, [planId]);
      await this.note(tx, planId, { step: 'PUBLISH', actorId: caller.id });
    });
  }

  async find(caller: Principal, planId: string): Promise<Seen<PlanWithHistory>> {
    return this.shown(this.db.manager, await this.one(this.db.manager, planId), caller);
  }

  /** Drafts are between their organiser, the province and who watches over all. */
  async list(caller: Principal, { organiserId, year, cursor, limit = 100 }: ListPlansQuery): Promise<Page<Seen<SamplingPlan>>> {
    const tx = this.db.manager;
    const [after = null] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const viewer = await viewerOf(tx, caller);
    const rows = await plansWhere(
      tx,
      `($1::text IS NULL OR organiser_id = $1) AND ($2::integer IS NULL OR year = $2) AND ($3::uuid IS NULL OR plan_id > $3)
         AND (state = 'PUBLISHED' OR $4::text IS NULL OR organiser_id = $4) ORDER BY plan_id LIMIT $5`,
      [organiserId ?? null, year ?? null, after, seenBy(viewer), limit + 1],
    );
    const { items, next } = pageOf(LIST, rows, limit, ({ planId }) => [planId]);
    return { items: items.flatMap((plan) => disclosed(matterOf(plan), viewer, { owners: [plan.organiserId] }, plan) ?? []), next };
  }

  async coverage(caller: Principal, planId: string): Promise<Seen<PlanCoverage>> {
    const tx = this.db.manager;
    const plan = await this.one(tx, planId);
    const viewer = await viewerOf(tx, caller);
    if (!sees(matterOf(plan), viewer, { owners: [plan.organiserId] })) throw new PlanUnknown();
    const seen = disclosed('COVERAGE', viewer, { owners: [plan.organiserId] }, await coverageOf(tx, plan));
    if (!seen) throw new Forbidden();
    return seen;
  }

  private step(
    caller: Principal,
    planId: string,
    change: (tx: EntityManager, plan: SamplingPlan) => Promise<void>,
  ): Promise<Seen<PlanWithHistory>> {
    return this.db.transaction(async (tx) => {
      const plan = await this.one(tx, planId, 'FOR UPDATE');
      if (!sees(matterOf(plan), await viewerOf(tx, caller), { owners: [plan.organiserId] })) throw new PlanUnknown();
      if (plan.organiserId !== caller.id) throw new PlanNotYours();
      await change(tx, plan);
      return this.shown(tx, await this.one(tx, planId), caller);
    });
  }

  /** The last that is written of a step. */
  private async note(
    tx: EntityManager,
    planId: string,
    { step, actorId, reason = null }: { step: PlanStep; actorId: string; reason?: string | null },
  ): Promise<void> {
    await tx.query(
      `INSERT INTO sampling_plan_steps (plan_id, step_no, step, revision, content, reason, actor_id, basis, taken_at)
       SELECT plan_id, (SELECT count(*) + 1 FROM sampling_plan_steps WHERE plan_id = $1), $2, revision, content, $3, $4, $5, $6
       FROM sampling_plans WHERE plan_id = $1`,
      [planId, step, reason, actorId, BASIS, this.clock.now()],
    );
    await keepRows(tx, this.outbox, PLANS, [{ plan_id: planId }]);
    // More than one where steps were taken before they were kept.
    const steps: { plan_id: string; step_no: string }[] = await tx.query(
      'SELECT plan_id, step_no::text FROM sampling_plan_steps WHERE plan_id = $1 AND kept_revision = 0 ORDER BY step_no',
      [planId],
    );
    await keepRows(tx, this.outbox, PLAN_STEPS, steps);
  }

  private async one(tx: EntityManager, planId: string, lock = ''): Promise<SamplingPlan> {
    const [plan] = isUuid(planId) ? await plansWhere(tx, `plan_id = $1 ${lock}`, [planId]) : [];
    if (!plan) throw new PlanUnknown();
    return plan;
  }

  private async shown(tx: EntityManager, plan: SamplingPlan, caller: Principal): Promise<Seen<PlanWithHistory>> {
    const history: TakenPlanStep[] = await tx.query(
      `SELECT step, revision, content, reason, actor_id AS "actorId", basis, taken_at AS "takenAt" FROM sampling_plan_steps
       WHERE plan_id = $1 ORDER BY step_no`,
      [plan.planId],
    );
    const viewer = await viewerOf(tx, caller);
    const seen = disclosed<PlanWithHistory>(matterOf(plan), viewer, { owners: [plan.organiserId] }, { ...plan, history });
    if (!seen) throw new PlanUnknown();
    return seen;
  }
}

const matterOf = ({ state }: SamplingPlan): Matter => (state === 'DRAFT' ? 'DRAFT_PLAN' : 'PLAN');
