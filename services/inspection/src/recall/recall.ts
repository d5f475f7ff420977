/**
 * A recall of a consumer product (消费品召回): from a clue through the producer's analysis, or the regulator's investigation, to a plan, its
 * publication, its progress and its effect; or from the notice of another authority. Every public change is the next revision. A recall
 * that has had its effect is closed, which makes the goods no safer: whoever was told not to sell them stays told.
 */
import { RecallClosed, RecallContent, type RecallFacts, type RecallProducer, RecallPublished, RecallWithdrawn } from '@jinqiao/contracts';
import { divisionExists, isInTianjin, readUscc, RECALL_RULES } from '@jinqiao/law';
import { contentHash, DomainError, type Finding } from '@jinqiao/schema';
import { type Actor, isProvince } from '../actor.js';
import { type ClockState, type RunClock, startedBy, stateOf } from '../deadline/run-clock.js';
import type { Concern } from '../disclosure/disclosure.js';
import {
  type ActName,
  type ActRule,
  ACTS,
  BEGINNINGS,
  type ClockName,
  CLOCKS,
  type Competence,
  DROPPED,
  type Standing,
  type State,
} from './recall.acts.js';

export interface Clock extends RunClock {
  readonly clock: ClockName;
}

/** A recall as it stands. */
export interface Recall {
  readonly keeperId: string;
  readonly state: State;
  /** As worked on; what is public of it is `said`. */
  readonly content: RecallContent;
  /** Of the public series; 0 = nothing was ever public. */
  readonly revision: number;
  readonly standing: Standing | null;
  readonly round: number;
  /** The last state that was public. */
  readonly said: RecallPublished | null;
  readonly closedOn: string | null;
  /** Of the notice it was taken from; null where it began with a clue. */
  readonly reportedRevision: number | null;
  /** Of that notice; null after a restore: what its sender wrote is not known any more. */
  readonly reportedHash: string | null;
  /** The producer that knows of it, by its code; null: none does, or it has none. */
  readonly toldUscc: string | null;
  readonly lastOn: string;
  readonly clocks: readonly Clock[];
}

export interface Act extends RecallFacts {
  readonly act: ActName;
  /** The day it was done. */
  readonly on: string;
}

export type Announcement =
  | { readonly type: typeof RecallPublished; readonly data: RecallPublished }
  | { readonly type: typeof RecallClosed; readonly data: RecallClosed }
  | { readonly type: typeof RecallWithdrawn; readonly data: RecallWithdrawn };

/** One step: the recall as it becomes, without its clocks, and those that change with it. */
export interface Step {
  readonly from: State;
  readonly recall: Recall;
  readonly clocks: readonly Clock[];
  readonly competence: Competence;
  readonly announcement: Announcement | null;
}

/** Of every step: the articles were not read. */
export const BASIS = RECALL_RULES;

/** Also of one that is not public, for whoever has no part in it. */
export class RecallUnknown extends DomainError {
  constructor() {
    super('RECALL_UNKNOWN', 404, { zh: '没有该召回', en: 'There is no such recall, or it is none of yours' });
  }
}

export class RecallNoTaken extends DomainError {
  constructor() {
    super('RECALL_NO_TAKEN', 409, { zh: '召回编号已被使用', en: 'Another recall has this number' }, [
      { code: 'RECALL_NO_TAKEN', pointer: '/recallNo', message: 'belongs to another recall' },
    ]);
  }
}

/** The state does not have it: with what it has, and for whom. */
export class RecallActNotAllowed extends DomainError {
  constructor(state: State) {
    const title = { zh: '当前状态不允许此操作', en: `This is not done to a recall that is ${state}` };
    super('ACT_NOT_ALLOWED', 409, title, [], { state, allowed: allowedIn(state) });
  }
}

export class RecallActNotCompetent extends DomainError {
  constructor(by: readonly Competence[]) {
    super('NOT_COMPETENT', 403, { zh: '无权办理', en: 'This department is not competent for it' }, [], { by });
  }
}

export class RecallUnacceptable extends DomainError {
  constructor(findings: readonly Finding[]) {
    super(findings[0]?.code ?? 'RECALL_UNACCEPTABLE', 422, { zh: '召回内容有误', en: 'What is said of it can not be accepted' }, findings);
  }
}

/** A recall that begins with a clue, discovered on a day. */
export function opened(keeperId: string, content: RecallContent, on: string, today: string): Recall {
  const findings = [...contentFindings(content, ''), ...(on > today ? [finding('IN_FUTURE', '/on', 'lies in the future')] : [])];
  if (findings.length > 0) throw new RecallUnacceptable(findings);
  const { divisionCode } = content.producer;
  const isOutside = divisionCode !== undefined && !isInTianjin(divisionCode);
  return {
    keeperId,
    state: BEGINNINGS.OPEN,
    content,
    revision: 0,
    standing: null,
    round: 1,
    said: null,
    closedOn: null,
    reportedRevision: null,
    reportedHash: null,
    toldUscc: null,
    lastOn: on,
    clocks: [...started('PRODUCER_NOTICE', on), ...(isOutside ? started('FORWARDING', on) : [])],
  };
}

