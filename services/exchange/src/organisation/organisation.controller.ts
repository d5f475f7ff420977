import { ORGANISATION_KINDS, OneOf, Optional, type OrganisationKind, Text, TextList, Whole } from '@jinqiao/contracts';
import { Allow, Caller, CheckedBody, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { FIRST_STATUSES, type FirstStatus, type Organisation, STATUS_ACTS, type StatusAct } from './organisation.js';
import { Organisations } from './organisation.service.js';

const OF_A_MERCHANT = 'Of a merchant: its unified social credit code. It reads what is kept of this one.';

export class RegisterOrganisationBody {
  @Text({ max: 40, pattern: /^[a-z0-9][a-z0-9-]*$/, about: 'Also its principal at the broker and the name of its topics.' }) id: string;
  @OneOf(ORGANISATION_KINDS) kind: OrganisationKind;
  @Text({ max: 200 }) name: string;
  @Optional() @TextList({ max: 200, items: 100, about: 'Other spellings; each name belongs to one organisation.' }) aliases?: string[];
  @Optional() @TextList({ max: 64, items: 20 }) sectors?: string[];
  @Optional() @TextList({ max: 64, items: 50 }) scopes?: string[];
  @Optional() @Text({ max: 32, about: OF_A_MERCHANT }) uscc?: string;
  @Optional()
  @OneOf(FIRST_STATUSES, {
    about:
      'A platform in the sandbox is told made-up findings only, of a department there nothing is taken for true, until it is promoted. Absent = PRODUCTION.',
  })
  status?: FirstStatus;
}

/** Everything that may change, as it is to be: what is left out is taken away. */
export class ChangeOrganisationBody {
  @Text({ max: 200 }) name: string;
  @Optional() @TextList({ max: 200, items: 100 }) aliases?: string[];
  @Optional() @TextList({ max: 64, items: 20 }) sectors?: string[];
  @Optional() @TextList({ max: 64, items: 50 }) scopes?: string[];
  @Optional() @Text({ max: 32, about: OF_A_MERCHANT }) uscc?: string;
}

export class ChangeStatusBody {
  @OneOf(STATUS_ACTS) act: StatusAct;
  @Optional() @Text({ max: 1000, about: 'Required to suspend, to let go, and to promote what has not passed.' }) reason?: string;
}

export class ListOrganisationsQuery {
  @Optional() @OneOf(ORGANISATION_KINDS) kind?: OrganisationKind;
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

const NOTHING_MORE = { aliases: [], sectors: [], scopes: [], uscc: null };

@Controller('api/exchange/organisations')
export class OrganisationController {
  constructor(private readonly organisations: Organisations) {}

  @Post()
  @Allow('OPERATOR')
  register(@Caller() caller: Principal, @CheckedBody(RegisterOrganisationBody) body: RegisterOrganisationBody): Promise<Organisation> {
    const { status = 'PRODUCTION', ...draft } = body;
    return this.organisations.register({ ...NOTHING_MORE, ...draft }, { status, by: caller.id });
  }

  @Put(':id')
  @Allow('OPERATOR')
  change(@Param('id') id: string, @CheckedBody(ChangeOrganisationBody) body: ChangeOrganisationBody): Promise<Organisation> {
    return this.organisations.change(id, { ...NOTHING_MORE, ...body });
  }

  @Post(':id/changes')
  @HttpCode(200)
  @Allow('OPERATOR')
  changeStatus(
    @Caller() caller: Principal,
    @Param('id') id: string,
    @CheckedBody(ChangeStatusBody) { act, reason }: ChangeStatusBody,
  ): Promise<Organisation> {
    return this.organisations.changeStatus(id, { act, reason: reason ?? null, by: caller.id });
  }

  @Get()
  @Allow('OPERATOR', 'DEPARTMENT', 'AUDITOR', 'STATISTICS', 'SERVICE')
  list(@CheckedQuery(ListOrganisationsQuery) query: ListOrganisationsQuery): Promise<Page<Organisation>> {
    return this.organisations.list({ limit: 100, ...query });
  }

  @Get(':id')
  @Allow('OPERATOR', 'DEPARTMENT', 'AUDITOR', 'STATISTICS', 'SERVICE')
  one(@Param('id') id: string): Promise<Organisation> {
    return this.organisations.one(id);
  }
}
