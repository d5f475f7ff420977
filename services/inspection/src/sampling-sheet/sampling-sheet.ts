/**
 * The sheet of one sample (抽样单): from the draw through sampling, seals and laboratory to a report, which the organiser confirms as the
 * sampling result (产品质量监督抽查管理暂行办法 ch. 3; 食品安全抽样检验管理办法). Each step checks the state, who takes it, what is said with it and
 * what proves it; it starts and stops clocks by the dated rule rows, and goes to the history.
 */
import type { Coverage, Regime, ResultParty, SamplingMode, SheetPurchase, SheetReport, SheetSample } from '@jinqiao/contracts';
import { dayInChina, deadline, rule } from '@jinqiao/law';
import { DomainError, type Finding } from '@jinqiao/schema';
import { type ClockState, type RunClock, startedBy, stateOf } from '../deadline/run-clock.js';
import type { Concern } from '../disclosure/disclosure.js';
import type { Evidence, EvidenceType } from '../evidence/evidence.js';
import { basisOf } from '../sampling-case/sampling-case.js';
import type { DrawObject } from '../sampling-round/sampling-round.js';
import {
  type ActName,
  type ActRule,
  ACTS,
  type ClockName,
  CLOCKS,
  type Competence,
  COMPETENCES,
  type State,
  STATES,
} from './sampling-sheet.acts.js';
import type { TakeSheetActBody } from './sampling-sheet.facts.js';
import { findingsOf, missingEvidence } from './sampling-sheet.findings.js';

export interface Clock extends RunClock {
  readonly clock: ClockName;
  /** Of a period in hours. */
  readonly dueAt: string | null;
}

/** Somebody of the round's pool of inspectors. */
export interface PoolInspector {
  readonly inspectorId: string;
  readonly employerId: string;
  /** May not go to this object. */
  readonly isRecused: boolean;
}

/** Who went. */
export interface Sampler {
  readonly inspectorId: string;
  readonly employerId: string;
  readonly substituteReason?: string;
}

/** By whom it is sampled and tested, as the draw of the round has it. */
export interface DrawnFor {
  readonly commitment: string;
  readonly inspectorIds: readonly string[];
  readonly laboratoryId: string;
  /** The body that the laboratory belongs to. */
  readonly laboratoryEmployerId: string;
}

export type KeptSample = SheetSample & { readonly takenOn: string };

/** A sheet as it stands. */
export interface Sheet {
  readonly organiserId: string;
  readonly sampleNo: string;
  readonly roundId: string;
  readonly roundNo: string;
  readonly regime: Regime;
  readonly coverage: Coverage;
  readonly object: Pick<DrawObject, 'id' | 'name' | 'divisionCode'>;
  readonly drawn: DrawnFor;
  readonly state: State;
  readonly mode: SamplingMode | null;
  readonly samplers: readonly Sampler[];
  readonly sample: KeptSample | null;
  readonly purchase: SheetPurchase | null;
  readonly report: SheetReport | null;
  /** To whom it was handed over. */
  readonly handlerId: string | null;
  /** Who handles something of the case that followed. */
  readonly caseHandlerIds: readonly string[];
  /** Who has been told of the result, by the code under which it was. */
  readonly told: readonly { readonly party: ResultParty; readonly uscc?: string | null }[];
  /** The reported revision with which the result was entered. */
  readonly resultRevision: number | null;
  readonly lastOn: string;
  readonly openedOn: string;
  readonly clocks: readonly Clock[];
  readonly evidence: readonly Evidence[];
}

export type Act = Readonly<TakeSheetActBody>;

export interface Moment {
  readonly now: Date;
  readonly today: string;
  /** Those of the pool whom the act names. */
  readonly pool: readonly PoolInspector[];
  /** The row by which the product may not be sampled again yet; absent, null: it may. */
  readonly repeats?: string | null;
}

export interface Step {
  readonly from: State;
  readonly sheet: Sheet;
  readonly clocks: readonly Clock[];
  readonly competence: Competence;
  readonly basis: string;
}

export class SheetUnknown extends DomainError {
  constructor() {
    super('SHEET_UNKNOWN', 404, { zh: '没有该抽样单', en: 'There is no such sampling sheet, or it is none of yours' });
  }
}

export class SheetConflict extends DomainError {
  constructor() {
    super('SHEET_CONFLICT', 409, { zh: '该抽样单编号已用于另一对象', en: 'The number belongs to another object' }, [
      { code: 'SHEET_CONFLICT', pointer: '/sampleNo', message: 'belongs to another object' },
    ]);
  }
}

export class ObjectHasSheet extends DomainError {
  constructor() {
    super('OBJECT_HAS_SHEET', 409, { zh: '该对象已有抽样单', en: 'The object has a sheet already' }, [
      { code: 'OBJECT_HAS_SHEET', pointer: '/objectId', message: 'has another sheet in this round' },
    ]);
  }
}

