import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CountCommitments1795451030010 implements MigrationInterface {
  readonly name = 'CountCommitments1795451030010';

  // Reads every entity once. Those with public records are announced anew afterwards, 500 a transaction: the null says of whom that is still due.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE credit_entities ADD COLUMN commitments jsonb;
      UPDATE credit_entities SET commitments = '{"open": 0, "broken": 0}' WHERE public_records = '[]';
      ALTER TABLE credit_entities ALTER COLUMN commitments SET DEFAULT '{"open": 0, "broken": 0}';
      CREATE INDEX credit_entities_uncounted ON credit_entities (uscc) WHERE commitments IS NULL;
      COMMENT ON COLUMN credit_entities.commitments IS 'Of the public records: promises not checked yet, and broken ones; null = last announced before they were counted';
      COMMENT ON COLUMN credit_entities.public_records IS 'Number of public records by type, with the rule rows under which they are public: [{type, count, rules}]';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE credit_entities DROP COLUMN commitments;
      COMMENT ON COLUMN credit_entities.public_records IS 'Number of public records by type: [{type, count}]';
    `);
  }
}
