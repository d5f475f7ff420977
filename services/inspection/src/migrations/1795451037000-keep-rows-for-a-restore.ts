import type { MigrationInterface, QueryRunner } from 'typeorm';

export class KeepRowsForARestore1795451037000 implements MigrationInterface {
  readonly name = 'KeepRowsForARestore1795451037000';

  // Sheets and evidence are rewritten once, under a lock that keeps everybody out: they are as many as samples were taken here.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE sampling_sheets ADD COLUMN kept_revision integer NOT NULL DEFAULT 0, ADD COLUMN round_no text COLLATE "C",
        ADD COLUMN regime text, ADD COLUMN coverage text, DROP CONSTRAINT sampling_sheets_round_id_fkey;
      UPDATE sampling_sheets s SET round_no = r.round_no, regime = r.plan ->> 'regime', coverage = r.plan ->> 'coverage'
        FROM sampling_rounds r WHERE r.round_id = s.round_id;
      ALTER TABLE sampling_sheets ALTER COLUMN round_no SET NOT NULL, ALTER COLUMN regime SET NOT NULL, ALTER COLUMN coverage SET NOT NULL;
      COMMENT ON COLUMN sampling_sheets.kept_revision IS 'Of what inspection.sampling-sheet.v1 holds of it; 0 = nothing';
      COMMENT ON COLUMN sampling_sheets.round_id IS 'A database that was set back may know the sheet and not its round';

      ALTER TABLE evidence ADD COLUMN bytes bigint, DROP CONSTRAINT evidence_sha256_fkey;
      ALTER TABLE evidence DISABLE TRIGGER as_it_came;
      UPDATE evidence e SET bytes = b.bytes FROM evidence_blobs b WHERE b.sha256 = e.sha256;
      ALTER TABLE evidence ENABLE TRIGGER as_it_came;
      ALTER TABLE evidence ALTER COLUMN bytes SET NOT NULL;
      COMMENT ON COLUMN evidence.sha256 IS 'A database that was set back may know the piece and not its bytes, until they are sent again';

      ALTER TABLE sampling_sheet_steps ADD COLUMN step_id text COLLATE "C";
      CREATE UNIQUE INDEX sampling_sheet_steps_id ON sampling_sheet_steps (actor_id, step_id) WHERE step_id IS NOT NULL;
      COMMENT ON COLUMN sampling_sheet_steps.step_id IS 'Of the department that sent it over Kafka: it is taken once';

      ALTER TABLE sampling_cases ADD COLUMN kept_revision integer NOT NULL DEFAULT 0;
      COMMENT ON COLUMN sampling_cases.kept_revision IS 'Of what inspection.sampling-case.v1 holds of it; 0 = nothing';
      ALTER TABLE sampling_case_steps ADD COLUMN step_id text COLLATE "C", ADD COLUMN content_hash text;
      CREATE UNIQUE INDEX sampling_case_steps_id ON sampling_case_steps (actor_id, step_id) WHERE step_id IS NOT NULL;
      COMMENT ON COLUMN sampling_case_steps.step_id IS 'Of the department that sent it over Kafka: it is taken once';
      ALTER TABLE probable_duplicates ADD COLUMN kept_revision integer NOT NULL DEFAULT 0;
      COMMENT ON COLUMN probable_duplicates.kept_revision IS 'Of what inspection.probable-duplicate.v1 holds of it; 0 = nothing';
      COMMENT ON COLUMN sampling_case_steps.content_hash IS 'Of the act as it was sent; null = it was taken before there were hashes';
    `);
  }

  // What was taken over after a restore may refer to a round or to bytes that are not here.
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE probable_duplicates DROP COLUMN kept_revision;
      ALTER TABLE sampling_case_steps DROP COLUMN step_id, DROP COLUMN content_hash;
      ALTER TABLE sampling_cases DROP COLUMN kept_revision;
      ALTER TABLE sampling_sheet_steps DROP COLUMN step_id;
      ALTER TABLE evidence DROP COLUMN bytes, 
        ADD CONSTRAINT evidence_sha256_fkey FOREIGN KEY (sha256) REFERENCES evidence_blobs NOT VALID;
      ALTER TABLE sampling_sheets DROP COLUMN kept_revision, DROP COLUMN round_no, DROP COLUMN regime, DROP COLUMN coverage,
        ADD CONSTRAINT sampling_sheets_round_id_fkey FOREIGN KEY (round_id) REFERENCES sampling_rounds NOT VALID;
    `);
  }
}
