import type { MigrationInterface, QueryRunner } from 'typeorm';

export class LetSnapshotsGoSooner1795452023000 implements MigrationInterface {
  readonly name = 'LetSnapshotsGoSooner1795452023000';

  // Changes the catalogue only.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `COMMENT ON TABLE credit_snapshots IS 'Daily snapshots of what is public; the one before stays for an hour beside the newest'`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`COMMENT ON TABLE credit_snapshots IS 'Daily snapshots of what is public; the newest two stay'`);
  }
}
