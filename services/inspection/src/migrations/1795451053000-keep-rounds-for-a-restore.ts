import type { MigrationInterface, QueryRunner } from 'typeorm';

export class KeepRoundsForARestore1795451053000 implements MigrationInterface {
  readonly name = 'KeepRoundsForARestore1795451053000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE sampling_rounds ADD COLUMN kept_revision integer NOT NULL DEFAULT 0;
      COMMENT ON COLUMN sampling_rounds.kept_revision IS 'Of what inspection.sampling-round.v1 holds of it; 0 = nothing';
      COMMENT ON COLUMN sampling_rounds.pool IS 'Who may be sampled, with the salt of each commitment; of those not drawn it leaves this table only sealed';

      CREATE TABLE restored_draws (
        announcement_hash text COLLATE "C" NOT NULL,
        portion           integer NOT NULL CHECK (portion > 0),
        portions          integer NOT NULL,
        sealed            text NOT NULL,
        PRIMARY KEY (announcement_hash, portion)
      );
      COMMENT ON TABLE restored_draws IS 'What a database that was set back reads of draws it has forgotten, until their rounds are taken over; else empty';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE restored_draws;
      ALTER TABLE sampling_rounds DROP COLUMN kept_revision;
      COMMENT ON COLUMN sampling_rounds.pool IS 'Who may be sampled, with the salt of each commitment; of those not drawn it never leaves this table';
    `);
  }
}
