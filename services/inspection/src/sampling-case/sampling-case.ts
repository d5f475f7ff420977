/**
 * The case of one sampling result: what the law has follow from a verdict, party by party (产品质量监督抽查管理暂行办法 ch. 5 and 6,
 * 食品安全法 §88). Each step checks the state and who takes it, starts and stops clocks by the dated rule rows, and goes to the history.
 */
import type {
  CaseFacts,
  Competence,
  Laboratory,
  NotCounted,
  Regime,
  ResultDecision,
  ResultParty,
  SamplingResultPublished,
  StepParty,
  Verdict,
} from '@jinqiao/contracts';
import { type Extension, FOOD_SAMPLING, isInTianjin, rule, SAMPLING_MEASURES } from '@jinqiao/law';
import { DomainError, type Finding } from '@jinqiao/schema';
import { type Actor, isProvince } from '../actor.js';
import {
  type ClockState,
  extended,
  isPaused,
  type PausableClock,
  paused,
  resumed,
  rulesOf,
  type RunClock,
  startedBy,
  stateOf,
} from '../deadline/run-clock.js';
import type { Concern } from '../disclosure/disclosure.js';
import {
  drawKeyOf,
  drawn,
  eligible,
  isSame,
  type LaboratoryList,
  type ListedLaboratory,
} from '../reinspection-laboratory/reinspection-laboratory.js';
import { OBJECTION_OPEN } from '../sampling-result/sampling-result.js';
import {
  ACTS,
  type ActName,
  type ActRule,
  CLOCKS,
  type ClockName,
  OF_CLUE,
  type SaidOfResult,
  type State,
  STATES,
  type TrackName,
} from './sampling-case.acts.js';

export interface CaseParty {
  readonly party: ResultParty;
  readonly name: string;
  readonly uscc?: string;
  /** Outside the city its authority is written to (§44). */
  readonly isOutside: boolean;
  /** Absent: nobody said where it is. */
  readonly divisionCode?: string;
}

export interface Track {
  readonly track: TrackName;
  readonly party: StepParty;
  readonly state: State;
  /** The department it was handed over to. */
  readonly departmentId: string | null;
  readonly lastOn: string;
}

export interface Clock extends PausableClock {
  readonly clock: ClockName;
  readonly party: StepParty;
}

/** A case as it stands, with what is needed of its result. */
export interface CaseFile {
  readonly reporterId: string;
  readonly sampleNo: string;
  readonly regime: Regime;
  /** The one that the case was opened with. */
  readonly verdict: Verdict;
  /** The one that stands now; null when the result has been taken back. */
  readonly standing: Verdict | null;
  readonly laboratory: Laboratory | null;
  /** It had its four hours for that, on the sheet. */
  readonly wasTestedOnSite: boolean;
  /** Is it, or may it still be, objected to? Asked where it is to be made final or public. */
  readonly isOpenToObjections?: boolean;
  /** From which a laboratory for food is chosen on the day of the act; null: there was none. Asked where one is. */
  readonly laboratoryList?: LaboratoryList | null;
  readonly parties: readonly CaseParty[];
  readonly tracks: readonly Track[];
  readonly clocks: readonly Clock[];
  /** Every step so far, the first one first. */
  readonly history: readonly PastStep[];
}

export interface PastStep {
  readonly act: ActName | SaidOfResult;
  readonly party: StepParty;
  readonly from: State;
  readonly to: State;
  readonly on: string;
  readonly facts: Pick<CaseFacts, 'documentNo'>;
  readonly takenAt: Date;
}

/** Who is told of a result and may answer: whoever sold it, whoever is printed as its producer, the platform it was bought on. */
export function partiesOf({ sampledParty, nominalProducer, online }: SamplingResultPublished): CaseParty[] {
  const party = (
    name: ResultParty,
    of: { name?: string | undefined; uscc?: string | undefined; divisionCode?: string | undefined },
  ): CaseParty => ({
    party: name,
    name: of.name ?? '',
    ...(of.uscc !== undefined && { uscc: of.uscc }),
    isOutside: of.divisionCode !== undefined && !isInTianjin(of.divisionCode),
    ...(of.divisionCode !== undefined && { divisionCode: of.divisionCode }),
  });
  const seller = sampledParty ?? (online?.shopName === undefined ? undefined : { name: online.shopName });
  return [
    ...(seller ? [party('SAMPLED_PARTY', seller)] : []),
    ...(nominalProducer ? [party('NOMINAL_PRODUCER', nominalProducer)] : []),
    ...(online ? [party('PLATFORM', { name: online.platformId ?? online.platformName })] : []),
  ];
}

