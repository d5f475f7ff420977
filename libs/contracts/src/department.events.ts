import { Nested, Optional, Revision, Text, Timestamp } from './fields.js';
import { OnlinePurchase, SamplingResultState } from './sampling-result.js';
import { stream } from './stream.js';

/** Fires when a department has a result, and again with the next revision whenever it changes; inspection takes it in. */
export class SamplingResultReported extends SamplingResultState {
  @Optional() @Revision("The reporter's own; absent = 1.") revision?: number;
  @Optional() @Nested(() => OnlinePurchase) online?: OnlinePurchase;
  @Optional() @Timestamp({ about: 'Absent = when it arrived.' }) reportedAt?: string;
}

/** Fires when a department takes a result back; inspection withdraws what it published. */
export class SamplingResultRetracted {
  @Text({ max: 128 }) sampleNo: string;
  @Revision('The next number of the series.') revision: number;
  @Text({ max: 1000 }) reason: string;
}

export const samplingResultIntake = stream<SamplingResultReported | SamplingResultRetracted>({
  topic: 'intake.{owner}.sampling-result.v1',
  about: "A department's sampling results, as it reports them.",
  writer: 'owner',
  readers: ['inspection'],
  retention: 30,
  owner: { kind: 'DEPARTMENT' },
  key: (event) => event.sampleNo,
  events: [SamplingResultReported, SamplingResultRetracted],
});
