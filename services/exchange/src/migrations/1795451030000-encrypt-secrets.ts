import type { MigrationInterface, QueryRunner } from 'typeorm';

export class EncryptSecrets1795451030000 implements MigrationInterface {
  readonly name = 'EncryptSecrets1795451030000';

  // NOT VALID: what is there already is encrypted by the exchange when it starts, since the database has no key; nothing else comes in
  // as it is. Both statements change only the catalogue.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE webhook_secrets ADD CONSTRAINT webhook_secrets_encrypted CHECK (secret LIKE 'eyJ%') NOT VALID;
      COMMENT ON COLUMN webhook_secrets.secret IS 'JWE (dir, A256GCM; kid names the key of WEBHOOK_SECRET_KEYS) of whsec_ (HMAC, shared) or whsk_ (Ed25519, private), as the Standard Webhooks specification writes them';
    `);
  }

  // What is encrypted stays so: an exchange that knows no encryption sends nothing with it until platforms have rotated (overlapHours 0).
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE webhook_secrets DROP CONSTRAINT webhook_secrets_encrypted;
      COMMENT ON COLUMN webhook_secrets.secret IS 'whsec_ (HMAC, shared) or whsk_ (Ed25519, private), as the Standard Webhooks specification writes them';
    `);
  }
}