export interface Act extends CaseFacts {
  readonly act: ActName;
  readonly party: StepParty;
  /** The day it was done. */
  readonly on: string;
}

/** One step: the track as it becomes, and the clocks that change with it. */
export interface Step {
  readonly from: State;
  readonly track: Track;
  readonly clocks: readonly Clock[];
  readonly basis: string;
  readonly competence: Competence;
  /**
   * For whoever reads the step: who bears the fee of a re-inspection, whether it changes the conclusion, from which list its laboratory was
   * chosen, with the key where it was drawn here, and by which rows periods ran.
   */
  readonly derived: Readonly<Record<string, string | boolean | readonly string[] | Laboratory>>;
  /** What becomes the next revision of the result. */
  readonly decision: ResultDecision | null;
}

export class CaseUnknown extends DomainError {
  constructor() {
    super('CASE_UNKNOWN', 404, { zh: '没有该案卷', en: 'There is no such case, or it is none of yours' });
  }
}

export class CaseNotOpenable extends DomainError {
  constructor() {
    super('CASE_NOT_OPENABLE', 409, { zh: '结果已撤回，不能建立案卷', en: 'The result is withdrawn: no case begins with it' });
  }
}

export interface AllowedAct {
  readonly act: ActName;
  readonly by: readonly Competence[];
}

/** The state does not have it: with what it has, and for whom. */
export class ActNotAllowed extends DomainError {
  constructor({ track, party, state }: Pick<Track, 'track' | 'party' | 'state'>) {
    const title = { zh: '当前状态不允许此操作', en: `This is not done to a track that is ${state}` };
    super('ACT_NOT_ALLOWED', 409, title, [], { track, party, state, allowed: allowedIn(track, party, state) });
  }
}

export class ActNotCompetent extends DomainError {
  constructor(by: readonly Competence[]) {
    super('NOT_COMPETENT', 403, { zh: '无权办理', en: 'This department is not competent for it' }, [], { by });
  }
}

export class ActUnacceptable extends DomainError {
  constructor(findings: readonly Finding[]) {
    super(findings[0]?.code ?? 'ACT_UNACCEPTABLE', 422, { zh: '办理内容有误', en: 'What is said of it can not be accepted' }, findings);
  }
}

/** Order 18 has articles that were read from memory (libs/law says how sure we are); of another regime's measures no article is named. */
const INSTRUMENTS: Partial<Record<Regime, string>> = { PRODUCT: SAMPLING_MEASURES, FOOD: FOOD_SAMPLING };

/** An article of a law of its own is named in every regime; where no measure was read, NO_RULE. */
export function basisOf(regime: Regime, { article, law, ofFood }: Pick<ActRule, 'article' | 'law' | 'ofFood'>): string {
  if (law !== undefined) return `${law}${article}`;
  if (regime === 'FOOD' && ofFood !== undefined) return ofFood;
  const instrument = INSTRUMENTS[regime] ?? 'NO_RULE';
  return regime === 'PRODUCT' ? `${instrument}${article}` : instrument;
}

export const RULES: Readonly<Record<ClockName, Partial<Record<Regime, string>>>> = {
  SERVICE: { PRODUCT: 'RESULT_SERVICE' },
  OBJECTION: { PRODUCT: 'SAMPLING_OBJECTION', FOOD: 'FOOD_REINSPECTION' },
  ACCEPTANCE: { PRODUCT: 'OBJECTION_ACCEPTANCE' },
  FORMALITIES: { PRODUCT: 'REINSPECTION_FORMALITIES' },
  LABORATORY: { PRODUCT: 'REINSPECTION_LABORATORY' },
  CORRECTION: { PRODUCT: 'CORRECTION' },
  FIRST_RECHECK: { PRODUCT: 'FIRST_RECHECK' },
  SECOND_RECHECK: { PRODUCT: 'SECOND_RECHECK_BEFORE' },
  HANDLING: { FOOD: 'FOOD_HANDLING' },
  CASE_FILING: { PRODUCT: 'CASE_FILING', FOOD: 'CASE_FILING' },
  CASE_DECISION: { PRODUCT: 'CASE_DECISION', FOOD: 'CASE_DECISION' },
};