export class ObjectNotDrawn extends DomainError {
  constructor() {
    super('OBJECT_NOT_DRAWN', 422, { zh: '该对象未被抽中', en: 'The object was not drawn in this round' }, [
      { code: 'OBJECT_NOT_DRAWN', pointer: '/objectId', message: 'was not drawn in this round' },
    ]);
  }
}

/** What is public is corrected by its reporter, not put back under embargo by a sheet. */
export class ResultIsPublic extends DomainError {
  constructor() {
    super('RESULT_IS_PUBLIC', 409, { zh: '该抽样单的结果已公布', en: 'A result of this number is public already' });
  }
}

/** The state does not have it: with what it has, and for whom. */
export class SheetActNotAllowed extends DomainError {
  constructor(state: State) {
    const title = { zh: '当前状态不允许此操作', en: `This is not done to a sample that is ${state}` };
    super('ACT_NOT_ALLOWED', 409, title, [], { state, allowed: allowedIn(state) });
  }
}

export class SheetActNotCompetent extends DomainError {
  constructor(by: readonly Competence[]) {
    super('NOT_COMPETENT', 403, { zh: '无权办理', en: 'This organisation is not competent for it' }, [], { by });
  }
}

export class SheetActUnacceptable extends DomainError {
  /** Of each list of kinds one is missing. */
  constructor(findings: readonly Finding[], missing: readonly (readonly EvidenceType[])[]) {
    const title = { zh: '办理内容有误', en: 'What is said of it can not be accepted' };
    super(findings[0]?.code ?? 'SHEET_UNACCEPTABLE', 422, title, findings, missing.length > 0 ? { missingEvidence: missing } : {});
  }
}

export interface Caller {
  readonly id: string;
  readonly kind: string;
}

/** As whom a caller may act on a sheet. A laboratory has no part in it before there is a sample for it: it learns of no draw. */
export function competencesOf({ organiserId, samplers, drawn, sample }: Sheet, { id, kind }: Caller): Competence[] {
  const isSealed = sample?.testSeal !== undefined;
  const has: Readonly<Record<Competence, boolean>> = {
    ORGANISER: kind === 'DEPARTMENT' && id === organiserId,
    SAMPLER: samplers.some(({ employerId }) => employerId === id),
    LABORATORY: kind === 'LABORATORY' && id === drawn.laboratoryId && isSealed,
  };
  return COMPETENCES.filter((competence) => has[competence]);
}

/**
 * What of a sheet says who sees it. A laboratory learns of no draw: it has a part from the seal on, and does not know who sold what was
 * bought. Of whom a sample was taken on site, that one knows of it; of what was found a party knows once it has been told of the result
 * that was confirmed.
 */
export const concernOf = (sheet: SheetParts): Concern => ({
  owners: [sheet.organiserId],
  handlers: sheet.handlerId === null ? sheet.caseHandlerIds : [sheet.handlerId, ...sheet.caseHandlerIds],
  samplerBodies: sheet.samplers.map(({ employerId }) => employerId),
  laboratory: sheet.sample?.testSeal === undefined ? null : { id: sheet.drawn.laboratoryId, isBlind: sheet.mode === 'ONLINE' },
  parties: merchantsOf(sheet),
});

export type SheetParts = Pick<Sheet, 'organiserId' | 'handlerId' | 'caseHandlerIds' | 'samplers' | 'mode' | 'state' | 'told'> & {
  readonly drawn: Pick<DrawnFor, 'laboratoryId'>;
  readonly sample:
    (Pick<SheetSample, 'testSeal'> & Readonly<Partial<Record<'sampledParty' | 'nominalProducer', { readonly uscc?: string }>>>) | null;
};

function merchantsOf({ mode, state, sample, told }: SheetParts): NonNullable<Concern['parties']> {
  const { sampledParty, nominalProducer } = sample ?? {};
  const named = [
    { party: 'SAMPLED_PARTY', uscc: sampledParty?.uscc },
    { party: 'NOMINAL_PRODUCER', uscc: nominalProducer?.uscc },
  ] as const;
  const isTold = ({ party, uscc }: (typeof named)[number]): boolean => told.some((one) => one.party === party && one.uscc === uscc);
  return [
    ...(mode === 'ON_SITE' ? [{ party: 'SAMPLED_ON_SITE' as const, uscc: sampledParty?.uscc }] : []),
    ...(state === 'CONFIRMED' ? named.filter(isTold) : []),
  ];
}

