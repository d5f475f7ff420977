import {
  RecallOpened,
  RecallStepAnswered,
  RecallStepTaken,
  type StepParty,
  SamplingCaseOpened,
  SamplingCaseStepTaken,
  SamplingSheetOpened,
  SamplingSheetStepTaken,
  SamplingStepAnswered,
  samplingStepIntake,
  type StepMatter,
  topicOf,
} from '@jinqiao/contracts';
import { event, Outbox, type Received } from '@jinqiao/messaging';
import { Clock, isInSandbox, OrganisationInSandbox, type Principal } from '@jinqiao/platform';
import { DomainError } from '@jinqiao/schema';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Recalls } from '../recall/recall.service.js';
import { SamplingCases } from '../sampling-case/sampling-case.service.js';
import { SamplingSheets } from '../sampling-sheet/sampling-sheet.service.js';
import { type RecallStanding, refused, type Result, type Standing, type TakenAs } from './sampling-step.js';

export type Step =
  SamplingSheetOpened | SamplingSheetStepTaken | SamplingCaseOpened | SamplingCaseStepTaken | RecallOpened | RecallStepTaken;

/** A step that could not be read, or was refused. */
export interface RejectedStep {
  readonly rejectedAt: Date;
  readonly code: string;
  readonly pointer: string | null;
  readonly message: string;
}

/** The use case that a step stands for, and how what it is about stands afterwards. */
interface Doing<S> {
  readonly take: () => Promise<TakenAs>;
  readonly standing: () => Promise<S>;
}

/** What a step is about. */
type Told =
  | ({ readonly matter: StepMatter; readonly subject: string; readonly party?: StepParty } & Doing<Standing>)
  | ({ readonly matter: 'RECALL'; readonly subject: string } & Doing<RecallStanding>);

type Said<S> = Pick<SamplingStepAnswered, 'departmentId' | 'stepId' | 'revision' | 'subject' | 'unknownFields' | 'answeredAt'> &
  Result &
  (S | object);

const UNKNOWN_FIELDS_MAX = 100;
const FIELD_LENGTH_MAX = 500;
const REJECTED_MAX = 50;

