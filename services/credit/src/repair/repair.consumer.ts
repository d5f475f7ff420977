import { RepairDecisionReported } from '@jinqiao/contracts';
import { OnBatch, type Received } from '@jinqiao/messaging';
import { AccessLog } from '@jinqiao/platform';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { isCreditOffice, NotTheCreditOffice } from '../credit-office.js';
import { byDepartment, noteAnswered } from '../intake.js';
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
    for (const [departmentId, own] of await byDepartment(tx, sent)) await this.takeInOf(departmentId, own, tx);
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
    await noteAnswered(tx, this.accessLog, departmentId, { received, answers });
  }
}
