import type { MigrationInterface, QueryRunner } from 'typeorm';

export class NoteFollowers1795452022000 implements MigrationInterface {
  readonly name = 'NoteFollowers1795452022000';

  // Changes the catalogue only. What ended before is not asked about: who has read of it is not known.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE changed_entities ADD COLUMN ended uuid[] NOT NULL DEFAULT '{}';
      COMMENT ON COLUMN changed_entities.ended IS 'The records that were public before the change and are not any more';

      CREATE TABLE credit_ends (
        record_no     uuid PRIMARY KEY,
        uscc          text NOT NULL,
        department_id text NOT NULL,
        position      bigint NOT NULL CHECK (position > 0),
        told_at       timestamptz NOT NULL
      );
      CREATE INDEX credit_ends_position ON credit_ends (position);
      COMMENT ON TABLE credit_ends IS 'At which place of the change feed it was first told that a record is no longer public; stays like the record itself';
      COMMENT ON COLUMN credit_ends.department_id IS 'Who decided the record';
      COMMENT ON COLUMN credit_ends.position IS 'Of its last end; a record that is public again is none, whatever stands here';

      CREATE TABLE credit_followers (
        department_id   text PRIMARY KEY,
        began_at        timestamptz NOT NULL,
        asked_at        timestamptz NOT NULL,
        cleared_through bigint NOT NULL CHECK (cleared_through >= 0),
        confirmed_at    timestamptz
      );
      COMMENT ON TABLE credit_followers IS 'Departments that were given the change feed or a snapshot, and how far each has confirmed what ended';
      COMMENT ON COLUMN credit_followers.cleared_through IS 'What ended up to this position it does not hold: it had ended before it first asked, or the department says so';
      COMMENT ON COLUMN credit_followers.confirmed_at IS 'When it last confirmed more than before; null = never';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE credit_followers, credit_ends; ALTER TABLE changed_entities DROP COLUMN ended');
  }
}