/** Gives the steps of departments to the use cases that stand behind HTTP, and says what became of each. */
@Injectable()
export class SamplingSteps {
  constructor(
    private readonly db: DataSource,
    private readonly sheets: SamplingSheets,
    private readonly cases: SamplingCases,
    private readonly recalls: Recalls,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /** What has to be locked for all that one transaction takes in, before the first of it. */
  async lock(tx: EntityManager, received: readonly Received<Step>[]): Promise<void> {
    const named = received.flatMap((one): Parameters<Recalls['lock']>[1] => {
      if (one.is(RecallOpened)) return [one.data];
      return one.is(RecallStepTaken) ? [{ recallNo: one.data.recallNo, nationalNo: one.data.content?.nationalNo }] : [];
    });
    await this.recalls.lock(tx, named);
  }

  /** One that is refused changes nothing, and what else the transaction does stays. */
  async take(tx: EntityManager, departmentId: string, received: Received<Step>): Promise<Result> {
    const told = this.told(tx, { id: departmentId, kind: 'DEPARTMENT', scopes: [] }, received);
    if (told.matter === 'RECALL') {
      const said = await this.judged(tx, departmentId, received, told);
      await this.outbox.add(tx, event(RecallStepAnswered, said, { causedBy: received }));
      return said;
    }
    const { matter, party } = told;
    const said = { ...(await this.judged(tx, departmentId, received, told)), matter, ...(party && { party }) };
    await this.outbox.add(tx, event(SamplingStepAnswered, said, { causedBy: received }));
    return said;
  }

  /** What of a department's steps was not taken; also what broke the contract, which nobody could answer. Newest first, 50 at most. */
  async rejected(departmentId: string, sampleNo: string): Promise<RejectedStep[]> {
    return this.db.query(
      `SELECT failed_at AS "rejectedAt", code, pointer, reason AS message FROM dead_letters
       WHERE topic = $1 AND key = $2 AND replayed_at IS NULL ORDER BY failed_at DESC LIMIT $3`,
      [topicOf(samplingStepIntake, departmentId), sampleNo.replaceAll('\0', ''), REJECTED_MAX],
    );
  }

  private async judged<S extends object>(
    tx: EntityManager,
    departmentId: string,
    received: Received<Step>,
    { subject, take, standing }: Doing<S> & { readonly subject: string },
  ): Promise<Said<S>> {
    const { stepId, revision = 1 } = received.data;
    const isTrial = await isInSandbox(tx, departmentId);
    const result = await attempt(tx, isTrial ? refuseTrial : take);
    const unknownFields = received.unknownFields.filter(({ length }) => length <= FIELD_LENGTH_MAX).slice(0, UNKNOWN_FIELDS_MAX);
    return {
      departmentId,
      stepId,
      revision,
      subject,
      ...result,
      ...(isTrial ? {} : await standing()),
      ...(unknownFields.length > 0 && { unknownFields }),
      answeredAt: this.clock.now().toISOString(),
    };
  }

  private told(tx: EntityManager, caller: Principal, received: Received<Step>): Told {
    if (received.is(SamplingSheetOpened)) {
      const { sampleNo, roundId, objectId } = received.data;
      const name = { organiserId: caller.id, sampleNo };
      const take = () => this.sheets.openIn(tx, caller, { sampleNo, roundId, objectId });
      return { matter: 'SHEET', subject: `${caller.id}:${sampleNo}`, take, standing: () => this.sheets.standing(tx, caller, name) };
    }
    if (received.is(SamplingSheetStepTaken)) {
      const { stepId, revision: _revision, organiserId = caller.id, sampleNo, ...act } = received.data;
      const name = { organiserId, sampleNo };
      const take = () => this.sheets.take(tx, caller, { name, act, stepId });
      return { matter: 'SHEET', subject: `${organiserId}:${sampleNo}`, take, standing: () => this.sheets.standing(tx, caller, name) };
    }
    if (received.is(SamplingCaseOpened)) {
      const { sampleNo } = received.data;
      const take = () => this.cases.openIn(tx, caller.id, sampleNo);
      return { matter: 'CASE', subject: `${caller.id}:${sampleNo}`, take, standing: () => Promise.resolve({}) };
    }
    if (received.is(SamplingCaseStepTaken)) {
      const { stepId, revision: _revision, reporterId = caller.id, sampleNo, ...act } = received.data;
      const name = { reporterId, sampleNo };
      const take = () => this.cases.take(tx, caller, { name, act, stepId });
      const standing = () => this.cases.standing(tx, caller, name, act);
      return { matter: 'CASE', subject: `${reporterId}:${sampleNo}`, party: act.party, take, standing };
    }
    if (received.is(RecallOpened)) {
      const { stepId, revision: _revision, ...clue } = received.data;
      const { recallNo } = clue;
      const take = () => this.recalls.openIn(tx, caller, { clue, stepId });
      return { matter: 'RECALL', subject: recallNo, take, standing: () => this.recalls.standing(tx, caller, recallNo) };
    }
    if (received.is(RecallStepTaken)) {
      const { stepId, revision: _revision, recallNo, ...act } = received.data;
      const take = () => this.recalls.take(tx, caller, { recallNo, act, stepId });
      return { matter: 'RECALL', subject: recallNo, take, standing: () => this.recalls.standing(tx, caller, recallNo) };
    }
    throw new Error(`${received.type.name} is no step`);
  }
}

/** Nothing that is sent out of the sandbox may come to be true, and whoever is in it has no part in anything. */
const refuseTrial = (): Promise<TakenAs> => Promise.reject(new OrganisationInSandbox());

/** What a use case refuses it refuses by its error, as over HTTP; everything else is no answer, and ends the transaction. */
async function attempt(tx: EntityManager, take: () => Promise<TakenAs>): Promise<Result> {
  await tx.query('SAVEPOINT step');
  try {
    const outcome = await take();
    await tx.query('RELEASE SAVEPOINT step');
    return { outcome };
  } catch (problem) {
    if (!(problem instanceof DomainError) || problem.status >= 500) throw problem;
    await tx.query('ROLLBACK TO SAVEPOINT step');
    return refused(problem);
  }
}
