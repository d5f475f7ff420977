import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateConformanceRuns1795451030000 implements MigrationInterface {
  readonly name = 'CreateConformanceRuns1795451030000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE tried_results (
        department_id text NOT NULL,
        sample_no     text NOT NULL,
        held          jsonb NOT NULL,
        PRIMARY KEY (department_id, sample_no)
      );
      COMMENT ON TABLE tried_results IS 'What departments in the sandbox have reported: no result, until they leave it and begin anew';

      CREATE TABLE conformance_runs (
        run_id        uuid PRIMARY KEY,
        department_id text NOT NULL,
        started_at    timestamptz NOT NULL,
        ends_at       timestamptz NOT NULL,
        shown         jsonb NOT NULL,
        finished_at   timestamptz
      );
      CREATE INDEX conformance_runs_department ON conformance_runs (department_id, started_at DESC, run_id DESC);
      COMMENT ON TABLE conformance_runs IS 'What departments showed in the sandbox';
      COMMENT ON COLUMN conformance_runs.shown IS 'Each check that was passed, with the answer that showed it';
      COMMENT ON COLUMN conformance_runs.finished_at IS 'When everything was shown; empty while something is missing, also after the end';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE conformance_runs, tried_results');
  }
}
