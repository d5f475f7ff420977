import type { MigrationInterface, QueryRunner } from 'typeorm';

export class IndexResultsForLists1795450400000 implements MigrationInterface {
  readonly name = 'IndexResultsForLists1795450400000';

  async up(runner: QueryRunner): Promise<void> {
    // Without them a list walks the primary key until its page is full: past millions of rows where a platform or a day has few.
    await runner.query(`
      CREATE INDEX sampling_results_platform ON sampling_results (platform, reporter_id, sample_no) WHERE platform IS NOT NULL;
      CREATE INDEX sampling_results_day ON sampling_results (reporter_id, dated_on) WHERE dated_on IS NOT NULL;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX sampling_results_platform, sampling_results_day');
  }
}
