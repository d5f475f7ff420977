/**
 * What may be done in a case, by whom, from which state and on which article: the table that `decide` obeys and that docs/inspection.md
 * is drawn from. Tracks of one party run beside each other: an objection stops no correction. PUBLICATION is of the result itself.
 */
import { type CaseAct, type CaseFacts, type Competence, RESULT_PARTIES, type StepParty } from '@jinqiao/contracts';
import { FOOD_LAW, PENALTY_PROCEDURE } from '@jinqiao/law';

export const TRACKS = ['SERVICE', 'OBJECTION', 'AUTHORSHIP', 'PUBLICATION', 'HANDLING', 'CLUE'] as const;
export type TrackName = (typeof TRACKS)[number];

/** The first state of each track is where it begins, unwritten; PUBLICATION is never written, the result says where it stands. */
export const STATES = {
  SERVICE: ['UNSERVED', 'UNDELIVERABLE', 'SERVED'],
  OBJECTION: [
    'NONE',
    'AUTHENTICITY_UNDER_REVIEW',
    'CONCLUSION_UNDER_REVIEW',
    'REINSPECTION_ADMITTED',
    'FORMALITIES_DONE',
    'AT_LABORATORY',
    'REINSPECTED',
    'UPHELD',
    'REJECTED',
    'WAIVED',
  ],
  AUTHORSHIP: ['UNDISPUTED', 'DENIED', 'NOT_ITS_PRODUCT', 'ITS_PRODUCT'],
  PUBLICATION: ['PROVISIONAL', 'FINAL', 'PUBLISHED', 'WITHDRAWN'],
  HANDLING: [
    'NONE',
    'HANDED_OVER',
    'CORRECTION_ORDERED',
    'CORRECTED',
    'RECHECK_FAILED',
    'ANNOUNCED',
    'SUSPENDED',
    'REVOCATION_DUE',
    'REFERRED',
    'RECHECK_PASSED',
    'CLOSED',
  ],
  CLUE: ['NONE', 'HANDED_OVER', 'CHECK_PAUSED', 'CASE_FILED', 'CASE_PAUSED', 'DECLINED', 'CONCLUDED'],
} as const satisfies Record<TrackName, readonly [string, ...string[]]>;
export type State = (typeof STATES)[TrackName][number];

/** Where nothing more has to come; a track that has not begun has no row. */
export const ENDED: readonly State[] = [
  'SERVED',
  'REINSPECTED',
  'UPHELD',
  'REJECTED',
  'WAIVED',
  'NOT_ITS_PRODUCT',
  'ITS_PRODUCT',
  'REFERRED',
  'RECHECK_PASSED',
  'CLOSED',
  'DECLINED',
  'CONCLUDED',
];

/** What each period is to whoever has it. */
export const CLOCKS = {
  SERVICE: 'DUTY',
  OBJECTION: 'RIGHT',
  ACCEPTANCE: 'DUTY',
  FORMALITIES: 'RIGHT',
  LABORATORY: 'DUTY',
  CORRECTION: 'DUTY',
  FIRST_RECHECK: 'DUTY',
  SECOND_RECHECK: 'DUTY',
  HANDLING: 'DUTY',
  CASE_FILING: 'DUTY',
  CASE_DECISION: 'DUTY',
} as const;
export type ClockName = keyof typeof CLOCKS;
/** Those of the organiser, also when the party was handed over. */
export const OF_ORGANISER: readonly ClockName[] = ['SERVICE', 'ACCEPTANCE', 'LABORATORY'];
/** Those of the department that the clue was handed over to; the party is not told of them. */
export const OF_CLUE: readonly ClockName[] = ['CASE_FILING', 'CASE_DECISION'];
export const DUTIES = (Object.keys(CLOCKS) as ClockName[]).filter((clock) => CLOCKS[clock] === 'DUTY');

export interface ActRule {
  readonly track: TrackName;
  readonly parties: readonly StepParty[];
  readonly by: readonly Competence[];
  /** From each state the states it may lead to; the facts choose where there are several. */
  readonly leads: Readonly<Partial<Record<State, readonly State[]>>>;
  readonly chooses?: (from: State, facts: CaseFacts) => State;
  readonly needs: readonly (keyof CaseFacts)[];
  readonly starts?: readonly ClockName[];
  readonly stops?: readonly ClockName[];
  readonly pauses?: readonly ClockName[];
  readonly resumes?: readonly ClockName[];
  readonly extends?: readonly ClockName[];
  /** Article of 产品质量监督抽查管理暂行办法 (Order 18) or of `law`. Another regime names its own instrument, see `basisOf`. */
  readonly article: string;
  readonly law?: string;
  /** Of food, where the article was read. */
  readonly ofFood?: string;
}

