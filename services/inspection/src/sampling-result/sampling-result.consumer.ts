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
    // A batch is of one partition, so of one department's topic.
    const [first] = received;
    if (!first?.owner) throw new Error('A record of an intake topic has an owner');
    const reporterId = first.owner;
    const answers = await this.results.accept(tx, reporterId, received.map(submittedBy), { channel: 'KAFKA' });
    answers.forEach(({ errors }, place) => {
      const [worst] = errors;
      const reason = errors.map(({ pointer, message }) => `${pointer} ${message}`).join('; ');
      if (worst) received[place]?.reject(worst.code, reason, worst.pointer);
    });
    const records = `${first.topic}[${first.partition}] ${first.offset}-${received.at(-1)?.offset ?? first.offset}`;
    await this.accessLog.recordIn(tx, { id: reporterId, kind: 'DEPARTMENT', scopes: [] }, 'KAFKA intake', records);
  }
}

const submittedBy = (received: Intake): Submitted => ({
  kind: received.is(SamplingResultReported) ? 'REPORT' : 'RETRACTION',
  input: received.data,
  unknownFields: received.unknownFields,
  causedBy: received,
});
