import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateSamplingCases1795450600000 implements MigrationInterface {
  readonly name = 'CreateSamplingCases1795450600000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE sampling_cases (
        reporter_id text COLLATE "C" NOT NULL,
        sample_no   text COLLATE "C" NOT NULL,
        regime      text NOT NULL,
        verdict     text NOT NULL,
        laboratory  jsonb,
        parties     jsonb NOT NULL,
        opened_on   date NOT NULL,
        PRIMARY KEY (reporter_id, sample_no),
        FOREIGN KEY (reporter_id, sample_no) REFERENCES sampling_results (reporter_id, sample_no)
      );
      COMMENT ON TABLE sampling_cases IS 'What follows from a sampling result, as it was when the case was opened';

      CREATE TABLE sampling_case_tracks (
        reporter_id   text COLLATE "C" NOT NULL,
        sample_no     text COLLATE "C" NOT NULL,
        track         text NOT NULL,
        party         text NOT NULL,
        state         text NOT NULL,
        department_id text COLLATE "C",
        last_on       date NOT NULL,
        PRIMARY KEY (reporter_id, sample_no, track, party),
        FOREIGN KEY (reporter_id, sample_no) REFERENCES sampling_cases
      );
      CREATE INDEX sampling_case_tracks_department ON sampling_case_tracks (department_id, reporter_id, sample_no)
        WHERE department_id IS NOT NULL;
      COMMENT ON TABLE sampling_case_tracks IS 'Where each track of each party stands; a track that has not begun has no row';
      COMMENT ON COLUMN sampling_case_tracks.department_id IS 'To whom it was handed over';

      CREATE TABLE sampling_case_clocks (
        reporter_id  text COLLATE "C" NOT NULL,
        sample_no    text COLLATE "C" NOT NULL,
        clock        text NOT NULL,
        party        text NOT NULL,
        started_on   date NOT NULL,
        due_on       date NOT NULL,
        provisional  boolean NOT NULL,
        rule_version text NOT NULL,
        stopped_on   date,
        raised_at    timestamptz,
        PRIMARY KEY (reporter_id, sample_no, clock, party, started_on),
        FOREIGN KEY (reporter_id, sample_no) REFERENCES sampling_cases
      );
      CREATE INDEX sampling_case_clocks_due ON sampling_case_clocks (due_on, reporter_id, sample_no, clock, party) WHERE stopped_on IS NULL;
      COMMENT ON COLUMN sampling_case_clocks.raised_at IS 'When it was said that it is overdue';

      CREATE TABLE sampling_case_steps (
        reporter_id text COLLATE "C" NOT NULL,
        sample_no   text COLLATE "C" NOT NULL,
        step_no     integer NOT NULL,
        act         text NOT NULL,
        track       text NOT NULL,
        party       text NOT NULL,
        from_state  text NOT NULL,
        to_state    text NOT NULL,
        done_on     date NOT NULL,
        facts       jsonb NOT NULL,
        actor_id    text NOT NULL,
        competence  text NOT NULL,
        basis       text NOT NULL,
        taken_at    timestamptz NOT NULL,
        PRIMARY KEY (reporter_id, sample_no, step_no),
        FOREIGN KEY (reporter_id, sample_no) REFERENCES sampling_cases
      );
      COMMENT ON TABLE sampling_case_steps IS 'Who did what, when, as whom and by which article; only ever added to';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE sampling_case_steps, sampling_case_clocks, sampling_case_tracks, sampling_cases');
  }
}
