import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateSamplingPlans1795451051000 implements MigrationInterface {
  readonly name = 'CreateSamplingPlans1795451051000';

  // The index on results is built under a lock that lets nobody write: some seconds a million rows.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE sampling_plans (
        plan_id      uuid PRIMARY KEY,
        organiser_id text COLLATE "C" NOT NULL,
        year         integer NOT NULL,
        plan_no      text COLLATE "C" NOT NULL,
        state        text NOT NULL CHECK (state IN ('DRAFT', 'PUBLISHED')),
        revision     integer NOT NULL CHECK (revision >= 1),
        content      jsonb NOT NULL,
        created_at   timestamptz NOT NULL,
        UNIQUE (organiser_id, year, plan_no)
      );
      COMMENT ON TABLE sampling_plans IS 'Annual plans 年度监督抽查计划: how much is to be sampled of each category, area and class';
      COMMENT ON COLUMN sampling_plans.content IS 'Title and quotas as they stand; what they were stands in the steps';
      COMMENT ON COLUMN sampling_plans.revision IS 'Counts contents';

      CREATE TABLE sampling_plan_steps (
        plan_id  uuid NOT NULL REFERENCES sampling_plans,
        step_no  integer NOT NULL,
        step     text NOT NULL CHECK (step IN ('CREATE', 'AMEND', 'PUBLISH')),
        revision integer NOT NULL,
        content  jsonb NOT NULL,
        reason   text,
        actor_id text NOT NULL,
        basis    text NOT NULL,
        taken_at timestamptz NOT NULL,
        PRIMARY KEY (plan_id, step_no)
      );
      COMMENT ON TABLE sampling_plan_steps IS 'Who made, amended and published a plan, when, by which article, with its content from then on';

      CREATE INDEX sampling_rounds_plan ON sampling_rounds (organiser_id, (plan ->> 'planNo')) WHERE plan ->> 'planNo' IS NOT NULL;
      CREATE INDEX sampling_results_round ON sampling_results (reporter_id, (state -> 'round' ->> 'no'))
        WHERE state -> 'round' ->> 'no' IS NOT NULL;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX sampling_rounds_plan, sampling_results_round;
      DROP TABLE sampling_plan_steps, sampling_plans;
    `);
  }
}
