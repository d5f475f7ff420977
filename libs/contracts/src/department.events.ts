import {
  CASE_ACTS,
  type CaseAct,
  CREDIT_CLASSES,
  CREDIT_RECORD_TYPES,
  CREDIT_RETRACTION_GROUNDS,
  type CreditClass,
  type CreditRecordType,
  type CreditRetractionGround,
  RECALL_ACTS,
  type RecallAct,
  SHEET_ACTS,
  type SheetAct,
  STEP_MATTERS,
  STEP_OUTCOMES,
  STEP_PARTIES,
  type StepMatter,
  type StepOutcome,
  type StepParty,
} from './codes.js';
import { Commitment, CreditRecordDigest } from './credit.events.js';
import { CalendarDate, Flag, Nested, NestedList, OneOf, Optional, Revision, Text, TextList, Timestamp } from './fields.js';
import { RECALL_NO, RecallClue, RecallContent, RecallFacts } from './recall.js';
import { OnlinePurchase, SamplingResultState } from './sampling-result.js';
import { CaseFacts, SheetFacts } from './sampling-step.js';
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

const STEP_ID = { max: 128, about: "The department's own, unique among its steps: the same step sent again is taken once." };
const STEP_REVISION = 'Of the step as it is sent: higher where one that was refused is sent again; absent = 1.';

/** Fires when a department opens the sheet of an object that was drawn in its round; inspection does what it does over HTTP. */
export class SamplingSheetOpened {
  @Text(STEP_ID) stepId: string;
  @Optional() @Revision(STEP_REVISION) revision?: number;
  @Text({ max: 128, about: 'Sampling sheet number, unique for its organiser; of the result too.' }) sampleNo: string;
  @Text({ max: 36, min: 36 }) roundId: string;
  @Text({ max: 64, about: 'Who was drawn.' }) objectId: string;
}

/** Fires when a department has taken a step of a sampling sheet; inspection judges it as it does over HTTP, and answers. */
export class SamplingSheetStepTaken extends SheetFacts {
  @Text(STEP_ID) stepId: string;
  @Optional() @Revision(STEP_REVISION) revision?: number;
  @Optional() @Text({ max: 64, about: 'Whose sheet it is; absent = the department that sends it.' }) organiserId?: string;
  @Text({ max: 128 }) sampleNo: string;
  @OneOf(SHEET_ACTS) act: SheetAct;
  @CalendarDate({ about: 'The day it was done.' }) on: string;
}

/** Fires when a department opens the case of a result that it reported; inspection does what it does over HTTP. */
export class SamplingCaseOpened {
  @Text(STEP_ID) stepId: string;
  @Optional() @Revision(STEP_REVISION) revision?: number;
  @Text({ max: 128 }) sampleNo: string;
}

/** Fires when a department has taken a step of a sampling case; inspection judges it as it does over HTTP, and answers. */
export class SamplingCaseStepTaken extends CaseFacts {
  @Text(STEP_ID) stepId: string;
  @Optional() @Revision(STEP_REVISION) revision?: number;
  @Optional() @Text({ max: 64, about: 'Who reported the result; absent = the department that sends the step.' }) reporterId?: string;
  @Text({ max: 128 }) sampleNo: string;
  @OneOf(CASE_ACTS) act: CaseAct;
  @OneOf(STEP_PARTIES) party: StepParty;
  @CalendarDate({ about: 'The day it was done: of a service, the day it was received; of a publication, the one printed on the notice.' })
  on: string;
}

/** Fires when a department begins a recall with a clue; inspection does what it does over HTTP, and answers. */
export class RecallOpened extends RecallClue {
  @Text(STEP_ID) stepId: string;
  @Optional() @Revision(STEP_REVISION) revision?: number;
}

/** Fires when a department has taken a step of a recall; inspection judges it as it does over HTTP, and answers. */
export class RecallStepTaken extends RecallFacts {
  @Text(STEP_ID) stepId: string;
  @Optional() @Revision(STEP_REVISION) revision?: number;
  @Text(RECALL_NO) recallNo: string;
  @OneOf(RECALL_ACTS) act: RecallAct;
  @CalendarDate({ about: 'The day it was done.' }) on: string;
}

