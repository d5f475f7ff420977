import type { MigrationInterface, QueryRunner } from 'typeorm';

export class FollowPermits1795451030037 implements MigrationInterface {
  readonly name = 'FollowPermits1795451030037';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE registered_permits (
        department_id text NOT NULL,
        permit_no     text NOT NULL,
        revision      integer NOT NULL,
        uscc          text NOT NULL,
        kind          text NOT NULL,
        scope         text NOT NULL,
        authority     text NOT NULL,
        issued_on     date NOT NULL,
        valid_from    date NOT NULL,
        valid_until   date,
        status        text NOT NULL,
        legal_basis   jsonb NOT NULL,
        is_withdrawn  boolean NOT NULL,
        PRIMARY KEY (department_id, permit_no)
      );
      CREATE INDEX registered_permits_held ON registered_permits (uscc) WHERE NOT is_withdrawn;
      COMMENT ON TABLE registered_permits IS 'Permits of market entities, as far as followed; the higher revision wins';
      COMMENT ON COLUMN registered_permits.valid_until IS 'The last day; null = without an end';
      COMMENT ON COLUMN registered_permits.status IS 'As the department has said: whether a permit is valid on a day, its days decide too';
      COMMENT ON COLUMN registered_permits.is_withdrawn IS 'Stated in error: shown to nobody';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE registered_permits');
  }
}
