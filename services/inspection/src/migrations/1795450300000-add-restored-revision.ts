import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddRestoredRevision1795450300000 implements MigrationInterface {
  readonly name = 'AddRestoredRevision1795450300000';

  // A nullable column without a default: only the catalogue is written, under a lock of a moment.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE sampling_results ADD COLUMN restored_revision integer;
      COMMENT ON COLUMN sampling_results.restored_revision IS 'Reported revisions up to this one were taken over from our own topics after the database had been set back; sent again, they are duplicates';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE sampling_results DROP COLUMN restored_revision');
  }
}
