import { RepairDecisionReported } from '@jinqiao/contracts';
import { OnBatch, type Received } from '@jinqiao/messaging';
import { AccessLog, withoutSandbox } from '@jinqiao/platform';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { isCreditOffice, NotTheCreditOffice } from '../credit-office.js';
import { Repairs } from './repair.service.js';

/** Listens to decisions on repairs. Every department has such a topic; who the credit office is, the directory says, never a payload. */
@Controller()
export class RepairConsumer {
  constructor(
    private readonly repairs: Repairs,
    private readonly accessLog: AccessLog,
  ) {}

  @OnBatch(RepairDecisionReported)
  async takeIn(sent: Received<RepairDecisionReported>[], tx: EntityManager): Promise<void> {
    const received = await withoutSandbox(tx, sent);
    const byDepartment = Map.groupBy(received, ({ owner }) => owner ?? '');
    for (const [departmentId, own] of [...byDepartment].sort(([a], [b]) => (a < b ? -1 : 1))) await this.takeInOf(departmentId, own, tx);
  }

  private async takeInOf(departmentId: string, received: readonly Received<RepairDecisionReported>[], tx: EntityManager): Promise<void> {
    if (!(await isCreditOffice(tx, departmentId))) {
      const { code, message } = new NotTheCreditOffice();
      for (const one of received) one.reject(code, message);
      return;
    }
    const answers = await this.repairs.accept(
      tx,
      departmentId,
      received.map((one) => ({ input: one.data, causedBy: one })),
    );
    answers.forEach(({ errors }, place) => {
      const [worst] = errors;
      const reason = errors.map(({ pointer, message }) => `${pointer} ${message}`).join('; ');
      if (worst) received[place]?.reject(worst.code, reason, worst.pointer);
    });
    const records = received.map(({ topic, partition, offset }) => `${topic}[${partition}] ${offset}`);
    await this.accessLog.recordIn(tx, { id: departmentId, kind: 'DEPARTMENT', scopes: [] }, 'KAFKA intake', records.join(', '));
  }
}
