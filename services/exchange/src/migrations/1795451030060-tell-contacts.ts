import type { MigrationInterface, QueryRunner } from 'typeorm';

export class TellContacts1795451030060 implements MigrationInterface {
  readonly name = 'TellContacts1795451030060';

  // Notices that were noted before are not sent: whoever looks after them has read the list.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE contact_notices
        ADD COLUMN telling text NOT NULL DEFAULT 'GIVEN_UP' CHECK (telling IN ('WAITING', 'TOLD', 'GIVEN_UP')),
        ADD COLUMN tried integer NOT NULL DEFAULT 0,
        ADD COLUMN tell_at timestamptz,
        ADD COLUMN told_at timestamptz,
        ADD COLUMN problem text,
        ADD CHECK ((telling = 'TOLD') = (told_at IS NOT NULL)),
        DROP CONSTRAINT contact_notices_reason_check,
        ADD CONSTRAINT contact_notices_reason_check CHECK (reason IN ('GONE', 'FAILING', 'GIVEN_UP', 'NOT_RECEIVED', 'OVERDUE'));
      ALTER TABLE contact_notices ALTER COLUMN telling SET DEFAULT 'WAITING';
      CREATE INDEX contact_notices_waiting ON contact_notices (notice_id) WHERE telling = 'WAITING';
      COMMENT ON COLUMN contact_notices.telling IS 'By e-mail. GIVEN_UP: never sent, it stays listed';
      COMMENT ON COLUMN contact_notices.tell_at IS 'Not before then; of what is under way the end of the lease';
      COMMENT ON COLUMN contact_notices.problem IS 'Why the last try told nobody: NO_MAILBOX, or what the mail server said, as a code';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DELETE FROM contact_notices WHERE reason = 'OVERDUE';
      ALTER TABLE contact_notices DROP COLUMN telling, DROP COLUMN tried, DROP COLUMN tell_at, DROP COLUMN told_at, DROP COLUMN problem,
        DROP CONSTRAINT contact_notices_reason_check,
        ADD CONSTRAINT contact_notices_reason_check CHECK (reason IN ('GONE', 'FAILING', 'GIVEN_UP', 'NOT_RECEIVED'));
    `);
  }
}
