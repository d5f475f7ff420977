import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateConformanceRuns1795450600000 implements MigrationInterface {
  readonly name = 'CreateConformanceRuns1795450600000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE conformance_runs (
        run_id          uuid PRIMARY KEY,
        organisation_id text NOT NULL REFERENCES organisations (id),
        channel         text NOT NULL,
        revised_id      uuid NOT NULL,
        withdrawn_id    uuid NOT NULL,
        started_at      timestamptz NOT NULL,
        ends_at         timestamptz NOT NULL,
        repeated_at     timestamptz,
        forged          jsonb,
        refused         jsonb NOT NULL DEFAULT '[]',
        checks          jsonb,
        passed          boolean,
        finished_at     timestamptz,
        CHECK ((finished_at IS NULL) = (passed IS NULL)),
        CHECK ((finished_at IS NULL) = (checks IS NULL))
      );
      CREATE UNIQUE INDEX conformance_runs_running ON conformance_runs (organisation_id) WHERE finished_at IS NULL;
      CREATE INDEX conformance_runs_started ON conformance_runs (organisation_id, started_at DESC, run_id DESC);
      COMMENT ON TABLE conformance_runs IS 'What platforms showed in the sandbox';
      COMMENT ON COLUMN conformance_runs.revised_id IS 'The made-up feedback that is repeated and revised';
      COMMENT ON COLUMN conformance_runs.withdrawn_id IS 'The made-up feedback that is withdrawn';
      COMMENT ON COLUMN conformance_runs.repeated_at IS 'When the second part was told';
      COMMENT ON COLUMN conformance_runs.forged IS 'What the endpoint answered to a wrong signature';
      COMMENT ON COLUMN conformance_runs.refused IS 'Answers to these that were refused';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE conformance_runs');
  }
}
