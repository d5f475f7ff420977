import { RecallReported } from '@jinqiao/contracts';
import { OnBatch, type Received } from '@jinqiao/messaging';
import { AccessLog, withoutSandbox } from '@jinqiao/platform';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { RecallNotices } from './recall.notices.service.js';

/** Listens to every department's own recalls; who reported is the owner of the topic, never what a payload says. */
@Controller()
export class RecallConsumer {
  constructor(
    private readonly notices: RecallNotices,
    private readonly accessLog: AccessLog,
  ) {}

  @OnBatch(RecallReported)
  async takeIn(sent: Received<RecallReported>[], tx: EntityManager): Promise<void> {
    const received = await withoutSandbox(tx, sent);
    // What arrives together may come from several departments; their locks are taken in one order.
    await this.notices.lock(
      tx,
      received.map(({ data }) => data),
    );
    for (const [keeperId, own] of Map.groupBy(received, ({ owner }) => owner ?? '')) await this.takeInOf(keeperId, own, tx);
  }

  private async takeInOf(keeperId: string, received: readonly Received<RecallReported>[], tx: EntityManager): Promise<void> {
    if (keeperId === '') throw new Error('A record of an intake topic has an owner');
    const sent = received.map((one) => ({ input: one.data, causedBy: one }));
    const answers = await this.notices.accept(tx, keeperId, sent);
    answers.forEach(({ errors }, place) => {
      const [worst] = errors;
      const reason = errors.map(({ pointer, message }) => `${pointer} ${message}`).join('; ');
      if (worst) received[place]?.reject(worst.code, reason, worst.pointer);
    });
    const records = received.map(({ topic, partition, offset }) => `${topic}[${partition}] ${offset}`);
    await this.accessLog.recordIn(tx, { id: keeperId, kind: 'DEPARTMENT', scopes: [] }, 'KAFKA intake', records.join(', '));
  }
}
