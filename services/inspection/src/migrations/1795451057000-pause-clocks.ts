import type { MigrationInterface, QueryRunner } from 'typeorm';

export class PauseClocks1795451057000 implements MigrationInterface {
  readonly name = 'PauseClocks1795451057000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE sampling_case_clocks
        ADD COLUMN pauses     jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN extensions jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN paused     boolean GENERATED ALWAYS AS (jsonb_array_length(pauses) > 0 AND (pauses -> -1 ->> 'to') IS NULL) VIRTUAL;
      COMMENT ON COLUMN sampling_case_clocks.pauses IS 'What is not counted in, [{from, to}] in its order; the last one has no end while it lasts';
      COMMENT ON COLUMN sampling_case_clocks.extensions IS 'By how much it was made longer, [{on, value, ruleVersion}] in its order';
      COMMENT ON COLUMN sampling_case_clocks.paused IS 'It does not run now: due_on says when it would have ended';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE sampling_case_clocks DROP COLUMN paused, DROP COLUMN pauses, DROP COLUMN extensions');
  }
}
