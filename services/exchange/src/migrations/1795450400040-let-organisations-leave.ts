import type { MigrationInterface, QueryRunner } from 'typeorm';

export class LetOrganisationsLeave1795450400040 implements MigrationInterface {
  readonly name = 'LetOrganisationsLeave1795450400040';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE organisations
        ADD COLUMN status        text NOT NULL DEFAULT 'PRODUCTION' CHECK (status IN ('SANDBOX', 'PRODUCTION', 'SUSPENDED', 'EXITED')),
        ADD COLUMN status_reason text,
        ADD COLUMN shut_out      boolean NOT NULL DEFAULT FALSE;
      COMMENT ON COLUMN organisations.status IS 'Who is SUSPENDED or EXITED may read, write and call nothing; who is EXITED is told nothing new';
      COMMENT ON COLUMN organisations.shut_out IS 'What the broker was told last: may the organisation not read and write its topics?';

      ALTER TABLE webhook_endpoints DROP CONSTRAINT webhook_endpoints_status_reason_check;
      ALTER TABLE webhook_endpoints ADD CONSTRAINT webhook_endpoints_status_reason_check
        CHECK (status_reason IN ('GONE', 'FAILING', 'REMOVED', 'SUSPENDED'));
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      UPDATE webhook_endpoints SET status_reason = 'FAILING' WHERE status_reason = 'SUSPENDED';
      ALTER TABLE webhook_endpoints DROP CONSTRAINT webhook_endpoints_status_reason_check;
      ALTER TABLE webhook_endpoints ADD CONSTRAINT webhook_endpoints_status_reason_check CHECK (status_reason IN ('GONE', 'FAILING', 'REMOVED'));
      ALTER TABLE organisations DROP COLUMN status, DROP COLUMN status_reason, DROP COLUMN shut_out;
    `);
  }
}