const NO_PARTY: Finding = { code: 'PARTY_NOT_CONCERNED', pointer: '/party', message: 'has no part in this, or not in this case' };

/** Decides about a step. The caller holds the lock of the case. */
export function decide(file: CaseFile, actor: Actor, act: Act, today: string): Step {
  const given: ActRule = ACTS[act.act];
  const isConcerned = act.party === 'RESULT' || file.parties.some(({ party }) => party === act.party);
  if (!given.parties.includes(act.party) || !isConcerned) throw new ActUnacceptable([NO_PARTY]);
  const before = trackOf(file, given.track, act.party);
  const competence = competenceOf(file.reporterId, before, actor, given.by);
  if (competence === null) throw new ActNotCompetent(given.by);
  const leads = given.leads[before.state];
  if (!leads) throw new ActNotAllowed(before);
  const findings = findingsOf(file, before, act, today);
  if (findings.length > 0) throw new ActUnacceptable(findings);
  const state = given.chooses?.(before.state, act) ?? leads[0] ?? before.state;
  const clocks = clocksOf(file, given, act);
  const window = before.state === 'ANNOUNCED' ? windowOf(file, before) : null;
  const departmentId = (given.needs.includes('departmentId') && act.departmentId) || before.departmentId;
  return {
    from: before.state,
    track: { ...before, state, departmentId, lastOn: act.on },
    clocks,
    basis: basisOf(file.regime, given),
    competence,
    derived: {
      ...derivedFrom(file, act),
      ...chosenFrom(file, act),
      ...rulesOf([...clocks.flatMap((one) => [one, ...one.extensions.slice(-1)]), ...(window ? [window] : [])]),
    },
    decision: decisionFrom(file, before, act, competence),
  };
}

export function trackOf({ tracks }: Pick<CaseFile, 'tracks'>, track: TrackName, party: StepParty): Track {
  const [first] = STATES[track];
  return tracks.find((one) => one.track === track && one.party === party) ?? { track, party, state: first, departmentId: null, lastOn: '' };
}

/** What may be done now, and by whom. */
export function allowedIn(track: TrackName, party: StepParty, state: State): AllowedAct[] {
  return (Object.entries(ACTS) as [ActName, ActRule][])
    .filter(([, given]) => given.track === track && given.parties.includes(party) && given.leads[state] !== undefined)
    .map(([act, { by }]) => ({ act, by }));
}

/** What of a case says who sees it. A party has been told when it was served, and of what is public. */
export const concernOf = ({ reporterId, tracks, parties, isPublic }: CaseParts): Concern => ({
  owners: [reporterId],
  handlers: tracks.flatMap(({ departmentId }) => departmentId ?? []),
  parties: parties.filter(({ party }) => isPublic || isServed(tracks, party)),
});

export interface CaseParts {
  readonly reporterId: string;
  readonly tracks: readonly Pick<Track, 'track' | 'party' | 'state' | 'departmentId'>[];
  readonly parties: readonly Pick<CaseParty, 'party' | 'uscc'>[];
  /** Is the result that it is about published, or was when it was taken back? */
  readonly isPublic: boolean;
}

const isServed = (tracks: CaseParts['tracks'], to: StepParty): boolean =>
  tracks.some(({ track, party, state }) => track === 'SERVICE' && party === to && state === 'SERVED');

function competenceOf(reporterId: string, { departmentId }: Track, actor: Actor, by: readonly Competence[]): Competence | null {
  const has: Readonly<Record<Competence, boolean>> = {
    ORGANISER: actor.id === reporterId,
    PROVINCE: isProvince(actor),
    RECEIVER: actor.id === departmentId,
  };
  return by.find((competence) => has[competence]) ?? null;
}

const finding = (code: string, pointer: string, message: string): Finding => ({ code, pointer, message });

function findingsOf(file: CaseFile, before: Track, act: Act, today: string): Finding[] {
  const { needs }: ActRule = ACTS[act.act];
  return [
    ...needs
      .filter((field) => act[field] === undefined)
      .map((field) => finding('FIELD_MISSING', `/${field}`, `is required for ${act.act}`)),
    ...(act.on > today ? [finding('IN_FUTURE', '/on', 'lies in the future')] : []),
    ...(act.on < before.lastOn ? [finding('OUT_OF_ORDER', '/on', `is before the last step, of ${before.lastOn}`)] : []),
    ...lateFindings(file, act),
    ...ownFindings(file, before, act),
  ];
}

