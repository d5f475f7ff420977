/**
 * The catalogue (政务数据共享条例 art. 13 to 17): which data of departments is here, how it may be shared and with whom it is. The
 * streams are those that are declared; what the law says of each is a row here, and a stream without a row fails a spec.
 */
import {
  chosenChannels,
  conformanceRuns,
  contacts,
  correctionRequests,
  creditRecordIntake,
  creditRecords,
  creditStatuses,
  departmentConformances,
  entitlements,
  type EventClass,
  feedbackOutcomes,
  grantedKeys,
  inspectionDeadlines,
  keptCases,
  keptDraws,
  keptLaboratoryLists,
  keptPairs,
  keptPlans,
  keptPlanSteps,
  keptRecalls,
  keptRepairDecisions,
  keptRounds,
  keptSheets,
  ledgerHeads,
  marketEntities,
  organisations,
  permits,
  platformFeedback,
  platformMerchants,
  platformReceipts,
  recallIntake,
  type RecallPublished,
  recalls,
  repairDecisionIntake,
  samplingNotices,
  samplingResultIntake,
  type SamplingResultPublished,
  samplingResults,
  samplingStepAnswers,
  samplingStepIntake,
  type SharingAttribute,
  type SharingMode,
  signatureKeys,
  type Stream,
  webhookEndpoints,
} from '@jinqiao/contracts';
import { CREDIT_REPAIR, SAMPLING_MEASURES } from '@jinqiao/law';
import { schemaFile, schemaOf } from '@jinqiao/schema';

/** What the law says of one stream. */
export interface SharingFacts {
  readonly stream: Stream;
  readonly name: { readonly zh: string; readonly en: string };
  readonly attribute: SharingAttribute;
  /** How it may be had; none where it is not shared. */
  readonly modes: readonly SharingMode[];
  readonly conditions: string | null;
  /** Of general data, 1 to 4 (GB/T 43697-2024, annex H; not read in the source). */
  readonly level: 1 | 2 | 3 | 4;
  readonly legalBasis: { readonly instrument: string; readonly article: string };
  /** HIGH: the text was read. MEDIUM: known, text not read. */
  readonly confidence: 'HIGH' | 'MEDIUM';
  /** The divisions a record concerns (GB/T 2260); absent where records say nothing of places. */
  readonly areasOf?: (record: object) => string[];
}

const SHARING = '政务数据共享条例';
const UNCONDITIONAL = { legalBasis: { instrument: SHARING, article: '第十四条' }, confidence: 'HIGH' } as const;
const CONDITIONAL = { legalBasis: { instrument: SHARING, article: '第十五条' }, confidence: 'HIGH' } as const;
const UNDER_EMBARGO = {
  attribute: 'NOT_SHARED',
  modes: [],
  conditions: null,
  legalBasis: { instrument: SAMPLING_MEASURES, article: '第十条' },
  confidence: 'MEDIUM',
} as const;
const NO_OTHER_USE = '仅用于申请时写明的业务场景，不得扩大使用范围或转给第三方（第二十五条）';
const ONLY_WHILE_PUBLIC = `${NO_OTHER_USE}；公示期满、修复或撤销后须删除副本`;

