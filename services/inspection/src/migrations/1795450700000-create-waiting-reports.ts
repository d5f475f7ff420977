import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateWaitingReports1795450700000 implements MigrationInterface {
  readonly name = 'CreateWaitingReports1795450700000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE waiting_reports (
        reporter_id       text COLLATE "C" NOT NULL,
        sample_no         text COLLATE "C" NOT NULL,
        reported_revision integer NOT NULL,
        submission        jsonb NOT NULL,
        undoes            jsonb NOT NULL,
        since             timestamptz NOT NULL,
        admitted          boolean,
        reason            text,
        actor_id          text,
        ruled_at          timestamptz,
        PRIMARY KEY (reporter_id, sample_no, reported_revision),
        FOREIGN KEY (reporter_id, sample_no) REFERENCES sampling_results (reporter_id, sample_no)
      );
      COMMENT ON TABLE waiting_reports IS 'What was reported against a decision, and what a person said to it';
      CREATE INDEX waiting_reports_open ON waiting_reports (reporter_id, sample_no) WHERE ruled_at IS NULL;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE waiting_reports');
  }
}
