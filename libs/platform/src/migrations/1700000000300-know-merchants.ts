import type { MigrationInterface, QueryRunner } from 'typeorm';

/** For every service but the directory's own. What it says from now on is taken; no organisation had a code before. */
export class KnowMerchants1700000000300 implements MigrationInterface {
  readonly name = 'KnowMerchants1700000000300';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE followed_organisations ADD COLUMN uscc text;
      COMMENT ON COLUMN followed_organisations.uscc IS 'Which merchant it is; null where it is none';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE followed_organisations DROP COLUMN uscc');
  }
}
