import type { MigrationInterface, QueryRunner } from 'typeorm';

export class LetCopiesGo1795451030100 implements MigrationInterface {
  readonly name = 'LetCopiesGo1795451030100';

  // The index reads every merchant once; meanwhile none can be onboarded.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE INDEX platform_merchants_exited ON platform_merchants (exited_at) WHERE exited_at IS NOT NULL;

      -- By the clock of the database, whatever a process makes of its own and of the rule rows. What a new revision brings is no erasure.
      CREATE FUNCTION refuse_early_emptying() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_TABLE_NAME = 'platform_merchants' THEN
          -- 网络交易监督管理办法 art. 31: who it was is kept for three years from its exit.
          IF OLD.exited_at IS NULL OR OLD.exited_at >= clock_timestamp() - interval '3 years' THEN
            RAISE EXCEPTION '% has to be kept for three years from the exit', TG_TABLE_NAME;
          END IF;
        ELSIF OLD.standing = 'PUBLISHED' OR OLD.applied_at >= clock_timestamp() - interval '5 years' THEN
          RAISE EXCEPTION '% has to be kept for five years from its end', TG_TABLE_NAME;
        END IF;
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
      END $$;
      CREATE FUNCTION refuse_to_forget_given() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF EXISTS (SELECT FROM entitlements e WHERE e.entitlement_id = OLD.entitlement_id
                     AND (e.valid_until IS NULL OR e.valid_until >= (clock_timestamp() - interval '3 years')::date)) THEN
          RAISE EXCEPTION '% has to be kept for three years from the last day of the grant', TG_TABLE_NAME;
        END IF;
        RETURN OLD;
      END $$;
      CREATE TRIGGER kept BEFORE DELETE ON platform_merchants FOR EACH ROW EXECUTE FUNCTION refuse_early_emptying();
      CREATE TRIGGER kept_whole BEFORE UPDATE ON platform_merchants FOR EACH ROW
        WHEN (OLD.revision = NEW.revision AND (OLD.uscc IS DISTINCT FROM NEW.uscc OR OLD.shop_name IS DISTINCT FROM NEW.shop_name))
        EXECUTE FUNCTION refuse_early_emptying();
      CREATE TRIGGER kept BEFORE DELETE ON recalls FOR EACH ROW EXECUTE FUNCTION refuse_early_emptying();
      CREATE TRIGGER kept_whole BEFORE UPDATE ON recalls FOR EACH ROW
        WHEN (OLD.revision = NEW.revision AND OLD.state IS NOT NULL AND NEW.state IS NULL)
        EXECUTE FUNCTION refuse_early_emptying();
      CREATE TRIGGER kept BEFORE DELETE ON granted_keys FOR EACH ROW EXECUTE FUNCTION refuse_to_forget_given();
      COMMENT ON COLUMN recalls.state IS 'Empty after a tombstone: nothing public remains; and when it is over and its time has passed';
      COMMENT ON COLUMN platform_merchants.uscc IS 'Empty for natural-person shops that need no registration, and three years after the exit';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER kept ON granted_keys;
      DROP TRIGGER kept_whole ON recalls;
      DROP TRIGGER kept ON recalls;
      DROP TRIGGER kept_whole ON platform_merchants;
      DROP TRIGGER kept ON platform_merchants;
      DROP FUNCTION refuse_to_forget_given(), refuse_early_emptying();
      DROP INDEX platform_merchants_exited;
      COMMENT ON COLUMN recalls.state IS 'Empty after a tombstone: nothing public remains';
      COMMENT ON COLUMN platform_merchants.uscc IS 'Empty for natural-person shops that need no registration';
    `);
  }
}
