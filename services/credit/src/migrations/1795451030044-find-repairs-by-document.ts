import type { MigrationInterface, QueryRunner } from 'typeorm';

export class FindRepairsByDocument1795451030044 implements MigrationInterface {
  readonly name = 'FindRepairsByDocument1795451030044';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      COMMENT ON COLUMN repair_decisions.applied_at IS 'Null: no record of this document has come';
      CREATE INDEX repair_decisions_documents ON repair_decisions (uscc, document_no);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX repair_decisions_documents;
      COMMENT ON COLUMN repair_decisions.applied_at IS 'Null: waits for a record of this document';
    `);
  }
}
