import * as codes from './codes.js';
import { Nested, NestedList, OneOf, Optional, Revision, Text, Timestamp } from './fields.js';
import { Listing } from './sampling-result.js';
import { stream } from './stream.js';

export class AnswerAction {
  @OneOf(codes.FEEDBACK_ACTIONS) action: codes.FeedbackActionCode;
  @Timestamp() at: string;
  @Optional() @Nested(() => Listing) listing?: Listing;
  @OneOf(codes.ACTION_RESULTS) result: codes.ActionResult;
  @Optional() @Text({ max: 64, about: 'SHA-256 of the evidence the platform keeps.' }) evidenceHash?: string;
}

/** Fires when a platform has received, acted on, searched for or disputed a feedback; later answers refine earlier ones. */
export class FeedbackAnswered {
  @Text({ max: 36, min: 36 }) feedbackId: string;
  @Revision('Revision of the feedback that is answered.') feedbackRevision: number;
  @Text({ max: 64, min: 64, pattern: /^[0-9a-f]{64}$/, about: 'contentHash of the feedback that is answered.' }) feedbackHash: string;
  @Revision('1, 2, 3 … of this answer.') revision: number;
  @OneOf(codes.ANSWER_STATUSES) status: codes.AnswerStatus;
  @Optional() @Text({ max: 200 }) reasonCode?: string;
  @Optional() @Text({ max: 2000, about: 'What was searched, when nothing was found.' }) searched?: string;
  @Optional() @NestedList(() => AnswerAction, { items: 100 }) actions?: AnswerAction[];
  @Timestamp() answeredAt: string;
  @Optional() @Text({ max: 4000, about: 'Detached JWS over the RFC 8785 form without this field.' }) signature?: string;
}

export const platformReceipts = stream<FeedbackAnswered>({
  topic: 'platform.{owner}.receipt.v1',
  about: "One platform's answers.",
  writer: 'owner',
  readers: ['exchange'],
  retention: 30,
  owner: { kind: 'PLATFORM' },
  key: (answer) => answer.feedbackId,
  events: [FeedbackAnswered],
});
