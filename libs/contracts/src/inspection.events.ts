import { CalendarDate, Nested, NestedList, OneOf, Optional, Revision, Text, Timestamp, Whole } from './fields.js';
import { KeptRows } from './kept-rows.js';
import { RecallContent } from './recall.js';
import { OnlineSale, ResultDecision, SamplingResultState } from './sampling-result.js';
import { stream } from './stream.js';

class StatedResult extends SamplingResultState {
  @Text({ max: 64, about: 'The department that reported it.' }) reporterId: string;
  @Revision() revision: number;
  @Revision("The reporter's revision this state follows.") reportedRevision: number;
  @Optional() @Nested(() => OnlineSale) online?: OnlineSale;
  @Optional() @NestedList(() => ResultDecision, { items: 20 }) decisions?: ResultDecision[];
  @Timestamp() acceptedAt: string;
  @Optional() @Timestamp({ about: 'Absent while under embargo.' }) publishedAt?: string;
}

/** Fires with every state of a result before it is published; the exchange tells the platform, nobody else may know. */
export class SamplingResultNotified extends StatedResult {}

class WithdrawnResult extends StatedResult {
  @Text({ max: 1000 }) reason: string;
  @Timestamp() withdrawnAt: string;
  @Optional()
  @Text({
    max: 200,
    about: 'reporterId:sampleNo of the result that reports the same and stands: what was found is not taken back with this one.',
  })
  mergedInto?: string;
}

/** Fires when a result that was never published is taken back; the exchange withdraws its feedback. */
export class SamplingNoticeWithdrawn extends WithdrawnResult {}

/** Fires with every state of a published result; credit, monitoring and the exchange follow it. */
export class SamplingResultPublished extends StatedResult {}

/** Fires when a published result is taken back or put under embargo again; everyone who used it undoes it. */
export class SamplingResultWithdrawn extends WithdrawnResult {}

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

class RecallState extends RecallContent {
  @Text({ max: 64, about: 'The department that keeps it.' }) keeperId: string;
  @Revision() revision: number;
  @Optional() @Revision('Of the notice it was taken from; absent = worked on here from its clue on.') reportedRevision?: number;
  @Whole({ min: 1, max: 1_000, about: '2 and more: the goods are recalled again, because the recall before did not suffice.' })
  round: number;
  @Timestamp({ about: 'Since when it is public.' }) publishedAt: string;
}

/** Fires when a recall is public and with every change of it; the exchange tells the platforms of its sectors. */
export class RecallPublished extends RecallState {}

/** Fires when a recall has had its effect; what is left of the goods may still not be sold. */
export class RecallClosed extends RecallState {
  @CalendarDate() closedOn: string;
}

/** Fires when a recall turns out to be none; everyone who acted on it undoes it. */
export class RecallWithdrawn extends RecallState {
  @Text({ max: 1000 }) reason: string;
  @Timestamp() withdrawnAt: string;
}

export const recalls = stream<RecallPublished | RecallClosed | RecallWithdrawn>({
  topic: 'inspection.recall.v1',
  about: 'Public recalls of consumer products.',
  writer: 'inspection',
  readers: ['exchange'],
  retention: 'LAST_STATE',
  tombstones: true,
  key: (recall) => recall.recallNo,
  events: [RecallPublished, RecallClosed, RecallWithdrawn],
});

/** Fires once for each duty in a sampling, a case or a recall that was not done in time. */
export class DeadlineOverdue {
  @Text({ max: 200, about: 'reporterId:sampleNo, or recallNo.' }) subject: string;
  @Revision('1: a period is overdue once.') revision: number;
  @Text({ max: 64, about: 'Which period, such as CORRECTION or FIRST_RECHECK.' }) clock: string;
  @Text({
    max: 64,
    about: 'About which party of the case; before there is a result ORGANISER or LABORATORY; in a recall PRODUCER or KEEPER.',
  })
  party: string;
  @Optional()
  @Text({ max: 64, about: 'To whom it was handed over; who organised the sampling; who keeps the recall.' })
  departmentId?: string;
  @CalendarDate() startedOn: string;
  @CalendarDate({ about: 'The last day on which it was in time.' }) dueOn: string;
  @Text({ max: 100, about: 'The dated rule row it comes from.' }) ruleVersion: string;
  @Timestamp() raisedAt: string;
}

export const inspectionDeadlines = stream<DeadlineOverdue>({
  topic: 'inspection.deadline.v1',
  about: 'What was not done in time with a sample, in the case of a sampling result, or in a recall.',
  writer: 'inspection',
  readers: ['monitoring'],
  retention: 90,
  key: (overdue) => overdue.subject,
  events: [DeadlineOverdue],
});

/** Fires with everything that is done to a sampling sheet, its evidence included; inspection alone reads it, after a restore. */
export class SamplingSheetKept extends KeptRows {}

export const keptSheets = stream<SamplingSheetKept>({
  topic: 'inspection.sampling-sheet.v1',
  about: 'Sampling sheets as inspection keeps them, for itself alone.',
  writer: 'inspection',
  readers: [],
  retention: 'LAST_STATE',
  key: ({ subject }) => subject,
  events: [SamplingSheetKept],
});

/** Fires with every step in a sampling case; inspection alone reads it, after a restore. */
export class SamplingCaseKept extends KeptRows {}

export const keptCases = stream<SamplingCaseKept>({
  topic: 'inspection.sampling-case.v1',
  about: 'Sampling cases as inspection keeps them, for itself alone.',
  writer: 'inspection',
  readers: [],
  retention: 'LAST_STATE',
  key: ({ subject }) => subject,
  events: [SamplingCaseKept],
});

/** Fires with every step of a recall, and with every notice that is taken in; inspection alone reads it, after a restore. */
export class RecallKept extends KeptRows {}

