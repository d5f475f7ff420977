import { CreditRecordReported, CreditRecordRetracted } from '@jinqiao/contracts';
import { OnBatch, type Received } from '@jinqiao/messaging';
import { AccessLog, withoutSandbox } from '@jinqiao/platform';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { ReportedRecords, type Submitted } from './reported-record.service.js';

type Intake = Received<CreditRecordReported | CreditRecordRetracted>;

/** Listens to every department's own credit records; whose they are says the owner of the topic, never a payload. */
@Controller()
export class ReportedRecordConsumer {
  constructor(
    private readonly reported: ReportedRecords,
    private readonly accessLog: AccessLog,
  ) {}

  @OnBatch(CreditRecordReported, CreditRecordRetracted)
  async takeIn(sent: Intake[], tx: EntityManager): Promise<void> {
    const received = await withoutSandbox(tx, sent);
    // What arrives together may come from several departments; their locks are taken in one order.
    const byDepartment = Map.groupBy(received, ({ owner }) => owner ?? '');
    for (const [departmentId, own] of [...byDepartment].sort(([a], [b]) => (a < b ? -1 : 1))) await this.takeInOf(departmentId, own, tx);
  }

  private async takeInOf(departmentId: string, received: readonly Intake[], tx: EntityManager): Promise<void> {
    if (departmentId === '') throw new Error('A record of an intake topic has an owner');
    const answers = await this.reported.acceptAndNote(tx, departmentId, received.map(submittedBy));
    answers.forEach(({ errors }, place) => {
      const [worst] = errors;
      const reason = errors.map(({ pointer, message }) => `${pointer} ${message}`).join('; ');
      if (worst) received[place]?.reject(worst.code, reason, worst.pointer);
    });
    const places = [...Map.groupBy(received, ({ topic, partition }) => `${topic}[${partition}]`)].map(
      ([partition, own]) => `${partition} ${own[0]?.offset ?? ''}-${own.at(-1)?.offset ?? ''}`,
    );
    await this.accessLog.recordIn(tx, { id: departmentId, kind: 'DEPARTMENT', scopes: [] }, 'KAFKA intake', places.join(', '));
  }
}

const submittedBy = (received: Intake): Submitted => ({
  kind: received.is(CreditRecordReported) ? 'REPORT' : 'RETRACTION',
  input: received.data,
  unknownFields: received.unknownFields,
  causedBy: received,
});
