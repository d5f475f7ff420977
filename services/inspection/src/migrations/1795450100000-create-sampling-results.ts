import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateSamplingResults1795450100000 implements MigrationInterface {
  readonly name = 'CreateSamplingResults1795450100000';

  async up(runner: QueryRunner): Promise<void> {
    // COLLATE "C": the order of keys is that of their bytes, on every machine; locks are taken and lists are paged in it.
    await runner.query(`
      CREATE TABLE sampling_results (
        reporter_id       text COLLATE "C" NOT NULL,
        sample_no         text COLLATE "C" NOT NULL,
        status            text NOT NULL CHECK (status IN ('NOTIFIED', 'PUBLISHED', 'WITHDRAWN')),
        revision          integer NOT NULL CHECK (revision >= 0),
        reported_revision integer NOT NULL CHECK (reported_revision >= 1),
        reported_hash     text NOT NULL,
        accepted_at       timestamptz NOT NULL,
        applied_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
        reported_at       timestamptz,
        state             jsonb,
        order_no          text,
        withdrawal_reason text,
        withdrawn_at      timestamptz,
        warnings          jsonb NOT NULL DEFAULT '[]',
        unknown_fields    jsonb NOT NULL DEFAULT '[]',
        other_columns     jsonb,
        channel           text NOT NULL CHECK (channel IN ('HTTP', 'KAFKA', 'FILE')),
        import_id         uuid,
        regime            text,
        verdict           text,
        platform          text,
        dated_on          date,
        PRIMARY KEY (reporter_id, sample_no),
        CHECK ((status = 'WITHDRAWN') = (withdrawn_at IS NOT NULL)),
        CHECK (state IS NOT NULL OR status = 'WITHDRAWN')
      ) WITH (fillfactor = 80);
      CREATE INDEX sampling_results_status ON sampling_results (status);
      COMMENT ON TABLE sampling_results IS 'Sampling results (抽检结果), one row for each reporter and sampling sheet number, with the last state announced';
      COMMENT ON COLUMN sampling_results.sample_no IS 'Sampling sheet number 抽样单编号, unique per reporter';
      COMMENT ON COLUMN sampling_results.status IS 'NOTIFIED: under embargo, only the platform knows; PUBLISHED: public; WITHDRAWN: taken back, a higher revision revives it';
      COMMENT ON COLUMN sampling_results.revision IS 'Last revision of our own series over both topics; 0 = nothing was ever announced';
      COMMENT ON COLUMN sampling_results.reported_revision IS 'The reporter''s last accepted revision; lower ones are stale';
      COMMENT ON COLUMN sampling_results.reported_hash IS 'Content hash (SHA-256) of that revision: the same again is a duplicate, another is a conflict';
      COMMENT ON COLUMN sampling_results.accepted_at IS 'When reported_revision was accepted';
      COMMENT ON COLUMN sampling_results.applied_at IS 'Taken from the clock in the last statement of the transaction, as near to its commit as can be';
      COMMENT ON COLUMN sampling_results.reported_at IS 'When the reporter says it reported; null = when it arrived';
      COMMENT ON COLUMN sampling_results.state IS 'Payload of the last event, without reason and time of withdrawal; null = retracted before it was ever reported';
      COMMENT ON COLUMN sampling_results.order_no IS 'Number of the sampler''s own online order; never leaves this table';
      COMMENT ON COLUMN sampling_results.other_columns IS 'Columns of an imported sheet that no field is known for, kept as printed';
      COMMENT ON COLUMN sampling_results.platform IS 'Id of the platform, else its name as printed; for filtering';
      COMMENT ON COLUMN sampling_results.dated_on IS 'Day of sampling, else first day of the notice''s printed date; for filtering';

      CREATE TABLE intake_rejections (
        reporter_id text COLLATE "C" NOT NULL,
        sample_no   text COLLATE "C" NOT NULL,
        revision    integer NOT NULL,
        channel     text NOT NULL CHECK (channel IN ('HTTP', 'KAFKA', 'FILE')),
        errors      jsonb NOT NULL,
        rejected_at timestamptz NOT NULL,
        PRIMARY KEY (reporter_id, sample_no, revision)
      );
      COMMENT ON TABLE intake_rejections IS 'What was refused and why, the newest for each sampleNo and revision: the reporter asks what became of it';
      COMMENT ON COLUMN intake_rejections.revision IS 'The reporter''s; 0 = none that could be read';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE intake_rejections, sampling_results');
  }
}
