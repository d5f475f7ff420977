import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Decisions on repairs are kept for a restore; those from before with the next that is done to them. */
export class KeepRepairDecisions1795452020000 implements MigrationInterface {
  readonly name = 'KeepRepairDecisions1795452020000';

  // A column with a constant default: no rewrite, a lock for a moment.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE repair_decisions ADD COLUMN kept_revision integer NOT NULL DEFAULT 0;
      COMMENT ON COLUMN repair_decisions.kept_revision IS 'Of what credit.repair-decision.v1 holds of it; 0 = nothing';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE repair_decisions DROP COLUMN kept_revision');
  }
}
