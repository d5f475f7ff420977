import type { MigrationInterface, QueryRunner } from 'typeorm';

export class KeepFirstDueDays1795451020000 implements MigrationInterface {
  readonly name = 'KeepFirstDueDays1795451020000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE sampling_case_clocks ADD COLUMN first_due_on date;
      ALTER TABLE recall_clocks ADD COLUMN first_due_on date;
      COMMENT ON COLUMN sampling_case_clocks.first_due_on IS 'When it would have ended before a calendar of holidays was published; empty = it did not move';
      COMMENT ON COLUMN recall_clocks.first_due_on IS 'When it would have ended before a calendar of holidays was published; empty = it did not move';

      -- What runs over the last days of a year waits for the calendar of the next one, too.
      UPDATE sampling_case_clocks SET provisional = TRUE WHERE due_on BETWEEN '2026-12-29' AND '2026-12-31' AND stopped_on IS NULL;
      UPDATE recall_clocks SET provisional = TRUE WHERE due_on BETWEEN '2026-12-29' AND '2026-12-31' AND stopped_on IS NULL;

      CREATE INDEX sampling_case_clocks_provisional ON sampling_case_clocks (due_on) WHERE provisional AND stopped_on IS NULL;
      CREATE INDEX recall_clocks_provisional ON recall_clocks (due_on) WHERE provisional AND stopped_on IS NULL;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX sampling_case_clocks_provisional, recall_clocks_provisional;
      ALTER TABLE sampling_case_clocks DROP COLUMN first_due_on;
      ALTER TABLE recall_clocks DROP COLUMN first_due_on`);
  }
}
