import type { MigrationInterface, QueryRunner } from 'typeorm';

export class NumberAttemptsOn1795451030070 implements MigrationInterface {
  readonly name = 'NumberAttemptsOn1795451030070';

  // A column with a constant default changes only the catalogue. What was numbered anew before stays so: attempts are never changed.
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE deliveries ADD COLUMN attempts_before integer NOT NULL DEFAULT 0;
      COMMENT ON COLUMN deliveries.attempts IS 'Since the schedule began, or began anew: a resend, a replay, a drain, another endpoint or channel';
      COMMENT ON COLUMN deliveries.attempts_before IS 'Those of schedules before it: attempts are numbered on';
      COMMENT ON COLUMN webhook_attempts.attempt IS 'Which attempt of this delivery, 1 on, however often its schedule began anew';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE deliveries DROP COLUMN attempts_before;
      COMMENT ON COLUMN webhook_attempts.attempt IS 'Which attempt of this delivery since it became due, 1 on';
    `);
  }
}
