import type { MigrationInterface, QueryRunner } from 'typeorm';

export class TakeNationalLists1795450922000 implements MigrationInterface {
  readonly name = 'TakeNationalLists1795450922000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE national_lists (
        list_no  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        taken_at timestamptz NOT NULL,
        taken_by text NOT NULL,
        entries  integer NOT NULL,
        refused  integer NOT NULL,
        errors   jsonb NOT NULL
      );
      COMMENT ON TABLE national_lists IS 'Lists of the national credit site that were taken, the newest last';
      COMMENT ON COLUMN national_lists.errors IS 'The first of the rows that were no entries';

      CREATE TABLE national_list_entries (
        uscc        text NOT NULL,
        document_no text NOT NULL,
        PRIMARY KEY (uscc, document_no)
      );
      COMMENT ON TABLE national_list_entries IS 'What the last list holds';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE national_list_entries, national_lists');
  }
}
