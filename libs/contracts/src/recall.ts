import { CalendarDate, Nested, Optional, PartialDate, Text, TextList, Whole } from './fields.js';

/** The parts of a recall, the same in a notice that is taken in and in what inspection publishes. */
export class RecallProduct {
  @Text({ max: 500 }) name: string;
  @Optional() @Text({ max: 200 }) category?: string;
  @Optional() @Text({ max: 200 }) brand?: string;
  @Optional() @TextList({ max: 200, items: 500 }) models?: string[];
  @Optional() @TextList({ max: 200, items: 1000 }) batches?: string[];
  @Optional() @TextList({ max: 14, items: 500, about: 'Bar codes (GTIN).' }) gtins?: string[];
  @Optional() @Text({ max: 1000, about: 'When the goods were made, as printed.' }) productionPeriod?: string;
}

export class RecallProducer {
  @Text({ max: 200, about: 'Whose duty it is to recall: the producer, or the importer.' }) name: string;
  @Optional() @Text({ max: 32, about: 'Unified social credit code, 18 characters (GB 32100-2015).' }) uscc?: string;
  @Optional() @Text({ max: 6, min: 6, pattern: /^[0-9]{6}$/, about: 'Six digits of GB/T 2260.' }) divisionCode?: string;
}

/** No colon: a recall's number is never taken for another subject, all of which but a USCC have one. */
export const RECALL_NO = { max: 100, pattern: /^[^:\s]+$/ };

/** What every state of a recall holds, whoever states it. */
export class RecallContent {
  @Text({ ...RECALL_NO, about: 'Under which the recall is kept from its first clue on; unique.' }) recallNo: string;
  @Optional() @Text({ max: 100, about: 'Number of the national register of recalls.' }) nationalNo?: string;
  @Optional()
  @TextList({ max: 64, items: 20, about: 'Sectors in which it is traded, as the directory names them; absent = any.' })
  sectors?: string[];
  @Nested(() => RecallProduct) product: RecallProduct;
  @Nested(() => RecallProducer) producer: RecallProducer;
  @Optional() @Text({ max: 2000, about: 'The defect and what it can do.' }) hazard?: string;
  @Optional() @Text({ max: 2000, about: 'What the producer does: warns, repairs, replaces, refunds.' }) measure?: string;
  @Optional() @Whole({ min: 0, max: 1_000_000_000_000 }) quantity?: number;
  @Optional() @Text({ max: 64 }) unit?: string;
  @Optional() @PartialDate({ about: 'Year, month or day, as printed.' }) announcedOn?: string;
  @Optional() @Text({ max: 200, about: 'From when to when it is carried out, as printed.' }) period?: string;
  @Optional() @Text({ max: 200, about: 'The authority that announced it, as printed.' }) authority?: string;
}

/** What a recall begins with, the same over HTTP and on a department's topic. */
export class RecallClue extends RecallContent {
  @CalendarDate({ about: 'The day the clue was discovered.' }) on: string;
  @Text({ max: 2000, about: 'What points to a defect: a failed sample, a complaint, an injury, a recall abroad.' }) clue: string;
  @Optional() @Text({ max: 200, about: 'The sampling result it comes from: reporterId:sampleNo.' }) subject?: string;
}

/** A field that is there replaces what stands, as a whole. */
export class RecallChanges {
  @Optional() @Text({ max: 100 }) nationalNo?: string;
  @Optional() @TextList({ max: 64, items: 20 }) sectors?: string[];
  @Optional() @Nested(() => RecallProduct) product?: RecallProduct;
  @Optional() @Nested(() => RecallProducer) producer?: RecallProducer;
  @Optional() @Text({ max: 2000 }) hazard?: string;
  @Optional() @Text({ max: 2000 }) measure?: string;
  @Optional() @Whole({ min: 0, max: 1_000_000_000_000 }) quantity?: number;
  @Optional() @Text({ max: 64 }) unit?: string;
  @Optional() @PartialDate() announcedOn?: string;
  @Optional() @Text({ max: 200 }) period?: string;
  @Optional() @Text({ max: 200 }) authority?: string;
}

/** What each act of a recall needs of it is said where it is missing. */
export class RecallFacts {
  @Optional() @Text({ max: 1000 }) reason?: string;
  @Optional() @Text({ max: 200, about: 'Number of the notice or order.' }) documentNo?: string;
  @Optional()
  @Text({ max: 64, min: 64, pattern: /^[0-9a-f]{64}$/, about: 'SHA-256 of the document that proves it.' })
  sha256?: string;
  @Optional() @Text({ max: 200, about: 'To whom it was forwarded; who ordered it.' }) authority?: string;
  @Optional() @CalendarDate({ about: 'When the producer learned of the incident.' }) learnedOn?: string;
  @Optional() @Whole({ min: 0, max: 1_000_000_000_000, about: 'Goods taken back, repaired or replaced so far.' }) recalled?: number;
  @Optional() @Nested(() => RecallChanges) content?: RecallChanges;
}
