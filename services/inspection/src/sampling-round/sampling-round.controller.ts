import { Allow, AllowAnyone, Caller, CheckedBody, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import type { Seen } from '../disclosure/disclosure.js';
import {
  AnnounceDrawBody,
  type Assignment,
  CommitWitnessBody,
  type DrawRecord,
  ListRoundsQuery,
  type PlannedRound,
  PlanRoundBody,
  PublishRulesBody,
  ReasonBody,
  ReplaceDrawnBody,
  RevealDrawBody,
  RevealWitnessBody,
  type SamplingRound,
  type TakenStep,
} from './sampling-round.js';
import { SamplingRounds } from './sampling-round.service.js';

/** Rounds are read by whoever takes part in sampling, as `../disclosure` says; the record of a draw by everybody. */
@Controller('api/inspection/sampling-rounds')
export class SamplingRoundController {
  constructor(private readonly rounds: SamplingRounds) {}

  @Post()
  @Allow('DEPARTMENT')
  plan(@Caller() caller: Principal, @CheckedBody(PlanRoundBody) body: PlanRoundBody): Promise<PlannedRound> {
    return this.rounds.plan(caller, body);
  }

  @Get()
  @Allow('DEPARTMENT', 'LABORATORY', 'OPERATOR', 'AUDITOR')
  list(@Caller() caller: Principal, @CheckedQuery(ListRoundsQuery) query: ListRoundsQuery): Promise<Page<Seen<SamplingRound>>> {
    return this.rounds.list(caller, query);
  }

  @Get(':roundId')
  @Allow('DEPARTMENT', 'LABORATORY', 'OPERATOR', 'AUDITOR')
  find(@Caller() caller: Principal, @Param('roundId') roundId: string): Promise<Seen<SamplingRound & { history: TakenStep[] }>> {
    return this.rounds.find(caller, roundId);
  }

  @Put(':roundId/rules')
  @Allow('DEPARTMENT')
  publishRules(
    @Caller() { id }: Principal,
    @Param('roundId') roundId: string,
    @CheckedBody(PublishRulesBody) body: PublishRulesBody,
  ): Promise<SamplingRound> {
    return this.rounds.publishRules(id, roundId, body);
  }

  @Post(':roundId/cancellation')
  @HttpCode(200)
  @Allow('DEPARTMENT')
  cancel(
    @Caller() { id }: Principal,
    @Param('roundId') roundId: string,
    @CheckedBody(ReasonBody) { reason }: ReasonBody,
  ): Promise<SamplingRound> {
    return this.rounds.cancel(id, roundId, reason);
  }

  /** Commits to pools, quotas, recusals and a seed, before anything random is known. */
  @Post(':roundId/draw')
  @Allow('DEPARTMENT')
  announce(
    @Caller() { id }: Principal,
    @Param('roundId') roundId: string,
    @CheckedBody(AnnounceDrawBody) body: AnnounceDrawBody,
  ): Promise<SamplingRound> {
    return this.rounds.announceDraw(id, roundId, body);
  }

  /** Commits to a seed of another department for the next draw. */
  @Put(':roundId/draw/witness')
  @Allow('DEPARTMENT')
  commitWitness(
    @Caller() caller: Principal,
    @Param('roundId') roundId: string,
    @CheckedBody(CommitWitnessBody) { seedHash }: CommitWitnessBody,
  ): Promise<Seen<SamplingRound>> {
    return this.rounds.commitWitness(caller, roundId, seedHash);
  }

  /** Reveals the witness's own seed once the public value is there. */
  @Post(':roundId/draw/witness/revelation')
  @HttpCode(200)
  @Allow('DEPARTMENT')
  revealWitness(
    @Caller() caller: Principal,
    @Param('roundId') roundId: string,
    @CheckedBody(RevealWitnessBody) { seed }: RevealWitnessBody,
  ): Promise<Seen<SamplingRound>> {
    return this.rounds.revealWitness(caller, roundId, seed);
  }

  /** Reveals the seed once the public value and the seed of a witness are there, and draws. */
  @Post(':roundId/draw/revelation')
  @HttpCode(200)
  @Allow('DEPARTMENT')
  reveal(
    @Caller() { id }: Principal,
    @Param('roundId') roundId: string,
    @CheckedBody(RevealDrawBody) body: RevealDrawBody,
  ): Promise<SamplingRound> {
    return this.rounds.revealDraw(id, roundId, body);
  }

  /** Gives an announced draw up; every later announcement of the round tells of it. */
  @Post(':roundId/draw/abandonment')
  @HttpCode(200)
  @Allow('DEPARTMENT')
  abandon(
    @Caller() { id }: Principal,
    @Param('roundId') roundId: string,
    @CheckedBody(ReasonBody) { reason }: ReasonBody,
  ): Promise<SamplingRound> {
    return this.rounds.abandonDraw(id, roundId, reason);
  }

  /** Who is to be sampled, by whom, and who tests. */
  @Get(':roundId/draw/assignments')
  @Allow('DEPARTMENT', 'OPERATOR', 'AUDITOR')
  assignments(@Caller() caller: Principal, @Param('roundId') roundId: string): Promise<Seen<Assignment>[]> {
    return this.rounds.assignments(caller, roundId);
  }

  /** Draws the next of its stratum for an object whose sheet says why nothing was sampled. */
  @Post(':roundId/draw/replacements')
  @HttpCode(200)
  @Allow('DEPARTMENT')
  replace(
    @Caller() caller: Principal,
    @Param('roundId') roundId: string,
    @CheckedBody(ReplaceDrawnBody) { objectId }: ReplaceDrawnBody,
  ): Promise<Seen<Assignment>> {
    return this.rounds.replaceDrawn(caller, roundId, objectId);
  }

  /** Shows everybody what was drawn, once it has been sampled. */
  @Post(':roundId/draw/opening')
  @HttpCode(200)
  @Allow('DEPARTMENT')
  open(@Caller() { id }: Principal, @Param('roundId') roundId: string): Promise<SamplingRound> {
    return this.rounds.openDraw(id, roundId);
  }

  /** The public record; `npm run verify-draw -- FILE` repeats the draw from it. */
  @Get(':roundId/draw')
  @AllowAnyone()
  record(@Param('roundId') roundId: string): Promise<DrawRecord> {
    return this.rounds.drawRecord(roundId);
  }
}
