import type { MigrationInterface, QueryRunner } from 'typeorm';

/** For every service but the directory's own. */
export class FollowOrganisations1700000000200 implements MigrationInterface {
  readonly name = 'FollowOrganisations1700000000200';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE followed_organisations (
        id       text PRIMARY KEY,
        status   text NOT NULL,
        scopes   text[] NOT NULL,
        revision integer NOT NULL
      );
      COMMENT ON TABLE followed_organisations IS 'Who takes part and as what, as exchange.organisation.v1 says: whoever is suspended or has left calls nothing';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE followed_organisations');
  }
}
