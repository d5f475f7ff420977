import type { MigrationInterface, QueryRunner } from 'typeorm';

export class KeepDaysOfRepairs1795451030080 implements MigrationInterface {
  readonly name = 'KeepDaysOfRepairs1795451030080';

  // Changes the catalogue only. What was known of repairs before stays as it was known.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE credit_records ADD COLUMN repaired_on date;
      COMMENT ON COLUMN credit_records.repaired_on IS 'The day on which a repair was decided; null = not repaired, not said, or not kept then';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE credit_records DROP COLUMN repaired_on');
  }
}
