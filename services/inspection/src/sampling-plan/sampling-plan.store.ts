import type { EntityManager } from 'typeorm';
import type { NamedPlan, PlanContent, PlanCoverage, PlanState, SamplingPlan, Taken } from './sampling-plan.js';

interface PlanName {
  readonly organiserId: string;
  readonly year: number;
  readonly planNo: string;
}

const PLAN = `plan_id AS "planId", organiser_id AS "organiserId", year, plan_no AS "planNo", state, revision, content ->> 'title' AS title,
  content -> 'quotas' AS quotas, created_at AS "createdAt"`;
/** The rounds that carry out a plan of $1, of the year $2 and the number $3. */
const ITS_ROUNDS = `SELECT * FROM sampling_rounds
  WHERE organiser_id = $1 AND plan ->> 'planNo' = $3 AND (plan ->> 'year')::integer = $2 AND state <> 'CANCELLED'`;

export async function plansWhere(tx: EntityManager, where: string, values: readonly unknown[]): Promise<SamplingPlan[]> {
  return tx.query(`SELECT ${PLAN} FROM sampling_plans WHERE ${where}`, [...values]);
}

/** Its row stays locked: what rounds take of it, they take one after the other. */
export async function namedPlan(tx: EntityManager, name: PlanName, butRoundNo: string): Promise<NamedPlan | null> {
  const [plan]: { state: PlanState; content: PlanContent }[] = await tx.query(
    'SELECT state, content FROM sampling_plans WHERE organiser_id = $1 AND year = $2 AND plan_no = $3 FOR UPDATE',
    [name.organiserId, name.year, name.planNo],
  );
  return plan ? { state: plan.state, quotas: plan.content.quotas, taken: await takenOf(tx, name, butRoundNo) } : null;
}

/** What rounds have taken of a plan, but for one of them. Of what is exempt nothing is taken. */
export async function takenOf(tx: EntityManager, { organiserId, year, planNo }: PlanName, butRoundNo: string | null): Promise<Taken[]> {
  return tx.query(
    `SELECT r.plan ->> 'category' AS category, q."divisionCode", q."riskClass", sum(q.number)::integer AS number
     FROM (${ITS_ROUNDS}) r CROSS JOIN LATERAL jsonb_to_recordset(r.plan -> 'quotas') q ("divisionCode" text, "riskClass" text, number integer)
     WHERE r.round_no IS DISTINCT FROM $4 AND r.plan ->> 'exemption' IS NULL GROUP BY 1, 2, 3`,
    [organiserId, year, planNo, butRoundNo],
  );
}

/**
 * What was planned, given to rounds, drawn, sampled and reported. What was sampled here has a sheet, what a system of the organiser's
 * reports has a result that names the round; what has both is counted once, where it was drawn.
 */
export async function coverageOf(tx: EntityManager, { planId, organiserId, year, planNo, revision }: SamplingPlan): Promise<PlanCoverage> {
  const cells: PlanCoverage['cells'] = await tx.query(
    `WITH rounds AS MATERIALIZED (${ITS_ROUNDS}),
       pools AS MATERIALIZED (SELECT r.round_id, o.commitment, o."divisionCode"
         FROM rounds r CROSS JOIN LATERAL jsonb_to_recordset(r.pool) o (commitment text, "divisionCode" text)),
       lots AS MATERIALIZED (SELECT r.round_id, r.plan ->> 'category' AS category, d.commitment
         FROM rounds r CROSS JOIN LATERAL jsonb_to_recordset(r.drawn || r.replacements) d (commitment text)),
       samples AS (SELECT r.plan ->> 'category' AS category, s.object ->> 'divisionCode' AS area, t.status
         FROM rounds r JOIN sampling_sheets s USING (round_id)
         LEFT JOIN sampling_results t ON t.reporter_id = s.organiser_id AND t.sample_no = s.sample_no AND s.result_revision IS NOT NULL
         WHERE s.sample IS NOT NULL
         UNION ALL
         SELECT r.plan ->> 'category', coalesce(t.state -> 'sampledParty' ->> 'divisionCode', t.state -> 'nominalProducer' ->> 'divisionCode'),
           t.status
         FROM rounds r JOIN sampling_results t ON t.reporter_id = r.organiser_id AND t.state -> 'round' ->> 'no' = r.round_no
         WHERE t.status <> 'WITHDRAWN'
           AND NOT EXISTS (SELECT FROM sampling_sheets s WHERE s.organiser_id = t.reporter_id AND s.sample_no = t.sample_no)),
       counted (category, area, planned, given, drawn, sampled, reported) AS (
         SELECT q.category, q."divisionCode", q.number, 0, 0, 0, 0 FROM sampling_plans p
           CROSS JOIN LATERAL jsonb_to_recordset(p.content -> 'quotas') q (category text, "divisionCode" text, number integer) WHERE p.plan_id = $4
         UNION ALL SELECT r.plan ->> 'category', q."divisionCode", 0, q.number, 0, 0, 0 FROM rounds r
           CROSS JOIN LATERAL jsonb_to_recordset(r.plan -> 'quotas') q ("divisionCode" text, number integer)
         UNION ALL SELECT category, "divisionCode", 0, 0, 1, 0, 0 FROM lots JOIN pools USING (round_id, commitment)
         UNION ALL SELECT category, area, 0, 0, 0, 1, CASE WHEN status IN ('NOTIFIED', 'PUBLISHED') THEN 1 ELSE 0 END FROM samples)
     SELECT category, area AS "divisionCode", sum(planned)::integer AS planned, sum(given)::integer AS "inRounds", sum(drawn)::integer AS drawn,
       sum(sampled)::integer AS sampled, sum(reported)::integer AS reported
     FROM counted GROUP BY category, area ORDER BY category COLLATE "C", area COLLATE "C"`,
    [organiserId, year, planNo, planId],
  );
  const rounds: PlanCoverage['rounds'] = await tx.query(
    `SELECT round_id AS "roundId", round_no AS "roundNo", state FROM (${ITS_ROUNDS}) r ORDER BY round_id`,
    [organiserId, year, planNo],
  );
  const sum = (field: keyof PlanCoverage['total']): number => cells.reduce((total, cell) => total + cell[field], 0);
  const total = {
    planned: sum('planned'),
    inRounds: sum('inRounds'),
    drawn: sum('drawn'),
    sampled: sum('sampled'),
    reported: sum('reported'),
  };
  return { planId, year, revision, rounds, cells, total };
}
