import * as codes from './codes.js';
import { CalendarDate, Flag, Nested, NestedList, OneOf, Optional, Text, Timestamp, Whole } from './fields.js';
import { Laboratory, NominalProducer, OnlinePurchase, Product, SampledParty } from './sampling-result.js';

/** What is said with a step of a sampling sheet or of a sampling case, the same over HTTP and on a department's topic. */
const SHA_256 = { max: 64, min: 64, pattern: /^[0-9a-f]{64}$/ };
const FEN_MOST = 100_000_000_000;
const UNITS_MOST = 1_000_000_000;

export class SheetSampler {
  @Text({ max: 64, about: 'A number of the library of inspectors; no name.' }) inspectorId: string;
  @Optional() @Text({ max: 1000, about: 'Why this one goes, who was not drawn.' }) substituteReason?: string;
}

export class SheetSample {
  @Nested(() => Product) product: Product;
  @Optional() @Nested(() => SampledParty) sampledParty?: SampledParty;
  @Optional() @Nested(() => NominalProducer) nominalProducer?: NominalProducer;
  @Flag({ about: 'Was it taken from what is for sale, by those who sample and not by the party?' }) fromForSale: boolean;
  @Whole({ min: 1, max: UNITS_MOST, about: 'How much there was for sale.' }) stock: number;
  @Whole({ min: 1, max: UNITS_MOST }) testQuantity: number;
  @Optional() @Whole({ min: 1, max: UNITS_MOST }) backupQuantity?: number;
  @Text({ max: 64, about: 'Of all quantities.' }) unit: string;
  @Optional() @Text({ max: 100, about: 'Number of the seal on the sample that is tested.' }) testSeal?: string;
  @Optional() @Text({ max: 100, about: 'Number of the seal on the backup sample.' }) backupSeal?: string;
  @Optional() @Whole({ min: 0, max: FEN_MOST, about: 'For what the sample that is tested was offered, in fen.' }) testPriceFen?: number;
  @Optional() @Whole({ min: 0, max: FEN_MOST }) testPaidFen?: number;
  @Optional() @Whole({ min: 0, max: FEN_MOST }) backupPaidFen?: number;
}

/** Bought as a consumer buys: nobody sends another sample than the one a consumer gets. */
export class SheetPurchase extends OnlinePurchase {
  @Text({ max: 200, about: 'The account on the platform.' }) buyerAccount: string;
  @Text({ max: 200, about: 'Reference of the account it was paid from.' }) paymentAccount: string;
  @CalendarDate() orderedOn: string;
  @CalendarDate() receivedOn: string;
  @Optional() @Text({ max: 500, about: 'An office, no person.' }) deliveredTo?: string;
}

export class SheetItem {
  @Text({ max: 500, about: 'What was tested.' }) item: string;
  @Optional() @Text({ max: 500, about: 'The value found, as printed.' }) measured?: string;
  @Optional() @Text({ max: 500, about: 'The value allowed, as printed.' }) limit?: string;
  @Optional() @Text({ max: 64 }) unit?: string;
  @Flag() passed: boolean;
}

export class SheetReport {
  @Text({ max: 200 }) reportNo: string;
  @CalendarDate() issuedOn: string;
  @Optional() @Nested(() => Laboratory) laboratory?: Laboratory;
  @OneOf(codes.VERDICTS) verdict: codes.Verdict;
  @Optional() @OneOf(codes.NOT_TESTED_REASONS) notTestedReason?: codes.NotTestedReason;
  @NestedList(() => SheetItem, { items: 500 }) items: SheetItem[];
}

/** What each act of a sheet needs of it is said where it is missing. */
export class SheetFacts {
  @Optional() @Text({ max: 1000 }) reason?: string;
  @Optional() @Text({ max: 200, about: 'Number of the notice of supervision (监督抽查通知书).' }) documentNo?: string;
  @Optional() @OneOf(codes.SAMPLING_MODES) mode?: codes.SamplingMode;
  @Optional() @NestedList(() => SheetSampler, { items: 10 }) samplers?: SheetSampler[];
  @Optional() @OneOf(codes.NOT_SAMPLED_GROUNDS, { about: 'Why nothing was sampled.' }) ground?: codes.NotSampledGround;
  @Optional() @Text({ max: 64, about: 'The county to which what is illegal is handed over.' }) departmentId?: string;
  @Optional() @Nested(() => SheetSample) sample?: SheetSample;
  @Optional() @Nested(() => SheetPurchase) purchase?: SheetPurchase;
  @Optional() @Text({ max: 100, about: 'As the laboratory found it.' }) testSeal?: string;
  @Optional() @Text({ max: 100, about: 'As the laboratory found it.' }) backupSeal?: string;
  @Optional() @Flag() sealsIntact?: boolean;
  @Optional()
  @OneOf(codes.LICENCE_FINDINGS, { about: 'What the product needs before it may be made or sold.' })
  licence?: codes.LicenceFinding;
  @Optional() @Nested(() => SheetReport) report?: SheetReport;
  @Optional() @Text({ ...SHA_256, about: 'Which piece of evidence is the report, or the rejection.' }) sha256?: string;
  @Optional() @Timestamp({ about: 'When the party was told what a test on the spot had found.' }) toldAt?: string;
  @Optional() @Timestamp({ about: 'When the party objected to what a test on the spot had found.' }) filedAt?: string;
}

/** What each act of a case needs of it is said where it is missing. */
export class CaseFacts {
  @Optional() @Text({ max: 1000 }) reason?: string;
  @Optional() @Text({ max: 200, about: 'Number of the order, announcement, case file or draw.' }) documentNo?: string;
  @Optional() @Text({ ...SHA_256, about: 'SHA-256 of the document or receipt that proves it.' }) sha256?: string;
  @Optional() @OneOf(codes.SERVICE_MODES) mode?: codes.ServiceMode;
  @Optional() @CalendarDate({ about: 'When it was sent, where it was received later.' }) sentOn?: string;
  @Optional()
  @Text({ ...SHA_256, about: "SHA-256 of the addressee's signed consent to be served electronically." })
  confirmationSha256?: string;
  @Optional() @OneOf(codes.OBJECTION_GROUNDS) ground?: codes.ObjectionGround;
  @Optional() @Flag({ about: 'Is what the party says true?' }) upheld?: boolean;
  @Optional() @Flag() passed?: boolean;
  @Optional() @OneOf(codes.VERDICTS, { about: 'Of the re-inspection; it is final.' }) verdict?: codes.Verdict;
  @Optional() @Text({ max: 64, about: 'To whom it is handed over.' }) departmentId?: string;
  @Optional() @Text({ max: 200, about: 'An authority that takes no part here.' }) authority?: string;
  @Optional() @Nested(() => Laboratory) laboratory?: Laboratory;
  @Optional() @Flag({ about: 'There is no other laboratory in the province that is qualified.' }) onlyQualified?: boolean;
  @Optional() @OneOf(codes.NOT_COUNTED, { about: 'Why time is not counted in.' }) notCounted?: codes.NotCounted;
  @Optional() @Whole({ min: 1, max: 3_650, about: 'Days of a second extension, as they were fixed together.' }) days?: number;
}
