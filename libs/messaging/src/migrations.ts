import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The tables of the messaging core, the same in every service's database. */
export class CreateMessaging1700000000000 implements MigrationInterface {
  readonly name = 'CreateMessaging1700000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE outbox (
        seq           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        topic         text NOT NULL,
        key           text,
        headers       json NOT NULL,
        value         text,
        raw           bytea,
        created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
        parked_at     timestamptz,
        parked_reason text
      );
      -- A queue: rows come and go by the thousand, so it is vacuumed by count, not by share of a table that is mostly empty.
      ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
                              autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);
      CREATE INDEX outbox_parked ON outbox (topic, key) WHERE parked_at IS NOT NULL;
      COMMENT ON TABLE outbox IS 'Events of committed changes that the broker has not yet taken; the relay publishes by seq and deletes';
      COMMENT ON COLUMN outbox.raw IS 'A body that is not text, for dead-letter topics; value is null then';
      COMMENT ON COLUMN outbox.parked_at IS 'The broker refused this record; later records of its key wait behind it';

      CREATE TABLE relay_leases (
        name       text PRIMARY KEY,
        holder     uuid NOT NULL,
        expires_at timestamptz NOT NULL
      );
      COMMENT ON TABLE relay_leases IS 'Who may publish the outbox; checked again, in database time, when rows are deleted';

      CREATE TABLE inbox (
        source      text NOT NULL,
        event_id    text NOT NULL,
        hash        bytea NOT NULL,
        received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (source, event_id)
      );
      CREATE INDEX inbox_received ON inbox USING brin (received_at);
      COMMENT ON TABLE inbox IS 'Events this service has handled, by CloudEvents source and id; rows go when no replay can reach them';
      COMMENT ON COLUMN inbox.hash IS 'SHA-256 of type and body: the same id with other bytes is not a duplicate';

      CREATE TABLE consumer_offsets (
        group_id       text NOT NULL,
        topic          text NOT NULL,
        partition      integer NOT NULL,
        next_offset    bigint,
        attempts       integer NOT NULL DEFAULT 0,
        suspect_offset bigint,
        suspect_count  integer NOT NULL DEFAULT 0,
        updated_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (group_id, topic, partition)
      );
      COMMENT ON TABLE consumer_offsets IS 'How far each partition is handled, written in the transaction of the effects; the offset kept by the broker follows';
      COMMENT ON COLUMN consumer_offsets.attempts IS 'Times a process began here and did not come back; above a bound, records are handled one by one';
      COMMENT ON COLUMN consumer_offsets.suspect_offset IS 'The record being handled alone, with suspect_count the times it was tried';

      CREATE TABLE dead_letters (
        id          uuid PRIMARY KEY,
        topic       text NOT NULL,
        partition   integer NOT NULL,
        "offset"    bigint NOT NULL,
        key         text,
        headers     jsonb NOT NULL,
        value       bytea,
        code        text NOT NULL,
        pointer     text,
        reason      text NOT NULL,
        failed_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
        attempts    integer NOT NULL DEFAULT 1,
        replayed_at timestamptz
      );
      CREATE UNIQUE INDEX dead_letters_record ON dead_letters (topic, partition, "offset", code);
      CREATE INDEX dead_letters_open ON dead_letters (id) WHERE replayed_at IS NULL;
      CREATE INDEX dead_letters_key ON dead_letters (topic, key);
      COMMENT ON TABLE dead_letters IS 'Records this consumer could not handle, as received, with the reason; kept until replayed, and after';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE dead_letters, consumer_offsets, inbox, relay_leases, outbox');
  }
}

/** How far a service's own topics come from its present database (ADR-0009). */
export class AddPublishedMarks1700000000001 implements MigrationInterface {
  readonly name = 'AddPublishedMarks1700000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE published_marks (
        topic       text NOT NULL,
        partition   integer NOT NULL,
        next_offset bigint NOT NULL,
        marked_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (topic, partition)
      );
      COMMENT ON TABLE published_marks IS 'Up to where everything on a topic of this service was committed in this database; goes back with it, so what lies beyond is what a restore has forgotten';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE published_marks');
  }
}

/** What the relay sends next. */
export class AddNextOfOutbox1700000000002 implements MigrationInterface {
  readonly name = 'AddNextOfOutbox1700000000002';

  async up(runner: QueryRunner): Promise<void> {
    // Between two vacuums most of the table is rows that are gone, and the planner, which counts pages, would read all of them every time.
    await runner.query(`
      CREATE FUNCTION next_of_outbox(most integer, held text[], besides bigint[])
        RETURNS TABLE (seq bigint, topic text, key text, headers json, value text, raw bytea)
        LANGUAGE sql STABLE SET enable_seqscan = off AS $$
          SELECT seq, topic, key, headers, value, raw FROM outbox AS next
          WHERE parked_at IS NULL AND topic <> ALL (held) AND seq <> ALL (besides)
            AND NOT EXISTS (SELECT FROM outbox AS parked
                            WHERE parked.parked_at IS NOT NULL AND parked.topic = next.topic AND parked.key = next.key)
          ORDER BY seq LIMIT most
        $$;
      COMMENT ON FUNCTION next_of_outbox IS 'Committed events in the order of seq, without parked keys, held topics and the rows besides';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION next_of_outbox');
  }
}

class ReadOutboxFaster1700000000003 implements MigrationInterface {
  readonly name = 'ReadOutboxFaster1700000000003';

  async up(runner: QueryRunner): Promise<void> {
    // What is left out is looked up and not compared one by one, and no second process is started for a few hundred rows.
    await runner.query(`
      CREATE OR REPLACE FUNCTION next_of_outbox(most integer, held text[], besides bigint[])
        RETURNS TABLE (seq bigint, topic text, key text, headers json, value text, raw bytea)
        LANGUAGE sql STABLE SET enable_seqscan = off SET max_parallel_workers_per_gather = 0 AS $$
          SELECT seq, topic, key, headers, value, raw FROM outbox AS next
          WHERE parked_at IS NULL AND topic <> ALL (held) AND seq NOT IN (SELECT beside FROM unnest(besides) AS beside)
            AND NOT EXISTS (SELECT FROM outbox AS parked
                            WHERE parked.parked_at IS NOT NULL AND parked.topic = next.topic AND parked.key = next.key)
          ORDER BY seq LIMIT most
        $$;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION next_of_outbox');
    await new AddNextOfOutbox1700000000002().up(runner);
  }
}

export const messagingMigrations = [
  CreateMessaging1700000000000,
  AddPublishedMarks1700000000001,
  AddNextOfOutbox1700000000002,
  ReadOutboxFaster1700000000003,
];
