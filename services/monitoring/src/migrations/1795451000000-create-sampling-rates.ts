import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateSamplingRates1795451000000 implements MigrationInterface {
  readonly name = 'CreateSamplingRates1795451000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE contributions (
        subject      text PRIMARY KEY,
        revision     integer NOT NULL CHECK (revision > 0),
        verdict      text CHECK (verdict IN ('QUALIFIED', 'UNQUALIFIED')),
        period       text,
        period_basis text,
        regime       text,
        category     text,
        platform     text,
        division     text,
        coverage     text,
        applied_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
        CHECK (num_nulls(verdict, period, period_basis, regime, category, platform, division, coverage) IN (0, 8))
      );
      COMMENT ON TABLE contributions IS 'What each sampling result adds to the statistics at present; replaced by its next revision';
      COMMENT ON COLUMN contributions.subject IS 'reporterId:sampleNo';
      COMMENT ON COLUMN contributions.revision IS 'Last revision applied; also of results that add nothing, so that late revisions are known as such';
      COMMENT ON COLUMN contributions.verdict IS 'Null: adds nothing (withdrawn, not final or without a verdict), and has no bucket';
      COMMENT ON COLUMN contributions.period_basis IS 'What the period was taken from: SAMPLED_ON, PUBLISHED_ON, PUBLISHED_YEAR or UNKNOWN';

      CREATE TABLE rollups (
        period       text NOT NULL,
        period_basis text NOT NULL,
        regime       text NOT NULL,
        category     text NOT NULL,
        platform     text NOT NULL,
        division     text NOT NULL,
        coverage     text NOT NULL,
        results      bigint NOT NULL,
        unqualified  bigint NOT NULL,
        PRIMARY KEY (period, period_basis, regime, category, platform, division, coverage)
      );
      COMMENT ON TABLE rollups IS 'Sums of contributions by bucket, kept in the transaction that changes a contribution';
      -- No CHECK (results >= 0): an upsert checks the row it proposes, and that one is a signed difference. The recount finds what is wrong.
      COMMENT ON COLUMN rollups.results IS 'QUALIFIED + UNQUALIFIED; 0 when every result has left the bucket';
      COMMENT ON COLUMN rollups.platform IS 'Id, or normalised printed name; platform_names resolves it when rates are read';

      CREATE TABLE platforms (
        organisation_id text PRIMARY KEY,
        revision        integer NOT NULL CHECK (revision > 0),
        name            text NOT NULL
      );
      COMMENT ON TABLE platforms IS 'Platforms of the exchange''s directory, as far as followed';

      CREATE TABLE platform_names (
        name            text PRIMARY KEY,
        organisation_id text NOT NULL REFERENCES platforms
      );
      CREATE INDEX platform_names_organisation ON platform_names (organisation_id);
      COMMENT ON TABLE platform_names IS 'Normalised names, aliases and ids of platforms; a name belongs to one platform';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE platform_names, platforms, rollups, contributions');
  }
}
