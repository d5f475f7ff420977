import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddReplacements1795451050000 implements MigrationInterface {
  readonly name = 'AddReplacements1795451050000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE sampling_rounds ADD COLUMN replacements jsonb NOT NULL DEFAULT '[]', ADD COLUMN opened_at timestamptz,
        ADD CHECK (replacements = '[]' OR state IN ('DRAWN', 'OPENED'));
      UPDATE sampling_rounds r SET opened_at = s.taken_at FROM sampling_round_steps s WHERE s.round_id = r.round_id AND s.step = 'OPEN_DRAW';
      COMMENT ON COLUMN sampling_rounds.replacements IS 'What took the place of objects that could not be sampled, in its order';
      COMMENT ON COLUMN sampling_rounds.opened_at IS 'Since when everybody may know what was drawn; nothing is replaced any more';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE sampling_rounds DROP COLUMN replacements, DROP COLUMN opened_at');
  }
}
