import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The tables every service has besides its own and messaging's. */
export class CreatePlatform1700000000100 implements MigrationInterface {
  readonly name = 'CreatePlatform1700000000100';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE idempotency_keys (
        principal_id text NOT NULL,
        route        text NOT NULL,
        key          text NOT NULL,
        request_hash text,
        status       smallint,
        content_type text,
        body         text,
        started_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (principal_id, route, key)
      );
      CREATE INDEX idempotency_keys_started ON idempotency_keys (started_at);
      COMMENT ON TABLE idempotency_keys IS 'Answers to requests that carried an Idempotency-Key, for 24 hours; status is null while the request is being handled';
      COMMENT ON COLUMN idempotency_keys.request_hash IS 'SHA-256 of address and body: the same key with another request is refused';

      CREATE TABLE access_log (
        id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at             timestamptz NOT NULL DEFAULT clock_timestamp(),
        principal_id   text NOT NULL,
        principal_kind text NOT NULL,
        action         text NOT NULL,
        subject        text NOT NULL,
        purpose        text,
        trace_id       text
      );
      CREATE INDEX access_log_at ON access_log USING brin (at);
      COMMENT ON TABLE access_log IS 'Who did or read what, for which purpose. Append-only: the role of the service may only insert and read';
      COMMENT ON COLUMN access_log.subject IS 'The ids in the address; never those of a person';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE access_log, idempotency_keys');
  }
}
