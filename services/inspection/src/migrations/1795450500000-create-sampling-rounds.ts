import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateSamplingRounds1795450500000 implements MigrationInterface {
  readonly name = 'CreateSamplingRounds1795450500000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE sampling_rounds (
        round_id     uuid PRIMARY KEY,
        organiser_id text COLLATE "C" NOT NULL,
        round_no     text COLLATE "C" NOT NULL,
        level        text NOT NULL CHECK (level IN ('COUNTY', 'CITY', 'PROVINCE', 'NATIONAL')),
        state        text NOT NULL CHECK (state IN ('PLANNED', 'RULES_PUBLISHED', 'DRAW_ANNOUNCED', 'DRAWN', 'OPENED', 'CANCELLED')),
        plan         jsonb NOT NULL,
        rules        jsonb,
        draw_no      integer NOT NULL DEFAULT 0,
        pool         jsonb,
        announced    jsonb,
        announcement_hash text,
        revealed     jsonb,
        drawn        jsonb,
        abandoned    jsonb NOT NULL DEFAULT '[]',
        planned_at   timestamptz NOT NULL,
        UNIQUE (organiser_id, round_no),
        CHECK ((state IN ('DRAW_ANNOUNCED', 'DRAWN', 'OPENED')) = (announced IS NOT NULL AND pool IS NOT NULL)),
        CHECK ((announcement_hash IS NULL) = (announced IS NULL)),
        CHECK ((state IN ('DRAWN', 'OPENED')) = (revealed IS NOT NULL AND drawn IS NOT NULL))
      );
      COMMENT ON TABLE sampling_rounds IS 'Sampling rounds 抽查方案 with their detailed rules and their draw';
      COMMENT ON COLUMN sampling_rounds.plan IS 'As it was planned: title, year, regime, category, coverage, quotas by division and risk class';
      COMMENT ON COLUMN sampling_rounds.rules IS 'Detailed rules 实施细则: where they are, their SHA-256, methods, since when public';
      COMMENT ON COLUMN sampling_rounds.pool IS 'Who may be sampled, with the salt of each commitment; of those not drawn it never leaves this table';
      COMMENT ON COLUMN sampling_rounds.announced IS 'What was published before anything random was known; its hash names it';
      COMMENT ON COLUMN sampling_rounds.abandoned IS 'Draws that were announced and not carried through, for everybody to see';

      CREATE TABLE sampling_round_steps (
        round_id uuid NOT NULL REFERENCES sampling_rounds,
        step_no  integer NOT NULL,
        step     text NOT NULL,
        actor_id text NOT NULL,
        basis    text NOT NULL,
        reason   text,
        taken_at timestamptz NOT NULL,
        PRIMARY KEY (round_id, step_no)
      );
      COMMENT ON TABLE sampling_round_steps IS 'Who took a round from state to state, when and by which article';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE sampling_round_steps, sampling_rounds');
  }
}