/** Decides about a step. The caller holds the lock of the recall. */
export function decide(recall: Recall, actor: Actor, act: Act, now: { readonly today: string; readonly at: string }): Step {
  const given: ActRule = ACTS[act.act];
  const competence = competenceOf(recall, actor, given.by);
  if (competence === null) throw new RecallActNotCompetent(given.by);
  const state = given.leads[recall.state];
  if (state === undefined) throw new RecallActNotAllowed(recall.state);
  const content = contentAfter(recall, act);
  const findings = findingsOf(recall, act, content, now.today);
  if (findings.length > 0) throw new RecallUnacceptable(findings);
  const round = act.act === 'RECALL_AGAIN' ? recall.round + 1 : recall.round;
  const standing = given.says === 'AS_BEFORE' ? recall.standing : (given.says ?? null);
  const isTold = given.tells === true || standing === 'PUBLISHED' || standing === 'CLOSED';
  const toldUscc = isTold ? (content.producer.uscc ?? null) : recall.toldUscc;
  const after: Recall = { ...recall, state, content, round, toldUscc, lastOn: act.on };
  const said = standing && announced(after, standing, { on: act.on, at: now.at, reason: act.reason });
  return {
    from: recall.state,
    recall: said?.recall ?? after,
    clocks: [
      ...(given.stops ?? []).flatMap((clock) => stopped(recall, clock, act.on, DROPPED.includes(state))),
      ...(given.starts ?? []).flatMap((clock) => started(clock, act.learnedOn ?? act.on)),
    ],
    competence,
    announcement: said?.announcement ?? null,
  };
}

interface Saying {
  readonly on: string;
  readonly at: string;
  readonly reason?: string | undefined;
}

/** The recall with its next public revision, and what is said of it. */
export function announced(recall: Recall, standing: Standing, saying: Saying): { recall: Recall; announcement: Announcement } {
  const { content, keeperId, round, reportedRevision } = recall;
  const isPublic = recall.standing === 'PUBLISHED' || recall.standing === 'CLOSED';
  const state = { ...content, keeperId, ...(reportedRevision !== null && { reportedRevision }), round };
  // What is withdrawn is what was public, not what was being prepared.
  const before = standing === 'WITHDRAWN' ? recall.said : null;
  const publishedAt = (isPublic && recall.said?.publishedAt) || saying.at;
  const said: RecallPublished = { ...(before ?? { ...state, publishedAt }), revision: recall.revision + 1 };
  const closedOn = standing === 'CLOSED' ? (recall.closedOn ?? saying.on) : null;
  return {
    recall: { ...recall, revision: said.revision, standing, said, closedOn },
    announcement: announcementOf(standing, said, { ...saying, on: closedOn ?? saying.on }),
  };
}

function announcementOf(standing: Standing, data: RecallPublished, { on, at, reason = '' }: Saying): Announcement {
  switch (standing) {
    case 'PUBLISHED':
      return { type: RecallPublished, data };
    case 'CLOSED':
      return { type: RecallClosed, data: { ...data, closedOn: on } };
    case 'WITHDRAWN':
      return { type: RecallWithdrawn, data: { ...data, reason, withdrawnAt: at } };
  }
}

/** What may be done now, and by whom. */
export const allowedIn = (state: State): { readonly act: ActName; readonly by: readonly Competence[] }[] =>
  (Object.entries(ACTS) as [ActName, ActRule][])
    .filter(([, { leads }]) => leads[state] !== undefined)
    .map(([act, { by }]) => ({ act, by }));

/** What of a recall says who sees it: whoever has no part in it does not learn how it is worked on. A producer named since then has not been told. */
export const concernOf = ({ keeperId, toldUscc, content }: RecallParts): Concern => ({
  owners: [keeperId],
  parties: toldUscc !== null && toldUscc === content.producer.uscc ? [{ party: 'PRODUCER', uscc: toldUscc }] : [],
});

export interface RecallParts extends Pick<Recall, 'keeperId' | 'toldUscc'> {
  readonly content: { readonly producer: Pick<RecallProducer, 'uscc'> };
}

function competenceOf({ keeperId }: Recall, actor: Actor, by: readonly Competence[]): Competence | null {
  const has: Readonly<Record<Competence, boolean>> = { KEEPER: actor.id === keeperId, PROVINCE: isProvince(actor) };
  return by.find((competence) => has[competence]) ?? null;
}

