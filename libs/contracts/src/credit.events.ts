import * as codes from './codes.js';
import { CalendarDate, Flag, Nested, NestedList, OneOf, Optional, PartialDate, Revision, Text, TextList, Uscc, Whole } from './fields.js';
import { KeptRows } from './kept-rows.js';
import { stream } from './stream.js';

export class LegalBasis {
  @Text({ max: 200 }) instrument: string;
  @Optional() @Text({ max: 64 }) article?: string;
  @Text({ max: 64, about: 'The dated rule row that decided.' }) ruleVersion: string;
}

export class CreditRecordSource {
  @Text({ max: 64 }) departmentId: string;
  @Text({ max: 200, about: 'What the record follows: reporterId:sampleNo, or departmentId:recordNo as reported.' }) subject: string;
  @Revision('Revision of the source the record follows.') sourceRevision: number;
}

/** What the document says, without names of persons (市场监督管理行政处罚信息公示规定: the digest of a decision). */
export class CreditRecordDigest {
  @Text({ max: 200, about: 'Number of the document.' }) documentNo: string;
  @Text({ max: 500, about: 'Kind of breach, cause of the listing, matter of the commitment.' }) matter: string;
  @Optional() @Text({ max: 1000, about: 'What was decided.' }) decision?: string;
  @Text({ max: 200, about: 'Who decided, as printed.' }) authority: string;
  @Optional() @Text({ max: 6, about: 'Division of the authority, GB/T 2260.' }) divisionCode?: string;
}

/** What an entity promised, to whom, until when, and what became of it (全国公共信用信息基础目录: 信用承诺及其履行情况). */
export class Commitment {
  @OneOf(codes.COMMITMENT_KINDS) kind: codes.CommitmentKind;
  @Text({ max: 200, about: 'Who accepted it, as printed.' }) madeTo: string;
  @Optional() @CalendarDate({ about: 'The last day of its term; absent = without a term.' }) until?: string;
  @Optional() @Text({ max: 500, about: 'How it is checked.' }) checkedBy?: string;
  @Optional() @OneOf(codes.COMMITMENT_OUTCOMES, { about: 'Absent = not checked yet.' }) outcome?: codes.CommitmentOutcome;
  @Optional() @CalendarDate({ about: 'With an outcome: when it was established.' }) checkedOn?: string;
}

class CreditRecordState {
  @Text({ max: 64, about: 'UUID v5 of (type, subject, uscc).' }) recordNo: string;
  @Revision() revision: number;
  @Uscc() uscc: string;
  @OneOf(codes.CREDIT_RECORD_TYPES) type: codes.CreditRecordType;
  @Optional() @OneOf(codes.CREDIT_CLASSES) class?: codes.CreditClass;
  @Nested(() => CreditRecordSource) source: CreditRecordSource;
  @NestedList(() => LegalBasis, { items: 10, least: 1 }) legalBasis: LegalBasis[];
  @Optional() @PartialDate({ about: "Date of the source's document, as printed." }) documentDate?: string;
  @Optional() @CalendarDate() publicFrom?: string;
  @Optional() @CalendarDate({ about: 'The last day of publication; absent where only a decision ends it.' }) publicUntil?: string;
  @Optional() @Flag({ about: 'An objection, a review or a suit is pending; absent = none.' }) contested?: boolean;
  @Optional()
  @TextList({ max: 500, items: 100, about: 'What belongs to the record and does not end it, as that a re-check was passed.' })
  annotations?: string[];
  @Optional() @Nested(() => Commitment) commitment?: Commitment;
  @Optional() @Nested(() => CreditRecordDigest) digest?: CreditRecordDigest;
  @Optional() @OneOf(codes.REGIMES, { about: 'Of a sampling result: under which law the sample was taken.' }) regime?: codes.Regime;
  @Optional() @OneOf(codes.CREDIT_ENDED_REASONS) endedReason?: codes.CreditEndedReason;
  @Optional() @Text({ max: 1000, about: 'Why its department took it back, in words.' }) endedBecause?: string;
  @Optional() @CalendarDate({ about: 'Of a repair: the day on which it was decided, where that was said.' }) repairedOn?: string;
}