/** What is lost when its time is over. */
const IN_TIME: Partial<Record<ActName, { readonly clock: ClockName; readonly code: string }>> = {
  FILE_OBJECTION: { clock: 'OBJECTION', code: 'OBJECTION_LATE' },
  COMPLETE_FORMALITIES: { clock: 'FORMALITIES', code: 'FORMALITIES_LATE' },
};

function lateFindings(file: CaseFile, { act, party, on }: Act): Finding[] {
  const inTime = IN_TIME[act];
  const open = inTime && openClock(file, inTime.clock, party);
  if (!open || on <= open.dueOn) return [];
  return [finding(inTime.code, '/on', `is after ${open.dueOn}, when the time was over (${open.ruleVersion})`)];
}

function ownFindings(file: CaseFile, before: Track, act: Act): Finding[] {
  switch (act.act) {
    case 'SERVE': {
      const lacksConsent = act.mode === 'ELECTRONIC' && act.confirmationSha256 === undefined;
      const message = "is required: the addressee's signed consent to be served electronically";
      return lacksConsent ? [finding('CONFIRMATION_MISSING', '/confirmationSha256', message)] : [];
    }
    case 'WRITE_TO_AUTHORITY': {
      const isInCity = file.parties.some((one) => one.party === act.party && one.divisionCode !== undefined && !one.isOutside);
      return isInCity ? [finding('IN_THE_CITY', '/party', 'is in the city: it is handed over to its county (HAND_OVER)')] : [];
    }
    case 'FILE_OBJECTION': {
      const isServed = trackOf(file, 'SERVICE', act.party).state === 'SERVED';
      const isOver = file.wasTestedOnSite && act.party === 'SAMPLED_PARTY' && act.ground === 'CONCLUSION';
      return [
        ...(isServed ? [] : [finding('NOT_SERVED', '/party', 'was not served yet: its time has not begun')]),
        // 食品安全法 §88.
        ...(isOver ? [finding('OBJECTION_LATE', '/ground', 'it was tested on the spot, which is objected to within four hours')] : []),
      ];
    }
    case 'ACCEPT_OBJECTION': {
      const isAccepted = file.history.some((step) => step.act === 'ACCEPT_OBJECTION' && step.party === act.party);
      return isAccepted ? [finding('ACCEPTED_BEFORE', '/act', 'was taken up already')] : [];
    }
    case 'WAIVE_REINSPECTION':
      return waiverFindings(file, act);
    case 'CHOOSE_LABORATORY':
      return laboratoryFindings(file, act);
    case 'DECIDE_OBJECTION':
      return before.state === 'CONCLUSION_UNDER_REVIEW' && act.upheld === true ? verdictFindings(file, act) : [];
    case 'RECORD_REINSPECTION':
      return act.verdict === undefined || FOUND.includes(act.verdict) ? [] : [finding('NOTHING_FOUND', '/verdict', NOTHING_FOUND)];
    case 'FINALISE':
    case 'PUBLISH':
      return file.isOpenToObjections === true ? [{ ...OBJECTION_OPEN, pointer: '/act' }] : [];
    case 'ORDER_STOP_SALE': {
      const isStopped = saleStopsIn(file).some(({ party }) => party === act.party);
      const again = finding('STOPPED_BEFORE', '/act', 'it was ordered to stop, which holds until its re-check is passed');
      return isStopped ? [again] : handlingFindings(file, act);
    }
    case 'HAND_OVER':
    case 'ORDER_CORRECTION':
    case 'ANNOUNCE':
    case 'REFER_FOR_REVOCATION':
      return handlingFindings(file, act);
    case 'CLOSE_HANDLING': {
      const isOpen = handlingFindings(file, act).length === 0 && !CLOSABLE.includes(before.state);
      return isOpen ? [finding('NOT_CORRECTED', '/act', `it is ${before.state}, and what was found of it still stands`)] : [];
    }
    case 'HAND_ON':
    case 'HAND_OVER_CLUE':
      return act.departmentId !== undefined && act.departmentId === before.departmentId && before.state === 'HANDED_OVER'
        ? [finding('HANDED_OVER_BEFORE', '/departmentId', 'has it already')]
        : [];
    case 'PAUSE_CASE': {
      const isOther = before.state === 'HANDED_OVER' && act.notCounted !== undefined && !OF_A_CHECK.includes(act.notCounted);
      return isOther ? [finding('COUNTED_IN', '/notCounted', 'does not pause the check of a clue (第十八条)')] : [];
    }
    case 'EXTEND_CASE':
      return OF_CLUE.flatMap((clock) => extensionFindings(openClock(file, clock, act.party), act));
    case 'RECORD_RECHECK':
      return before.state === 'ANNOUNCED' ? windowFindings(file, before, act) : [];
    default:
      return [];
  }
}

