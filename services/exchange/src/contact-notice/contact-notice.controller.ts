import { Optional, Text, Whole } from '@jinqiao/contracts';
import { Allow, Caller, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get } from '@nestjs/common';
import { ContactNotices, type Notice } from './contact-notice.service.js';

export class ListContactNoticesQuery {
  @Optional() @Text({ max: 64, about: 'The platform that they are about.' }) platform?: string;
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

@Controller('api/exchange/contact-notices')
export class ContactNoticeController {
  constructor(private readonly notices: ContactNotices) {}

  @Get()
  @Allow('PLATFORM', 'DEPARTMENT', 'OPERATOR', 'AUDITOR')
  list(@Caller() caller: Principal, @CheckedQuery(ListContactNoticesQuery) query: ListContactNoticesQuery): Promise<Page<Notice>> {
    return this.notices.list(caller, { limit: 100, ...query });
  }
}