/** Fires when a record becomes public, and again when a public record changes. */
export class CreditRecordPublished extends CreditRecordState {}
/** Fires when something is noted on a public record that leaves its facts as they were. */
export class CreditRecordAnnotated extends CreditRecordState {}
/** Fires when a public record comes to be contested, and again when that is settled and the record stands. */
export class CreditRecordContested extends CreditRecordState {}
/** Fires when a public record stops being public, with the reason; whoever holds a copy removes it. */
export class CreditRecordEnded extends CreditRecordState {}

export const creditRecords = stream<CreditRecordState>({
  topic: 'credit.credit-record.v1',
  about: 'Public credit records and their end.',
  writer: 'credit',
  readers: ['exchange'],
  retention: 90,
  key: (record) => record.uscc,
  events: [CreditRecordPublished, CreditRecordAnnotated, CreditRecordContested, CreditRecordEnded],
});

export class PublicRecordCount {
  @OneOf(codes.CREDIT_RECORD_TYPES) type: codes.CreditRecordType;
  @Whole({ min: 1, max: 1_000_000 }) count: number;
  @Optional() @TextList({ max: 64, items: 100, about: 'Versions of the rule rows under which they are public.' }) rules?: string[];
}

/** How a public record stands: whoever reads another revision here asks for it again. */
export class PublicRecordState {
  @Text({ max: 64 }) recordNo: string;
  @Revision('Of the series of the record: rises with everything that the public sees of it.') revision: number;
  @Optional() @Flag({ about: 'An objection, a review or a suit is pending; absent = none.' }) contested?: boolean;
  @Optional() @CalendarDate({ about: 'The last day of publication; absent where only a decision ends it.' }) publicUntil?: string;
}

/** Of the public records of an entity: what it promised and nobody has checked yet, and what a department found broken. */
export class CommitmentCounts {
  @Whole({ min: 0, max: 1_000_000 }) open: number;
  @Whole({ min: 0, max: 1_000_000 }) broken: number;
}

/** Fires when the public facts about an entity change. Facts, no grade. A tombstone says that nothing public remains. */
export class CreditStatusChanged {
  @Uscc() uscc: string;
  @Revision() revision: number;
  @TextList({ max: 64, items: 20, about: 'Lists the entity is on.' }) lists: string[];
  @Optional() @Text({ max: 64, about: 'Mark of an individual business in abnormal operation.' }) mark?: string;
  @NestedList(() => PublicRecordCount, { items: 50 }) publicRecords: PublicRecordCount[];
  // Absent from what was said before they were counted.
  @Optional() @Nested(() => CommitmentCounts) commitments?: CommitmentCounts;
  @TextList({ max: 64, items: 10_000 }) recordNos: string[];
  // How each of them stands, of more the first by their number; absent from what was said before that was.
  @Optional() @NestedList(() => PublicRecordState, { items: 2_000 }) records?: PublicRecordState[];
}

export const creditStatuses = stream<CreditStatusChanged>({
  topic: 'credit.credit-status.v1',
  about: 'What is publicly known about an entity at the moment.',
  writer: 'credit',
  readers: ['exchange'],
  retention: 'LAST_STATE',
  tombstones: true,
  key: (status) => status.uscc,
  events: [CreditStatusChanged],
});

/** Fires when a decision on a repair is passed on, and when it is applied to a record; credit alone reads it, after a restore. */
export class RepairDecisionKept extends KeptRows {}

export const keptRepairDecisions = stream<RepairDecisionKept>({
  topic: 'credit.repair-decision.v1',
  about: 'Decisions on repairs as credit keeps them, for itself alone.',
  writer: 'credit',
  readers: [],
  retention: 'LAST_STATE',
  key: ({ subject }) => subject,
  events: [RepairDecisionKept],
});
