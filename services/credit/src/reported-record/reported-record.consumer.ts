import { CreditRecordReported, CreditRecordRetracted } from '@jinqiao/contracts';
import { OnBatch, type Received } from '@jinqiao/messaging';
import { AccessLog } from '@jinqiao/platform';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { byDepartment, noteAnswered } from '../intake.js';
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
    for (const [departmentId, own] of await byDepartment(tx, sent)) await this.takeInOf(departmentId, own, tx);
  }

  private async takeInOf(departmentId: string, received: readonly Intake[], tx: EntityManager): Promise<void> {
    if (departmentId === '') throw new Error('A record of an intake topic has an owner');
    const answers = await this.reported.acceptAndNote(tx, departmentId, received.map(submittedBy));
    await noteAnswered(tx, this.accessLog, departmentId, { received, answers });
  }
}

const submittedBy = (received: Intake): Submitted => ({
  kind: received.is(CreditRecordReported) ? 'REPORT' : 'RETRACTION',
  input: received.data,
  unknownFields: received.unknownFields,
  causedBy: received,
});
