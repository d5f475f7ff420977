import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddEscalationAndUndo1795450220000 implements MigrationInterface {
  readonly name = 'AddEscalationAndUndo1795450220000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE feedbacks
        ADD COLUMN escalated_steps integer NOT NULL DEFAULT 0,
        ADD COLUMN escalates_at timestamptz,
        ADD COLUMN undo_since timestamptz;
      COMMENT ON COLUMN feedbacks.escalated_steps IS 'How often it was said that the present period has passed';
      COMMENT ON COLUMN feedbacks.escalates_at IS 'When that is to be said next; empty = no period, or said as often as it will be';
      COMMENT ON COLUMN feedbacks.undo_since IS 'Since when the platform is asked to undo what it did; empty = it is not';

      UPDATE feedbacks SET escalates_at = due_at;
      UPDATE feedbacks AS f SET undo_since = (r.said ->> 'issuedAt')::timestamptz FROM feedback_revisions AS r
      WHERE r.feedback_id = f.feedback_id AND r.revision = f.revision
        AND (r.said -> 'actionsRequired')::jsonb @> '[{"action": "RESTORE", "mandatory": true}]';

      CREATE INDEX feedbacks_escalating ON feedbacks (escalates_at, feedback_id) WHERE closed_at IS NULL AND escalates_at IS NOT NULL;
      CREATE INDEX feedbacks_not_undone ON feedbacks (undo_since, feedback_id) WHERE closed_at IS NULL AND undo_since IS NOT NULL;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE feedbacks DROP COLUMN escalated_steps, DROP COLUMN escalates_at, DROP COLUMN undo_since');
  }
}
