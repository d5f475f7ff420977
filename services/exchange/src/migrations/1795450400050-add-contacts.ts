import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddContacts1795450400050 implements MigrationInterface {
  readonly name = 'AddContacts1795450400050';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE contacts (
        organisation_id text NOT NULL REFERENCES organisations (id),
        role            text NOT NULL CHECK (role IN ('COMPLIANCE', 'TECHNICAL', 'SECURITY')),
        address         text NOT NULL,
        since           timestamptz NOT NULL,
        PRIMARY KEY (organisation_id, role)
      );
      COMMENT ON TABLE contacts IS 'Whom to call at an organisation: offices, named by itself; no persons';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE contacts');
  }
}
