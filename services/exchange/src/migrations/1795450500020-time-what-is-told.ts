import type { MigrationInterface, QueryRunner } from 'typeorm';

export class TimeWhatIsTold1795450500020 implements MigrationInterface {
  readonly name = 'TimeWhatIsTold1795450500020';

  // Reads every revision and every entry of the ledger once. When what was told before was accepted is in no table: its row stays empty.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE deliveries
        ADD COLUMN accepted_at timestamptz,
        ADD COLUMN published_at timestamptz,
        ADD COLUMN asks_action boolean NOT NULL DEFAULT FALSE;
      UPDATE deliveries AS d SET asks_action = (r.said -> 'actionsRequired')::jsonb @> '[{"mandatory": true}]'
      FROM feedback_revisions AS r WHERE r.feedback_id = d.feedback_id AND r.revision = d.revision;
      UPDATE deliveries AS d SET published_at = (e.entry ->> 'at')::timestamptz
      FROM (SELECT feedback_id, entry::json AS entry FROM ledger_entries WHERE entry LIKE '%"kind":"PUBLISHED"%') AS e
      WHERE d.feedback_id = e.feedback_id AND d.revision = (e.entry ->> 'feedbackRevision')::integer;
      ALTER TABLE deliveries ALTER COLUMN asks_action DROP DEFAULT;
      COMMENT ON COLUMN deliveries.accepted_at IS 'When what it says was accepted by the service that published it; empty where that is not known';
      COMMENT ON COLUMN deliveries.published_at IS 'Since when the broker has it on the recipient''s topic, by its own clock; of what is due by the topic';
      COMMENT ON COLUMN deliveries.asks_action IS 'Something has to be done, so an answer is expected';

      ALTER TABLE subjects
        ADD COLUMN sampled_on date,
        ADD COLUMN reported_at timestamptz,
        ADD COLUMN published_at timestamptz,
        ADD COLUMN stands boolean NOT NULL DEFAULT TRUE;
      CREATE INDEX subjects_reported ON subjects (reported_at);
      COMMENT ON COLUMN subjects.reported_at IS 'When the first revision that was heard of was accepted; empty for what is older than this column';
      COMMENT ON COLUMN subjects.published_at IS 'The first publication';
      COMMENT ON COLUMN subjects.stands IS 'FALSE: withdrawn; it is not waited for any more';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE subjects DROP COLUMN sampled_on, DROP COLUMN reported_at, DROP COLUMN published_at, DROP COLUMN stands;
      ALTER TABLE deliveries DROP COLUMN accepted_at, DROP COLUMN published_at, DROP COLUMN asks_action;
    `);
  }
}
