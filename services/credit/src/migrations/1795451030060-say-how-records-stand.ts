import type { MigrationInterface, QueryRunner } from 'typeorm';

export class SayHowRecordsStand1795451030060 implements MigrationInterface {
  readonly name = 'SayHowRecordsStand1795451030060';

  // Reads every entity once. Those with public records are announced anew afterwards, 500 a transaction: the null says of whom that is still
  // due, as it did of commitments, which such a new announcement counts.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE credit_entities ADD COLUMN records jsonb;
      UPDATE credit_entities SET records = '[]' WHERE public_records = '[]';
      ALTER TABLE credit_entities ALTER COLUMN records SET DEFAULT '[]';
      DROP INDEX credit_entities_uncounted;
      CREATE INDEX credit_entities_unsaid ON credit_entities (uscc) WHERE records IS NULL;
      COMMENT ON COLUMN credit_entities.records IS 'How public records stand, the first of them: [{recordNo, revision, contested, publicUntil}]; null = last announced before it was said';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE credit_entities DROP COLUMN records;
      CREATE INDEX credit_entities_uncounted ON credit_entities (uscc) WHERE commitments IS NULL;
    `);
  }
}
