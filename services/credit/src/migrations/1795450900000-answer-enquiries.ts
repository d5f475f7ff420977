import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AnswerEnquiries1795450900000 implements MigrationInterface {
  readonly name = 'AnswerEnquiries1795450900000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE registered_entities (
        uscc          text PRIMARY KEY,
        revision      integer NOT NULL,
        name          text NOT NULL,
        status        text NOT NULL,
        division_code text,
        industry_code text,
        registered_on date
      );
      COMMENT ON TABLE registered_entities IS 'The register of market entities, as far as followed; the higher revision wins';

      CREATE TABLE platform_shops (
        platform_id  text NOT NULL,
        shop_id      text NOT NULL,
        revision     integer NOT NULL,
        uscc         text,
        onboarded_at timestamptz NOT NULL,
        exited_at    timestamptz,
        PRIMARY KEY (platform_id, shop_id)
      );
      CREATE INDEX platform_shops_contracted ON platform_shops (platform_id, uscc) WHERE exited_at IS NULL;
      COMMENT ON TABLE platform_shops IS 'Who sells on which platform, as far as followed; the higher revision wins';
      COMMENT ON COLUMN platform_shops.uscc IS 'Null for natural-person shops that need no registration';
      COMMENT ON COLUMN platform_shops.exited_at IS 'Null = the platform has the merchant under contract';

      CREATE TABLE enquiries (
        seq            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        asked_at       timestamptz NOT NULL,
        asker_id       text NOT NULL,
        asker_kind     text NOT NULL,
        kind           text NOT NULL,
        uscc           text NOT NULL,
        purpose        text NOT NULL,
        application_id text,
        basis          text
      );
      CREATE INDEX enquiries_uscc ON enquiries (uscc, seq);
      CREATE INDEX enquiries_asker ON enquiries (asker_id, seq);
      COMMENT ON TABLE enquiries IS 'Who was answered about whom, when and why; only ever added to';
      COMMENT ON COLUMN enquiries.kind IS 'VERIFICATION, PREDICATE or CERTIFICATE; never what was answered';
      COMMENT ON COLUMN enquiries.application_id IS 'The platform''s own number of the merchant''s application; set where it asks for ONBOARDING';
      COMMENT ON COLUMN enquiries.basis IS 'Under which law a department asked';

      CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME;
      END $$;
      CREATE TRIGGER added_to_only BEFORE UPDATE OR DELETE OR TRUNCATE ON enquiries EXECUTE FUNCTION refuse_change();

      CREATE TABLE enquiry_budgets (
        asker_id text NOT NULL,
        day      date NOT NULL,
        used     integer NOT NULL,
        PRIMARY KEY (asker_id, day)
      );
      COMMENT ON TABLE enquiry_budgets IS 'How many enquiries of a platform were answered on a day';
      COMMENT ON COLUMN enquiry_budgets.day IS 'In China';

      CREATE TABLE certificate_keys (
        kid        text PRIMARY KEY,
        jwk        jsonb NOT NULL,
        used_since timestamptz NOT NULL
      );
      COMMENT ON TABLE certificate_keys IS 'Every public key that certificates were ever signed with; whoever loses one deletes its row';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE certificate_keys, enquiry_budgets, enquiries, platform_shops, registered_entities;
      DROP FUNCTION refuse_change();
    `);
  }
}
