import type { MigrationInterface, QueryRunner } from 'typeorm';

export class EraseSecretsOfEndedEndpoints1795451030040 implements MigrationInterface {
  readonly name = 'EraseSecretsOfEndedEndpoints1795451030040';

  // Those of endpoints that said 410: they stayed, since there was nothing left to remove.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `DELETE FROM webhook_secrets s USING webhook_endpoints e WHERE e.endpoint_id = s.endpoint_id AND e.status = 'ENDED'`,
    );
  }

  // What is erased stays so: nothing is signed with it.
  async down(): Promise<void> {}
}
