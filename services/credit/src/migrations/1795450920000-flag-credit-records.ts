import type { MigrationInterface, QueryRunner } from 'typeorm';

export class FlagCreditRecords1795450920000 implements MigrationInterface {
  readonly name = 'FlagCreditRecords1795450920000';

  async up(runner: QueryRunner): Promise<void> {
    // With constant defaults the columns cost no rewrite. Versions are compared as a whole: without these fields each record would get
    // one more of them that says nothing new.
    await runner.query(`
      ALTER TABLE credit_records
        ADD COLUMN commitment jsonb,
        ADD COLUMN is_contested boolean NOT NULL DEFAULT FALSE,
        ADD COLUMN annotations jsonb NOT NULL DEFAULT '[]';
      COMMENT ON COLUMN credit_records.commitment IS 'Of a commitment: to whom, until when, and what became of it';
      COMMENT ON COLUMN credit_records.is_contested IS 'An objection, a review or a suit is pending';
      COMMENT ON COLUMN credit_records.annotations IS 'What belongs to the record and does not end it, in words';
      UPDATE credit_record_versions SET state = state || '{"commitment": null, "isContested": false, "annotations": []}';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      UPDATE credit_record_versions SET state = state - '{commitment,isContested,annotations}'::text[];
      ALTER TABLE credit_records DROP COLUMN commitment, DROP COLUMN is_contested, DROP COLUMN annotations;
    `);
  }
}
