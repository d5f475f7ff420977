import { SamplingResultReported, SamplingResultRetracted } from '@jinqiao/contracts';
import { OnBatch, type Received } from '@jinqiao/messaging';
import { AccessLog } from '@jinqiao/platform';
import { Controller } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { SamplingResults, type Submitted } from './sampling-result.service.js';

type Intake = Received<SamplingResultReported | SamplingResultRetracted>;

/** Listens to every department's own results; who reported is the owner of the topic, never what a payload says. */
@Controller()
export class SamplingResultConsumer {
  constructor(
    private readonly results: SamplingResults,
    private readonly accessLog: AccessLog,
  ) {}

  @OnBatch(SamplingResultReported, SamplingResultRetracted)
  async takeIn(received: Intake[], tx: EntityManager): Promise<void> {
    // What arrives together may come from several departments; their locks are taken in one order.
    const byReporter = Map.groupBy(received, ({ owner }) => owner ?? '');
    for (const [reporterId, own] of [...byReporter].sort(([a], [b]) => (a < b ? -1 : 1))) await this.takeInOf(reporterId, own, tx);
  }

  private async takeInOf(reporterId: string, received: readonly Intake[], tx: EntityManager): Promise<void> {
    if (reporterId === '') throw new Error('A record of an intake topic has an owner');
    const answers = await this.results.accept(tx, reporterId, received.map(submittedBy), { channel: 'KAFKA' });
    answers.forEach(({ errors }, place) => {
      const [worst] = errors;
      const reason = errors.map(({ pointer, message }) => `${pointer} ${message}`).join('; ');
      if (worst) received[place]?.reject(worst.code, reason, worst.pointer);
    });
    const records = [...Map.groupBy(received, ({ topic, partition }) => `${topic}[${partition}]`)].map(
      ([partition, own]) => `${partition} ${own[0]?.offset ?? ''}-${own.at(-1)?.offset ?? ''}`,
    );
    await this.accessLog.recordIn(tx, { id: reporterId, kind: 'DEPARTMENT', scopes: [] }, 'KAFKA intake', records.join(', '));
  }
}

const submittedBy = (received: Intake): Submitted => ({
  kind: received.is(SamplingResultReported) ? 'REPORT' : 'RETRACTION',
  input: received.data,
  unknownFields: received.unknownFields,
  causedBy: received,
});
