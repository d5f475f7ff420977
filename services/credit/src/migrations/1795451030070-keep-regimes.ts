import type { MigrationInterface, QueryRunner } from 'typeorm';

export class KeepRegimes1795451030070 implements MigrationInterface {
  readonly name = 'KeepRegimes1795451030070';

  // Changes the catalogue only. What is there already gets its regime with the next revision of its result.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE credit_records ADD COLUMN regime text;
      COMMENT ON COLUMN credit_records.regime IS 'Of a sampling result: under which law the sample was taken; null = not kept yet, or of another type';
      COMMENT ON COLUMN credit_records.digest IS 'What the document says, as reported; of a sampling result what its notice says, null = none, or not kept yet';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE credit_records DROP COLUMN regime;
      COMMENT ON COLUMN credit_records.digest IS 'What the document says, as reported; null for what is derived';
    `);
  }
}
