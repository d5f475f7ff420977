import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateExchange1795450000000 implements MigrationInterface {
  readonly name = 'CreateExchange1795450000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE organisations (
        id       text PRIMARY KEY,
        kind     text NOT NULL,
        name     text NOT NULL,
        aliases  text[] NOT NULL,
        sectors  text[] NOT NULL,
        scopes   text[] NOT NULL,
        revision integer NOT NULL CHECK (revision > 0)
      );
      COMMENT ON TABLE organisations IS 'The directory: who takes part. Topics and access rules of an organisation exist before its row';

      CREATE TABLE organisation_names (
        name_key        text PRIMARY KEY,
        organisation_id text NOT NULL REFERENCES organisations (id)
      );
      CREATE INDEX organisation_names_organisation ON organisation_names (organisation_id);
      COMMENT ON TABLE organisation_names IS 'Every id, name and alias; each belongs to one organisation';
      COMMENT ON COLUMN organisation_names.name_key IS 'NFKC, case-folded, without any space';

      CREATE TABLE subjects (
        subject    text PRIMARY KEY,
        revision   integer NOT NULL CHECK (revision > 0),
        applied_at timestamptz NOT NULL
      );
      COMMENT ON TABLE subjects IS 'How far each sampling result is applied, over both topics that carry its revisions; the row is the lock of all that follows from it';
      COMMENT ON COLUMN subjects.subject IS 'reporterId:sampleNo';

      CREATE TABLE feedbacks (
        feedback_id   uuid PRIMARY KEY,
        recipient_id  text NOT NULL REFERENCES organisations (id),
        kind          text NOT NULL,
        subject       text NOT NULL,
        publisher_id  text,
        matched_by    text,
        revision      integer NOT NULL CHECK (revision > 0),
        status        text NOT NULL CHECK (status IN ('ISSUED', 'WITHDRAWN')),
        due_at        timestamptz,
        closed_at     timestamptz,
        answer_status text,
        answered_at   timestamptz
      );
      CREATE UNIQUE INDEX feedbacks_subject ON feedbacks (kind, subject, recipient_id);
      CREATE INDEX feedbacks_recipient ON feedbacks (recipient_id, feedback_id);
      CREATE INDEX feedbacks_publisher ON feedbacks (publisher_id, feedback_id);
      CREATE INDEX feedbacks_open ON feedbacks (due_at, feedback_id) WHERE closed_at IS NULL AND due_at IS NOT NULL;
      COMMENT ON TABLE feedbacks IS 'What each platform was told last about each subject';
      COMMENT ON COLUMN feedbacks.feedback_id IS 'UUID v5 of (recipient, kind, subject)';
      COMMENT ON COLUMN feedbacks.publisher_id IS 'The department whose result it is; null where everybody may know the subject';
      COMMENT ON COLUMN feedbacks.matched_by IS 'The name under which the platform was found; a name that moves takes nothing along';
      COMMENT ON COLUMN feedbacks.closed_at IS 'When the platform had done what is required; empty again when something else is required';
      COMMENT ON COLUMN feedbacks.answer_status IS 'The newest answer to the present revision';

      CREATE TABLE feedback_revisions (
        feedback_id  uuid NOT NULL REFERENCES feedbacks (feedback_id),
        revision     integer NOT NULL,
        content_hash text NOT NULL,
        said         json NOT NULL,
        PRIMARY KEY (feedback_id, revision)
      );
      COMMENT ON TABLE feedback_revisions IS 'Every revision as it went out: the evidence of what a platform knew, and when';
      COMMENT ON COLUMN feedback_revisions.said IS 'json, not jsonb: the same bytes as on the topic';

      CREATE TABLE unmatched_feedbacks (
        subject          text PRIMARY KEY REFERENCES subjects (subject),
        waiting_id       uuid NOT NULL UNIQUE,
        name_key         text NOT NULL,
        printed          text NOT NULL,
        publisher_id     text NOT NULL,
        subject_revision integer NOT NULL,
        state            jsonb NOT NULL,
        waiting_since    timestamptz NOT NULL
      );
      CREATE INDEX unmatched_feedbacks_name ON unmatched_feedbacks (name_key, subject);
      COMMENT ON TABLE unmatched_feedbacks IS 'Results sold on a platform that the directory does not know, always the newest state, until the name is registered';
      COMMENT ON COLUMN unmatched_feedbacks.name_key IS 'Normalised name or unknown id; empty = sold online, no platform printed';
      COMMENT ON COLUMN unmatched_feedbacks.waiting_id IS 'Position in the list; becomes no feedback id';

      CREATE TABLE answers (
        feedback_id       uuid NOT NULL,
        feedback_revision integer NOT NULL,
        revision          integer NOT NULL CHECK (revision > 0),
        status            text NOT NULL,
        reason_code       text,
        searched          text,
        actions           jsonb NOT NULL,
        answered_at       timestamptz NOT NULL,
        signature         text,
        content_hash      text NOT NULL,
        superseded        boolean NOT NULL,
        accepted_at       timestamptz NOT NULL,
        PRIMARY KEY (feedback_id, feedback_revision, revision),
        FOREIGN KEY (feedback_id, feedback_revision) REFERENCES feedback_revisions (feedback_id, revision)
      );
      COMMENT ON TABLE answers IS 'What platforms answered, as given; a later answer to the same revision refines an earlier one';
      COMMENT ON COLUMN answers.revision IS 'The platform''s own count of its answers to one revision of a feedback';
      COMMENT ON COLUMN answers.superseded IS 'The answered revision was no longer the present one: evidence, closes no clock';

      CREATE TABLE platform_merchants (
        platform_id text NOT NULL,
        shop_id     text NOT NULL,
        revision    integer NOT NULL CHECK (revision > 0),
        uscc        text,
        shop_name   text,
        exited_at   timestamptz,
        applied_at  timestamptz NOT NULL,
        PRIMARY KEY (platform_id, shop_id)
      );
      CREATE INDEX platform_merchants_uscc ON platform_merchants (uscc) WHERE uscc IS NOT NULL;
      COMMENT ON TABLE platform_merchants IS 'Who sells where, as registration publishes it';
      COMMENT ON COLUMN platform_merchants.uscc IS 'Empty for natural-person shops that need no registration';

      CREATE TABLE credit_statuses (
        uscc       text PRIMARY KEY,
        revision   integer NOT NULL CHECK (revision > 0),
        facts      jsonb,
        applied_at timestamptz NOT NULL
      );
      COMMENT ON TABLE credit_statuses IS 'What is publicly known about an entity, as credit publishes it';
      COMMENT ON COLUMN credit_statuses.facts IS 'Empty after a tombstone: nothing public remains';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE credit_statuses, platform_merchants, answers, unmatched_feedbacks, feedback_revisions, feedbacks,
      subjects, organisation_names, organisations`);
  }
}