export const SHARED: readonly SharingFacts[] = [
  { stream: samplingResultIntake, name: { zh: '抽检结果上报', en: 'Sampling results as reported' }, level: 3, ...UNDER_EMBARGO },
  {
    stream: samplingStepIntake,
    name: { zh: '抽检、处置与召回步骤上报', en: 'Steps of samplings, cases and recalls as reported' },
    level: 3,
    ...UNDER_EMBARGO,
  },
  { stream: samplingNotices, name: { zh: '公布前的抽检结果', en: 'Sampling results before publication' }, level: 3, ...UNDER_EMBARGO },
  {
    stream: samplingResults,
    name: { zh: '已公布的抽检结果', en: 'Published sampling results' },
    attribute: 'UNCONDITIONAL',
    modes: ['KAFKA', 'PULL'],
    conditions: null,
    level: 1,
    ...UNCONDITIONAL,
    areasOf: (record) => {
      const { sampledParty, nominalProducer } = record as SamplingResultPublished;
      return [sampledParty?.divisionCode, nominalProducer?.divisionCode].filter((code) => code !== undefined);
    },
  },
  {
    stream: recallIntake,
    name: { zh: '召回信息上报', en: 'Recalls as reported' },
    attribute: 'NOT_SHARED',
    modes: [],
    conditions: null,
    level: 1,
    // Whoever may read what was published needs no copy of what it was made from.
    ...UNCONDITIONAL,
  },
  {
    stream: recalls,
    name: { zh: '消费品召回', en: 'Recalls of consumer products' },
    attribute: 'UNCONDITIONAL',
    modes: ['KAFKA', 'PULL'],
    conditions: null,
    level: 1,
    ...UNCONDITIONAL,
    areasOf: (record) => [(record as RecallPublished).producer.divisionCode].filter((code) => code !== undefined),
  },
  {
    stream: marketEntities,
    name: { zh: '经营主体登记信息', en: 'Register of market entities' },
    attribute: 'CONDITIONAL',
    modes: ['KAFKA'],
    conditions: NO_OTHER_USE,
    level: 2,
    ...CONDITIONAL,
  },
  {
    stream: permits,
    name: { zh: '行政许可', en: 'Permits of market entities' },
    attribute: 'UNCONDITIONAL',
    modes: ['KAFKA'],
    conditions: null,
    level: 1,
    ...UNCONDITIONAL,
  },
  {
    stream: platformMerchants,
    name: { zh: '平台内经营者', en: 'Merchants on platforms' },
    attribute: 'CONDITIONAL',
    modes: ['KAFKA', 'PULL'],
    conditions: NO_OTHER_USE,
    level: 2,
    ...CONDITIONAL,
  },
  {
    stream: creditRecordIntake,
    name: { zh: '信用记录上报', en: 'Credit records as reported' },
    attribute: 'NOT_SHARED',
    modes: [],
    conditions: null,
    level: 3,
    // Warnings and minor penalties are among them, which are not public.
    legalBasis: { instrument: CREDIT_REPAIR, article: '' },
    confidence: 'MEDIUM',
  },
  {
    stream: repairDecisionIntake,
    name: { zh: '信用修复决定上报', en: 'Decisions on repairs as passed on' },
    attribute: 'NOT_SHARED',
    modes: [],
    conditions: null,
    // What a decision was about is gone from the public; that it ended is said with the record.
    level: 3,
    legalBasis: { instrument: CREDIT_REPAIR, article: '' },
    confidence: 'MEDIUM',
  },
  {
    stream: creditRecords,
    name: { zh: '信用记录', en: 'Credit records' },
    attribute: 'CONDITIONAL',
    modes: ['KAFKA', 'PULL'],
    conditions: ONLY_WHILE_PUBLIC,
    level: 2,
    ...CONDITIONAL,
  },
  {
    stream: creditStatuses,
    name: { zh: '信用状态', en: 'Credit status' },
    attribute: 'CONDITIONAL',
    modes: ['KAFKA', 'PULL'],
    conditions: ONLY_WHILE_PUBLIC,
    level: 2,
    ...CONDITIONAL,
  },
];

/** Records of the work here, and of what is late in it: no data of a department. What platforms are told is under `notices`. */
export const NOT_OF_DEPARTMENTS: readonly Stream[] = [
  organisations,
  entitlements,
  correctionRequests,
  platformFeedback,
  platformReceipts,
  feedbackOutcomes,
  ledgerHeads,
  inspectionDeadlines,
  samplingStepAnswers,
  keptSheets,
  keptCases,
  keptPairs,
  keptRecalls,
  keptRounds,
  keptDraws,
  keptPlans,
  keptPlanSteps,
  keptLaboratoryLists,
  keptRepairDecisions,
  contacts,
  grantedKeys,
  conformanceRuns,
  chosenChannels,
  webhookEndpoints,
  signatureKeys,
  departmentConformances,
];

/** By the name of the stream; null for one that is not in the catalogue. */
export const factsOf = (stream: string): SharingFacts | null => SHARED.find((facts) => facts.stream.name === stream) ?? null;

/** The scope in the directory by which a department is the one source of a stream (art. 19). */
export const providerScope = (stream: string): string => `provides:${stream}`;

/** A grant as the catalogue shows it. */
export interface Sharing {
  readonly stream: string;
  readonly recipientId: string;
  readonly entitlementId: string;
  readonly mode: SharingMode;
  readonly purpose: string;
  readonly validUntil: string | null;
}

/** An entry with the fields of art. 13. */
export interface CatalogueEntry extends Omit<SharingFacts, 'stream' | 'areasOf'> {
  readonly stream: string;
  /** May a grant be limited to divisions? */
  readonly byArea: boolean;
  readonly topic: string;
  readonly about: string;
  readonly items: readonly { readonly event: string; readonly schema: string; readonly fields: readonly string[] }[];
  readonly providers: readonly string[];
  readonly format: string;
  readonly updateFrequency: string;
  /** Days until deletion; LAST_STATE: the last state of each record stays. */
  readonly retention: Stream['retention'];
  readonly sharedWith: readonly Omit<Sharing, 'stream'>[];
}

export function entryOf(
  { stream, areasOf, ...facts }: SharingFacts,
  providers: readonly string[],
  sharings: readonly Sharing[],
): CatalogueEntry {
  return {
    stream: stream.name,
    topic: stream.topic,
    about: stream.about,
    ...facts,
    byArea: areasOf !== undefined,
    items: stream.events.map(itemsOf),
    providers,
    format: 'JSON (UTF-8), CloudEvents 1.0',
    updateFrequency: 'REAL_TIME',
    retention: stream.retention,
    sharedWith: sharings.filter((sharing) => sharing.stream === stream.name).map(({ stream: _stream, ...sharing }) => sharing),
  };
}

const itemsOf = (type: EventClass): CatalogueEntry['items'][number] => ({
  event: type.name,
  schema: `/schemas/${schemaFile(type)}`,
  fields: Object.keys(schemaOf(type).properties),
});
