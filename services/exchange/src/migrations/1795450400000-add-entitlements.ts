import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddEntitlements1795450400000 implements MigrationInterface {
  readonly name = 'AddEntitlements1795450400000';

  // Platforms that are there get their agreements by the sweep, with their events.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE entitlements (
        entitlement_id text PRIMARY KEY,
        revision       integer NOT NULL CHECK (revision > 0),
        kind           text NOT NULL CHECK (kind IN ('GRANT', 'AGREEMENT')),
        status         text NOT NULL CHECK (status IN ('REQUESTED', 'REFUSED', 'ACTIVE', 'SUSPENDED', 'REVOKED', 'EXPIRED', 'ENDED')),
        recipient_id   text NOT NULL REFERENCES organisations (id),
        provider_id    text REFERENCES organisations (id),
        stream         text,
        feedback_kind  text,
        mode           text,
        valid_until    date,
        answer_due_on  date,
        catches_up     boolean NOT NULL DEFAULT FALSE,
        CHECK ((kind = 'GRANT') = (provider_id IS NOT NULL AND stream IS NOT NULL AND mode IS NOT NULL AND valid_until IS NOT NULL)),
        CHECK ((kind = 'AGREEMENT') = (feedback_kind IS NOT NULL))
      );
      CREATE INDEX entitlements_grants ON entitlements (recipient_id, stream) WHERE kind = 'GRANT';
      CREATE UNIQUE INDEX entitlements_agreements ON entitlements (recipient_id, feedback_kind) WHERE kind = 'AGREEMENT';
      COMMENT ON TABLE entitlements IS 'Grants between departments and agreements with platforms, as they stand; what the law itself gives has no row';
      COMMENT ON COLUMN entitlements.entitlement_id IS 'GRANT:<UUID v7> or AGREEMENT:<kind of feedback>:<platform>';
      COMMENT ON COLUMN entitlements.answer_due_on IS 'The last day of the statutory period for an answer to the request';
      COMMENT ON COLUMN entitlements.catches_up IS 'In force (again), and the platform has still to be told what it was not told before';

      CREATE TABLE entitlement_revisions (
        entitlement_id text NOT NULL REFERENCES entitlements (entitlement_id),
        revision       integer NOT NULL,
        event          text NOT NULL,
        state          json NOT NULL,
        PRIMARY KEY (entitlement_id, revision)
      );
      CREATE TRIGGER added_to_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entitlement_revisions EXECUTE FUNCTION refuse_change();
      COMMENT ON TABLE entitlement_revisions IS 'Everything that was done to entitlements, as it was announced; only ever added to';

      CREATE TABLE topic_access (
        organisation_id text NOT NULL,
        stream          text NOT NULL,
        entitlement_id  text NOT NULL REFERENCES entitlements (entitlement_id),
        PRIMARY KEY (organisation_id, stream)
      );
      COMMENT ON TABLE topic_access IS 'Which streams the broker lets organisations read by a grant, as it was told last';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE topic_access, entitlement_revisions, entitlements');
  }
}
