import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateRepairDecisions1795450921000 implements MigrationInterface {
  readonly name = 'CreateRepairDecisions1795450921000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE repair_decisions (
        decision_no text PRIMARY KEY,
        hash        text NOT NULL,
        uscc        text NOT NULL,
        document_no text NOT NULL,
        decided_on  date NOT NULL,
        decided_by  text NOT NULL,
        reason      text,
        passed_by   text NOT NULL,
        received_at timestamptz NOT NULL,
        applied_at  timestamptz,
        record_nos  uuid[] NOT NULL DEFAULT '{}'
      );
      COMMENT ON TABLE repair_decisions IS 'Decisions on repairs that the credit office passed on';
      COMMENT ON COLUMN repair_decisions.hash IS 'Of what was sent: the same number with another content is refused';
      COMMENT ON COLUMN repair_decisions.applied_at IS 'Null: waits for a record of this document';
      COMMENT ON COLUMN repair_decisions.record_nos IS 'The records it was applied to';
      CREATE INDEX repair_decisions_waiting ON repair_decisions (uscc, document_no) WHERE applied_at IS NULL;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE repair_decisions');
  }
}
