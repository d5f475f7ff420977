import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Recalls are kept for a restore, their steps have the ids of those who sent them, and producers read their own; merchants read their own sheets, too. */
export class KeepRecalls1795451055000 implements MigrationInterface {
  readonly name = 'KeepRecalls1795451055000';

  // Recalls are rewritten once, under a lock that keeps everybody out; indexes on sheets are built under one that lets nobody write.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE recalls ADD COLUMN kept_revision integer NOT NULL DEFAULT 0, ADD COLUMN told_uscc text COLLATE "C";
      UPDATE recalls r SET told_uscc = CASE WHEN standing IS NOT NULL THEN said ELSE content END #>> '{producer,uscc}'
        WHERE standing IS NOT NULL OR EXISTS (SELECT FROM recall_steps s WHERE s.recall_no = r.recall_no
          AND s.act IN ('NOTIFY_PRODUCER', 'ADMIT_DEFECT', 'GIVE_NOTICE', 'ORDER_RECALL', 'REPORT_PLAN'));
      CREATE INDEX recalls_told ON recalls (told_uscc, recall_no) WHERE told_uscc IS NOT NULL;
      COMMENT ON COLUMN recalls.kept_revision IS 'Of what inspection.recall-file.v1 holds of it; 0 = nothing';
      COMMENT ON COLUMN recalls.told_uscc IS 'The producer that knows of it, by its code; empty = none does, or it has none';

      ALTER TABLE recall_steps ADD COLUMN step_id text COLLATE "C", ADD COLUMN content_hash text;
      CREATE UNIQUE INDEX recall_steps_id ON recall_steps (actor_id, step_id) WHERE step_id IS NOT NULL;
      COMMENT ON COLUMN recall_steps.step_id IS 'Of the department that sent it over Kafka: it is taken once';
      COMMENT ON COLUMN recall_steps.content_hash IS 'Of the step as it was sent; null = it came with a notice, or before there were hashes';
    `);
    for (const party of ['sampledParty', 'nominalProducer'])
      await runner.query(`
        CREATE INDEX sampling_sheets_${party.toLowerCase()} ON sampling_sheets ((sample #>> '{${party},uscc}'), organiser_id, sample_no)
          WHERE sample #>> '{${party},uscc}' IS NOT NULL;
      `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX sampling_sheets_sampledparty, sampling_sheets_nominalproducer;
      ALTER TABLE recall_steps DROP COLUMN step_id, DROP COLUMN content_hash;
      ALTER TABLE recalls DROP COLUMN kept_revision, DROP COLUMN told_uscc;
    `);
  }
}
