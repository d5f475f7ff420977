import type { MigrationInterface, QueryRunner } from 'typeorm';

export class NumberChannelsAndEndpoints1795451030030 implements MigrationInterface {
  readonly name = 'NumberChannelsAndEndpoints1795451030030';

  // Both columns change only the catalogue.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE recipients ADD COLUMN channel_revision integer NOT NULL DEFAULT 0;
      COMMENT ON COLUMN recipients.channel_revision IS 'Of the choice of the channel; 0: chosen before it was announced, or never';
      ALTER TABLE webhook_endpoints ADD COLUMN revision integer NOT NULL DEFAULT 0;
      COMMENT ON COLUMN webhook_endpoints.revision IS 'Goes on over all endpoints of the organisation; 0: as it stood before it was announced';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE webhook_endpoints DROP COLUMN revision;
      ALTER TABLE recipients DROP COLUMN channel_revision;
    `);
  }
}
