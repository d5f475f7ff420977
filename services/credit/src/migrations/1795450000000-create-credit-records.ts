import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateCreditRecords1795450000000 implements MigrationInterface {
  readonly name = 'CreateCreditRecords1795450000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE followed_subjects (
        subject    text PRIMARY KEY,
        revision   integer NOT NULL DEFAULT 0 CHECK (revision >= 0),
        applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
      );
      COMMENT ON TABLE followed_subjects IS 'How far each source (reporterId:sampleNo) has been followed; its row is locked first';
      COMMENT ON COLUMN followed_subjects.revision IS 'Highest revision applied; 0 only inside the transaction that first meets the subject';
      COMMENT ON COLUMN followed_subjects.applied_at IS 'Taken by the last statement of the transaction that applied the revision';

      CREATE TABLE credit_records (
        record_no       uuid PRIMARY KEY,
        revision        integer NOT NULL CHECK (revision >= 0),
        uscc            text NOT NULL,
        type            text NOT NULL,
        department_id   text NOT NULL,
        subject         text NOT NULL,
        source_revision integer NOT NULL,
        legal_basis     jsonb NOT NULL,
        document_date   text,
        public_from     date,
        public_until    date,
        standing        text NOT NULL CHECK (standing IN ('PUBLIC', 'NO_DOCUMENT_DATE', 'NOT_YET', 'PERIOD_OVER', 'NO_RULE',
                                                          'REVOKED', 'REPAIRED', 'EXPIRED', 'CORRECTED', 'HELD')),
        changed_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
        CHECK (standing <> 'PUBLIC' OR (revision > 0 AND public_from IS NOT NULL AND public_until IS NOT NULL))
      );
      CREATE INDEX credit_records_subject ON credit_records (subject);
      CREATE INDEX credit_records_uscc ON credit_records (uscc, record_no);
      CREATE INDEX credit_records_to_expire ON credit_records (public_until) WHERE standing = 'PUBLIC';
      CREATE INDEX credit_records_to_begin ON credit_records (public_from) WHERE standing = 'NOT_YET';
      COMMENT ON TABLE credit_records IS 'Records of an entity, public or not; ended ones stay with their reason';
      COMMENT ON COLUMN credit_records.record_no IS 'UUID v5 of (type, subject, uscc)';
      COMMENT ON COLUMN credit_records.revision IS 'Rises by one with every change of what the public sees; 0 = never published';
      COMMENT ON COLUMN credit_records.source_revision IS 'Revision of the source last followed; may be ahead of the one announced';
      COMMENT ON COLUMN credit_records.document_date IS 'Year, month or day as printed on the notice';
      COMMENT ON COLUMN credit_records.public_until IS 'The last day of publication';
      COMMENT ON COLUMN credit_records.standing IS 'PUBLIC, or why not: withheld (NO_DOCUMENT_DATE, NOT_YET, PERIOD_OVER, NO_RULE) or ended';

      CREATE TABLE credit_entities (
        uscc           text PRIMARY KEY,
        revision       integer NOT NULL DEFAULT 0 CHECK (revision >= 0),
        public_records jsonb NOT NULL DEFAULT '[]',
        record_nos     jsonb NOT NULL DEFAULT '[]',
        changed_at     timestamptz NOT NULL DEFAULT clock_timestamp()
      );
      COMMENT ON TABLE credit_entities IS 'Last announced public facts of an entity; its row is the lock under which they are restated';
      COMMENT ON COLUMN credit_entities.revision IS 'Of the public series; goes on after a tombstone';
      COMMENT ON COLUMN credit_entities.public_records IS 'Number of public records by type: [{type, count}]';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE credit_entities, credit_records, followed_subjects');
  }
}
