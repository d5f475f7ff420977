import { Nested, Optional, Revision, Text, Timestamp } from './fields.js';
import { OnlineSale, SamplingResultState } from './sampling-result.js';
import { stream } from './stream.js';

class StatedResult extends SamplingResultState {
  @Text({ max: 64, about: 'The department that reported it.' }) reporterId: string;
  @Revision() revision: number;
  @Revision("The reporter's revision this state follows.") reportedRevision: number;
  @Optional() @Nested(() => OnlineSale) online?: OnlineSale;
  @Timestamp() acceptedAt: string;
  @Optional() @Timestamp({ about: 'Absent while under embargo.' }) publishedAt?: string;
}

/** Fires with every state of a result before it is published; the exchange tells the platform, nobody else may know. */
export class SamplingResultNotified extends StatedResult {}

/** Fires when a result that was never published is taken back; the exchange withdraws its feedback. */
export class SamplingNoticeWithdrawn extends StatedResult {
  @Text({ max: 1000 }) reason: string;
  @Timestamp() withdrawnAt: string;
}

/** Fires with every state of a published result; credit, monitoring and the exchange follow it. */
export class SamplingResultPublished extends StatedResult {}

/** Fires when a published result is taken back or put under embargo again; everyone who used it undoes it. */
export class SamplingResultWithdrawn extends StatedResult {
  @Text({ max: 1000 }) reason: string;
  @Timestamp() withdrawnAt: string;
}

/** `reporterId:sampleNo`, the subject that records, rollups and feedback refer to. */
export const subjectOf = (result: { reporterId: string; sampleNo: string }): string => `${result.reporterId}:${result.sampleNo}`;

export const samplingNotices = stream<SamplingResultNotified | SamplingNoticeWithdrawn>({
  topic: 'inspection.sampling-notice.v1',
  about: 'Results before publication: for the platform that sold the goods, and nobody else.',
  writer: 'inspection',
  readers: ['exchange'],
  retention: 90,
  key: subjectOf,
  events: [SamplingResultNotified, SamplingNoticeWithdrawn],
});

export const samplingResults = stream<SamplingResultPublished | SamplingResultWithdrawn>({
  topic: 'inspection.sampling-result.v1',
  about: 'Published results. One series of revisions with the notices: each revision is on exactly one of the two.',
  writer: 'inspection',
  readers: ['credit', 'monitoring', 'exchange'],
  retention: 'LAST_STATE',
  tombstones: true,
  key: subjectOf,
  events: [SamplingResultPublished, SamplingResultWithdrawn],
});
