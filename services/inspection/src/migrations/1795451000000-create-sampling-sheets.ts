import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateSamplingSheets1795451000000 implements MigrationInterface {
  readonly name = 'CreateSamplingSheets1795451000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE sampling_sheets (
        organiser_id    text COLLATE "C" NOT NULL,
        sample_no       text COLLATE "C" NOT NULL,
        round_id        uuid NOT NULL REFERENCES sampling_rounds,
        object          jsonb NOT NULL,
        object_id       text COLLATE "C" NOT NULL GENERATED ALWAYS AS (object ->> 'id') STORED,
        drawn           jsonb NOT NULL,
        laboratory_id   text COLLATE "C" NOT NULL GENERATED ALWAYS AS (drawn ->> 'laboratoryId') STORED,
        state           text NOT NULL,
        mode            text CHECK (mode IN ('ON_SITE', 'ONLINE')),
        samplers        jsonb NOT NULL,
        sampler_bodies  text[] NOT NULL,
        sample          jsonb,
        purchase        jsonb,
        report          jsonb,
        handler_id      text COLLATE "C",
        result_revision integer,
        last_on         date NOT NULL,
        opened_on       date NOT NULL,
        PRIMARY KEY (organiser_id, sample_no),
        UNIQUE (round_id, object_id)
      );
      CREATE INDEX sampling_sheets_laboratory ON sampling_sheets (laboratory_id, organiser_id, sample_no);
      CREATE INDEX sampling_sheets_handler ON sampling_sheets (handler_id, organiser_id, sample_no) WHERE handler_id IS NOT NULL;
      CREATE INDEX sampling_sheets_bodies ON sampling_sheets USING gin (sampler_bodies);
      COMMENT ON TABLE sampling_sheets IS 'Samples between the draw and their result; the row is the lock of its acts';
      COMMENT ON COLUMN sampling_sheets.object IS 'Who was drawn, without the class of risk';
      COMMENT ON COLUMN sampling_sheets.drawn IS 'By whom it is sampled and tested, as the draw has it';
      COMMENT ON COLUMN sampling_sheets.samplers IS 'Who went, by the numbers of the library of inspectors; no names';
      COMMENT ON COLUMN sampling_sheets.sampler_bodies IS 'Whom they work for';
      COMMENT ON COLUMN sampling_sheets.purchase IS 'How it was bought online; the account is for those who sample and those who follow it up';
      COMMENT ON COLUMN sampling_sheets.handler_id IS 'To whom it was handed over, because something illegal was found';
      COMMENT ON COLUMN sampling_sheets.result_revision IS 'The reported revision with which its result was entered';

      CREATE TABLE sampling_sheet_clocks (
        organiser_id text COLLATE "C" NOT NULL,
        sample_no    text COLLATE "C" NOT NULL,
        clock        text NOT NULL,
        started_on   date NOT NULL,
        due_on       date NOT NULL,
        due_at       timestamptz,
        first_due_on date,
        provisional  boolean NOT NULL,
        rule_version text NOT NULL,
        stopped_on   date,
        raised_at    timestamptz,
        PRIMARY KEY (organiser_id, sample_no, clock, started_on),
        FOREIGN KEY (organiser_id, sample_no) REFERENCES sampling_sheets
      );
      CREATE INDEX sampling_sheet_clocks_due ON sampling_sheet_clocks (due_on, organiser_id, sample_no) WHERE stopped_on IS NULL;
      COMMENT ON TABLE sampling_sheet_clocks IS 'By when a sample has to be at its laboratory and its report has to be there';
      COMMENT ON COLUMN sampling_sheet_clocks.due_at IS 'Of a period in hours';
      CREATE INDEX sampling_sheet_clocks_provisional ON sampling_sheet_clocks (due_on) WHERE provisional AND stopped_on IS NULL;
      COMMENT ON COLUMN sampling_sheet_clocks.first_due_on IS 'When it would have ended before a calendar of holidays was published; empty = it did not move';
      COMMENT ON COLUMN sampling_sheet_clocks.raised_at IS 'When it was said that it is overdue';

      CREATE TABLE sampling_sheet_steps (
        organiser_id text COLLATE "C" NOT NULL,
        sample_no    text COLLATE "C" NOT NULL,
        step_no      integer NOT NULL,
        act          text NOT NULL,
        from_state   text,
        to_state     text NOT NULL,
        done_on      date NOT NULL,
        facts        jsonb NOT NULL,
        content_hash text NOT NULL,
        actor_id     text NOT NULL,
        competence   text NOT NULL,
        basis        text NOT NULL,
        taken_at     timestamptz NOT NULL,
        PRIMARY KEY (organiser_id, sample_no, step_no),
        FOREIGN KEY (organiser_id, sample_no) REFERENCES sampling_sheets
      );
      COMMENT ON TABLE sampling_sheet_steps IS 'Who did what, when, as whom and by which article; only ever added to';
      COMMENT ON COLUMN sampling_sheet_steps.content_hash IS 'Of the act as it was sent: the same sent again is not a second step';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE sampling_sheet_steps, sampling_sheet_clocks, sampling_sheets');
  }
}
