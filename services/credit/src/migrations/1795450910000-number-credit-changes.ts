import type { MigrationInterface, QueryRunner } from 'typeorm';

export class NumberCreditChanges1795450910000 implements MigrationInterface {
  readonly name = 'NumberCreditChanges1795450910000';

  // Reads every entity once. What had ended before is not told: no reader has a cursor of that time.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE changed_entities (
        id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        uscc text NOT NULL
      );
      -- A queue: rows come and go by the thousand, so it is vacuumed by count, not by share of a table that is mostly empty.
      ALTER TABLE changed_entities SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
                                        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);
      COMMENT ON TABLE changed_entities IS 'Entities that have changed and have no new position yet; written in the transaction of the change';

      CREATE TABLE credit_changes (
        uscc       text PRIMARY KEY,
        position   bigint NOT NULL UNIQUE CHECK (position > 0),
        changed_at timestamptz NOT NULL,
        removed    boolean NOT NULL
      );
      CREATE INDEX credit_changes_tombstones ON credit_changes (changed_at, position) WHERE removed;
      COMMENT ON TABLE credit_changes IS 'Where each entity stands in the change feed: once, at its newest change. What is public of it is read from credit_entities';
      COMMENT ON COLUMN credit_changes.position IS '1, 2, 3 … in the order of changes, with gaps where entities have moved on; given by one process at a time';
      COMMENT ON COLUMN credit_changes.removed IS 'Nothing was public any more when it was numbered: a tombstone, erased when it has stood as long as one on the topic';

      CREATE TABLE change_series (
        is_row         boolean PRIMARY KEY DEFAULT TRUE CHECK (is_row),
        epoch          uuid NOT NULL DEFAULT gen_random_uuid(),
        last_position  bigint NOT NULL DEFAULT 0,
        erased_through bigint NOT NULL DEFAULT 0
      );
      COMMENT ON TABLE change_series IS 'How far the change feed has come; one row';
      COMMENT ON COLUMN change_series.epoch IS 'Part of every cursor; another one after the database was found to have been set back';
      COMMENT ON COLUMN change_series.erased_through IS 'Highest position of an erased tombstone: a cursor before it may lack an end';

      INSERT INTO credit_changes (uscc, position, changed_at, removed)
      SELECT uscc, row_number() OVER (ORDER BY changed_at, uscc), changed_at, FALSE FROM credit_entities WHERE public_records <> '[]';
      INSERT INTO change_series (last_position) SELECT count(*) FROM credit_changes;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE change_series, credit_changes, changed_entities');
  }
}
