import type { MigrationInterface, QueryRunner } from 'typeorm';

export class KeepPermits1795452010000 implements MigrationInterface {
  readonly name = 'KeepPermits1795452010000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE permits (
        department_id text NOT NULL,
        permit_no     text NOT NULL,
        revision      integer NOT NULL DEFAULT 0 CHECK (revision >= 0),
        state         jsonb,
        uscc          text GENERATED ALWAYS AS (state ->> 'uscc') STORED,
        changed_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (department_id, permit_no),
        CHECK ((revision = 0) = (state IS NULL))
      );
      CREATE INDEX permits_uscc ON permits (uscc);
      COMMENT ON TABLE permits IS 'Permits of market entities, each in its last announced state; one that was taken back stays, with the reason';
      COMMENT ON COLUMN permits.department_id IS 'The department that keeps the permit and alone states it';
      COMMENT ON COLUMN permits.revision IS '0 only inside the transaction that first meets the number: its row is the lock';
      COMMENT ON COLUMN permits.state IS 'The payload of the last event';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE permits');
  }
}
