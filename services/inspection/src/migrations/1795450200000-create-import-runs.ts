import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateImportRuns1795450200000 implements MigrationInterface {
  readonly name = 'CreateImportRuns1795450200000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE import_runs (
        import_id       uuid PRIMARY KEY,
        reporter_id     text NOT NULL,
        file_name       text NOT NULL,
        rows            integer NOT NULL,
        results         integer NOT NULL,
        accepted        integer NOT NULL,
        duplicate       integer NOT NULL,
        rejected        integer NOT NULL,
        rejections      jsonb NOT NULL,
        unread_rows     jsonb NOT NULL,
        regimes_inferred integer NOT NULL,
        columns         jsonb NOT NULL,
        unknown_columns jsonb NOT NULL,
        headings        jsonb NOT NULL,
        notes           jsonb NOT NULL,
        accepted_at     timestamptz NOT NULL,
        CHECK (results = accepted + duplicate + rejected)
      );
      COMMENT ON TABLE import_runs IS 'Files taken in, each in one transaction: either all of it is here, or nothing';
      COMMENT ON COLUMN import_runs.results IS 'Rows that agree in everything but failing item, measured value and limit are one result';
      COMMENT ON COLUMN import_runs.rejections IS 'Rejected results by the code they are counted under: the first in the order structure, failing item, party, others';
      COMMENT ON COLUMN import_runs.columns IS 'How each heading was understood: heading, field, score';
      COMMENT ON COLUMN import_runs.unread_rows IS 'Rows that hold no result, by code: a repeated heading, a total, a row longer than the heading';
      COMMENT ON COLUMN import_runs.regimes_inferred IS 'Results whose category alone did not decide the regime';
      COMMENT ON COLUMN import_runs.notes IS 'What else there was to say about the file: its delimiter, its sheets, hidden or merged cells';

      CREATE TABLE import_rejected_rows (
        import_id uuid NOT NULL REFERENCES import_runs,
        row_no    integer NOT NULL,
        cells     jsonb NOT NULL,
        errors    jsonb NOT NULL,
        PRIMARY KEY (import_id, row_no)
      );
      COMMENT ON TABLE import_rejected_rows IS 'Rows of refused results as they stood in the file, with every error of their result';
      COMMENT ON COLUMN import_rejected_rows.row_no IS 'Line of the sheet, counted from 1 with the heading';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE import_rejected_rows, import_runs');
  }
}
