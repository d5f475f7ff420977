/** What is said with an act on a sampling sheet, as it is sent. */
import {
  CalendarDate,
  Flag,
  Laboratory,
  Nested,
  NestedList,
  NominalProducer,
  NOT_TESTED_REASONS,
  type NotTestedReason,
  OneOf,
  OnlinePurchase,
  Optional,
  Product,
  SampledParty,
  Text,
  Timestamp,
  type Verdict,
  VERDICTS,
  Whole,
} from '@jinqiao/contracts';
import { ACT_NAMES, type ActName, type Ground, GROUND_NAMES, LICENCES, type Mode, MODES } from './sampling-sheet.acts.js';

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
  @OneOf(VERDICTS) verdict: Verdict;
  @Optional() @OneOf(NOT_TESTED_REASONS) notTestedReason?: NotTestedReason;
  @NestedList(() => SheetItem, { items: 500 }) items: SheetItem[];
}

/** What each act needs of it is said where it is missing. */
export class SheetFacts {
  @Optional() @Text({ max: 1000 }) reason?: string;
  @Optional() @Text({ max: 200, about: 'Number of the notice of supervision (监督抽查通知书).' }) documentNo?: string;
  @Optional() @OneOf(MODES) mode?: Mode;
  @Optional() @NestedList(() => SheetSampler, { items: 10 }) samplers?: SheetSampler[];
  @Optional() @OneOf(GROUND_NAMES, { about: 'Why nothing was sampled.' }) ground?: Ground;
  @Optional() @Text({ max: 64, about: 'The county to which what is illegal is handed over.' }) departmentId?: string;
  @Optional() @Nested(() => SheetSample) sample?: SheetSample;
  @Optional() @Nested(() => SheetPurchase) purchase?: SheetPurchase;
  @Optional() @Text({ max: 100, about: 'As the laboratory found it.' }) testSeal?: string;
  @Optional() @Text({ max: 100, about: 'As the laboratory found it.' }) backupSeal?: string;
  @Optional() @Flag() sealsIntact?: boolean;
  @Optional() @OneOf(LICENCES, { about: 'What the product needs before it may be made or sold.' }) licence?: (typeof LICENCES)[number];
  @Optional() @Nested(() => SheetReport) report?: SheetReport;
  @Optional() @Text({ ...SHA_256, about: 'Which piece of evidence is the report, or the rejection.' }) sha256?: string;
  @Optional() @Timestamp({ about: 'When the party was told what a test on the spot had found.' }) toldAt?: string;
}

export class TakeSheetActBody extends SheetFacts {
  @OneOf(ACT_NAMES) act: ActName;
  @CalendarDate({ about: 'The day it was done.' }) on: string;
}
