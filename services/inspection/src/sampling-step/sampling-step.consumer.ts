import {
  RecallOpened,
  RecallStepTaken,
  SamplingCaseOpened,
  SamplingCaseStepTaken,
  SamplingSheetOpened,
  SamplingSheetStepTaken,
} from '@jinqiao/contracts';
import { OnBatch, type Received } from '@jinqiao/messaging';
import { AccessLog } from '@jinqiao/platform';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { SamplingSteps, type Step } from './sampling-step.service.js';

/** Listens to every department's own steps; who took a step is the owner of the topic, never what a payload says. */
@Controller()
export class SamplingStepConsumer {
  constructor(
    private readonly steps: SamplingSteps,
    private readonly accessLog: AccessLog,
  ) {}

  @OnBatch(SamplingSheetOpened, SamplingSheetStepTaken, SamplingCaseOpened, SamplingCaseStepTaken, RecallOpened, RecallStepTaken)
  async takeIn(received: Received<Step>[], tx: EntityManager): Promise<void> {
    await this.steps.lock(tx, received);
    // What arrives together may come from several departments: the objects are locked in one order, the steps of each stay in theirs.
    const inOrder = [...received].sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)));
    for (const one of inOrder) await this.takeOne(one, tx);
    for (const [departmentId, own] of Map.groupBy(received, ({ owner }) => owner ?? '')) {
      const records = own.map(({ topic, partition, offset }) => `${topic}[${partition}] ${offset}`);
      await this.accessLog.recordIn(tx, { id: departmentId, kind: 'DEPARTMENT', scopes: [] }, 'KAFKA intake', records.join(', '));
    }
  }

  private async takeOne(received: Received<Step>, tx: EntityManager): Promise<void> {
    if (received.owner === null) throw new Error('A record of an intake topic has an owner');
    const { code, errors = [] } = await this.steps.take(tx, received.owner, received);
    const reason = errors.map(({ pointer = '', message }) => `${pointer} ${message}`).join('; ');
    if (code !== undefined) received.reject(code, reason, errors[0]?.pointer ?? '');
  }
}
