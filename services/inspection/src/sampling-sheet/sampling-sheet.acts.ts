/**
 * What is done to one sample between its draw and its result, by whom, from which state, on which article and with which evidence: the
 * table that `decide` obeys and that docs/inspection.md is drawn from (产品质量监督抽查管理暂行办法 §15 to §34; 食品安全抽样检验管理办法).
 */
import type { NotSampledGround, SamplingMode, SheetAct, SheetFacts } from '@jinqiao/contracts';
import { FOOD_LAW } from '@jinqiao/law';
import type { EvidenceType } from '../evidence/evidence.js';

export const STATES = [
  'DRAWN',
  'SAMPLING',
  'NOT_SAMPLED',
  'ILLEGAL_FOUND',
  'TESTED_ON_SITE',
  'REINSPECTION_DUE',
  'SAMPLE_SEALED',
  'LAB_RECEIVED',
  'LAB_REJECTED',
  'TESTING',
  'REPORTED',
  'CONFIRMED',
] as const;
export type State = (typeof STATES)[number];

/** ORGANISER: whose round it is. SAMPLER: whom one of its samplers works for. LABORATORY: the one that was drawn, and no other. */
export const COMPETENCES = ['ORGANISER', 'SAMPLER', 'LABORATORY'] as const;
export type Competence = (typeof COMPETENCES)[number];

/** Why nothing was sampled (§18), with what it takes to say so: what is proven needs a proof, a refusal is an offence (产品质量法 §16). */
export const GROUNDS = {
  CHANGED_PRODUCTION: [],
  CLOSED: [],
  NOT_OFFERED: [],
  QUANTITY_SHORT: [],
  REFUSED: ['PHOTO', 'VIDEO', 'DOCUMENT', 'SCREENSHOT'],
  NOT_FOR_SALE: ['DOCUMENT', 'PHOTO'],
  EXPORT_ONLY: ['DOCUMENT', 'PHOTO'],
  TRIAL_GOODS: ['PHOTO', 'VIDEO', 'SCREENSHOT'],
  SUBSTANDARD_GOODS: ['PHOTO', 'VIDEO', 'SCREENSHOT'],
  DISPLAY_SAMPLES: ['PHOTO', 'VIDEO', 'SCREENSHOT'],
} as const satisfies Record<NotSampledGround, readonly EvidenceType[]>;

/** Each with who has to act, by the rule row of the same name. RIGHT: a party may use it and loses it. */
export const CLOCKS = {
  SAMPLE_DELIVERY: { kind: 'DUTY', party: 'ORGANISER' },
  TEST_REPORT: { kind: 'DUTY', party: 'LABORATORY' },
  RAPID_TEST_OBJECTION: { kind: 'RIGHT', party: 'SAMPLED_PARTY' },
} as const;
export type ClockName = keyof typeof CLOCKS;
export const DUTIES = (Object.keys(CLOCKS) as ClockName[]).filter((clock) => CLOCKS[clock].kind === 'DUTY');

export interface ActRule {
  readonly by: readonly Competence[];
  readonly leads: Readonly<Partial<Record<State, State>>>;
  readonly needs: readonly (keyof SheetFacts)[];
  readonly starts?: readonly ClockName[];
  readonly stops?: readonly ClockName[];
  /** What stopped them does not count: they run on to the day on which they would have ended. */
  readonly reopens?: readonly ClockName[];
  /** Of Order 18; of food no article is named, see `basisOf`. */
  readonly article: string;
  /** Whose article it is, where that is a law. */
  readonly law?: string;
  /** What has to be proven: of each list one kind. */
  readonly evidence?: Readonly<Record<SamplingMode, readonly (readonly EvidenceType[])[]>>;
}

const ORGANISER = ['ORGANISER'] as const;
const SAMPLING_SIDE = ['ORGANISER', 'SAMPLER'] as const;
const LABORATORY = ['LABORATORY'] as const;
const SEEN = ['PHOTO', 'VIDEO'] as const;
const everywhere = <E extends readonly (readonly EvidenceType[])[]>(evidence: E): Record<SamplingMode, E> => ({
  ON_SITE: evidence,
  ONLINE: evidence,
});

