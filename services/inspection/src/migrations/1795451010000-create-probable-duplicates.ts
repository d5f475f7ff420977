import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateProbableDuplicates1795451010000 implements MigrationInterface {
  readonly name = 'CreateProbableDuplicates1795451010000';

  // Nullable columns without a default, and checks that allow more: sampling_results is read under a lock that keeps everybody out, and not
  // written. What is there has no key yet and gets it from the sweep, a portion at a time. Pairs have no foreign keys, which would lock
  // another department's result in the intake; results are never deleted.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE sampling_results ADD COLUMN batch_key bigint, ADD COLUMN merged_into text,
        DROP CONSTRAINT sampling_results_status_check,
        ADD CONSTRAINT sampling_results_status_check CHECK (status IN ('NOTIFIED', 'PUBLISHED', 'WITHDRAWN', 'WAITING')),
        DROP CONSTRAINT sampling_results_check1,
        ADD CONSTRAINT sampling_results_check1 CHECK (state IS NOT NULL OR status IN ('WITHDRAWN', 'WAITING'));
      COMMENT ON COLUMN sampling_results.batch_key IS 'Hash of producer, goods and day or number of the batch, 0 = it names none; null = not compared with others yet';
      COMMENT ON COLUMN sampling_results.merged_into IS 'Subject (reporterId:sampleNo) of the result that stands in its place, because both report the same';
      COMMENT ON COLUMN sampling_results.status IS 'NOTIFIED: under embargo, only the platform knows; PUBLISHED: public; WITHDRAWN: taken back, a higher revision revives it; WAITING: nobody knows, it may report what another result reports';
      COMMENT ON COLUMN sampling_results.state IS 'Payload of the last event, without reason and time of withdrawal; null = nothing was announced: it waits, or was retracted before it was ever reported';
      CREATE INDEX sampling_results_batch ON sampling_results (batch_key, reporter_id, channel)
        WHERE batch_key <> 0 AND status IN ('NOTIFIED', 'PUBLISHED');
      CREATE INDEX sampling_results_not_compared ON sampling_results (reporter_id, sample_no) WHERE batch_key IS NULL;

      CREATE TABLE sampled_batches (batch_key bigint PRIMARY KEY);
      COMMENT ON TABLE sampled_batches IS 'Batches that results name: whoever stores results of one holds its row until the end of the transaction';

      CREATE TABLE probable_duplicates (
        pair_id             uuid PRIMARY KEY DEFAULT uuidv7(),
        pair_key            text COLLATE "C" NOT NULL UNIQUE,
        reporter_id         text COLLATE "C" NOT NULL,
        sample_no           text COLLATE "C" NOT NULL,
        earlier_reporter_id text COLLATE "C" NOT NULL,
        earlier_sample_no   text COLLATE "C" NOT NULL,
        agrees              jsonb NOT NULL,
        not_stated          jsonb NOT NULL,
        status              text NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'DIFFERENT', 'SAME', 'LAPSED')),
        since               timestamptz NOT NULL
      );
      CREATE INDEX probable_duplicates_later ON probable_duplicates (reporter_id, sample_no) WHERE status = 'OPEN';
      CREATE INDEX probable_duplicates_earlier ON probable_duplicates (earlier_reporter_id, earlier_sample_no) WHERE status = 'OPEN';
      COMMENT ON TABLE probable_duplicates IS 'Pairs of results that probably report the same (疑似重复), and whether they do';
      COMMENT ON COLUMN probable_duplicates.pair_key IS 'Both subjects in their order: a pair is there once, whichever came later';
      COMMENT ON COLUMN probable_duplicates.sample_no IS 'Of the later one: it waits, unless somebody had been told of it before';
      COMMENT ON COLUMN probable_duplicates.agrees IS 'Facts that both state alike';
      COMMENT ON COLUMN probable_duplicates.not_stated IS 'Facts that one of them does not state; what contradicts makes no pair';
      COMMENT ON COLUMN probable_duplicates.status IS 'OPEN: a person has to say; DIFFERENT, SAME: a person said; LAPSED: there is nothing to say, until both are alike again';

      CREATE TABLE probable_duplicate_rulings (
        pair_id    uuid NOT NULL REFERENCES probable_duplicates,
        step_no    integer NOT NULL,
        ruling     text NOT NULL CHECK (ruling IN ('DIFFERENT', 'SAME')),
        survivor   text,
        reason     text NOT NULL,
        actor_id   text NOT NULL,
        competence text NOT NULL,
        ruled_at   timestamptz NOT NULL,
        PRIMARY KEY (pair_id, step_no),
        CHECK ((ruling = 'SAME') = (survivor IS NOT NULL))
      );
      COMMENT ON TABLE probable_duplicate_rulings IS 'What was ruled on pairs, by whom and why; a second one where a merge was given up';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE probable_duplicate_rulings, probable_duplicates, sampled_batches;
      DROP INDEX sampling_results_batch, sampling_results_not_compared;
      ALTER TABLE sampling_results DROP COLUMN batch_key, DROP COLUMN merged_into;
    `);
  }
}
