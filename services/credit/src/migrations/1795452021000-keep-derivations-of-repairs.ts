import type { MigrationInterface, QueryRunner } from 'typeorm';

export class KeepDerivationsOfRepairs1795452021000 implements MigrationInterface {
  readonly name = 'KeepDerivationsOfRepairs1795452021000';

  // Changes the catalogue only.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE reported_records ADD COLUMN repaired_under jsonb;
      COMMENT ON COLUMN reported_records.repaired_under IS 'What had to hold for the repair, as it was when it was taken; null = no repair, or from before this was kept';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE reported_records DROP COLUMN repaired_under');
  }
}