function contentAfter({ content }: Recall, { act, on, content: changes = {} }: Act): RecallContent {
  return { ...content, ...(act === 'PUBLISH' && { announcedOn: on }), ...changes };
}

const finding = (code: string, pointer: string, message: string): Finding => ({ code, pointer, message });

function findingsOf(recall: Recall, act: Act, content: RecallContent, today: string): Finding[] {
  const { needs }: ActRule = ACTS[act.act];
  const { on, learnedOn } = act;
  return [
    ...needs
      .filter((field) => act[field] === undefined)
      .map((field) => finding('FIELD_MISSING', `/${field}`, `is required for ${act.act}`)),
    ...(on > today ? [finding('IN_FUTURE', '/on', 'lies in the future')] : []),
    ...(on < recall.lastOn ? [finding('OUT_OF_ORDER', '/on', `is before the last step, of ${recall.lastOn}`)] : []),
    ...(learnedOn !== undefined && learnedOn > on ? [finding('OUT_OF_ORDER', '/learnedOn', 'is after the day it was noted')] : []),
    ...(act.content ? contentFindings(content, '/content') : []),
    ...ownFindings(recall, act, content),
  ];
}

function ownFindings(recall: Recall, act: Act, content: RecallContent): Finding[] {
  switch (act.act) {
    case 'FILE_OBJECTION': {
      const open = openClock(recall, 'OBJECTION');
      const isLate = open !== undefined && act.on > open.dueOn;
      return isLate ? [finding('OBJECTION_LATE', '/on', `is after ${open.dueOn}, when the time was over (${open.ruleVersion})`)] : [];
    }
    case 'REPORT_PLAN':
      return planFindings(content, act);
    case 'AMEND':
      return contentHash(RecallContent, content) === contentHash(RecallContent, recall.content)
        ? [finding('NOTHING_AMENDED', '/content', 'is what it was before')]
        : [];
    default:
      return [];
  }
}

/** A plan says what is wrong and what is done about it, and names the bar codes (总局公告2025年第21号), or says why there are none. */
function planFindings({ hazard, measure, product }: RecallContent, { reason }: Act): Finding[] {
  const missing = Object.entries({ hazard, measure }).filter(([, value]) => value === undefined);
  return [
    ...missing.map(([field]) => finding('FIELD_MISSING', `/content/${field}`, 'is required of a plan')),
    ...((product.gtins ?? []).length === 0 && reason === undefined
      ? [finding('GTIN_MISSING', '/content/product/gtins', 'is required of a plan, or the reason why the goods have none')]
      : []),
  ];
}

/** What is wrong with a content, however it came in. */
export function contentFindings({ producer }: Pick<RecallContent, 'producer'>, at: string): Finding[] {
  const uscc = producer.uscc === undefined ? null : readUscc(producer.uscc).outcome;
  const { divisionCode } = producer;
  return [
    ...(uscc === 'MALFORMED' || uscc === 'CHECK_FAILED'
      ? [finding('USCC_CHECK_FAILED', `${at}/producer/uscc`, 'is no unified social credit code')]
      : []),
    ...(divisionCode !== undefined && !divisionExists(divisionCode)
      ? [finding('DIVISION_UNKNOWN', `${at}/producer/divisionCode`, 'is no code of GB/T 2260')]
      : []),
  ];
}

const openClock = ({ clocks }: Pick<Recall, 'clocks'>, clock: ClockName): Clock | undefined =>
  clocks.find((one) => one.clock === clock && one.stoppedOn === null);

/** An incident has a clock of its own, and a report is of the first that waits for one; with a recall that is dropped all of them end. */
function stopped({ clocks }: Recall, clock: ClockName, on: string, isDropped: boolean): Clock[] {
  const open = clocks.filter((one) => one.clock === clock && one.stoppedOn === null);
  return (isDropped ? open : open.slice(0, 1)).map((one) => ({ ...one, stoppedOn: on }));
}

function started(clock: ClockName, on: string): Clock[] {
  const run = startedBy(`RECALL_${clock}`, 'PRODUCT', on);
  return run ? [{ clock, ...run }] : [];
}

export const clockState = ({ clock, ...run }: Pick<Clock, 'clock' | 'dueOn' | 'stoppedOn'>, today: string): ClockState =>
  stateOf(CLOCKS[clock].kind, run, today);

/** As a Mermaid state diagram, for docs/inspection.md. */
export function diagram(): string {
  const arrows = (Object.entries(ACTS) as [ActName, ActRule][]).flatMap(([act, { leads, by }]) =>
    (Object.entries(leads) as [State, State][]).map(([from, to]) => `  ${from} --> ${to}: ${act} (${by.join(', ').toLowerCase()})`),
  );
  const first = Object.entries(BEGINNINGS).map(([act, state]) => `  [*] --> ${state}: ${act}`);
  return ['stateDiagram-v2', ...first, ...arrows].join('\n');
}
