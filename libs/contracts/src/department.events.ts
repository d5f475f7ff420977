import {
  CREDIT_CLASSES,
  CREDIT_RECORD_TYPES,
  CREDIT_RETRACTION_GROUNDS,
  type CreditClass,
  type CreditRecordType,
  type CreditRetractionGround,
} from './codes.js';
import { Commitment, CreditRecordDigest } from './credit.events.js';
import { CalendarDate, Flag, Nested, OneOf, Optional, Revision, Text, TextList, Timestamp } from './fields.js';
import { RecallContent } from './recall.js';
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

/** Fires when a department has a fact to hold against an entity, and again with the next revision whenever it changes; credit takes it in. */
export class CreditRecordReported {
  @Text({ max: 128, about: "The department's own number, unique among its records." }) recordNo: string;
  @Optional() @Revision("The department's own; absent = 1.") revision?: number;
  @Text({ max: 32, about: 'Unified social credit code, as printed.' }) uscc: string;
  @OneOf(CREDIT_RECORD_TYPES) type: CreditRecordType;
  @Optional() @OneOf(CREDIT_CLASSES, { about: 'Required where the type has classes on that day.' }) class?: CreditClass;
  @CalendarDate({ about: 'Date of the document; the law of that day holds for the record.' }) documentDate: string;
  @Nested(() => CreditRecordDigest) digest: CreditRecordDigest;
  @Optional() @Text({ max: 64, about: 'Whose record it is. Only ever the sender; another one is refused.' }) departmentId?: string;
  @Optional()
  @CalendarDate({ about: 'The first day it is public, or was elsewhere already; absent = the day it came.' })
  publishFrom?: string;
  @Optional() @CalendarDate({ about: 'The last day it is public; absent = as long as the law says.' }) publicUntil?: string;
  @Optional() @Nested(() => Commitment) commitment?: Commitment;
  @Optional() @Flag({ about: 'An objection, a review or a suit is pending.' }) contested?: boolean;
  @Optional() @TextList({ max: 500, items: 100, about: 'What belongs to the record and does not end it.' }) annotations?: string[];
  @Optional() @Timestamp({ about: 'Absent = when it arrived.' }) reportedAt?: string;
}

/** Fires when a department takes a record back: it is void, was wrong, or is repaired; credit ends what it published. */
export class CreditRecordRetracted {
  @Text({ max: 128 }) recordNo: string;
  @Revision('The next number of the series.') revision: number;
  @OneOf(CREDIT_RETRACTION_GROUNDS, { about: 'REPAIRED: left a list by decision, or repaired; never published again.' })
  ground: CreditRetractionGround;
  @Text({ max: 1000 }) reason: string;
  @Optional() @CalendarDate({ about: 'When that was decided.' }) decidedOn?: string;
}

export const creditRecordIntake = stream<CreditRecordReported | CreditRecordRetracted>({
  topic: 'intake.{owner}.credit-record.v1',
  about: "A department's credit records, as it reports them.",
  writer: 'owner',
  readers: ['credit'],
  retention: 30,
  owner: { kind: 'DEPARTMENT' },
  key: (event) => event.recordNo,
  events: [CreditRecordReported, CreditRecordRetracted],
});

/** Fires when a department takes a recall from the notice of another authority, and with every change of it; inspection publishes it. */
export class RecallReported extends RecallContent {
  @Optional() @Revision("The department's own; absent = 1.") revision?: number;
}

export const recallIntake = stream<RecallReported>({
  topic: 'intake.{owner}.recall.v1',
  about: 'Recalls that other authorities have announced, as a department reports them.',
  writer: 'owner',
  readers: ['inspection'],
  retention: 30,
  owner: { kind: 'DEPARTMENT' },
  key: (event) => event.recallNo,
  events: [RecallReported],
});
