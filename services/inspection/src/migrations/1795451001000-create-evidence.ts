import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateEvidence1795451001000 implements MigrationInterface {
  readonly name = 'CreateEvidence1795451001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE evidence_uploads (
        upload_id  uuid PRIMARY KEY,
        started_at timestamptz NOT NULL DEFAULT clock_timestamp()
      );
      COMMENT ON TABLE evidence_uploads IS 'Files that are coming in; what was broken off goes with its row';

      CREATE TABLE evidence_chunks (
        upload_id uuid NOT NULL,
        chunk_no  integer NOT NULL CHECK (chunk_no > 0),
        content   bytea NOT NULL,
        PRIMARY KEY (upload_id, chunk_no)
      );
      -- Films and photographs do not get smaller.
      ALTER TABLE evidence_chunks ALTER COLUMN content SET STORAGE EXTERNAL;
      COMMENT ON TABLE evidence_chunks IS 'The bytes of files, in portions';

      CREATE TABLE evidence_blobs (
        sha256    text COLLATE "C" PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
        upload_id uuid NOT NULL UNIQUE,
        bytes     bigint NOT NULL CHECK (bytes > 0),
        chunks    integer NOT NULL CHECK (chunks > 0),
        kept_at   timestamptz NOT NULL DEFAULT clock_timestamp()
      );
      COMMENT ON TABLE evidence_blobs IS 'Files by what they contain: the same bytes are kept once';
      COMMENT ON COLUMN evidence_blobs.upload_id IS 'Under which its bytes came in';

      CREATE TABLE evidence (
        organiser_id text COLLATE "C" NOT NULL,
        sample_no    text COLLATE "C" NOT NULL,
        type         text NOT NULL,
        sha256       text COLLATE "C" NOT NULL REFERENCES evidence_blobs,
        added_by     text NOT NULL,
        added_at     timestamptz NOT NULL,
        PRIMARY KEY (organiser_id, sample_no, type, sha256),
        FOREIGN KEY (organiser_id, sample_no) REFERENCES sampling_sheets
      );
      COMMENT ON TABLE evidence IS 'What proves the steps of a sampling sheet; only ever added to';

      CREATE FUNCTION refuse_evidence_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION '% is kept as it came', TG_TABLE_NAME;
      END $$;
      CREATE FUNCTION refuse_erasure_of_kept_bytes() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF EXISTS (SELECT FROM evidence_blobs WHERE upload_id = OLD.upload_id) THEN
          RAISE EXCEPTION 'these bytes are evidence';
        END IF;
        RETURN OLD;
      END $$;
      CREATE TRIGGER as_it_came BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence EXECUTE FUNCTION refuse_evidence_change();
      CREATE TRIGGER as_it_came BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence_blobs EXECUTE FUNCTION refuse_evidence_change();
      CREATE TRIGGER as_it_came BEFORE UPDATE OR TRUNCATE ON evidence_chunks EXECUTE FUNCTION refuse_evidence_change();
      CREATE TRIGGER kept BEFORE DELETE ON evidence_chunks FOR EACH ROW EXECUTE FUNCTION refuse_erasure_of_kept_bytes();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE evidence, evidence_blobs, evidence_chunks, evidence_uploads;
      DROP FUNCTION refuse_evidence_change, refuse_erasure_of_kept_bytes;
    `);
  }
}
