import * as codes from './codes.js';
import { CalendarDate, Flag, Nested, NestedList, OneOf, Optional, PartialDate, Text, TextList } from './fields.js';

/** The parts of a sampling result (design §3.3), the same in what a department reports and in what inspection publishes. */
const USCC = 'Unified social credit code, 18 characters (GB 32100-2015).';
const DIVISION = 'Six digits of GB/T 2260.';

export class Organiser {
  @Optional() @Text({ max: 64 }) id?: string;
  @Text({ max: 200, about: 'The department that organised the sampling, as printed.' }) name: string;
}

export class Product {
  @Text({ max: 500 }) name: string;
  @Optional() @Text({ max: 200 }) category?: string;
  @Optional() @Text({ max: 200 }) brand?: string;
  @Optional() @Text({ max: 500 }) spec?: string;
  @Optional() @Text({ max: 500 }) model?: string;
  @Optional() @Text({ max: 500, about: 'The standard the product is made to.' }) standard?: string;
  @Optional() @Text({ max: 500 }) batch?: string;
  @Optional() @CalendarDate() producedOn?: string;
  @Optional() @TextList({ max: 14, items: 50, about: 'Bar codes (GTIN).' }) gtins?: string[];
}

export class FailingItem {
  @Text({ max: 500, about: 'What was tested.' }) item: string;
  @Optional() @Text({ max: 500, about: 'The value found, as printed.' }) measured?: string;
  @Optional() @Text({ max: 500, about: 'The value allowed, as printed.' }) limit?: string;
  @Optional() @Text({ max: 64 }) unit?: string;
}

export class SampledParty {
  @Text({ max: 200 }) name: string;
  @Optional() @Text({ max: 32, about: USCC }) uscc?: string;
  @Optional() @Text({ max: 6, min: 6, pattern: /^[0-9]{6}$/, about: DIVISION }) divisionCode?: string;
  @Optional() @Text({ max: 200, about: 'The region as printed.' }) regionName?: string;
}

export class NominalProducer {
  @Text({ max: 200, about: 'The producer named on the sample.' }) name: string;
  @Optional() @Text({ max: 32, about: USCC }) uscc?: string;
  @Optional() @Text({ max: 6, min: 6, pattern: /^[0-9]{6}$/, about: DIVISION }) divisionCode?: string;
  @Optional() @Text({ max: 200, about: 'The region as printed.' }) regionName?: string;
  @Optional()
  @OneOf(codes.AUTHORSHIPS, { about: 'Does the named producer say that it made the sample? Absent = UNDISPUTED.' })
  authorship?: codes.Authorship;
}

export class Listing {
  @Optional() @Text({ max: 200 }) itemId?: string;
  @Optional() @Text({ max: 2000 }) url?: string;
}

/** Where a sample was bought online, without what only the sampler may know. */
export class OnlineSale {
  @Optional() @Text({ max: 64, about: 'Id of the platform; beats platformName.' }) platformId?: string;
  @Optional() @Text({ max: 200, about: 'The platform as printed.' }) platformName?: string;
  @Optional() @Text({ max: 200 }) shopId?: string;
  @Optional() @Text({ max: 200 }) shopName?: string;
  @Optional() @NestedList(() => Listing, { items: 100 }) listings?: Listing[];
}

export class OnlinePurchase extends OnlineSale {
  @Optional() @Text({ max: 200, about: "Number of the sampler's own order; never published." }) orderNo?: string;
}

export class Laboratory {
  @Text({ max: 200 }) name: string;
  @Optional() @Text({ max: 32, about: USCC }) uscc?: string;
}

export class Notice {
  @Text({ max: 200, about: 'Number of the public notice.' }) no: string;
  @Optional() @PartialDate({ about: 'Year, month or day, as printed.' }) publishedOn?: string;
}

export class Round {
  @Text({ max: 200 }) no: string;
  @Optional() @OneOf(codes.COVERAGES, { about: 'Does the round report every sample, or failures only?' }) coverage?: codes.Coverage;
}

/** What was decided about a result after it was reported: it goes over what the report says, and later reports do not undo it. */
export class ResultDecision {
  @OneOf(codes.RESULT_DECISIONS) kind: codes.ResultDecisionKind;
  @OneOf(codes.STEP_PARTIES, { about: 'Who objected, denied or was checked again; RESULT: it is about the result itself.' })
  party: codes.StepParty;
  @OneOf(codes.COMPETENCES, { about: 'As whom the department decided.' }) by: codes.Competence;
  @CalendarDate() on: string;
  @Optional() @OneOf(codes.VERDICTS, { about: 'REINSPECTION and OBJECTION: the verdict from then on.' }) verdict?: codes.Verdict;
  @Optional()
  @OneOf(codes.AUTHORSHIPS, { about: 'AUTHORSHIP: what holds of the named producer from then on.' })
  authorship?: codes.Authorship;
  @Optional()
  @Flag({
    about: 'RECHECK, which was passed, and AUTHORSHIP, which was denied: no party has still to pass a re-check, new batches may be sold.',
  })
  resumes?: boolean;
  // PUBLICATION: with which it is public; EMBARGO: with which it is public no more.
  @Optional() @Nested(() => Notice) notice?: Notice;
}

/** What every state of a sampling result holds, whoever states it. */
export class SamplingResultState {
  @Text({ max: 128, about: 'Sampling sheet number, unique per reporting department.' }) sampleNo: string;
  @Optional() @OneOf(codes.REVISION_REASONS, { about: 'Required from revision 2 on.' }) revisionReason?: codes.RevisionReason;
  @Optional() @Nested(() => Organiser) organiser?: Organiser;
  @OneOf(codes.REGIMES) regime: codes.Regime;
  @OneOf(codes.FINALITIES) finality: codes.Finality;
  @OneOf(codes.VERDICTS) verdict: codes.Verdict;
  @Optional() @OneOf(codes.NOT_TESTED_REASONS) notTestedReason?: codes.NotTestedReason;
  @Nested(() => Product) product: Product;
  @Optional() @NestedList(() => FailingItem, { items: 500 }) failingItems?: FailingItem[];
  @Optional() @Nested(() => SampledParty) sampledParty?: SampledParty;
  @Optional() @Nested(() => NominalProducer) nominalProducer?: NominalProducer;
  @Optional() @Nested(() => Laboratory) laboratory?: Laboratory;
  @Optional() @Nested(() => Notice) notice?: Notice;
  @Optional() @CalendarDate() sampledOn?: string;
  @Optional() @Nested(() => Round) round?: Round;
}
