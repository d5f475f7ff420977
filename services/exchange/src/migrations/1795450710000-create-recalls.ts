import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateRecalls1795450710000 implements MigrationInterface {
  readonly name = 'CreateRecalls1795450710000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE recalls (
        recall_no  text COLLATE "C" PRIMARY KEY,
        revision   integer NOT NULL CHECK (revision > 0),
        standing   text NOT NULL CHECK (standing IN ('PUBLISHED', 'CLOSED', 'WITHDRAWN')),
        state      jsonb,
        applied_at timestamptz NOT NULL
      );
      CREATE INDEX recalls_going_on ON recalls (recall_no) WHERE standing = 'PUBLISHED';
      COMMENT ON TABLE recalls IS 'Recalls as inspection publishes them, for platforms that are admitted later';
      COMMENT ON COLUMN recalls.state IS 'Empty after a tombstone: nothing public remains';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE recalls');
  }
}
