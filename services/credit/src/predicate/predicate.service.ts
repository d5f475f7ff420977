import { dayInChina } from '@jinqiao/law';
import { Clock, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { readQuestion } from '../enquiry/enquiry.js';
import { requestOf } from '../enquiry/enquiry.request.js';
import { type Answers, Enquiries } from '../enquiry/enquiry.service.js';
import { NO_ENDORSEMENT, type Noted } from '../public-facts/public-facts.js';
import { answerAt, fieldFindings, type Predicate, PredicateItem } from './predicate.js';

@Injectable()
export class Predicates {
  constructor(
    private readonly enquiries: Enquiries,
    private readonly clock: Clock,
  ) {}

  /** Up to 1,000 questions, each answered for itself. */
  async answerMany(caller: Principal, body: unknown): Promise<Answers<Predicate> & Noted> {
    const { items, ...asked } = requestOf(caller, body);
    const today = dayInChina(this.clock.now());
    const readings = items.map((item) => readQuestion(PredicateItem, item, (question) => fieldFindings(question, today)));
    return { ...(await this.enquiries.answer({ ...asked, kind: 'PREDICATE', readings }, answerAt)), note: NO_ENDORSEMENT };
  }
}
