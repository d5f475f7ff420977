import type { MigrationInterface, QueryRunner } from 'typeorm';

export class NumberWhatIsSaid1795451030010 implements MigrationInterface {
  readonly name = 'NumberWhatIsSaid1795451030010';

  // The columns change only the catalogue; the index reads granted_keys once, and nobody is given anything meanwhile.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE contacts ADD COLUMN revision integer NOT NULL DEFAULT 0;
      COMMENT ON COLUMN contacts.revision IS 'Of what the organisation named last, in each of its rows; 0: named before it was announced';
      ALTER TABLE granted_keys ADD COLUMN revision integer NOT NULL DEFAULT 0;
      COMMENT ON COLUMN granted_keys.revision IS 'Which page of the grant gave it first; 0: before it was announced';
      CREATE INDEX granted_keys_revision ON granted_keys (entitlement_id, revision);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE granted_keys DROP COLUMN revision;
      ALTER TABLE contacts DROP COLUMN revision;
    `);
  }
}
