import type { MigrationInterface, QueryRunner } from 'typeorm';

export class LetAnswersLackAHash1795450100000 implements MigrationInterface {
  readonly name = 'LetAnswersLackAHash1795450100000';

  // Only the catalogue is written; the index holds nothing but what a restore has left open.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE answers ALTER COLUMN content_hash DROP NOT NULL;
      CREATE INDEX answers_incomplete ON answers (feedback_id) WHERE content_hash IS NULL;
      COMMENT ON COLUMN answers.content_hash IS 'Null after a restore, until the answer itself comes again: what was announced of it is known';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX answers_incomplete;
      UPDATE answers SET content_hash = '' WHERE content_hash IS NULL;
      ALTER TABLE answers ALTER COLUMN content_hash SET NOT NULL;
    `);
  }
}
