import { CONTACT_ROLES, type ContactRole, NestedList, OneOf, Optional, Text } from '@jinqiao/contracts';
import { Allow, Caller, CheckedBody, CheckedQuery, OpenInSandbox, type Principal } from '@jinqiao/platform';
import { Controller, Get, Put } from '@nestjs/common';
import { Contacts, type KeptContact } from './contact.service.js';

export class ContactBody {
  @OneOf(CONTACT_ROLES) role: ContactRole;
  @Text({ max: 200, about: 'Mailbox or number of an office, not of a person.' }) address: string;
}

/** All of them, as they are to be. */
export class ReplaceContactsBody {
  @NestedList(() => ContactBody, { items: CONTACT_ROLES.length, least: 1 }) contacts: ContactBody[];
}

export class ReadContactsQuery {
  @Optional() @Text({ max: 64, about: 'For operators and auditors.' }) organisation?: string;
}

@Controller('api/exchange/contacts')
@Allow('PLATFORM', 'DEPARTMENT', 'STATISTICS', 'LABORATORY', 'OPERATOR', 'AUDITOR')
@OpenInSandbox()
export class ContactController {
  constructor(private readonly contacts: Contacts) {}

  @Put()
  async replace(
    @Caller() caller: Principal,
    @CheckedBody(ReplaceContactsBody) { contacts }: ReplaceContactsBody,
  ): Promise<{ contacts: KeptContact[] }> {
    return { contacts: await this.contacts.replace(caller, contacts) };
  }

  @Get()
  async read(
    @Caller() caller: Principal,
    @CheckedQuery(ReadContactsQuery) { organisation }: ReadContactsQuery,
  ): Promise<{ contacts: KeptContact[] }> {
    return { contacts: await this.contacts.of(caller, organisation ?? null) };
  }
}
