import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateRecalls1795450710000 implements MigrationInterface {
  readonly name = 'CreateRecalls1795450710000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE recalls (
        recall_no         text COLLATE "C" PRIMARY KEY,
        keeper_id         text COLLATE "C" NOT NULL,
        state             text NOT NULL,
        content           jsonb NOT NULL,
        national_no       text COLLATE "C" UNIQUE GENERATED ALWAYS AS (content ->> 'nationalNo') STORED,
        revision          integer NOT NULL CHECK (revision >= 0),
        standing          text CHECK (standing IN ('PUBLISHED', 'CLOSED', 'WITHDRAWN')),
        round             integer NOT NULL CHECK (round > 0),
        said              jsonb,
        closed_on         date,
        reported_revision integer,
        reported_hash     text,
        last_on           date NOT NULL
      );
      CREATE INDEX recalls_keeper ON recalls (keeper_id, recall_no);
      COMMENT ON TABLE recalls IS 'Recalls of consumer products, from the first clue on or as a notice has them; the row is the lock of its acts';
      COMMENT ON COLUMN recalls.content IS 'As it is worked on; what is public of it is said';
      COMMENT ON COLUMN recalls.revision IS 'Of the public series; 0 = nothing was ever public';
      COMMENT ON COLUMN recalls.standing IS 'What everybody may know of it; empty = nothing';
      COMMENT ON COLUMN recalls.round IS '2 and more: recalled again';
      COMMENT ON COLUMN recalls.said IS 'The last state that was public';
      COMMENT ON COLUMN recalls.reported_revision IS 'Of the notice it was taken from; empty where it began with a clue';
      COMMENT ON COLUMN recalls.reported_hash IS 'Of that notice; empty after a restore';

      CREATE TABLE recall_clocks (
        recall_no    text COLLATE "C" NOT NULL REFERENCES recalls,
        clock        text NOT NULL,
        started_on   date NOT NULL,
        due_on       date NOT NULL,
        provisional  boolean NOT NULL,
        rule_version text NOT NULL,
        stopped_on   date,
        raised_at    timestamptz,
        PRIMARY KEY (recall_no, clock, started_on)
      );
      CREATE INDEX recall_clocks_due ON recall_clocks (due_on, recall_no) WHERE stopped_on IS NULL;
      COMMENT ON TABLE recall_clocks IS 'What has to be done by when in a recall';
      COMMENT ON COLUMN recall_clocks.raised_at IS 'When it was said that it is overdue';

      CREATE TABLE recall_steps (
        recall_no  text COLLATE "C" NOT NULL REFERENCES recalls,
        step_no    integer NOT NULL,
        act        text NOT NULL,
        from_state text,
        to_state   text NOT NULL,
        revision   integer NOT NULL,
        done_on    date NOT NULL,
        facts      jsonb NOT NULL,
        actor_id   text NOT NULL,
        competence text NOT NULL,
        basis      text NOT NULL,
        taken_at   timestamptz NOT NULL,
        PRIMARY KEY (recall_no, step_no)
      );
      COMMENT ON TABLE recall_steps IS 'Who did what, when, as whom and on which basis; only ever added to';
      COMMENT ON COLUMN recall_steps.revision IS 'The public revision afterwards';
      COMMENT ON COLUMN recall_steps.facts IS 'What was said with it; of a row of a file also the row as it was printed';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE recall_steps, recall_clocks, recalls');
  }
}
