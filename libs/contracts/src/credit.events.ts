import * as codes from './codes.js';
import { CalendarDate, Flag, Nested, NestedList, OneOf, Optional, PartialDate, Revision, Text, TextList, Whole } from './fields.js';
import { stream } from './stream.js';

const USCC = { max: 18, min: 18, pattern: /^[0-9A-HJ-NP-RTUW-Y]{18}$/ };

export class LegalBasis {
  @Text({ max: 200 }) instrument: string;
  @Optional() @Text({ max: 64 }) article?: string;
  @Text({ max: 64, about: 'The dated rule row that decided.' }) ruleVersion: string;
}

export class CreditRecordSource {
  @Text({ max: 64 }) departmentId: string;
  @Text({ max: 200, about: 'What the record was derived from: reporterId:sampleNo.' }) subject: string;
  @Revision('Revision of the source the record follows.') sourceRevision: number;
}

class CreditRecordState {
  @Text({ max: 64, about: 'UUID v5 of (type, subject, uscc).' }) recordNo: string;
  @Revision() revision: number;
  @Text(USCC) uscc: string;
  @OneOf(codes.CREDIT_RECORD_TYPES) type: codes.CreditRecordType;
  @Nested(() => CreditRecordSource) source: CreditRecordSource;
  @NestedList(() => LegalBasis, { items: 10, least: 1 }) legalBasis: LegalBasis[];
  @Optional() @PartialDate({ about: "Date of the source's document, as printed." }) documentDate?: string;
  @Optional() @CalendarDate() publicFrom?: string;
  @Optional() @CalendarDate({ about: 'The last day of publication.' }) publicUntil?: string;
  @Optional() @Flag() contested?: boolean;
  @Optional() @TextList({ max: 500, items: 100 }) annotations?: string[];
  @Optional() @OneOf(codes.CREDIT_ENDED_REASONS) endedReason?: codes.CreditEndedReason;
}

/** Fires when a record becomes public, and again when a public record changes. */
export class CreditRecordPublished extends CreditRecordState {}
/** Fires when a public record stops being public, with the reason; whoever holds a copy removes it. */
export class CreditRecordEnded extends CreditRecordState {}

export const creditRecords = stream<CreditRecordState>({
  topic: 'credit.credit-record.v1',
  about: 'Public credit records and their end.',
  writer: 'credit',
  readers: ['exchange'],
  retention: 90,
  key: (record) => record.uscc,
  events: [CreditRecordPublished, CreditRecordEnded],
});

export class PublicRecordCount {
  @OneOf(codes.CREDIT_RECORD_TYPES) type: codes.CreditRecordType;
  @Whole({ min: 1, max: 1_000_000 }) count: number;
}

/** Fires when the public facts about an entity change. Facts, no grade. A tombstone says that nothing public remains. */
export class CreditStatusChanged {
  @Text(USCC) uscc: string;
  @Revision() revision: number;
  @TextList({ max: 64, items: 20, about: 'Lists the entity is on.' }) lists: string[];
  @Optional() @Text({ max: 64, about: 'Mark of an individual business in abnormal operation.' }) mark?: string;
  @NestedList(() => PublicRecordCount, { items: 50 }) publicRecords: PublicRecordCount[];
  @TextList({ max: 64, items: 10_000 }) recordNos: string[];
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