/** What is not counted in before a case is filed (§18). */
const OF_A_CHECK: readonly NotCounted[] = ['TESTING', 'IDENTIFICATION'];

/** Before it is over; a check once, a decision again for as long as was fixed together (§18, 64). */
function extensionFindings(open: Clock | undefined, { on, days }: Act): Finding[] {
  if (!open) return [];
  const isAgain = open.extensions.length > 0;
  return [
    ...(!isPaused(open) && on > open.dueOn ? [finding('EXTENSION_LATE', '/on', `is after ${open.dueOn}, when the time was over`)] : []),
    ...(isAgain && open.clock === 'CASE_FILING' ? [finding('EXTENDED_BEFORE', '/act', 'it was extended, which is done once')] : []),
    ...(isAgain && open.clock === 'CASE_DECISION' && days === undefined
      ? [finding('FIELD_MISSING', '/days', 'is required: it was extended before')]
      : []),
  ];
}

/** Why there is nothing to handle. */
function handlingFindings(file: CaseFile, { party }: Act): Finding[] {
  const nothing = (pointer: string, message: string): Finding[] => [finding('NOTHING_TO_HANDLE', pointer, message)];
  if (file.standing !== 'UNQUALIFIED') return nothing('/act', `the verdict is ${file.standing ?? 'taken back'}`);
  return isNotItsProduct(file, party) ? nothing('/party', 'it did not make it: its denial was upheld') : [];
}

/** From anywhere else handling ends only when there is nothing to handle any more. */
const CLOSABLE: readonly State[] = ['RECHECK_PASSED', 'REFERRED'];
/** What cannot be tested again leaves the first result as it is (§40). */
const FOUND: readonly Verdict[] = ['QUALIFIED', 'UNQUALIFIED'];
const NOTHING_FOUND = 'says neither that it qualifies nor that it does not: WAIVE_REINSPECTION leaves the first result';

function verdictFindings({ standing }: CaseFile, { verdict }: Act): Finding[] {
  if (verdict === undefined) return [finding('FIELD_MISSING', '/verdict', 'is required: what holds instead')];
  return verdict === standing ? [finding('VERDICT_UNCHANGED', '/verdict', 'is the one that was objected to')] : [];
}

/** §38: the time to apply has passed, or the party's own word; §40: what it did to the backup sample. */
function waiverFindings(file: CaseFile, { party, on, sha256 }: Act): Finding[] {
  const open = openClock(file, 'FORMALITIES', party);
  if (sha256 !== undefined || (open && on > open.dueOn)) return [];
  const until = open ? ` until ${open.dueOn} has passed (${open.ruleVersion})` : '';
  return [finding('WAIVER_UNPROVEN', '/sha256', `is required${until}: the party's waiver, or what proves that it ended it`)];
}

/** §39: another one than the first, unless there is no other in the province. */
function laboratoryFindings(file: CaseFile, act: Act): Finding[] {
  const { regime, laboratory: first } = file;
  const chosen = asListed(file, act) ?? act.laboratory;
  const mayBeFirst = regime === 'PRODUCT' && act.onlyQualified === true;
  const isFirst = chosen !== undefined && first !== null && isSame(chosen, first);
  return [
    ...(chosen === undefined && regime !== 'FOOD' ? [finding('FIELD_MISSING', '/laboratory', 'is required for CHOOSE_LABORATORY')] : []),
    ...(isFirst && !mayBeFirst ? [finding('LABORATORY_TESTED_FIRST', '/laboratory', 'tested the sample first')] : []),
    ...(regime === 'FOOD' ? listedFindings(file, act) : []),
  ];
}

