import { Optional, Text, Whole } from '@jinqiao/contracts';
import { Allow, Caller, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get } from '@nestjs/common';
import type { ListedRecord } from '../credit-record/credit-record.service.js';
import type { EnquiryAbout, ObjectedRecord } from './merchant-view.js';
import { MerchantViews } from './merchant-view.service.js';

const USUAL_PAGE = 100;

export class ListOwnQuery {
  @Optional() @Text({ max: 200, about: '`next` of the page before.' }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500, about: `Entries a page; ${USUAL_PAGE} unless told.` }) limit?: number;
}

/** Of the merchant that calls, and of no other. */
@Controller('api/credit/own')
export class MerchantViewController {
  constructor(private readonly views: MerchantViews) {}

  /** Every record that is kept, public or not; of what has ended, why. */
  @Get('records')
  @Allow('MERCHANT')
  records(
    @Caller() caller: Principal,
    @CheckedQuery(ListOwnQuery) { limit = USUAL_PAGE, ...wanted }: ListOwnQuery,
  ): Promise<Page<ListedRecord>> {
    return this.views.records(caller, { ...wanted, limit });
  }

  /** Who was answered, when, and for which purpose. */
  @Get('enquiries')
  @Allow('MERCHANT')
  enquiries(
    @Caller() caller: Principal,
    @CheckedQuery(ListOwnQuery) { limit = USUAL_PAGE, ...wanted }: ListOwnQuery,
  ): Promise<Page<EnquiryAbout>> {
    return this.views.enquiries(caller, { ...wanted, limit });
  }

  /** Records that are or were contested: since when, and what became of it. */
  @Get('objections')
  @Allow('MERCHANT')
  objections(
    @Caller() caller: Principal,
    @CheckedQuery(ListOwnQuery) { limit = USUAL_PAGE, ...wanted }: ListOwnQuery,
  ): Promise<Page<ObjectedRecord>> {
    return this.views.objections(caller, { ...wanted, limit });
  }
}
