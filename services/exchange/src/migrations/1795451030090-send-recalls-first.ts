import type { MigrationInterface, QueryRunner } from 'typeorm';

export class SendRecallsFirst1795451030090 implements MigrationInterface {
  readonly name = 'SendRecallsFirst1795451030090';

  // Reads every delivery once and lets nobody be told meanwhile; it holds only what is due by webhook, as the index that it replaces.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX deliveries_due;
      CREATE INDEX deliveries_due ON deliveries (recipient_id, (kind <> 'RECALL'), position) WHERE due_at IS NOT NULL;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX deliveries_due;
      CREATE INDEX deliveries_due ON deliveries (recipient_id, position) WHERE due_at IS NOT NULL;
    `);
  }
}
