import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateReconciliations1795450210000 implements MigrationInterface {
  readonly name = 'CreateReconciliations1795450210000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE reconciliations (
        reconciliation_id uuid PRIMARY KEY,
        recipient_id      text NOT NULL REFERENCES organisations (id),
        outcome           json NOT NULL
      );
      COMMENT ON TABLE reconciliations IS 'What differed between what platforms were told and what they said they hold, and what was told again';
      COMMENT ON COLUMN reconciliations.reconciliation_id IS 'UUID v7: in the order in which they were made';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE reconciliations');
  }
}
