import type { Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { type StatedPurpose, purposeOf, readQuestion } from '../enquiry/enquiry.js';
import { requestOf } from '../enquiry/enquiry.request.js';
import { type Answers, Enquiries } from '../enquiry/enquiry.service.js';
import { NO_ENDORSEMENT, type Noted } from '../public-facts/public-facts.js';
import { type Verification, VerificationItem, verifyAt } from './verification.js';

@Injectable()
export class Verifications {
  constructor(private readonly enquiries: Enquiries) {}

  async verifyOne(caller: Principal, uscc: string, given: StatedPurpose): Promise<Verification & Noted> {
    const readings = [readQuestion(VerificationItem, { uscc })];
    const asked = { caller, purpose: purposeOf(caller, given), kind: 'VERIFICATION', readings } as const;
    return { ...(await this.enquiries.answerOne(asked, verifyAt)), note: NO_ENDORSEMENT };
  }

  /** Up to 1,000 merchants, each answered for itself. */
  async verifyMany(caller: Principal, body: unknown): Promise<Answers<Verification> & Noted> {
    const { items, ...asked } = requestOf(caller, body);
    const readings = items.map((item) => readQuestion(VerificationItem, item));
    return { ...(await this.enquiries.answer({ ...asked, kind: 'VERIFICATION', readings }, verifyAt)), note: NO_ENDORSEMENT };
  }
}