/** Decides about a step. The caller holds the lock of the sheet. */
export function decide(sheet: Sheet, caller: Caller, act: Act, at: Moment): Step {
  const given: ActRule = ACTS[act.act];
  const own = competencesOf(sheet, caller);
  const competence = given.by.find((one) => own.includes(one));
  if (competence === undefined) throw new SheetActNotCompetent(given.by);
  const state = given.leads[sheet.state];
  if (state === undefined) throw new SheetActNotAllowed(sheet.state);
  const after: Sheet = { ...sheet, ...changesOf(sheet, act, at), state, lastOn: act.on };
  const missing = missingEvidence(after, act);
  const findings = findingsOf({ before: sheet, after, act, at }, missing);
  if (findings.length > 0) throw new SheetActUnacceptable(findings, missing);
  return {
    from: sheet.state,
    sheet: after,
    clocks: [
      ...(given.stops ?? []).flatMap((clock) => stopped(sheet, clock, act.on)),
      ...(given.reopens ?? []).flatMap((clock) => reopened(sheet, clock)),
      ...(given.starts ?? []).flatMap((clock) => started(sheet, clock, act)),
    ],
    competence,
    basis: basisOf(sheet.regime, given),
  };
}

/** What may be done now, and by whom. */
export const allowedIn = (state: State): { readonly act: ActName; readonly by: readonly Competence[] }[] =>
  (Object.entries(ACTS) as [ActName, ActRule][])
    .filter(([, { leads }]) => leads[state] !== undefined)
    .map(([act, { by }]) => ({ act, by }));

function changesOf({ object }: Sheet, act: Act, { pool }: Moment): Partial<Sheet> {
  switch (act.act) {
    case 'BEGIN_SAMPLING':
      return { mode: act.mode ?? null, samplers: samplersOf(act, pool) };
    case 'FIND_ILLEGAL':
      return { handlerId: act.departmentId ?? null };
    case 'SEAL_SAMPLE':
    case 'TEST_ON_SITE': {
      // Who was drawn was sampled, unless another party is named.
      const party = { name: object.name, divisionCode: object.divisionCode };
      const sampledParty = act.purchase ? {} : { sampledParty: party };
      const sample = act.sample ? { ...sampledParty, ...act.sample, takenOn: act.on } : null;
      return { sample, purchase: act.purchase ?? null, report: act.act === 'TEST_ON_SITE' ? (act.report ?? null) : null };
    }
    case 'REPORT':
      return { report: act.report ?? null };
    case 'RETURN_REPORT':
      return { report: null };
    default:
      return {};
  }
}

const samplersOf = ({ samplers = [] }: Act, pool: readonly PoolInspector[]): Sampler[] =>
  samplers.flatMap(({ inspectorId, substituteReason }) => {
    const known = pool.find((one) => one.inspectorId === inspectorId);
    return known ? [{ inspectorId, employerId: known.employerId, ...(substituteReason !== undefined && { substituteReason }) }] : [];
  });

function stopped({ clocks }: Sheet, clock: ClockName, on: string): Clock[] {
  const open = clocks.find((one) => one.clock === clock && one.stoppedOn === null);
  return open ? [{ ...open, stoppedOn: on }] : [];
}

const reopened = ({ clocks }: Sheet, clock: ClockName): Clock[] =>
  clocks.filter((one) => one.clock === clock).map((one) => ({ ...one, stoppedOn: null }));

function started({ regime }: Sheet, clock: ClockName, { on, toldAt }: Act): Clock[] {
  const row = rule(clock, { regime, on });
  if (row === 'NO_RULE') return [];
  if (row.unit !== 'HOURS') {
    const run = startedBy(clock, regime, on);
    return run ? [{ clock, ...run, dueAt: null }] : [];
  }
  // From the moment somebody was told.
  if (toldAt === undefined) return [];
  const { due, provisional } = deadline(toldAt, { ...row, unit: 'HOURS' });
  return [
    { clock, startedOn: on, dueOn: dayInChina(due), dueAt: due.toISOString(), provisional, ruleVersion: row.version, stoppedOn: null },
  ];
}
export function clockState({ clock, dueAt, ...run }: Pick<Clock, 'clock' | 'dueAt' | 'dueOn' | 'stoppedOn'>, now: Date): ClockState {
  const { kind } = CLOCKS[clock];
  if (dueAt === null || run.stoppedOn !== null) return stateOf(kind, run, dayInChina(now));
  if (now.toISOString() <= dueAt) return 'RUNNING';
  return kind === 'DUTY' ? 'OVERDUE' : 'RUN_OUT';
}

/** As a Mermaid state diagram, for docs/inspection.md. */
export function diagram(): string {
  const arrows = (Object.entries(ACTS) as [ActName, ActRule][]).flatMap(([act, { leads, by }]) =>
    (Object.entries(leads) as [State, State][]).map(([from, to]) => `  ${from} --> ${to}: ${act} (${by.join(', ').toLowerCase()})`),
  );
  return ['stateDiagram-v2', `  [*] --> ${STATES[0]}: OPEN (organiser)`, ...arrows].join('\n');
}