export const keptRecalls = stream<RecallKept>({
  topic: 'inspection.recall-file.v1',
  about: 'Recalls as inspection keeps them, for itself alone.',
  writer: 'inspection',
  readers: [],
  retention: 'LAST_STATE',
  key: ({ subject }) => subject,
  events: [RecallKept],
});

/** Fires with everything that becomes of a pair of results that probably report the same; inspection alone reads it, after a restore. */
export class ProbableDuplicateKept extends KeptRows {}

export const keptPairs = stream<ProbableDuplicateKept>({
  topic: 'inspection.probable-duplicate.v1',
  about: 'Pairs of probable duplicates and their rulings as inspection keeps them, for itself alone.',
  writer: 'inspection',
  readers: [],
  retention: 'LAST_STATE',
  key: ({ subject }) => subject,
  events: [ProbableDuplicateKept],
});

/** Fires with every step of a sampling round; inspection alone reads it, after a restore. Of its draw SamplingDrawKept has what is large. */
export class SamplingRoundKept extends KeptRows {}

export const keptRounds = stream<SamplingRoundKept>({
  topic: 'inspection.sampling-round.v1',
  about: 'Sampling rounds as inspection keeps them, for itself alone.',
  writer: 'inspection',
  readers: [],
  retention: 'LAST_STATE',
  key: ({ subject }) => subject,
  events: [SamplingRoundKept],
});

/** Fires with every step of an annual plan, with the plan as it stands; inspection alone reads it, after a restore. */
export class SamplingPlanKept extends KeptRows {}

export const keptPlans = stream<SamplingPlanKept>({
  topic: 'inspection.sampling-plan.v1',
  about: 'Annual plans as inspection keeps them, for itself alone.',
  writer: 'inspection',
  readers: [],
  retention: 'LAST_STATE',
  key: ({ subject }) => subject,
  events: [SamplingPlanKept],
});

/** Fires once for every step of an annual plan: each has a content of its own, and all of them may be larger than a record. */
export class SamplingPlanStepKept extends KeptRows {}

export const keptPlanSteps = stream<SamplingPlanStepKept>({
  topic: 'inspection.sampling-plan-step.v1',
  about: 'What annual plans were, step by step, as inspection keeps it, for itself alone.',
  writer: 'inspection',
  readers: [],
  retention: 'LAST_STATE',
  key: ({ subject }) => subject,
  events: [SamplingPlanStepKept],
});

/** Fires when a list of the laboratories that test food again is stated; inspection alone reads it, after a restore. */
export class ReinspectionLaboratoryListKept extends KeptRows {}

export const keptLaboratoryLists = stream<ReinspectionLaboratoryListKept>({
  topic: 'inspection.reinspection-laboratory-list.v1',
  about: 'Lists of the laboratories that test food again as inspection keeps them, for itself alone.',
  writer: 'inspection',
  readers: [],
  retention: 'LAST_STATE',
  key: ({ subject }) => subject,
  events: [ReinspectionLaboratoryListKept],
});

/**
 * Fires for each portion of a draw when it is announced: what was announced, and the pool with what hides it, which may be larger than a
 * record. Sealed, since of those who are not drawn nobody may ever know; inspection alone reads it, after a restore.
 */
export class SamplingDrawKept {
  @Text({ max: 64, min: 64, pattern: /^[0-9a-f]{64}$/, about: 'SHA-256 of the announcement, which names the draw.' })
  announcementHash: string;
  @Revision('1: what was announced does not change.') revision: number;
  @Whole({ min: 1, max: 1_000, about: 'Which portion this is.' }) portion: number;
  @Whole({ min: 1, max: 1_000, about: 'How many there are.' }) portions: number;
  @Text({ max: 800_000, about: 'A portion of the JWE (RFC 7516, compact form) of it all.' }) sealed: string;
}

export const keptDraws = stream<SamplingDrawKept>({
  topic: 'inspection.sampling-draw.v1',
  about: 'Draws with their pools as they were announced, sealed by inspection, for itself alone.',
  writer: 'inspection',
  readers: [],
  retention: 'LAST_STATE',
  key: ({ announcementHash, portion }) => `${announcementHash}:${portion}`,
  events: [SamplingDrawKept],
});

export class ShownCheck {
  @OneOf(['ACCEPTED', 'DUPLICATE', 'REVISION', 'REFUSED']) check: 'ACCEPTED' | 'DUPLICATE' | 'REVISION' | 'REFUSED';
  @Optional() @Text({ max: 200, about: 'The result that showed it.' }) sampleNo?: string;
  @Optional() @Text({ max: 100, about: 'Why it was refused.' }) code?: string;
  @Optional() @Text({ max: 300, about: 'JSON pointer of what was refused.' }) pointer?: string;
  @Timestamp() at: string;
}

/** Fires once, when a department in the sandbox has shown all that its system has to; the exchange promotes it on that. */
export class DepartmentConformed {
  @Text({ max: 36, min: 36, about: 'The run in which it was shown.' }) runId: string;
  @Revision('Always 1: a run that is passed stays passed.') revision: number;
  @Text({ max: 64 }) departmentId: string;
  @NestedList(() => ShownCheck, { items: 4, least: 4 }) shown: ShownCheck[];
  @Timestamp() startedAt: string;
  @Timestamp() finishedAt: string;
}

export const departmentConformances = stream<DepartmentConformed>({
  topic: 'inspection.conformance.v1',
  about: 'Departments in the sandbox that have shown what their systems have to.',
  writer: 'inspection',
  readers: ['exchange'],
  retention: 90,
  key: (conformed) => conformed.departmentId,
  events: [DepartmentConformed],
});
