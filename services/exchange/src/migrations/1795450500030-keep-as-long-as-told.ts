import type { MigrationInterface, QueryRunner } from 'typeorm';

export class KeepAsLongAsTold1795450500030 implements MigrationInterface {
  readonly name = 'KeepAsLongAsTold1795450500030';

  // Reads every delivery once, and writes those without a time: three years, as long as trade records have to be kept.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      UPDATE deliveries SET retention_until = ((told_at AT TIME ZONE 'Asia/Shanghai')::date + interval '3 years')::date || 'T23:59:59+08:00'
      WHERE retention_until IS NULL;
      ALTER TABLE feedbacks ADD COLUMN kept_until timestamptz NOT NULL DEFAULT 'infinity';
      UPDATE feedbacks AS f SET kept_until = d.kept_until
      FROM (SELECT feedback_id, max(retention_until::timestamptz) AS kept_until FROM deliveries GROUP BY feedback_id) AS d
      WHERE d.feedback_id = f.feedback_id;
      CREATE INDEX feedbacks_kept ON feedbacks (kept_until, feedback_id);
      COMMENT ON COLUMN feedbacks.kept_until IS 'The latest ce_retentionuntil of its revisions; infinity where no rule says how long';

      -- What was told stays until the time that was told with it, whoever asks, its owner included. What belongs to it stays with it.
      CREATE FUNCTION refuse_early_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF OLD.retention_until IS NULL OR OLD.retention_until::timestamptz >= clock_timestamp() THEN
          RAISE EXCEPTION '% of % has to be kept until %', TG_TABLE_NAME, OLD.feedback_id, coalesce(OLD.retention_until, 'a rule says how long');
        END IF;
        RETURN OLD;
      END $$;
      CREATE FUNCTION refuse_erasure_before_delivery() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF EXISTS (SELECT FROM deliveries WHERE feedback_id = OLD.feedback_id) THEN
          RAISE EXCEPTION '% of % has to be kept as long as what was told', TG_TABLE_NAME, OLD.feedback_id;
        END IF;
        RETURN OLD;
      END $$;
      CREATE TRIGGER kept BEFORE DELETE ON deliveries FOR EACH ROW EXECUTE FUNCTION refuse_early_erasure();
      CREATE TRIGGER kept_with_delivery BEFORE DELETE ON answers FOR EACH ROW EXECUTE FUNCTION refuse_erasure_before_delivery();
      CREATE TRIGGER kept_with_delivery BEFORE DELETE ON disputes FOR EACH ROW EXECUTE FUNCTION refuse_erasure_before_delivery();
      CREATE TRIGGER kept_with_delivery BEFORE DELETE ON webhook_attempts FOR EACH ROW EXECUTE FUNCTION refuse_erasure_before_delivery();

      CREATE TRIGGER as_told BEFORE UPDATE OF recipient_id, position, feedback_id, revision, told_at, retention_until ON deliveries
        EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER as_told BEFORE UPDATE ON feedback_revisions EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER as_given BEFORE UPDATE ON answers FOR EACH ROW WHEN (OLD.content_hash IS NOT NULL) EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER added_to_only BEFORE UPDATE ON webhook_attempts EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER not_at_once BEFORE TRUNCATE ON deliveries EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER not_at_once BEFORE TRUNCATE ON feedback_revisions EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER not_at_once BEFORE TRUNCATE ON answers EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER not_at_once BEFORE TRUNCATE ON webhook_attempts EXECUTE FUNCTION refuse_change();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER not_at_once ON webhook_attempts;
      DROP TRIGGER not_at_once ON answers;
      DROP TRIGGER not_at_once ON feedback_revisions;
      DROP TRIGGER not_at_once ON deliveries;
      DROP TRIGGER added_to_only ON webhook_attempts;
      DROP TRIGGER as_given ON answers;
      DROP TRIGGER as_told ON feedback_revisions;
      DROP TRIGGER as_told ON deliveries;
      DROP TRIGGER kept_with_delivery ON webhook_attempts;
      DROP TRIGGER kept_with_delivery ON disputes;
      DROP TRIGGER kept_with_delivery ON answers;
      DROP TRIGGER kept ON deliveries;
      DROP FUNCTION refuse_erasure_before_delivery(), refuse_early_erasure();
      ALTER TABLE feedbacks DROP COLUMN kept_until;
    `);
  }
}
