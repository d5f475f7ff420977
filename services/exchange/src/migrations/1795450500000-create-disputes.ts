import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateDisputes1795450500000 implements MigrationInterface {
  readonly name = 'CreateDisputes1795450500000';

  // Reads the answers once; what is contested and not said otherwise since has been waiting for its publisher.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE disputes (
        feedback_id       uuid NOT NULL,
        feedback_revision integer NOT NULL,
        answer_revision   integer NOT NULL,
        reason_code       text,
        opened_at         timestamptz NOT NULL,
        dropped_at        timestamptz,
        ruling            jsonb,
        ruled_in          integer,
        PRIMARY KEY (feedback_id, feedback_revision),
        FOREIGN KEY (feedback_id, feedback_revision) REFERENCES feedback_revisions (feedback_id, revision),
        CHECK ((ruling IS NULL) = (ruled_in IS NULL))
      );
      CREATE INDEX disputes_opened ON disputes (opened_at, feedback_id, feedback_revision);
      COMMENT ON TABLE disputes IS 'What platforms contest: the queue of those who published it';
      COMMENT ON COLUMN disputes.answer_revision IS 'The answer that contested last, or dropped it';
      COMMENT ON COLUMN disputes.dropped_at IS 'When the platform said that it has acted after all';
      COMMENT ON COLUMN disputes.ruled_in IS 'Revision of the feedback that tells the platform of the ruling';

      INSERT INTO disputes (feedback_id, feedback_revision, answer_revision, reason_code, opened_at)
      SELECT DISTINCT ON (feedback_id, feedback_revision) feedback_id, feedback_revision, revision, reason_code, accepted_at
      FROM answers a
      WHERE status = 'CONTESTED' AND NOT superseded
        AND NOT EXISTS (SELECT FROM answers later WHERE later.feedback_id = a.feedback_id AND later.feedback_revision = a.feedback_revision
                          AND later.revision > a.revision AND later.status IN ('ACTED', 'NOTHING_FOUND'))
      ORDER BY feedback_id, feedback_revision, revision DESC;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE disputes');
  }
}
