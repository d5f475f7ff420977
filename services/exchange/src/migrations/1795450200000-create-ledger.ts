import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateLedger1795450200000 implements MigrationInterface {
  readonly name = 'CreateLedger1795450200000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE ledger_intake (
        id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        feedback_id uuid,
        entry       text NOT NULL
      );
      COMMENT ON TABLE ledger_intake IS 'Entries of committed transactions on their way into the tree: they get their number one after the other, and no transaction waits for that';

      CREATE TABLE ledger_entries (
        seq         bigint PRIMARY KEY,
        feedback_id uuid,
        entry       text NOT NULL
      );
      CREATE INDEX ledger_entries_feedback ON ledger_entries (feedback_id, seq) WHERE feedback_id IS NOT NULL;
      COMMENT ON TABLE ledger_entries IS 'What was told, where it went and what was answered; only ever added to';
      COMMENT ON COLUMN ledger_entries.seq IS 'Number of the leaf, from 0, without gaps';
      COMMENT ON COLUMN ledger_entries.entry IS 'RFC 8785 form, the bytes of the leaf';

      CREATE TABLE ledger_nodes (
        level      smallint NOT NULL,
        node_index bigint NOT NULL,
        hash       bytea NOT NULL,
        PRIMARY KEY (level, node_index)
      );
      COMMENT ON TABLE ledger_nodes IS 'Complete subtrees of the tree (RFC 9162 §2.1), leaves included: they never change again';

      CREATE TABLE ledger_heads (
        date     text NOT NULL,
        revision integer NOT NULL CHECK (revision > 0),
        size     bigint NOT NULL,
        head     json NOT NULL,
        lost     boolean NOT NULL DEFAULT FALSE,
        PRIMARY KEY (date, revision)
      );
      CREATE INDEX ledger_heads_size ON ledger_heads (size) WHERE NOT lost;
      COMMENT ON COLUMN ledger_heads.lost IS 'Read back from the topic after the database was set back: what it covers is not all here any more';
      COMMENT ON TABLE ledger_heads IS 'What was signed of the ledger, as it was published';

      CREATE TABLE ledger_keys (
        kid        text PRIMARY KEY,
        jwk        jsonb NOT NULL,
        used_since timestamptz NOT NULL
      );
      COMMENT ON TABLE ledger_keys IS 'Every public key that heads and evidence were ever signed with';

      CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME;
      END $$;
      CREATE TRIGGER added_to_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER added_to_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_nodes EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER added_to_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_heads EXECUTE FUNCTION refuse_change();
      CREATE TRIGGER added_to_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_keys EXECUTE FUNCTION refuse_change();

      CREATE TABLE signature_keys (
        recipient_id  text NOT NULL REFERENCES organisations (id),
        kid           text NOT NULL,
        jwk           jsonb NOT NULL,
        registered_at timestamptz NOT NULL,
        revoked_at    timestamptz,
        PRIMARY KEY (recipient_id, kid)
      );
      COMMENT ON TABLE signature_keys IS 'Public keys with which organisations sign their answers; one that is revoked signs nothing new';
      COMMENT ON COLUMN signature_keys.kid IS 'RFC 7638 thumbprint';

      ALTER TABLE answers ADD COLUMN given json, ADD COLUMN signed_by text;
      COMMENT ON COLUMN answers.given IS 'As it was sent, its signature included; empty for what came before answers were kept so';
      COMMENT ON COLUMN answers.signed_by IS 'Key that signed it, verified on arrival; empty = not signed';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE answers DROP COLUMN given, DROP COLUMN signed_by;
      DROP TABLE signature_keys, ledger_keys, ledger_heads, ledger_nodes, ledger_entries, ledger_intake;
      DROP FUNCTION refuse_change();
    `);
  }
}
