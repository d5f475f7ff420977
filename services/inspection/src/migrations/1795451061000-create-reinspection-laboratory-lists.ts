import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateReinspectionLaboratoryLists1795451061000 implements MigrationInterface {
  readonly name = 'CreateReinspectionLaboratoryLists1795451061000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE reinspection_laboratory_lists (
        list_no       integer PRIMARY KEY,
        hash          text COLLATE "C" NOT NULL,
        document_no   text NOT NULL,
        published_on  date NOT NULL,
        laboratories  jsonb NOT NULL,
        stated_by     text COLLATE "C" NOT NULL,
        stated_at     timestamptz NOT NULL,
        kept_revision integer NOT NULL DEFAULT 0
      );
      COMMENT ON TABLE reinspection_laboratory_lists IS 'Lists of the laboratories that test food again 复检机构名录, each as a province stated it';
      COMMENT ON COLUMN reinspection_laboratory_lists.hash IS 'SHA-256 of what was stated; steps that chose a laboratory name it';
      COMMENT ON COLUMN reinspection_laboratory_lists.published_on IS 'It holds from then on, until the day of the next one';
      COMMENT ON COLUMN reinspection_laboratory_lists.laboratories IS '[{name, uscc, from, until}], days on the list, both included';
      COMMENT ON COLUMN reinspection_laboratory_lists.kept_revision IS 'Of what inspection.reinspection-laboratory-list.v1 holds of it; 0 = nothing';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE reinspection_laboratory_lists');
  }
}
