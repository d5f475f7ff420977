import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddGrantedKeys1795450400030 implements MigrationInterface {
  readonly name = 'AddGrantedKeys1795450400030';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE granted_keys (
        entitlement_id text NOT NULL REFERENCES entitlements (entitlement_id),
        key            text NOT NULL,
        PRIMARY KEY (entitlement_id, key)
      );
      COMMENT ON TABLE granted_keys IS 'Records that were pulled under a grant: whoever has one is told when it is no longer there or in scope';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE granted_keys');
  }
}
