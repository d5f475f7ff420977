import type { MigrationInterface, QueryRunner } from 'typeorm';

export class KeepCreditHistory1795450800000 implements MigrationInterface {
  readonly name = 'KeepCreditHistory1795450800000';

  async up(runner: QueryRunner): Promise<void> {
    // What is there begins its history as it stands; what it was before is not known any more.
    await runner.query(`
      CREATE TABLE credit_record_versions (
        record_no  uuid NOT NULL REFERENCES credit_records,
        version_no integer NOT NULL CHECK (version_no >= 1),
        known_from timestamptz NOT NULL,
        valid_days daterange NOT NULL,
        standing   text NOT NULL,
        state      jsonb NOT NULL,
        PRIMARY KEY (record_no, version_no)
      );
      COMMENT ON TABLE credit_record_versions IS 'What was known of a record, and when; only ever added to';
      COMMENT ON COLUMN credit_record_versions.known_from IS 'Knowledge time: until the next version of the record';
      COMMENT ON COLUMN credit_record_versions.valid_days IS 'Valid time: the days on which it may be held against its entity; empty = on none';
      COMMENT ON COLUMN credit_record_versions.state IS 'The record without the revision of its source';

      INSERT INTO credit_record_versions (record_no, version_no, known_from, valid_days, standing, state)
      SELECT record_no, 1, changed_at,
             CASE WHEN public_from IS NOT NULL AND standing IN ('PUBLIC', 'NOT_YET', 'PERIOD_OVER', 'EXPIRED', 'REPAIRED')
                       AND (public_until IS NULL OR public_from <= public_until)
                  THEN daterange(public_from, public_until, '[]') ELSE 'empty' END,
             standing,
             jsonb_build_object('recordNo', record_no, 'revision', revision, 'uscc', uscc, 'type', type, 'class', class,
               'departmentId', department_id, 'subject', subject, 'legalBasis', legal_basis, 'documentDate', document_date,
               'publicFrom', public_from, 'publicUntil', public_until, 'standing', standing, 'digest', digest,
               'endedBecause', ended_because)
      FROM credit_records;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE credit_record_versions');
  }
}
