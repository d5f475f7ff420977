import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ReportCreditRecords1795450700000 implements MigrationInterface {
  readonly name = 'ReportCreditRecords1795450700000';

  async up(runner: QueryRunner): Promise<void> {
    // COLLATE "C": the order of keys is that of their bytes, on every machine; locks are taken in it.
    await runner.query(`
      ALTER TABLE credit_records
        ADD COLUMN class         text,
        ADD COLUMN digest        jsonb,
        ADD COLUMN ended_because text,
        DROP CONSTRAINT credit_records_check,
        DROP CONSTRAINT credit_records_standing_check,
        ADD CONSTRAINT credit_records_check CHECK (standing <> 'PUBLIC' OR (revision > 0 AND public_from IS NOT NULL)),
        ADD CONSTRAINT credit_records_standing_check
          CHECK (standing IN ('PUBLIC', 'NO_DOCUMENT_DATE', 'NOT_YET', 'PERIOD_OVER', 'NO_RULE', 'NOT_PUBLIC',
                              'REVOKED', 'REPAIRED', 'EXPIRED', 'CORRECTED', 'HELD'));
      COMMENT ON COLUMN credit_records.public_until IS 'The last day of publication; null where only a decision ends it';
      COMMENT ON COLUMN credit_records.standing IS
        'PUBLIC, or why not: withheld (NO_DOCUMENT_DATE, NOT_YET, PERIOD_OVER, NO_RULE, NOT_PUBLIC) or ended';
      COMMENT ON COLUMN credit_records.digest IS 'What the document says, as reported; null for what is derived';
      COMMENT ON COLUMN credit_records.ended_because IS 'Why its department took it back, in words';

      CREATE TABLE reported_records (
        department_id     text COLLATE "C" NOT NULL,
        record_no         text COLLATE "C" NOT NULL,
        revision          integer NOT NULL DEFAULT 0 CHECK (revision >= 0),
        hash              text NOT NULL DEFAULT '',
        restored_revision integer,
        accepted_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
        report            jsonb,
        retraction        jsonb,
        warnings          jsonb NOT NULL DEFAULT '[]',
        unknown_fields    jsonb NOT NULL DEFAULT '[]',
        PRIMARY KEY (department_id, record_no)
      );
      COMMENT ON TABLE reported_records IS 'The last accepted report of each of a department''s record numbers; its row is locked first';
      COMMENT ON COLUMN reported_records.revision IS 'The department''s; lower ones are stale. 0 only inside the transaction that first meets the number';
      COMMENT ON COLUMN reported_records.hash IS 'Content hash (SHA-256) of that revision: the same again is a duplicate, another is a conflict';
      COMMENT ON COLUMN reported_records.restored_revision IS 'Revisions up to this one were taken over from our own topic after a restore';
      COMMENT ON COLUMN reported_records.report IS 'As validated; null = retracted before it was ever reported, or taken over';
      COMMENT ON COLUMN reported_records.retraction IS 'Set while it is taken back';

      CREATE TABLE record_rejections (
        department_id text COLLATE "C" NOT NULL,
        record_no     text COLLATE "C" NOT NULL,
        revision      integer NOT NULL,
        errors        jsonb NOT NULL,
        rejected_at   timestamptz NOT NULL,
        PRIMARY KEY (department_id, record_no, revision)
      );
      COMMENT ON TABLE record_rejections IS 'What was refused and why, the newest for each number and revision: its department asks what became of it';
      COMMENT ON COLUMN record_rejections.revision IS 'The department''s; 0 = none that could be read';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE record_rejections, reported_records;
      DELETE FROM credit_records WHERE type <> 'SAMPLING_RESULT';
      ALTER TABLE credit_records
        DROP COLUMN class,
        DROP COLUMN digest,
        DROP COLUMN ended_because,
        DROP CONSTRAINT credit_records_check,
        DROP CONSTRAINT credit_records_standing_check,
        ADD CONSTRAINT credit_records_check
          CHECK (standing <> 'PUBLIC' OR (revision > 0 AND public_from IS NOT NULL AND public_until IS NOT NULL)),
        ADD CONSTRAINT credit_records_standing_check
          CHECK (standing IN ('PUBLIC', 'NO_DOCUMENT_DATE', 'NOT_YET', 'PERIOD_OVER', 'NO_RULE',
                              'REVOKED', 'REPAIRED', 'EXPIRED', 'CORRECTED', 'HELD'));
    `);
  }
}
