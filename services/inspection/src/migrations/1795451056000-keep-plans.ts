import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Annual plans and their steps are kept for a restore. */
export class KeepPlans1795451056000 implements MigrationInterface {
  readonly name = 'KeepPlans1795451056000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE sampling_plans ADD COLUMN kept_revision integer NOT NULL DEFAULT 0;
      COMMENT ON COLUMN sampling_plans.kept_revision IS 'Of what inspection.sampling-plan.v1 holds of it; 0 = nothing';
      ALTER TABLE sampling_plan_steps ADD COLUMN kept_revision integer NOT NULL DEFAULT 0;
      COMMENT ON COLUMN sampling_plan_steps.kept_revision IS '1 = inspection.sampling-plan-step.v1 holds it; 0 = not yet';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE sampling_plan_steps DROP COLUMN kept_revision;
      ALTER TABLE sampling_plans DROP COLUMN kept_revision;
    `);
  }
}