const SOLD_OR_MADE = ['SAMPLED_PARTY', 'NOMINAL_PRODUCER'] as const;
const PRODUCER = ['NOMINAL_PRODUCER'] as const;
const ORGANISER = ['ORGANISER'] as const;
// An objection may go to the superior as well (产品质量法 §15).
const EITHER = ['ORGANISER', 'PROVINCE'] as const;
const RECEIVER = ['RECEIVER'] as const;
const yes =
  (one: State, other: State) =>
  (_from: State, { upheld }: CaseFacts) =>
    upheld ? one : other;

const objection = { track: 'OBJECTION', parties: SOLD_OR_MADE, by: EITHER, ofFood: `${FOOD_LAW}第八十八条` } as const;
const publication = { track: 'PUBLICATION', parties: ['RESULT'], by: ORGANISER } as const;
const handling = { track: 'HANDLING', parties: SOLD_OR_MADE, by: RECEIVER } as const;
const clue = { track: 'CLUE', parties: SOLD_OR_MADE, by: RECEIVER, law: PENALTY_PROCEDURE } as const;

export const ACTS = {
  SERVE: {
    track: 'SERVICE',
    parties: RESULT_PARTIES,
    by: ORGANISER,
    leads: { UNSERVED: ['SERVED'], UNDELIVERABLE: ['SERVED'] },
    needs: ['mode', 'sha256'],
    starts: ['OBJECTION'],
    stops: ['SERVICE'],
    article: '第三十五条',
  },
  REPORT_UNDELIVERABLE: {
    track: 'SERVICE',
    parties: RESULT_PARTIES,
    by: ORGANISER,
    leads: { UNSERVED: ['UNDELIVERABLE'], UNDELIVERABLE: ['UNDELIVERABLE'] },
    needs: ['mode', 'reason'],
    article: '第三十五条',
  },
  WRITE_TO_AUTHORITY: {
    track: 'SERVICE',
    parties: RESULT_PARTIES,
    by: ORGANISER,
    leads: { UNSERVED: ['UNSERVED'], UNDELIVERABLE: ['UNDELIVERABLE'], SERVED: ['SERVED'] },
    needs: ['authority', 'sha256'],
    article: '第四十四条',
  },

  FILE_OBJECTION: {
    ...objection,
    leads: { NONE: ['AUTHENTICITY_UNDER_REVIEW', 'CONCLUSION_UNDER_REVIEW'] },
    chooses: (_from, { ground }) => (ground === 'AUTHENTICITY' ? 'AUTHENTICITY_UNDER_REVIEW' : 'CONCLUSION_UNDER_REVIEW'),
    needs: ['ground', 'sha256'],
    starts: ['ACCEPTANCE'],
    stops: ['OBJECTION'],
    article: '第三十六条',
  },
  // Takes it up, which decides nothing; one that is not taken up is decided (DECIDE_OBJECTION), with the reason.
  ACCEPT_OBJECTION: {
    ...objection,
    leads: {
      AUTHENTICITY_UNDER_REVIEW: ['AUTHENTICITY_UNDER_REVIEW'],
      CONCLUSION_UNDER_REVIEW: ['CONCLUSION_UNDER_REVIEW'],
    },
    needs: ['documentNo'],
    stops: ['ACCEPTANCE'],
    article: '第三十七条',
  },
  DECIDE_OBJECTION: {
    ...objection,
    leads: { AUTHENTICITY_UNDER_REVIEW: ['UPHELD', 'REJECTED'], CONCLUSION_UNDER_REVIEW: ['UPHELD', 'REJECTED'] },
    chooses: yes('UPHELD', 'REJECTED'),
    needs: ['upheld', 'reason', 'sha256'],
    stops: ['ACCEPTANCE'],
    article: '第三十七条',
  },
  ADMIT_REINSPECTION: {
    ...objection,
    leads: { CONCLUSION_UNDER_REVIEW: ['REINSPECTION_ADMITTED'] },
    needs: ['sha256'],
    starts: ['FORMALITIES'],
    stops: ['ACCEPTANCE'],
    article: '第三十七条',
  },
  COMPLETE_FORMALITIES: {
    ...objection,
    leads: { REINSPECTION_ADMITTED: ['FORMALITIES_DONE'] },
    needs: ['sha256'],
    starts: ['LABORATORY'],
    stops: ['FORMALITIES'],
    article: '第三十八条',
  },
  WAIVE_REINSPECTION: {
    ...objection,
    leads: { REINSPECTION_ADMITTED: ['WAIVED'], FORMALITIES_DONE: ['WAIVED'], AT_LABORATORY: ['WAIVED'] },
    needs: ['reason'],
    stops: ['FORMALITIES', 'LABORATORY'],
    article: '第三十八条、第四十条',
  },
  CHOOSE_LABORATORY: {
    ...objection,
    leads: { FORMALITIES_DONE: ['AT_LABORATORY'] },
    // Of food it may be drawn here.
    needs: [],
    stops: ['LABORATORY'],
    article: '第三十九条',
  },
  RECORD_REINSPECTION: {
    ...objection,
    leads: { AT_LABORATORY: ['REINSPECTED'] },
    needs: ['verdict', 'sha256'],
    article: '第四十二条',
  },

  DENY_AUTHORSHIP: {
    track: 'AUTHORSHIP',
    parties: PRODUCER,
    by: EITHER,
    leads: { UNDISPUTED: ['DENIED'] },
    needs: ['sha256'],
    article: '第三十六条',
  },
  DECIDE_AUTHORSHIP: {
    track: 'AUTHORSHIP',
    parties: PRODUCER,
    by: EITHER,
    leads: { DENIED: ['NOT_ITS_PRODUCT', 'ITS_PRODUCT'] },
    chooses: yes('NOT_ITS_PRODUCT', 'ITS_PRODUCT'),
    needs: ['upheld', 'reason', 'sha256'],
    article: '第三十七条',
  },

  FINALISE: {
    ...publication,
    leads: { PROVISIONAL: ['FINAL'] },
    needs: [],
    article: '第三十六条、第三十七条',
    ofFood: `${FOOD_LAW}第八十八条`,
  },
  PUBLISH: { ...publication, leads: { FINAL: ['PUBLISHED'] }, needs: ['documentNo'], article: '第十条' },
  EMBARGO: { ...publication, leads: { PUBLISHED: ['FINAL'] }, needs: ['documentNo', 'reason'], article: '第十条' },

  HAND_OVER: {
    ...handling,
    by: ORGANISER,
    leads: { NONE: ['HANDED_OVER'] },
    needs: ['departmentId'],
    starts: ['HANDLING'],
    article: '第五条',
  },
  // To whom it belongs, where it was handed to the wrong one; back, where that is not known. Its time runs on.
  HAND_ON: {
    ...handling,
    by: ['RECEIVER', 'ORGANISER'],
    leads: { HANDED_OVER: ['HANDED_OVER'] },
    needs: ['departmentId', 'reason'],
    article: '第五条',
  },
  // The law itself stops the party (§45), so a correction may be ordered without it: this is its county's written order that it does.
  ORDER_STOP_SALE: {
    ...handling,
    leads: {
      HANDED_OVER: ['HANDED_OVER'],
      CORRECTION_ORDERED: ['CORRECTION_ORDERED'],
      CORRECTED: ['CORRECTED'],
      RECHECK_FAILED: ['RECHECK_FAILED'],
      ANNOUNCED: ['ANNOUNCED'],
    },
    needs: ['documentNo'],
    article: '第四十五条',
    ofFood: `${FOOD_LAW}第六十三条`,
  },
  ORDER_CORRECTION: {
    ...handling,
    leads: { HANDED_OVER: ['CORRECTION_ORDERED'] },
    needs: ['documentNo'],
    starts: ['CORRECTION', 'FIRST_RECHECK'],
    article: '第四十六条',
  },
  // The day on which the party says that it has corrected and asks for the re-check: from then on it is the department's time.
  REPORT_CORRECTION: {
    ...handling,
    leads: { CORRECTION_ORDERED: ['CORRECTED'] },
    needs: ['sha256'],
    stops: ['CORRECTION'],
    article: '第四十六条',
  },
  // Of a party that reports nothing as well (§47).
  RECORD_RECHECK: {
    ...handling,
    leads: {
      CORRECTION_ORDERED: ['RECHECK_PASSED', 'RECHECK_FAILED'],
      CORRECTED: ['RECHECK_PASSED', 'RECHECK_FAILED'],
      ANNOUNCED: ['RECHECK_PASSED', 'SUSPENDED'],
      SUSPENDED: ['RECHECK_PASSED', 'REVOCATION_DUE'],
    },
    chooses: (from, { passed }) => (passed ? 'RECHECK_PASSED' : AFTER_FAILED[from as keyof typeof AFTER_FAILED]),
    needs: ['passed', 'sha256'],
    stops: ['CORRECTION', 'FIRST_RECHECK', 'SECOND_RECHECK'],
    article: '第四十七条、第四十八条',
  },
  ANNOUNCE: {
    ...handling,
    by: ['PROVINCE'],
    leads: { RECHECK_FAILED: ['ANNOUNCED'] },
    needs: ['documentNo'],
    starts: ['SECOND_RECHECK'],
    article: '第四十七条',
  },
  REFER_FOR_REVOCATION: {
    ...handling,
    leads: { REVOCATION_DUE: ['REFERRED'] },
    needs: ['authority', 'documentNo'],
    article: '第四十八条',
  },
  CLOSE_HANDLING: {
    ...handling,
    leads: {
      HANDED_OVER: ['CLOSED'],
      CORRECTION_ORDERED: ['CLOSED'],
      CORRECTED: ['CLOSED'],
      RECHECK_FAILED: ['CLOSED'],
      ANNOUNCED: ['CLOSED'],
      SUSPENDED: ['CLOSED'],
      REVOCATION_DUE: ['CLOSED'],
      RECHECK_PASSED: ['CLOSED'],
      REFERRED: ['CLOSED'],
    },
    needs: ['reason'],
    stops: ['HANDLING', 'CORRECTION', 'FIRST_RECHECK', 'SECOND_RECHECK'],
    article: '第五条',
  },

  HAND_OVER_CLUE: {
    track: 'CLUE',
    parties: SOLD_OR_MADE,
    by: ['ORGANISER', 'RECEIVER'],
    // From HANDED_OVER it is handed on; whoever gets it then has its whole time from the day it came (第十八条).
    leads: { NONE: ['HANDED_OVER'], HANDED_OVER: ['HANDED_OVER'], DECLINED: ['HANDED_OVER'] },
    needs: ['departmentId', 'reason'],
    starts: ['CASE_FILING'],
    stops: ['CASE_FILING'],
    article: '第五条',
  },
  FILE_CASE: {
    ...clue,
    leads: { HANDED_OVER: ['CASE_FILED'] },
    needs: ['documentNo'],
    starts: ['CASE_DECISION'],
    stops: ['CASE_FILING'],
    article: '第十八条、第十九条',
  },
  DECLINE_CASE: {
    ...clue,
    leads: { HANDED_OVER: ['DECLINED'] },
    needs: ['reason'],
    stops: ['CASE_FILING'],
    article: '第十八条、第二十条',
  },
  PAUSE_CASE: {
    ...clue,
    leads: { HANDED_OVER: ['CHECK_PAUSED'], CASE_FILED: ['CASE_PAUSED'] },
    needs: ['notCounted', 'documentNo'],
    pauses: OF_CLUE,
    article: '第十八条、第六十四条',
  },
  RESUME_CASE: {
    ...clue,
    leads: { CHECK_PAUSED: ['HANDED_OVER'], CASE_PAUSED: ['CASE_FILED'] },
    needs: ['documentNo'],
    resumes: OF_CLUE,
    article: '第十八条、第六十四条',
  },
  EXTEND_CASE: {
    ...clue,
    leads: { HANDED_OVER: ['HANDED_OVER'], CHECK_PAUSED: ['CHECK_PAUSED'], CASE_FILED: ['CASE_FILED'], CASE_PAUSED: ['CASE_PAUSED'] },
    needs: ['documentNo', 'reason'],
    extends: OF_CLUE,
    article: '第十八条、第六十四条',
  },
  CONCLUDE_CASE: {
    ...clue,
    leads: { CASE_FILED: ['CONCLUDED'] },
    needs: ['documentNo', 'reason'],
    stops: ['CASE_DECISION'],
    article: '第六十四条',
  },
} as const satisfies Record<CaseAct, ActRule>;
export type ActName = keyof typeof ACTS;
/** What the history says of the result: WITHDRAW and REPORT are no acts of a case, a report or a decision leads to them. */
export type SaidOfResult = 'FINALISE' | 'PUBLISH' | 'EMBARGO' | 'WITHDRAW' | 'REPORT';
export const ACT_NAMES = Object.keys(ACTS) as ActName[];

const AFTER_FAILED = {
  CORRECTION_ORDERED: 'RECHECK_FAILED',
  CORRECTED: 'RECHECK_FAILED',
  ANNOUNCED: 'SUSPENDED',
  SUSPENDED: 'REVOCATION_DUE',
} as const;
