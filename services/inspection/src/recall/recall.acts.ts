/**
 * What may be done in a recall, by whom and from which state: the table that `decide` obeys and that docs/inspection.md is drawn from
 * (消费品召回管理暂行规定, Order 19; its articles were not read and are not named).
 */
import type { RecallAct, RecallFacts } from '@jinqiao/contracts';

export const STATES = [
  'CLUE',
  'PRODUCER_NOTIFIED',
  'DEFECT_DENIED',
  'UNDER_INVESTIGATION',
  'NO_DEFECT',
  'NOTICE_GIVEN',
  'OBJECTION_UNDER_REVIEW',
  'ORDERED',
  'PLAN_DUE',
  'PLAN_REPORTED',
  'IN_PROGRESS',
  'COMPLETED',
  'SUMMARISED',
  // A notice of another authority, which alone knows how its recall goes on.
  'ANNOUNCED',
  'CLOSED',
  'WITHDRAWN',
] as const;
export type State = (typeof STATES)[number];

/** Where nothing more has to come. */
export const ENDED: readonly State[] = ['NO_DEFECT', 'CLOSED', 'WITHDRAWN'];

/** Where it turned out to be none. */
export const DROPPED: readonly State[] = ['NO_DEFECT', 'WITHDRAWN'];

/** Where a file begins: with a clue, or with a notice that is taken in. */
export const BEGINNINGS = { OPEN: 'CLUE', TAKE_IN: 'ANNOUNCED' } as const;

/** What everybody may know of it. Nothing is public before a plan is. */
export const STANDINGS = ['PUBLISHED', 'CLOSED', 'WITHDRAWN'] as const;
export type Standing = (typeof STANDINGS)[number];

/** KEEPER: the department that opened it, or took its notice in. PROVINCE: a department with the scope `level:PROVINCE`. */
export type Competence = 'KEEPER' | 'PROVINCE';

/** Each with who has to act, by the rule row of the same name after `RECALL_`. RIGHT: the producer may use it and loses it. */
export const CLOCKS = {
  FORWARDING: { kind: 'DUTY', party: 'KEEPER' },
  PRODUCER_NOTICE: { kind: 'DUTY', party: 'KEEPER' },
  INCIDENT_REPORT: { kind: 'DUTY', party: 'PRODUCER' },
  OBJECTION: { kind: 'RIGHT', party: 'PRODUCER' },
  PLAN_REPORT: { kind: 'DUTY', party: 'PRODUCER' },
  PLAN_REPORT_ORDERED: { kind: 'DUTY', party: 'PRODUCER' },
  PUBLICATION: { kind: 'DUTY', party: 'PRODUCER' },
  PROGRESS_SUMMARY: { kind: 'DUTY', party: 'PRODUCER' },
  FINAL_SUMMARY: { kind: 'DUTY', party: 'PRODUCER' },
} as const;
export type ClockName = keyof typeof CLOCKS;
export const CLOCK_NAMES = Object.keys(CLOCKS) as ClockName[];
export const DUTIES = CLOCK_NAMES.filter((clock) => CLOCKS[clock].kind === 'DUTY');
export const OF_PRODUCER = CLOCK_NAMES.filter((clock) => CLOCKS[clock].party === 'PRODUCER');

export interface ActRule {
  readonly by: readonly Competence[];
  readonly leads: Readonly<Partial<Record<State, State>>>;
  readonly needs: readonly (keyof RecallFacts)[];
  readonly starts?: readonly ClockName[];
  readonly stops?: readonly ClockName[];
  /** How it stands afterwards, for everybody: the next revision. AS_BEFORE: as it stood. */
  readonly says?: Standing | 'AS_BEFORE';
  /** The producer knows of the recall with it; before that nobody is warned. */
  readonly tells?: true;
}

const EITHER = ['KEEPER', 'PROVINCE'] as const;
const PROVINCE = ['PROVINCE'] as const;

const to = <From extends State, To extends State>(state: To, ...from: From[]): Record<From, To> =>
  Object.fromEntries(from.map((one) => [one, state])) as Record<From, To>;
const staying = <In extends State>(...states: In[]): Readonly<Partial<Record<State, State>>> =>
  Object.fromEntries(states.map((state) => [state, state]));

const BEFORE_A_DEFECT = ['CLUE', 'PRODUCER_NOTIFIED', 'DEFECT_DENIED', 'UNDER_INVESTIGATION'] as const;
/** Incidents do not wait for what the authorities find, and come of goods that were recalled: only what was dropped has none. */
const NOT_DROPPED = STATES.filter((state) => !DROPPED.includes(state));
const PUBLIC = ['IN_PROGRESS', 'COMPLETED', 'SUMMARISED', 'ANNOUNCED', 'CLOSED'] as const;

