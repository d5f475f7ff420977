import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A merchant reads its own results. Builds both indexes under a lock that lets nobody write: some seconds a million rows. */
export class IndexResultsByMerchant1795451052000 implements MigrationInterface {
  readonly name = 'IndexResultsByMerchant1795451052000';

  async up(runner: QueryRunner): Promise<void> {
    for (const party of ['sampledParty', 'nominalProducer'])
      await runner.query(`
        CREATE INDEX sampling_results_${party.toLowerCase()} ON sampling_results ((state -> '${party}' ->> 'uscc'), reporter_id, sample_no)
          WHERE state -> '${party}' ->> 'uscc' IS NOT NULL;
      `);
    await runner.query('CREATE INDEX sampling_cases_parties ON sampling_cases USING gin (parties jsonb_path_ops)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX sampling_results_sampledparty, sampling_results_nominalproducer, sampling_cases_parties');
  }
}
