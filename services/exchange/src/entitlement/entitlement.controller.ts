import {
  CalendarDate,
  ENTITLEMENT_STATUSES,
  type EntitlementState,
  type EntitlementStatus,
  Flag,
  OneOf,
  Optional,
  SHARING_MODES,
  type SharingMode,
  Text,
  TextList,
  Whole,
} from '@jinqiao/contracts';
import { Allow, Caller, CheckedBody, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ACTS } from './entitlement.js';
import { type EntitlementEntry, Entitlements } from './entitlement.service.js';

/** Art. 20: basis, scene, scope, mode and limit in time, signed off by the head of the requester's unit. */
export class RequestGrantBody {
  @Text({ max: 100, about: 'A stream of the catalogue, e.g. inspection.sampling-result.' }) stream: string;
  @OneOf(SHARING_MODES) mode: SharingMode;
  @Whole({ min: 1, max: 4, about: 'Highest level of general data that is asked for (GB/T 43697).' }) level: number;
  @Optional() @TextList({ max: 6, items: 50, about: 'Divisions (GB/T 2260) it is needed for; with PULL only.' }) areas?: string[];
  @Optional() @TextList({ max: 64, items: 10, about: 'Events that are needed; with PULL only.' }) events?: string[];
  @Text({ max: 300, about: 'What the use rests on: instrument and article.' }) legalBasis: string;
  @Text({ max: 500, about: 'The business scene; it may be used for nothing else.' }) purpose: string;
  @Text({ max: 200, about: 'Number of the document that signed the request off.' }) signOff: string;
  @CalendarDate({ about: 'The last day on which it is needed.' }) validUntil: string;
}

export class ChangeEntitlementBody {
  @OneOf(ACTS) act: (typeof ACTS)[number];
  @Optional() @Text({ max: 1000, about: 'Required to refuse, extend, suspend and revoke.' }) reason?: string;
}

export class ListEntitlementsQuery {
  @Optional() @OneOf(['GRANT', 'AGREEMENT']) kind?: EntitlementState['kind'];
  @Optional() @OneOf(ENTITLEMENT_STATUSES) status?: EntitlementStatus;
  @Optional() @Text({ max: 64 }) recipient?: string;
  @Optional() @Text({ max: 64 }) provider?: string;
  @Optional() @Text({ max: 100 }) stream?: string;
  @Optional() @Flag({ about: 'Requests that were not answered within their statutory period.' }) overdue?: boolean;
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

@Controller('api/exchange/entitlements')
export class EntitlementController {
  constructor(private readonly entitlements: Entitlements) {}

  @Post()
  @Allow('DEPARTMENT')
  request(@Caller() caller: Principal, @CheckedBody(RequestGrantBody) body: RequestGrantBody): Promise<EntitlementState> {
    return this.entitlements.request(caller, body);
  }

  /** Whether the caller may is a matter of what it is to this entitlement. */
  @Post(':entitlementId/changes')
  @HttpCode(200)
  @Allow('DEPARTMENT', 'PLATFORM', 'OPERATOR')
  change(
    @Caller() caller: Principal,
    @Param('entitlementId') entitlementId: string,
    @CheckedBody(ChangeEntitlementBody) { act, reason }: ChangeEntitlementBody,
  ): Promise<EntitlementState> {
    return this.entitlements.change(caller, entitlementId, { act, reason: reason ?? null });
  }

  @Get()
  @Allow('DEPARTMENT', 'PLATFORM', 'OPERATOR', 'AUDITOR')
  list(@Caller() caller: Principal, @CheckedQuery(ListEntitlementsQuery) query: ListEntitlementsQuery): Promise<Page<EntitlementState>> {
    return this.entitlements.list(caller, { limit: 100, ...query });
  }

  @Get(':entitlementId')
  @Allow('DEPARTMENT', 'PLATFORM', 'OPERATOR', 'AUDITOR')
  one(@Caller() caller: Principal, @Param('entitlementId') entitlementId: string): Promise<EntitlementEntry> {
    return this.entitlements.one(caller, entitlementId);
  }

  @Get(':entitlementId/history')
  @Allow('DEPARTMENT', 'PLATFORM', 'OPERATOR', 'AUDITOR')
  async history(
    @Caller() caller: Principal,
    @Param('entitlementId') entitlementId: string,
  ): Promise<{ items: { event: string; state: EntitlementState }[] }> {
    return { items: await this.entitlements.history(caller, entitlementId) };
  }
}
