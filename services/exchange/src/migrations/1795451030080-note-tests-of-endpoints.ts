import type { MigrationInterface, QueryRunner } from 'typeorm';

export class NoteTestsOfEndpoints1795451030080 implements MigrationInterface {
  readonly name = 'NoteTestsOfEndpoints1795451030080';

  // A column without a default changes only the catalogue.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE webhook_endpoints ADD COLUMN last_test jsonb;
      COMMENT ON COLUMN webhook_endpoints.last_test IS 'The last test message that the platform had sent there, and what came back';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE webhook_endpoints DROP COLUMN last_test');
  }
}
