import type { MigrationInterface, QueryRunner } from 'typeorm';

export class KnowMerchants1795451030010 implements MigrationInterface {
  readonly name = 'KnowMerchants1795451030010';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE organisations ADD COLUMN uscc text CHECK (uscc IS NULL OR kind = 'MERCHANT');
      COMMENT ON COLUMN organisations.uscc IS 'Which merchant it is, in the directory of names besides, so no two are the same; null where it is none';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DELETE FROM organisation_names n USING organisations o WHERE o.id = n.organisation_id AND n.name_key = lower(o.uscc);
      ALTER TABLE organisations DROP COLUMN uscc;
    `);
  }
}
