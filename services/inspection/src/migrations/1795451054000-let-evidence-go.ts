import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Changes the catalogue, and builds an index under a lock that lets nobody add evidence: some seconds a million pieces. */
export class LetEvidenceGo1795451054000 implements MigrationInterface {
  readonly name = 'LetEvidenceGo1795451054000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE evidence ADD COLUMN erased_at timestamptz, ADD COLUMN erased_under text,
        ADD CHECK ((erased_at IS NULL) = (erased_under IS NULL));
      CREATE INDEX evidence_there ON evidence (sha256) WHERE erased_at IS NULL;
      COMMENT ON TABLE evidence IS 'What proves the steps of a sampling sheet; only ever added to, and never deleted: of a piece whose time has passed the bytes go';
      COMMENT ON COLUMN evidence.erased_at IS 'Since when its bytes are gone because their time has passed';
      COMMENT ON COLUMN evidence.erased_under IS 'The dated rule row under which they went';

      -- Two years (Order 18 art. 54) by the clock of the database, whatever a process makes of its own and of the rule rows.
      CREATE FUNCTION evidence_has_to_stay(added_at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
        SELECT added_at >= clock_timestamp() - interval '2 years'
      $$;
      CREATE FUNCTION refuse_all_but_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
      DECLARE
        erasure CONSTANT text[] := ARRAY['erased_at', 'erased_under'];
      BEGIN
        IF OLD.erased_at IS NOT NULL OR NEW.erased_at IS NULL OR to_jsonb(NEW) - erasure <> to_jsonb(OLD) - erasure THEN
          RAISE EXCEPTION '% is kept as it came', TG_TABLE_NAME;
        END IF;
        IF evidence_has_to_stay(OLD.added_at) THEN
          RAISE EXCEPTION '% is kept as it came until two years have passed', TG_TABLE_NAME;
        END IF;
        RETURN NEW;
      END $$;
      CREATE FUNCTION refuse_loss_of_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF EXISTS (SELECT FROM evidence WHERE sha256 = OLD.sha256 AND erased_at IS NULL) THEN
          RAISE EXCEPTION 'these bytes are evidence';
        END IF;
        RETURN OLD;
      END $$;
      DROP TRIGGER as_it_came ON evidence;
      CREATE TRIGGER as_it_came BEFORE DELETE OR TRUNCATE ON evidence EXECUTE FUNCTION refuse_evidence_change();
      CREATE TRIGGER erased_only BEFORE UPDATE ON evidence FOR EACH ROW EXECUTE FUNCTION refuse_all_but_erasure();
      DROP TRIGGER as_it_came ON evidence_blobs;
      CREATE TRIGGER as_it_came BEFORE UPDATE OR TRUNCATE ON evidence_blobs EXECUTE FUNCTION refuse_evidence_change();
      CREATE TRIGGER kept BEFORE DELETE ON evidence_blobs FOR EACH ROW EXECUTE FUNCTION refuse_loss_of_evidence();
    `);
  }

  // Of what was erased it is forgotten why its bytes are gone.
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER kept ON evidence_blobs;
      DROP TRIGGER as_it_came ON evidence_blobs;
      CREATE TRIGGER as_it_came BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence_blobs EXECUTE FUNCTION refuse_evidence_change();
      DROP TRIGGER erased_only ON evidence;
      DROP TRIGGER as_it_came ON evidence;
      CREATE TRIGGER as_it_came BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence EXECUTE FUNCTION refuse_evidence_change();
      DROP FUNCTION refuse_loss_of_evidence(), refuse_all_but_erasure(), evidence_has_to_stay(timestamptz);
      DROP INDEX evidence_there;
      ALTER TABLE evidence DROP COLUMN erased_at, DROP COLUMN erased_under;
      COMMENT ON TABLE evidence IS 'What proves the steps of a sampling sheet; only ever added to';
    `);
  }
}