/** 食品安全法 §88: from the published list; drawn here, or by a system of the department's own, which names it and its draw. */
function listedFindings(file: CaseFile, act: Act): Finding[] {
  const { laboratoryList, laboratory: first } = file;
  const { on, laboratory: chosen, documentNo } = act;
  const isUnproven = chosen !== undefined && documentNo === undefined;
  const unproven = isUnproven ? [finding('DRAW_MISSING', '/documentNo', 'names the draw from the published list')] : [];
  if (!laboratoryList)
    return [...unproven, finding('LABORATORY_LIST_MISSING', '/on', 'there was no list on that day: the province states it')];
  if (chosen)
    return asListed(file, act)
      ? unproven
      : [...unproven, finding('LABORATORY_NOT_LISTED', '/laboratory', 'was not on the list on that day')];
  const isNobodyLeft = eligible(laboratoryList, on, first).length === 0;
  return isNobodyLeft
    ? [finding('NO_LABORATORY_LEFT', '/on', 'nobody was on the list on that day but the laboratory that tested first')]
    : [];
}

/** The laboratory that is named, as the list of the day has it. */
function asListed({ laboratoryList }: CaseFile, { on, laboratory: chosen }: Act): ListedLaboratory | undefined {
  if (!laboratoryList || !chosen) return undefined;
  return eligible(laboratoryList, on, null).find((one) => isSame(one, chosen));
}

/** Who tests food again, from which list, and the key where it was drawn here. */
function chosenFrom(file: CaseFile, act: Act): Step['derived'] {
  const { reporterId, sampleNo, laboratory: first, laboratoryList, history } = file;
  const { party, on } = act;
  const formalities = history.findLast((step) => step.act === 'COMPLETE_FORMALITIES' && step.party === party);
  if (act.act !== 'CHOOSE_LABORATORY' || file.regime !== 'FOOD' || !laboratoryList || !formalities) return {};
  const key = drawKeyOf({ reporterId, sampleNo, party, on: formalities.on, takenAt: formalities.takenAt.toISOString() });
  const taken = act.laboratory ? asListed(file, act) : drawn(eligible(laboratoryList, on, first), key);
  if (!taken) return {};
  const { name, uscc } = taken;
  return { laboratory: { name, uscc }, laboratoryList: laboratoryList.hash, ...(!act.laboratory && { drawKey: key }) };
}

/** §48: after day 60 from the announcement. Before day 90 is the department's duty: a firm is not kept shut because it came too late. */
function windowFindings(file: CaseFile, before: Track, { on }: Act): Finding[] {
  const from = windowOf(file, before);
  if (from === null || on > from.dueOn) return [];
  return [finding('OUTSIDE_RECHECK_WINDOW', '/on', `is not after ${from.dueOn} (${from.ruleVersion})`)];
}

const windowOf = ({ regime }: CaseFile, { lastOn }: Track): RunClock | null => startedBy('SECOND_RECHECK_NOT_BEFORE', regime, lastOn);

const openClock = ({ clocks }: CaseFile, clock: ClockName, party: StepParty): Clock | undefined =>
  clocks.find((one) => one.clock === clock && one.party === party && one.stoppedOn === null);

function clocksOf(file: CaseFile, given: ActRule, act: Act): Clock[] {
  const { pauses = [], resumes = [], extends: made = [] } = given;
  const open = (names: readonly ClockName[]): Clock[] => names.flatMap((clock) => openClock(file, clock, act.party) ?? []);
  const starting = started(file, given, act);
  // What begins anew on the day on which it began takes its place.
  const isBegunAnew = (one: Clock): boolean => starting.some(({ clock, startedOn }) => clock === one.clock && startedOn === one.startedOn);
  return [
    ...stopped(file, given, act).filter((one) => !isBegunAnew(one)),
    ...starting,
    ...open(pauses).flatMap((clock) => paused(clock, act.on)),
    ...open(resumes).flatMap((clock) => resumed(clock, act.on)),
    ...open(made).flatMap((clock) => extensionOf(file, clock, act).flatMap((by) => extended(clock, by))),
  ];
}

