import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateDriftAlarms1795450720000 implements MigrationInterface {
  readonly name = 'CreateDriftAlarms1795450720000';

  async up(runner: QueryRunner): Promise<void> {
    // BRIN: rows come in the order of their acceptance, and the sentinel reads the newest four weeks of them.
    await runner.query(`
      CREATE TABLE drift_alarms (
        reporter_id text COLLATE "C" NOT NULL,
        day         date NOT NULL,
        measure     text COLLATE "C" NOT NULL,
        value       double precision NOT NULL,
        results     integer NOT NULL,
        before      jsonb NOT NULL,
        raised_at   timestamptz NOT NULL,
        PRIMARY KEY (day, reporter_id, measure)
      );
      COMMENT ON TABLE drift_alarms IS 'Days on which a reporter sent what is unlike its four weeks before';
      CREATE INDEX sampling_results_accepted ON sampling_results USING brin (accepted_at);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE drift_alarms; DROP INDEX sampling_results_accepted');
  }
}