export const samplingStepIntake = stream<
  SamplingSheetOpened | SamplingSheetStepTaken | SamplingCaseOpened | SamplingCaseStepTaken | RecallOpened | RecallStepTaken
>({
  topic: 'intake.{owner}.sampling-step.v1',
  about: "What a department's own system does to samples, in the cases that follow and in recalls, step by step.",
  writer: 'owner',
  readers: ['inspection'],
  retention: 30,
  owner: { kind: 'DEPARTMENT' },
  key: (step) => ('recallNo' in step ? step.recallNo : step.sampleNo),
  events: [SamplingSheetOpened, SamplingSheetStepTaken, SamplingCaseOpened, SamplingCaseStepTaken, RecallOpened, RecallStepTaken],
});

export class StepError {
  @Text({ max: 64 }) code: string;
  @Optional() @Text({ max: 500, about: 'Where, as a JSON pointer (RFC 6901); absent = the whole step.' }) pointer?: string;
  @Text({ max: 1000 }) message: string;
}

export class AllowedStep {
  // Some words are in both.
  @OneOf([...new Set([...SHEET_ACTS, ...CASE_ACTS])]) act: SheetAct | CaseAct;
  @TextList({ max: 64, items: 5, about: 'As whom it may be done.' }) by: string[];
}

export class AllowedRecallStep {
  @OneOf(RECALL_ACTS) act: RecallAct;
  @TextList({ max: 64, items: 5, about: 'As whom it may be done.' }) by: string[];
}

class StepAnswer {
  @Text({ max: 64, about: 'Who sent the step.' }) departmentId: string;
  @Text({ max: 128 }) stepId: string;
  @Revision('Of the step that is answered.') revision: number;
  @Text({ max: 200, about: 'organiserId:sampleNo, or reporterId:sampleNo; of a recall its number.' }) subject: string;
  @OneOf(STEP_OUTCOMES, { about: 'rejected: nothing was changed, and the step may be sent again.' }) outcome: StepOutcome;
  @Optional() @Text({ max: 64, about: 'Why it was rejected.' }) code?: string;
  @Optional() @NestedList(() => StepError, { items: 1000 }) errors?: StepError[];
  @Optional()
  @Text({ max: 64, about: 'How the sheet, the track, or the recall stands now; absent where the sender may not know.' })
  state?: string;
  @Optional() @TextList({ max: 64, items: 5, about: 'NOT_COMPETENT: as whom it may be done.' }) by?: string[];
  @Optional()
  @TextList({ max: 500, items: 100, about: 'JSON pointers to fields that no step declares; ignored.' })
  unknownFields?: string[];
  @Timestamp() answeredAt: string;
}

/** Fires for each step of a sheet or case that a department sent and that could be read: what became of it, how it stands, what may be done. */
export class SamplingStepAnswered extends StepAnswer {
  @OneOf(STEP_MATTERS) matter: StepMatter;
  @Optional() @OneOf(STEP_PARTIES, { about: 'Of a case: about whom.' }) party?: StepParty;
  @Optional() @Text({ max: 64, about: 'Of a case: which track of the party.' }) track?: string;
  @Optional() @NestedList(() => AllowedStep, { items: 50 }) allowed?: AllowedStep[];
}

/** The same for each step of a recall. */
export class RecallStepAnswered extends StepAnswer {
  @Optional() @NestedList(() => AllowedRecallStep, { items: 50 }) allowed?: AllowedRecallStep[];
}

export const samplingStepAnswers = stream<SamplingStepAnswered | RecallStepAnswered>({
  topic: 'department.{owner}.sampling-step-answer.v1',
  about: "What became of a department's steps, each answered for itself.",
  writer: 'inspection',
  readers: ['owner'],
  retention: 90,
  owner: { kind: 'DEPARTMENT', of: ({ departmentId }) => departmentId },
  key: ({ subject }) => subject,
  events: [SamplingStepAnswered, RecallStepAnswered],
});