/** The first by the row; what was fixed for a decision after that, by the days that were fixed. */
function extensionOf({ regime }: CaseFile, { clock, extensions }: Clock, { on, days }: Act): Extension[] {
  if (extensions.length > 0) return days === undefined ? [] : [{ on, value: days, ruleVersion: null }];
  const row = rule(`${clock}_EXTENSION`, { regime, on });
  return row === 'NO_RULE' ? [] : [{ on, value: row.value, ruleVersion: row.version }];
}

function stopped(file: CaseFile, { stops = [] }: ActRule, { party, on }: Act): Clock[] {
  return stops.flatMap((clock) => {
    const open = openClock(file, clock, party);
    return open ? [{ ...open, stoppedOn: on }] : [];
  });
}

function started({ regime }: CaseFile, { starts = [] }: ActRule, { party, on }: Act): Clock[] {
  // A platform is told; what it does about it has its own clock at the exchange. The result itself has none.
  return party === 'PLATFORM' || party === 'RESULT' ? [] : starts.flatMap((clock) => begun(clock, party, regime, on));
}

function begun(clock: ClockName, party: ResultParty, regime: Regime, on: string): Clock[] {
  const name = RULES[clock][regime];
  const run = name === undefined ? null : startedBy(name, regime, on);
  return run ? [{ clock, party, ...run, pauses: [], extensions: [] }] : [];
}

/** Each party is told of what failed (§35), in days from that on which the organiser had the report. */
export const openingClocks = (
  { regime, verdict, parties }: Pick<CaseFile, 'regime' | 'verdict' | 'parties'>,
  reportedOn: string,
): Clock[] => (verdict === 'UNQUALIFIED' ? parties.flatMap(({ party }) => begun('SERVICE', party, regime, reportedOn)) : []);

/** §42: its result is final; §43: the applicant advances the fee, and the department bears it if the result is another one. */
function derivedFrom({ verdict: first }: CaseFile, { act, verdict }: Act): Step['derived'] {
  if (act !== 'RECORD_REINSPECTION' || verdict === undefined) return {};
  return { reversed: verdict !== first, feeBorneBy: verdict === first ? 'APPLICANT' : 'DEPARTMENT' };
}

function decisionFrom(file: CaseFile, before: Track, act: Act, by: Competence): ResultDecision | null {
  const { party, on, verdict, upheld, documentNo } = act;
  const made = { party, by, on };
  switch (act.act) {
    case 'RECORD_REINSPECTION':
      return { ...made, kind: 'REINSPECTION', ...(verdict && { verdict }) };
    case 'DECIDE_OBJECTION': {
      if (upheld !== true) return null;
      const isAboutSampling = before.state === 'AUTHENTICITY_UNDER_REVIEW';
      return isAboutSampling ? { ...made, kind: 'ANNULMENT' } : { ...made, kind: 'OBJECTION', ...(verdict && { verdict }) };
    }
    case 'DENY_AUTHORSHIP':
      return { ...made, kind: 'AUTHORSHIP', authorship: 'DENIED_UNVERIFIED' };
    case 'DECIDE_AUTHORSHIP': {
      if (upheld !== true) return { ...made, kind: 'AUTHORSHIP', authorship: 'UNDISPUTED' };
      const resumes = file.parties.some(({ party: one }) => hasPassed(file, one)) && othersHavePassed(file, party);
      return { ...made, kind: 'AUTHORSHIP', authorship: 'DENIED_CONFIRMED', ...(resumes && { resumes }) };
    }
    case 'FINALISE':
      return { ...made, kind: 'FINALISATION' };
    case 'PUBLISH':
      return { ...made, kind: 'PUBLICATION', ...(documentNo !== undefined && { notice: { no: documentNo, publishedOn: on } }) };
    case 'EMBARGO':
      return { ...made, kind: 'EMBARGO' };
    case 'RECORD_RECHECK':
      return act.passed === true ? { ...made, kind: 'RECHECK', resumes: othersHavePassed(file, party) } : null;
    default:
      return null;
  }
}

/**
 * §49: nobody sells again before the department has declared that the re-check was passed. Whoever sold it and whoever is printed as its
 * producer has to, but for a producer that did not make it and for whoever is left to the authority of another place (§44).
 */
