import type { MigrationInterface, QueryRunner } from 'typeorm';

export class NoteWhatIsNotReceived1795451030050 implements MigrationInterface {
  readonly name = 'NoteWhatIsNotReceived1795451030050';

  // Reads every feedback once, and writes those that start on receipt and were not received: recalls, which are few.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE webhook_notices RENAME TO contact_notices;
      ALTER INDEX webhook_notices_organisation RENAME TO contact_notices_organisation;
      ALTER TABLE contact_notices
        ALTER COLUMN endpoint_id DROP NOT NULL,
        ALTER COLUMN contact DROP NOT NULL,
        ADD COLUMN platform_id text,
        ADD COLUMN kind text,
        ADD COLUMN step integer,
        DROP CONSTRAINT webhook_notices_reason_check,
        ADD CHECK (reason IN ('GONE', 'FAILING', 'GIVEN_UP', 'NOT_RECEIVED'));
      UPDATE contact_notices SET platform_id = organisation_id;
      ALTER TABLE contact_notices ALTER COLUMN platform_id SET NOT NULL;
      COMMENT ON TABLE contact_notices IS 'What the contact of an organisation has to be told; feedback waits in pull meanwhile';
      COMMENT ON COLUMN contact_notices.organisation_id IS 'Whose contact';
      COMMENT ON COLUMN contact_notices.platform_id IS 'The platform that it is about';
      COMMENT ON COLUMN contact_notices.kind IS 'Of the feedback; empty where it is about an endpoint';
      COMMENT ON COLUMN contact_notices.step IS 'Of the escalation';
      COMMENT ON COLUMN contact_notices.contact IS 'As the endpoint names it; empty where it is about none';

      ALTER TABLE feedbacks
        ADD COLUMN unreceived_since timestamptz,
        ADD COLUMN unreceived_steps integer NOT NULL DEFAULT 0,
        ADD COLUMN unreceived_next_at timestamptz;
      UPDATE feedbacks AS f SET unreceived_since = (r.said ->> 'issuedAt')::timestamptz,
        unreceived_next_at = (r.said ->> 'issuedAt')::timestamptz + interval '2 hours'
      FROM feedback_revisions AS r
      WHERE r.feedback_id = f.feedback_id AND r.revision = f.asked_since AND f.clock_starts = 'RECEIVED'
        AND f.clock_started_at IS NULL AND f.closed_at IS NULL;
      CREATE INDEX feedbacks_unreceived ON feedbacks (unreceived_since, feedback_id) WHERE unreceived_since IS NOT NULL;
      CREATE INDEX feedbacks_unreceived_next ON feedbacks (unreceived_next_at, feedback_id) WHERE unreceived_next_at IS NOT NULL;
      COMMENT ON COLUMN feedbacks.unreceived_since IS 'When it was issued, where its clock starts on receipt and nothing was received; empty otherwise';
      COMMENT ON COLUMN feedbacks.unreceived_steps IS 'How often contacts had to be told that it is not received';
      COMMENT ON COLUMN feedbacks.unreceived_next_at IS 'When they have to be told next; empty = received, or told as often as they will be';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE feedbacks DROP COLUMN unreceived_since, DROP COLUMN unreceived_steps, DROP COLUMN unreceived_next_at;
      DELETE FROM contact_notices WHERE reason NOT IN ('GONE', 'FAILING');
      ALTER TABLE contact_notices
        DROP CONSTRAINT contact_notices_reason_check,
        DROP COLUMN platform_id,
        DROP COLUMN kind,
        DROP COLUMN step,
        ALTER COLUMN endpoint_id SET NOT NULL,
        ALTER COLUMN contact SET NOT NULL,
        ADD CONSTRAINT webhook_notices_reason_check CHECK (reason IN ('GONE', 'FAILING'));
      ALTER INDEX contact_notices_organisation RENAME TO webhook_notices_organisation;
      ALTER TABLE contact_notices RENAME TO webhook_notices;
    `);
  }
}
