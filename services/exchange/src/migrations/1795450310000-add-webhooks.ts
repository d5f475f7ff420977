import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddWebhooks1795450310000 implements MigrationInterface {
  readonly name = 'AddWebhooks1795450310000';

  // Columns without a stored default change only the catalogue; the indexes hold nothing before the first webhook is due.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE webhook_endpoints (
        endpoint_id     uuid PRIMARY KEY,
        organisation_id text NOT NULL REFERENCES organisations (id),
        url             text NOT NULL,
        algorithm       text NOT NULL CHECK (algorithm IN ('HMAC_SHA256', 'ED25519')),
        contact         text NOT NULL,
        status          text NOT NULL CHECK (status IN ('ACTIVE', 'DISABLED', 'ENDED')),
        status_reason   text CHECK (status_reason IN ('GONE', 'FAILING', 'REMOVED')),
        status_since    timestamptz NOT NULL,
        registered_at   timestamptz NOT NULL,
        failures        integer NOT NULL DEFAULT 0,
        failing_since   timestamptz,
        paused_until    timestamptz,
        CHECK ((failures = 0) = (failing_since IS NULL)),
        CHECK ((status = 'ACTIVE') = (status_reason IS NULL))
      );
      CREATE UNIQUE INDEX webhook_endpoints_living ON webhook_endpoints (organisation_id) WHERE status <> 'ENDED';
      COMMENT ON TABLE webhook_endpoints IS 'Where platforms take webhooks; a platform has one that has not ended. The row is the lock of its health';
      COMMENT ON COLUMN webhook_endpoints.contact IS 'The role that is told when the endpoint ends or is disabled; no person';
      COMMENT ON COLUMN webhook_endpoints.failures IS 'Failed attempts since the last success, over all deliveries';
      COMMENT ON COLUMN webhook_endpoints.paused_until IS 'Nothing is sent before: the breaker is open, or the endpoint asked for it (Retry-After)';

      CREATE TABLE webhook_secrets (
        secret_id   uuid PRIMARY KEY,
        endpoint_id uuid NOT NULL REFERENCES webhook_endpoints (endpoint_id),
        secret      text NOT NULL,
        created_at  timestamptz NOT NULL,
        valid_until timestamptz
      );
      CREATE INDEX webhook_secrets_endpoint ON webhook_secrets (endpoint_id, created_at);
      COMMENT ON TABLE webhook_secrets IS 'What webhooks are signed with; in a rotation with the old and the new one. Secret: no other role reads this table';
      COMMENT ON COLUMN webhook_secrets.secret IS 'whsec_ (HMAC, shared) or whsk_ (Ed25519, private), as the Standard Webhooks specification writes them';

      CREATE TABLE webhook_notices (
        notice_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        organisation_id text NOT NULL,
        endpoint_id     uuid NOT NULL REFERENCES webhook_endpoints (endpoint_id),
        reason          text NOT NULL CHECK (reason IN ('GONE', 'FAILING')),
        contact         text NOT NULL,
        noticed_at      timestamptz NOT NULL
      );
      CREATE INDEX webhook_notices_organisation ON webhook_notices (organisation_id, notice_id);
      COMMENT ON TABLE webhook_notices IS 'What the contact of a platform has to be told about its endpoint; feedback waits in pull meanwhile';

      CREATE TABLE webhook_attempts (
        attempt_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        recipient_id text NOT NULL,
        position     integer NOT NULL,
        feedback_id  uuid NOT NULL,
        revision     integer NOT NULL,
        endpoint_id  uuid NOT NULL,
        attempt      integer NOT NULL,
        outcome      text NOT NULL,
        status       integer,
        reason       text,
        started_at   timestamptz NOT NULL,
        took_ms      integer NOT NULL
      );
      CREATE INDEX webhook_attempts_recipient ON webhook_attempts (recipient_id, attempt_id);
      CREATE INDEX webhook_attempts_feedback ON webhook_attempts (feedback_id, attempt_id);
      COMMENT ON TABLE webhook_attempts IS 'Every attempt to deliver a webhook whose end was seen; rows are added and never changed';
      COMMENT ON COLUMN webhook_attempts.attempt IS 'Which attempt of this delivery since it became due, 1 on';
      COMMENT ON COLUMN webhook_attempts.status IS 'What the endpoint answered; empty when it did not';

      ALTER TABLE deliveries
        ADD COLUMN due_at       timestamptz,
        ADD COLUMN attempts     integer NOT NULL DEFAULT 0,
        ADD COLUMN leased_until timestamptz;
      UPDATE deliveries SET due_at = told_at WHERE channel = 'WEBHOOK' AND delivered_at IS NULL;
      CREATE INDEX deliveries_due ON deliveries (recipient_id, position) WHERE due_at IS NOT NULL;
      CREATE INDEX deliveries_due_subject ON deliveries (recipient_id, subject, position) WHERE due_at IS NOT NULL;
      COMMENT ON COLUMN deliveries.due_at IS 'When the next webhook is to be tried; empty where none is due, also after the last attempt';
      COMMENT ON COLUMN deliveries.leased_until IS 'Until then one process tries it, in database time; what a dead process leaves is tried again after it';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE deliveries DROP COLUMN due_at, DROP COLUMN attempts, DROP COLUMN leased_until;
      DROP TABLE webhook_attempts, webhook_notices, webhook_secrets, webhook_endpoints;
    `);
  }
}