export const ACTS = {
  BEGIN_SAMPLING: {
    by: ORGANISER,
    leads: { DRAWN: 'SAMPLING' },
    needs: ['mode', 'samplers', 'documentNo'],
    article: '第十五条、第十六条',
  },
  RECORD_NOT_SAMPLED: {
    by: SAMPLING_SIDE,
    leads: { DRAWN: 'NOT_SAMPLED', SAMPLING: 'NOT_SAMPLED' },
    needs: ['ground', 'reason'],
    article: '第十七条、第十八条',
  },
  FIND_ILLEGAL: {
    by: SAMPLING_SIDE,
    leads: { SAMPLING: 'ILLEGAL_FOUND', LAB_RECEIVED: 'ILLEGAL_FOUND' },
    needs: ['departmentId', 'reason'],
    stops: ['TEST_REPORT'],
    article: '第十七条、第十八条',
    evidence: everywhere([['PHOTO', 'VIDEO', 'SCREENSHOT', 'DOCUMENT']]),
  },
  SEAL_SAMPLE: {
    by: SAMPLING_SIDE,
    leads: { SAMPLING: 'SAMPLE_SEALED', REINSPECTION_DUE: 'SAMPLE_SEALED' },
    needs: ['sample'],
    starts: ['SAMPLE_DELIVERY'],
    article: '第十七条至第二十八条',
    evidence: {
      ON_SITE: [['SHEET_SCAN'], SEEN],
      ONLINE: [['SHEET_SCAN'], ['SCREENSHOT'], ['ORDER'], ['PAYMENT'], ['UNPACKING_FILM']],
    },
  },
  // §9: who samples does not test, except on the spot.
  TEST_ON_SITE: {
    by: SAMPLING_SIDE,
    leads: { SAMPLING: 'TESTED_ON_SITE' },
    needs: ['sample', 'report', 'toldAt'],
    starts: ['RAPID_TEST_OBJECTION'],
    article: '第九条',
    evidence: everywhere([['SHEET_SCAN'], SEEN]),
  },
  // Another sample goes to the laboratory: what was tested on the spot is not tested on the spot again (食品安全法 §88).
  FILE_OBJECTION: {
    by: SAMPLING_SIDE,
    leads: { TESTED_ON_SITE: 'REINSPECTION_DUE' },
    needs: ['filedAt'],
    stops: ['RAPID_TEST_OBJECTION'],
    article: '第八十八条',
    law: FOOD_LAW,
  },
  WAIVE_REINSPECTION: {
    by: SAMPLING_SIDE,
    leads: { REINSPECTION_DUE: 'TESTED_ON_SITE' },
    needs: ['reason'],
    article: '第八十八条',
    law: FOOD_LAW,
  },

  RECEIVE_SAMPLE: {
    by: LABORATORY,
    leads: { SAMPLE_SEALED: 'LAB_RECEIVED' },
    needs: ['testSeal', 'backupSeal', 'sealsIntact'],
    starts: ['TEST_REPORT'],
    stops: ['SAMPLE_DELIVERY'],
    article: '第二十九条至第三十四条',
  },
  REJECT_SAMPLE: {
    by: LABORATORY,
    leads: { SAMPLE_SEALED: 'LAB_REJECTED' },
    needs: ['reason', 'sha256'],
    stops: ['SAMPLE_DELIVERY'],
    article: '第二十九条至第三十四条',
    evidence: everywhere([['LAB_REJECTION']]),
  },
  BEGIN_TESTING: { by: LABORATORY, leads: { LAB_RECEIVED: 'TESTING' }, needs: ['licence'], article: '第二十九条至第三十四条' },
  REPORT: {
    by: LABORATORY,
    leads: { TESTING: 'REPORTED' },
    needs: ['report', 'sha256'],
    stops: ['TEST_REPORT'],
    article: '第二十九条至第三十四条',
    evidence: everywhere([['REPORT']]),
  },

  RETURN_REPORT: {
    by: ORGANISER,
    leads: { REPORTED: 'TESTING' },
    needs: ['reason'],
    reopens: ['TEST_REPORT'],
    article: '第二十九条至第三十四条',
  },
  CONFIRM: {
    by: ORGANISER,
    leads: { TESTED_ON_SITE: 'CONFIRMED', REPORTED: 'CONFIRMED', LAB_REJECTED: 'CONFIRMED' },
    needs: [],
    article: '第三十五条',
  },
} as const satisfies Record<SheetAct, ActRule>;
export type ActName = keyof typeof ACTS;
export const ACT_NAMES = Object.keys(ACTS) as ActName[];
