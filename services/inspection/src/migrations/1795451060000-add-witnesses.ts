import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddWitnesses1795451060000 implements MigrationInterface {
  readonly name = 'AddWitnesses1795451060000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE sampling_rounds ADD COLUMN witnesses jsonb NOT NULL DEFAULT '[]';
      COMMENT ON COLUMN sampling_rounds.witnesses IS 'Departments that committed to a seed for the next draw, [{departmentId, seedHash, seed}]; the seed once it was revealed';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE sampling_rounds DROP COLUMN witnesses');
  }
}
