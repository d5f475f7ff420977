import {
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
import { Clock, type Principal } from '@jinqiao/platform';
import { DomainError } from '@jinqiao/schema';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { SamplingCases } from '../sampling-case/sampling-case.service.js';
import { SamplingSheets } from '../sampling-sheet/sampling-sheet.service.js';
import { refused, type Result, type Standing, type TakenAs } from './sampling-step.js';

export type Step = SamplingSheetOpened | SamplingSheetStepTaken | SamplingCaseOpened | SamplingCaseStepTaken;

/** A step that could not be read, or was refused. */
export interface RejectedStep {
  readonly rejectedAt: Date;
  readonly code: string;
  readonly pointer: string | null;
  readonly message: string;
}

/** What a step is about, and the use case that it stands for. */
interface Told {
  readonly matter: StepMatter;
  readonly ownerId: string;
  readonly take: () => Promise<TakenAs>;
  readonly standing: () => Promise<Standing>;
}

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
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /** One that is refused changes nothing, and what else the transaction does stays. */
  async take(tx: EntityManager, departmentId: string, received: Received<Step>): Promise<Result> {
    const { stepId, sampleNo, revision = 1 } = received.data;
    const { matter, ownerId, take, standing } = this.told(tx, { id: departmentId, kind: 'DEPARTMENT', scopes: [] }, received);
    const result = await attempt(tx, take);
    const unknownFields = received.unknownFields.filter(({ length }) => length <= FIELD_LENGTH_MAX).slice(0, UNKNOWN_FIELDS_MAX);
    const answer: SamplingStepAnswered = {
      departmentId,
      stepId,
      revision,
      matter,
      subject: `${ownerId}:${sampleNo}`,
      ...result,
      ...('party' in received.data && { party: received.data.party }),
      ...(await standing()),
      ...(unknownFields.length > 0 && { unknownFields }),
      answeredAt: this.clock.now().toISOString(),
    };
    await this.outbox.add(tx, event(SamplingStepAnswered, answer, { causedBy: received }));
    return result;
  }

  /** What of a department's steps was not taken; also what broke the contract, which nobody could answer. Newest first, 50 at most. */
  async rejected(departmentId: string, sampleNo: string): Promise<RejectedStep[]> {
    return this.db.query(
      `SELECT failed_at AS "rejectedAt", code, pointer, reason AS message FROM dead_letters
       WHERE topic = $1 AND key = $2 AND replayed_at IS NULL ORDER BY failed_at DESC LIMIT $3`,
      [topicOf(samplingStepIntake, departmentId), sampleNo.replaceAll('\0', ''), REJECTED_MAX],
    );
  }

  private told(tx: EntityManager, caller: Principal, received: Received<Step>): Told {
    if (received.is(SamplingSheetOpened)) {
      const { sampleNo, roundId, objectId } = received.data;
      const standing = () => this.sheets.standing(tx, caller, { organiserId: caller.id, sampleNo });
      return { matter: 'SHEET', ownerId: caller.id, take: () => this.sheets.openIn(tx, caller, { sampleNo, roundId, objectId }), standing };
    }
    if (received.is(SamplingSheetStepTaken)) {
      const { stepId, revision: _revision, organiserId = caller.id, sampleNo, ...act } = received.data;
      const name = { organiserId, sampleNo };
      const take = () => this.sheets.take(tx, caller, { name, act, stepId });
      return { matter: 'SHEET', ownerId: organiserId, take, standing: () => this.sheets.standing(tx, caller, name) };
    }
    if (received.is(SamplingCaseStepTaken)) {
      const { stepId, revision: _revision, reporterId = caller.id, sampleNo, ...act } = received.data;
      const name = { reporterId, sampleNo };
      const take = () => this.cases.take(tx, caller, { name, act, stepId });
      return { matter: 'CASE', ownerId: reporterId, take, standing: () => this.cases.standing(tx, caller, name, act) };
    }
    const take = () => this.cases.openIn(tx, caller.id, received.data.sampleNo);
    return { matter: 'CASE', ownerId: caller.id, take, standing: () => Promise.resolve({}) };
  }
}

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
