import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ListDeadlines1795451020010 implements MigrationInterface {
  readonly name = 'ListDeadlines1795451020010';

  // Which row a period comes from was not kept: it is the one that has been law since 2025-08-01, and how long it was tells which.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE feedbacks ADD COLUMN overdue_raised_at timestamptz;
      COMMENT ON COLUMN feedbacks.overdue_raised_at IS 'When it was first said that the present period has passed; empty also for what was said before this column';

      ALTER TABLE correction_requests ADD COLUMN answer_from date, ADD COLUMN answer_rule text,
        ADD COLUMN answer_provisional boolean NOT NULL DEFAULT FALSE;
      UPDATE correction_requests SET answer_from = ((state ->> 'filedAt')::timestamptz AT TIME ZONE 'Asia/Shanghai')::date,
        answer_rule = 'SHARING_CORRECTION@2025-08-01', answer_provisional = (answer_due_on > '2026-12-28')
      WHERE answer_due_on IS NOT NULL;
      CREATE INDEX correction_requests_provisional ON correction_requests (answer_due_on) WHERE answer_provisional AND status = 'FILED';

      ALTER TABLE entitlements ADD COLUMN answer_from date, ADD COLUMN answer_rule text,
        ADD COLUMN answer_provisional boolean NOT NULL DEFAULT FALSE;
      UPDATE entitlements AS e SET answer_provisional = (e.answer_due_on > '2026-12-28'),
        answer_from = CASE WHEN e.answer_due_on > asked.due_on THEN asked.due_on ELSE asked.began_on END,
        answer_rule = CASE WHEN e.answer_due_on > asked.due_on THEN 'SHARING_ANSWER_EXTENSION@2025-08-01'
                           WHEN asked.due_on - asked.began_on < 12 THEN 'SHARING_ANSWER_UNCONDITIONAL@2025-08-01'
                           ELSE 'SHARING_ANSWER_CONDITIONAL@2025-08-01' END
      FROM (SELECT entitlement_id, (state ->> 'answerDueOn')::date AS due_on,
              ((state ->> 'requestedAt')::timestamptz AT TIME ZONE 'Asia/Shanghai')::date AS began_on
            FROM entitlement_revisions WHERE revision = 1 AND state ->> 'answerDueOn' IS NOT NULL) AS asked
      WHERE asked.entitlement_id = e.entitlement_id AND e.answer_due_on IS NOT NULL;
      CREATE INDEX entitlements_provisional ON entitlements (answer_due_on) WHERE answer_provisional AND status = 'REQUESTED';
    `);
    for (const table of ['correction_requests', 'entitlements']) {
      await runner.query(`
        COMMENT ON COLUMN ${table}.answer_from IS 'The day from which the period for an answer counts';
        COMMENT ON COLUMN ${table}.answer_rule IS 'Version of the rule row that the period comes from';
        COMMENT ON COLUMN ${table}.answer_provisional IS 'Computed without holidays that were not published; computed again when they are'`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE feedbacks DROP COLUMN overdue_raised_at;
      ALTER TABLE correction_requests DROP COLUMN answer_from, DROP COLUMN answer_rule, DROP COLUMN answer_provisional;
      ALTER TABLE entitlements DROP COLUMN answer_from, DROP COLUMN answer_rule, DROP COLUMN answer_provisional`);
  }
}
