import type { MigrationInterface, QueryRunner } from 'typeorm';

export class NoteConformedDepartments1795451030020 implements MigrationInterface {
  readonly name = 'NoteConformedDepartments1795451030020';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE conformed_departments (
        run_id        uuid PRIMARY KEY,
        department_id text NOT NULL,
        finished_at   timestamptz NOT NULL
      );
      CREATE INDEX conformed_departments_department ON conformed_departments (department_id);
      COMMENT ON TABLE conformed_departments IS 'Runs that departments in the sandbox have passed, as inspection says';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE conformed_departments');
  }
}
