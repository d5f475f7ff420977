import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddCorrectionRequests1795450400020 implements MigrationInterface {
  readonly name = 'AddCorrectionRequests1795450400020';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE correction_requests (
        request_id    uuid PRIMARY KEY,
        revision      integer NOT NULL CHECK (revision > 0),
        status        text NOT NULL CHECK (status IN ('FILED', 'CORRECTED', 'DECLINED', 'WITHDRAWN')),
        filed_by      text NOT NULL,
        publisher_id  text NOT NULL,
        subject       text NOT NULL,
        answer_due_on date,
        state         json NOT NULL
      );
      CREATE INDEX correction_requests_filer ON correction_requests (filed_by, request_id);
      CREATE INDEX correction_requests_publisher ON correction_requests (publisher_id, request_id);
      CREATE INDEX correction_requests_open ON correction_requests (answer_due_on) WHERE status = 'FILED';
      COMMENT ON TABLE correction_requests IS 'What recipients found wrong in what they received, and what its publisher did about it';
      COMMENT ON COLUMN correction_requests.request_id IS 'UUID v7: in the order in which they were filed';
      COMMENT ON COLUMN correction_requests.answer_due_on IS 'The last day of the statutory period for an answer';
      COMMENT ON COLUMN correction_requests.state IS 'As it was announced last';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE correction_requests');
  }
}
