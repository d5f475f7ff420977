import { Allow, Caller, ClosedInSandbox, KeepsOwnLog, type Principal } from '@jinqiao/platform';
import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { AsksMany } from '../enquiry/enquiry.request.js';
import type { Answers } from '../enquiry/enquiry.service.js';
import type { Noted } from '../public-facts/public-facts.js';
import { type Predicate, PredicateItem } from './predicate.js';
import { Predicates } from './predicate.service.js';

@Controller('api/credit/predicates')
@ClosedInSandbox()
@KeepsOwnLog()
export class PredicateController {
  constructor(private readonly predicates: Predicates) {}

  @Post()
  @HttpCode(200)
  @Allow('PLATFORM', 'DEPARTMENT')
  @AsksMany(PredicateItem)
  answerMany(@Caller() caller: Principal, @Body() body: unknown): Promise<Answers<Predicate> & Noted> {
    return this.predicates.answerMany(caller, body);
  }
}
