import { Allow, Caller, CheckedQuery, ClosedInSandbox, KeepsOwnLog, type Principal } from '@jinqiao/platform';
import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { StatedPurpose } from '../enquiry/enquiry.js';
import { AsksMany } from '../enquiry/enquiry.request.js';
import type { Answers } from '../enquiry/enquiry.service.js';
import type { Noted } from '../public-facts/public-facts.js';
import { type Verification, VerificationItem } from './verification.js';
import { Verifications } from './verification.service.js';

@Controller('api/credit/verifications')
@ClosedInSandbox()
@KeepsOwnLog()
export class VerificationController {
  constructor(private readonly verifications: Verifications) {}

  /** By the code alone; a name travels in a body, since that of an individual business may be a person's. */
  @Get(':uscc')
  @Allow('PLATFORM', 'DEPARTMENT')
  verifyOne(
    @Caller() caller: Principal,
    @Param('uscc') uscc: string,
    @CheckedQuery(StatedPurpose) purpose: StatedPurpose,
  ): Promise<Verification & Noted> {
    return this.verifications.verifyOne(caller, uscc, purpose);
  }

  @Post()
  @HttpCode(200)
  @Allow('PLATFORM', 'DEPARTMENT')
  @AsksMany(VerificationItem)
  verifyMany(@Caller() caller: Principal, @Body() body: unknown): Promise<Answers<Verification> & Noted> {
    return this.verifications.verifyMany(caller, body);
  }
}