export const ACTS = {
  FORWARD: { by: EITHER, leads: staying(...NOT_DROPPED), needs: ['authority', 'sha256'], stops: ['FORWARDING'] },
  NOTE_INCIDENT: { by: EITHER, leads: staying(...NOT_DROPPED), needs: ['learnedOn', 'reason'], starts: ['INCIDENT_REPORT'] },
  RECORD_INCIDENT_REPORT: { by: EITHER, leads: staying(...NOT_DROPPED), needs: ['sha256'], stops: ['INCIDENT_REPORT'] },

  NOTIFY_PRODUCER: {
    by: EITHER,
    leads: to('PRODUCER_NOTIFIED', 'CLUE'),
    needs: ['sha256'],
    stops: ['PRODUCER_NOTICE'],
    tells: true,
  },
  DENY_DEFECT: { by: EITHER, leads: to('DEFECT_DENIED', 'PRODUCER_NOTIFIED'), needs: ['reason', 'sha256'] },
  ADMIT_DEFECT: {
    by: EITHER,
    leads: to('PLAN_DUE', ...BEFORE_A_DEFECT),
    needs: ['reason'],
    starts: ['PLAN_REPORT'],
    stops: ['PRODUCER_NOTICE'],
    tells: true,
  },
  INVESTIGATE: {
    by: PROVINCE,
    leads: to('UNDER_INVESTIGATION', 'CLUE', 'PRODUCER_NOTIFIED', 'DEFECT_DENIED'),
    needs: ['reason'],
    stops: ['PRODUCER_NOTICE'],
  },
  FIND_NO_DEFECT: {
    by: PROVINCE,
    leads: to('NO_DEFECT', ...BEFORE_A_DEFECT, 'OBJECTION_UNDER_REVIEW'),
    needs: ['reason'],
    stops: ['PRODUCER_NOTICE', 'FORWARDING', 'INCIDENT_REPORT'],
  },

  GIVE_NOTICE: {
    by: PROVINCE,
    leads: to('NOTICE_GIVEN', 'UNDER_INVESTIGATION'),
    needs: ['documentNo', 'sha256'],
    starts: ['PLAN_REPORT', 'OBJECTION'],
    tells: true,
  },
  FILE_OBJECTION: {
    by: EITHER,
    leads: to('OBJECTION_UNDER_REVIEW', 'NOTICE_GIVEN'),
    needs: ['reason', 'sha256'],
    stops: ['PLAN_REPORT', 'OBJECTION'],
  },
  ORDER_RECALL: {
    by: PROVINCE,
    leads: to('ORDERED', 'NOTICE_GIVEN', 'OBJECTION_UNDER_REVIEW', 'PLAN_DUE'),
    needs: ['authority', 'documentNo'],
    starts: ['PLAN_REPORT_ORDERED'],
    stops: ['PLAN_REPORT', 'OBJECTION'],
    tells: true,
  },

  REPORT_PLAN: {
    by: EITHER,
    leads: to('PLAN_REPORTED', 'PLAN_DUE', 'NOTICE_GIVEN', 'ORDERED'),
    needs: ['sha256'],
    starts: ['PUBLICATION'],
    stops: ['PLAN_REPORT', 'PLAN_REPORT_ORDERED', 'OBJECTION'],
    tells: true,
  },
  PUBLISH: {
    by: EITHER,
    leads: to('IN_PROGRESS', 'PLAN_REPORTED'),
    needs: [],
    starts: ['PROGRESS_SUMMARY'],
    stops: ['PUBLICATION'],
    says: 'PUBLISHED',
  },
  AMEND: { by: EITHER, leads: staying(...PUBLIC), needs: ['reason', 'content'], says: 'AS_BEFORE' },
  RECORD_PROGRESS: {
    by: EITHER,
    leads: staying('IN_PROGRESS'),
    needs: ['recalled', 'sha256'],
    starts: ['PROGRESS_SUMMARY'],
    stops: ['PROGRESS_SUMMARY'],
  },
  COMPLETE: {
    by: EITHER,
    leads: to('COMPLETED', 'IN_PROGRESS'),
    needs: ['recalled'],
    starts: ['FINAL_SUMMARY'],
    stops: ['PROGRESS_SUMMARY'],
  },
  SUMMARISE: { by: EITHER, leads: to('SUMMARISED', 'COMPLETED'), needs: ['recalled', 'sha256'], stops: ['FINAL_SUMMARY'] },

  // The effect is evaluated: it suffices, or the goods are recalled again.
  CLOSE: { by: EITHER, leads: to('CLOSED', 'SUMMARISED', 'ANNOUNCED'), needs: ['reason'], says: 'CLOSED' },
  RECALL_AGAIN: { by: PROVINCE, leads: to('PLAN_DUE', 'SUMMARISED', 'CLOSED'), needs: ['reason'], starts: ['PLAN_REPORT'] },
  WITHDRAW: {
    by: EITHER,
    leads: to('WITHDRAWN', ...PUBLIC),
    needs: ['reason'],
    stops: ['PROGRESS_SUMMARY', 'FINAL_SUMMARY', 'FORWARDING', 'INCIDENT_REPORT'],
    says: 'WITHDRAWN',
  },
} as const satisfies Record<RecallAct, ActRule>;
export type ActName = keyof typeof ACTS;
