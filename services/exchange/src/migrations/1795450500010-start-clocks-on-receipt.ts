import type { MigrationInterface, QueryRunner } from 'typeorm';

export class StartClocksOnReceipt1795450500010 implements MigrationInterface {
  readonly name = 'StartClocksOnReceipt1795450500010';

  // Until now every clock started when it was issued; which row it came from stands last among the legal bases.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE feedbacks
        ADD COLUMN asked_since integer NOT NULL DEFAULT 1,
        ADD COLUMN clock_rule text,
        ADD COLUMN clock_starts text CHECK (clock_starts IN ('ISSUED', 'RECEIVED')),
        ADD COLUMN clock_started_at timestamptz,
        ADD CHECK ((clock_rule IS NULL) = (clock_starts IS NULL));
      UPDATE feedbacks AS f SET clock_rule = r.said -> 'legalBasis' -> -1 ->> 'ruleVersion', clock_starts = r.said -> 'clock' ->> 'startsOn',
        clock_started_at = (SELECT min((asked.said ->> 'issuedAt')::timestamptz) FROM feedback_revisions AS asked
                            WHERE asked.feedback_id = r.feedback_id AND asked.said ->> 'dueAt' = r.said ->> 'dueAt')
      FROM feedback_revisions AS r
      WHERE r.feedback_id = f.feedback_id AND r.revision = f.revision AND r.said ->> 'clock' IS NOT NULL;
      ALTER TABLE feedbacks ALTER COLUMN asked_since DROP DEFAULT;
      COMMENT ON COLUMN feedbacks.asked_since IS 'First of the revisions that ask the same and share a clock; 1 for what is older than this column';
      COMMENT ON COLUMN feedbacks.clock_rule IS 'Version of the rule row that says how long the platform has; empty = no clock';
      COMMENT ON COLUMN feedbacks.clock_starts IS 'RECEIVED: due_at is empty until the platform has what is asked';
      COMMENT ON COLUMN feedbacks.clock_started_at IS 'When asked_since was issued; of clocks that start on receipt the first receipt since asked_since';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE feedbacks DROP COLUMN asked_since, DROP COLUMN clock_rule, DROP COLUMN clock_starts,
      DROP COLUMN clock_started_at`);
  }
}
