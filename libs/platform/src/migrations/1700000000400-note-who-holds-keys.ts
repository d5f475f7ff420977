import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Changes the catalogue alone. What a process of before takes names no holder, and is in use for the two minutes that it always was. */
export class NoteWhoHoldsKeys1700000000400 implements MigrationInterface {
  readonly name = 'NoteWhoHoldsKeys1700000000400';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE idempotency_keys ADD COLUMN claim uuid, ADD COLUMN holder integer;
      COMMENT ON COLUMN idempotency_keys.claim IS 'Which handling of the request took the key: another one does not settle it';
      COMMENT ON COLUMN idempotency_keys.holder IS 'The process that handles the request, by the advisory lock that it holds for as long as it lives; null where it had none';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE idempotency_keys DROP COLUMN claim, DROP COLUMN holder');
  }
}
