import type { MigrationInterface, QueryRunner } from 'typeorm';

export class IndexUses1795450400010 implements MigrationInterface {
  readonly name = 'IndexUses1795450400010';

  // Reads the whole ledger once; what is told meanwhile waits in ledger_intake.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE INDEX ledger_entries_recipient ON ledger_entries (((entry::json) ->> 'recipientId'), seq)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX ledger_entries_recipient');
  }
}
