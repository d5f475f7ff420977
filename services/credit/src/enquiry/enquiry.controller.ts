import { Optional, Text, Whole } from '@jinqiao/contracts';
import { readUscc } from '@jinqiao/law';
import { Allow, Caller, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get } from '@nestjs/common';
import { Enquiries, type Enquiry } from './enquiry.service.js';

const USUAL_PAGE = 100;

export class ListEnquiriesQuery {
  @Optional() @Text({ max: 32, about: 'About whom.' }) uscc?: string;
  @Optional() @Text({ max: 64, about: 'For auditors: who asked; anybody else reads its own.' }) askerId?: string;
  @Optional() @Text({ max: 200, about: '`next` of the page before.' }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500, about: `Enquiries a page; ${USUAL_PAGE} unless told.` }) limit?: number;
}

@Controller('api/credit')
export class EnquiryController {
  constructor(private readonly enquiries: Enquiries) {}

  /** Who was answered about whom, when and why: for auditors all of it, for whoever asked its own. */
  @Get('enquiries')
  @Allow('PLATFORM', 'DEPARTMENT', 'AUDITOR')
  list(
    @Caller() caller: Principal,
    @CheckedQuery(ListEnquiriesQuery) { limit = USUAL_PAGE, uscc, ...wanted }: ListEnquiriesQuery,
  ): Promise<Page<Enquiry>> {
    return this.enquiries.list(caller, { ...wanted, ...(uscc !== undefined && { uscc: readUscc(uscc).code }), limit });
  }
}