/** That a penalty restricts business or trade (限制开展生产经营活动、限制从业). */
export class PenaltyRestriction {
  @CalendarDate({ about: 'Its last day.' }) until: string;
}

/** Fires when a department has a fact to hold against an entity, and again with the next revision whenever it changes; credit takes it in. */
export class CreditRecordReported {
  @Text({ max: 128, about: "The department's own number, unique among its records." }) recordNo: string;
  @Optional() @Revision("The department's own; absent = 1.") revision?: number;
  @Text({ max: 32, about: 'Unified social credit code, as printed.' }) uscc: string;
  @OneOf(CREDIT_RECORD_TYPES) type: CreditRecordType;
  @Optional() @OneOf(CREDIT_CLASSES, { about: 'Required where the type has classes on that day.' }) class?: CreditClass;
  @CalendarDate({ about: 'Date of the document; the law of that day holds for the record.' }) documentDate: string;
  @Nested(() => CreditRecordDigest) digest: CreditRecordDigest;
  @Optional()
  @CalendarDate({ about: 'The day on which the other province handed its decision over; absent = the day it came here.' })
  pushedOn?: string;
  @Optional() @Text({ max: 64, about: 'Whose record it is. Only ever the sender; another one is refused.' }) departmentId?: string;
  @Optional()
  @CalendarDate({ about: 'The first day it is public, or was elsewhere already; absent = the day it came.' })
  publishFrom?: string;
  @Optional() @CalendarDate({ about: 'The last day it is public; absent = as long as the law says.' }) publicUntil?: string;
  @Optional() @Nested(() => PenaltyRestriction) restriction?: PenaltyRestriction;
  @Optional() @Nested(() => Commitment) commitment?: Commitment;
  @Optional() @Flag({ about: 'An objection, a review or a suit is pending.' }) contested?: boolean;
  @Optional() @TextList({ max: 500, items: 100, about: 'What belongs to the record and does not end it.' }) annotations?: string[];
  @Optional() @Timestamp({ about: 'Absent = when it arrived.' }) reportedAt?: string;
}

/** By which document somebody has established what no record here tells. */
export class RepairProof {
  @Text({ max: 200, about: 'Number of the document.' }) documentNo: string;
  @CalendarDate({ about: 'Date of the document.' }) on: string;
}

/** Fires when a department takes a record back: it is void, was wrong, or is repaired; credit ends what it published. */
export class CreditRecordRetracted {
  @Text({ max: 128 }) recordNo: string;
  @Revision('The next number of the series.') revision: number;
  @OneOf(CREDIT_RETRACTION_GROUNDS, { about: 'REPAIRED: left a list by decision, or repaired; never published again.' })
  ground: CreditRetractionGround;
  @Text({ max: 1000 }) reason: string;
  @Optional() @CalendarDate({ about: 'When that was decided.' }) decidedOn?: string;
  @Optional() @Nested(() => RepairProof) dutiesPerformed?: RepairProof;
  @Optional() @Nested(() => RepairProof) notExcluded?: RepairProof;
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

/** Fires when the credit office passes on a decision on a repair, of the national credit site or another; credit ends what it repairs. */
export class RepairDecisionReported {
  @Text({ max: 128, about: 'Number of the decision, unique.' }) decisionNo: string;
  @Text({ max: 32, about: 'Unified social credit code, as printed.' }) uscc: string;
  @Text({ max: 200, about: 'Number of the document whose record is repaired, as its digest has it.' }) documentNo: string;
  @CalendarDate() decidedOn: string;
  @Text({ max: 200, about: 'Who decided, as printed.' }) decidedBy: string;
  @Optional() @Text({ max: 1000 }) reason?: string;
}

export const repairDecisionIntake = stream<RepairDecisionReported>({
  topic: 'intake.{owner}.repair-decision.v1',
  about: 'Decisions on repairs, as the credit office passes them on; of another department none is taken.',
  writer: 'owner',
  readers: ['credit'],
  retention: 30,
  owner: { kind: 'DEPARTMENT' },
  key: ({ decisionNo }) => decisionNo,
  events: [RepairDecisionReported],
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
