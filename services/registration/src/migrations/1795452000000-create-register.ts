import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateRegister1795452000000 implements MigrationInterface {
  readonly name = 'CreateRegister1795452000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE market_entities (
        uscc       text PRIMARY KEY,
        revision   integer NOT NULL DEFAULT 0 CHECK (revision >= 0),
        state      jsonb,
        status     text GENERATED ALWAYS AS (state ->> 'status') STORED,
        uscc_check text NOT NULL DEFAULT 'VALID' CHECK (uscc_check IN ('VALID', 'CHECK_FAILED_LEGACY_CANDIDATE')),
        stated_by  text NOT NULL DEFAULT '',
        changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CHECK ((revision = 0) = (state IS NULL))
      );
      CREATE INDEX market_entities_status ON market_entities (status, uscc);
      COMMENT ON TABLE market_entities IS 'The register of market entities, each in its last announced state';
      COMMENT ON COLUMN market_entities.revision IS '0 only inside the transaction that first meets the code: its row is the lock';
      COMMENT ON COLUMN market_entities.state IS 'The payload of the last event';
      COMMENT ON COLUMN market_entities.uscc_check IS 'CHECK_FAILED_LEGACY_CANDIDATE: a code of the pilot of 2015 that a register has to settle';
      COMMENT ON COLUMN market_entities.stated_by IS 'The department that stated the last revision';

      CREATE TABLE platform_merchants (
        platform_id text NOT NULL,
        shop_id     text NOT NULL,
        revision    integer NOT NULL DEFAULT 0 CHECK (revision >= 0),
        state       jsonb,
        uscc        text GENERATED ALWAYS AS (state ->> 'uscc') STORED,
        exited_at   text GENERATED ALWAYS AS (state ->> 'exitedAt') STORED,
        changed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (platform_id, shop_id),
        CHECK ((revision = 0) = (state IS NULL))
      );
      CREATE INDEX platform_merchants_uscc ON platform_merchants (uscc) WHERE uscc IS NOT NULL;
      COMMENT ON TABLE platform_merchants IS 'Shops of platforms, each in its last announced state; a shop that left stays, with the time';
      COMMENT ON COLUMN platform_merchants.revision IS '0 only inside the transaction that first meets the shop: its row is the lock';
      COMMENT ON COLUMN platform_merchants.state IS 'The payload of the last event';
      COMMENT ON COLUMN platform_merchants.uscc IS 'Null for natural-person shops that need no registration';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE platform_merchants, market_entities');
  }
}
