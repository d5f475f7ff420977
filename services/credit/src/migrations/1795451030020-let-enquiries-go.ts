import type { MigrationInterface, QueryRunner } from 'typeorm';

export class LetEnquiriesGo1795451030020 implements MigrationInterface {
  readonly name = 'LetEnquiriesGo1795451030020';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Three years (政务数据共享条例 art. 29) by the clock of the database, whatever a process makes of its own and of the rule row.
      CREATE FUNCTION enquiry_has_to_stay(asked_at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
        SELECT asked_at >= clock_timestamp() - interval '3 years'
      $$;
      CREATE FUNCTION refuse_early_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF enquiry_has_to_stay(OLD.asked_at) THEN
          RAISE EXCEPTION '% is only ever added to until three years have passed', TG_TABLE_NAME;
        END IF;
        RETURN OLD;
      END $$;
      DROP TRIGGER added_to_only ON enquiries;
      CREATE TRIGGER added_to_only BEFORE UPDATE OR TRUNCATE ON enquiries EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER kept BEFORE DELETE ON enquiries FOR EACH ROW EXECUTE FUNCTION refuse_early_erasure();
      COMMENT ON TABLE enquiries IS 'Who was answered about whom, when and why; never changed, and erased when three years have passed';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER kept ON enquiries;
      DROP TRIGGER added_to_only ON enquiries;
      CREATE TRIGGER added_to_only BEFORE UPDATE OR DELETE OR TRUNCATE ON enquiries EXECUTE FUNCTION refuse_change();
      DROP FUNCTION refuse_early_erasure(), enquiry_has_to_stay(timestamptz);
      COMMENT ON TABLE enquiries IS 'Who was answered about whom, when and why; only ever added to';
    `);
  }
}
