import type { MigrationInterface, QueryRunner } from 'typeorm';

export class NumberDeliveries1795450300000 implements MigrationInterface {
  readonly name = 'NumberDeliveries1795450300000';

  // Reads every revision that was told once, about 20 s a million, and keeps new ones from being told for that time.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE recipients (
        organisation_id text PRIMARY KEY REFERENCES organisations (id),
        channel         text NOT NULL DEFAULT 'KAFKA' CHECK (channel IN ('KAFKA', 'WEBHOOK', 'PULL')),
        last_position   integer NOT NULL DEFAULT 0
      );
      COMMENT ON TABLE recipients IS 'By which channel a platform is told and how far its series has come; the row is the lock of both';

      CREATE TABLE deliveries (
        recipient_id    text NOT NULL REFERENCES recipients (organisation_id),
        position        integer NOT NULL CHECK (position > 0),
        feedback_id     uuid NOT NULL,
        revision        integer NOT NULL,
        kind            text NOT NULL,
        subject         text NOT NULL,
        type            text NOT NULL CHECK (type IN ('FeedbackIssued', 'FeedbackWithdrawn')),
        purpose         text NOT NULL,
        classification  text NOT NULL,
        legal_basis     text,
        retention_until text,
        channel         text NOT NULL CHECK (channel IN ('KAFKA', 'WEBHOOK', 'PULL')),
        told_at         timestamptz NOT NULL,
        delivered_at    timestamptz,
        delivered_by    text CHECK (delivered_by IN ('WEBHOOK', 'PULL')),
        PRIMARY KEY (recipient_id, position),
        UNIQUE (feedback_id, revision),
        FOREIGN KEY (feedback_id, revision) REFERENCES feedback_revisions (feedback_id, revision),
        CHECK ((delivered_at IS NULL) = (delivered_by IS NULL))
      );
      CREATE INDEX deliveries_told ON deliveries (recipient_id, told_at, position);
      CREATE INDEX deliveries_undelivered ON deliveries (recipient_id, position) WHERE delivered_at IS NULL AND channel <> 'KAFKA';
      COMMENT ON TABLE deliveries IS 'The series of each recipient: every revision that was told, numbered in the order of the commits';
      COMMENT ON COLUMN deliveries.position IS '1, 2, 3 … of this recipient, taken under the lock of its row in recipients; ce_sequence on the topic';
      COMMENT ON COLUMN deliveries.channel IS 'By which it is due, or was. Every revision stands on the topic and in pull besides';
      COMMENT ON COLUMN deliveries.delivered_at IS 'When the recipient said that it has it: it took the webhook or acknowledged the pull. What is read from Kafka says nothing';

      INSERT INTO recipients (organisation_id, last_position)
      SELECT o.id, count(r.feedback_id)
      FROM organisations o LEFT JOIN feedbacks f ON f.recipient_id = o.id LEFT JOIN feedback_revisions r ON r.feedback_id = f.feedback_id
      WHERE o.kind = 'PLATFORM'
      GROUP BY o.id;

      INSERT INTO deliveries (recipient_id, position, feedback_id, revision, kind, subject, type, purpose, classification, legal_basis,
                              channel, told_at)
      SELECT f.recipient_id,
             row_number() OVER (PARTITION BY f.recipient_id ORDER BY (r.said ->> 'issuedAt')::timestamptz, f.subject, r.revision),
             f.feedback_id, r.revision, f.kind, f.subject,
             CASE WHEN r.said ->> 'content' IS NULL THEN 'FeedbackWithdrawn' ELSE 'FeedbackIssued' END,
             CASE f.kind WHEN 'SAMPLING_RESULT' THEN 'SAMPLING_FEEDBACK' WHEN 'RECALL' THEN 'RECALL_FEEDBACK'
                         WHEN 'CREDIT_STATUS' THEN 'MERCHANT_CREDIT' ELSE 'MERCHANT_RESTRICTION' END,
             'RESTRICTED_TO_RECIPIENT',
             concat(r.said -> 'legalBasis' -> 0 ->> 'instrument', r.said -> 'legalBasis' -> 0 ->> 'article'),
             'KAFKA', (r.said ->> 'issuedAt')::timestamptz
      FROM feedbacks f JOIN feedback_revisions r ON r.feedback_id = f.feedback_id;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE deliveries, recipients');
  }
}