function othersHavePassed(file: CaseFile, party: StepParty): boolean {
  const passed = file.parties.filter((one) => one.party === party || hasPassed(file, one.party));
  return file.parties.every((one) => {
    if (passed.includes(one) || !mustPass(file, one)) return true;
    // A producer that was sampled at its own place is handled once.
    return isUnhandled(file, one.party) && passed.some((other) => isSameFirm(one, other));
  });
}

const hasPassed = ({ history }: CaseFile, party: StepParty): boolean =>
  history.some((step) => step.party === party && step.to === 'RECHECK_PASSED');

const isUnhandled = (file: CaseFile, party: StepParty): boolean => trackOf(file, 'HANDLING', party).state === 'NONE';

function mustPass(file: CaseFile, one: CaseParty): boolean {
  if (one.party === 'PLATFORM' || isNotItsProduct(file, one.party)) return false;
  return !isUnhandled(file, one.party) || !isElsewhere(file, one);
}

const isNotItsProduct = (file: CaseFile, party: StepParty): boolean => trackOf(file, 'AUTHORSHIP', party).state === 'NOT_ITS_PRODUCT';

/** Of whom nobody said where it is, the letter says it. */
const isElsewhere = (file: CaseFile, { party, isOutside, divisionCode }: CaseParty): boolean =>
  isOutside || (divisionCode === undefined && isWrittenTo(file, party));

const isWrittenTo = ({ history }: CaseFile, party: ResultParty): boolean =>
  history.some((step) => step.party === party && step.act === 'WRITE_TO_AUTHORITY');

export type Missing = Pick<Act, 'act' | 'party'>;

/** What the organiser has still to do about each party of what failed: its county handles it (§5), or another place is written to (§44). */
export function missingIn(file: CaseFile): Missing[] {
  if (file.standing !== 'UNQUALIFIED') return [];
  return file.parties.flatMap((one): Missing[] => {
    const { party } = one;
    if (party === 'PLATFORM' || isNotItsProduct(file, party)) return [];
    if (one.isOutside) return isWrittenTo(file, party) ? [] : [{ act: 'WRITE_TO_AUTHORITY', party }];
    const isHandledAsOther = file.parties.some((other) => isSameFirm(one, other) && !isUnhandled(file, other.party));
    return isHandledAsOther || isElsewhere(file, one) ? [] : [{ act: 'HAND_OVER', party }];
  });
}

/** Whom its county has ordered to stop making and selling the same product (§45), since when, and until when. */
export interface SaleStop {
  readonly party: StepParty;
  readonly since: string;
  readonly documentNo: string | null;
  /** From then on new batches may be made and sold; what was found to fail stays off sale. */
  readonly endedOn: string | null;
}

export function saleStopsIn({ history }: Pick<CaseFile, 'history'>): SaleStop[] {
  return history
    .filter(({ act }) => act === 'ORDER_STOP_SALE')
    .map(({ party, on: since, facts: { documentNo = null } }) => ({
      party,
      since,
      documentNo,
      endedOn: history.find((step) => step.party === party && endsStop(step))?.on ?? null,
    }));
}

/** With the re-check that is passed (§49), or when there is nothing to handle any more; not for whoever is to lose its licence. */
const endsStop = ({ act, from, to }: PastStep): boolean => to === 'RECHECK_PASSED' || (act === 'CLOSE_HANDLING' && from !== 'REFERRED');

const isSameFirm = (one: CaseParty, other: CaseParty): boolean =>
  one.uscc !== undefined && other.uscc !== undefined ? one.uscc === other.uscc : one.name !== '' && one.name === other.name;

export const clockState = ({ clock, ...run }: Pick<Clock, 'clock' | 'dueOn' | 'stoppedOn' | 'pauses'>, today: string): ClockState =>
  stateOf(CLOCKS[clock], run, today);

/** The tracks as a Mermaid state diagram, for docs/inspection.md. */
export function diagramOf(track: TrackName): string {
  const arrows = (Object.entries(ACTS) as [ActName, ActRule][])
    .filter(([, given]) => given.track === track)
    .flatMap(([act, { leads, by }]) =>
      (Object.entries(leads) as [State, readonly State[]][]).flatMap(([from, tos]) =>
        tos.map((to) => `  ${from} --> ${to}: ${act} (${by.join(', ').toLowerCase()})`),
      ),
    );
  return ['stateDiagram-v2', `  [*] --> ${STATES[track][0]}`, ...arrows].join('\n');
}
