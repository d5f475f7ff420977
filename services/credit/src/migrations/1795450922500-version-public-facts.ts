import type { MigrationInterface, QueryRunner } from 'typeorm';

export class VersionPublicFacts1795450922500 implements MigrationInterface {
  readonly name = 'VersionPublicFacts1795450922500';

  // Rewrites credit_entities under a lock that keeps everybody out, and reads every record once.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE credit_entities ADD COLUMN facts_version uuid NOT NULL DEFAULT gen_random_uuid();
      COMMENT ON COLUMN credit_entities.facts_version IS
        'Another one with every write to a public record of the entity, in its transaction: what is cached under it is true as long as it stands here';
      INSERT INTO credit_entities (uscc) SELECT DISTINCT uscc FROM credit_records WHERE standing = 'PUBLIC' ON CONFLICT (uscc) DO NOTHING;

      -- Whoever writes: a use case, a restore, a migration, a person. Rows are locked in sorted order, as everywhere.
      CREATE FUNCTION version_public_facts() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO credit_entities (uscc)
        SELECT DISTINCT uscc FROM written WHERE standing = 'PUBLIC' ORDER BY uscc
        ON CONFLICT (uscc) DO UPDATE SET facts_version = excluded.facts_version;
        RETURN NULL;
      END $$;
      CREATE FUNCTION version_rewritten_facts() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO credit_entities (uscc)
        SELECT uscc FROM before WHERE standing = 'PUBLIC' UNION SELECT uscc FROM after WHERE standing = 'PUBLIC' ORDER BY uscc
        ON CONFLICT (uscc) DO UPDATE SET facts_version = excluded.facts_version;
        RETURN NULL;
      END $$;
      CREATE TRIGGER inserted_facts AFTER INSERT ON credit_records
        REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION version_public_facts();
      CREATE TRIGGER deleted_facts AFTER DELETE ON credit_records
        REFERENCING OLD TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION version_public_facts();
      CREATE TRIGGER updated_facts AFTER UPDATE ON credit_records
        REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION version_rewritten_facts();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER inserted_facts ON credit_records;
      DROP TRIGGER deleted_facts ON credit_records;
      DROP TRIGGER updated_facts ON credit_records;
      DROP FUNCTION version_public_facts();
      DROP FUNCTION version_rewritten_facts();
      ALTER TABLE credit_entities DROP COLUMN facts_version;
    `);
  }
}
