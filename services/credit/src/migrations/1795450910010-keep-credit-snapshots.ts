import type { MigrationInterface, QueryRunner } from 'typeorm';

export class KeepCreditSnapshots1795450910010 implements MigrationInterface {
  readonly name = 'KeepCreditSnapshots1795450910010';

  async up(runner: QueryRunner): Promise<void> {
    // EXTERNAL: what is compressed already is not compressed again.
    await runner.query(`
      CREATE TABLE credit_snapshots (
        snapshot_id uuid PRIMARY KEY,
        date        date NOT NULL UNIQUE,
        epoch       text NOT NULL,
        chunks      integer NOT NULL CHECK (chunks >= 1),
        manifest    jsonb NOT NULL,
        signed_by   jsonb NOT NULL
      );
      COMMENT ON TABLE credit_snapshots IS 'Daily snapshots of what is public; the newest two stay';
      COMMENT ON COLUMN credit_snapshots.date IS 'The day it was built on, in China';
      COMMENT ON COLUMN credit_snapshots.epoch IS 'Of the change feed it stands in; a snapshot of another epoch is not given out';
      COMMENT ON COLUMN credit_snapshots.manifest IS 'What the snapshot is, with its signature';
      COMMENT ON COLUMN credit_snapshots.signed_by IS 'The public key that verifies the signature (JWK)';

      CREATE TABLE snapshot_chunks (
        snapshot_id uuid NOT NULL REFERENCES credit_snapshots ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
        chunk_no    integer NOT NULL CHECK (chunk_no >= 1),
        bytes       bytea NOT NULL,
        PRIMARY KEY (snapshot_id, chunk_no)
      );
      ALTER TABLE snapshot_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;
      COMMENT ON TABLE snapshot_chunks IS 'The file of a snapshot in parts; written before the manifest, in the same transaction';
      COMMENT ON COLUMN snapshot_chunks.bytes IS 'A gzip member; one after the other they are a gzip file';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE snapshot_chunks, credit_snapshots');
  }
}
