import * as codes from './codes.js';
import { CalendarDate, Nested, NestedList, OneOf, Optional, Revision, Text, Timestamp, Uscc } from './fields.js';
import { Listing } from './sampling-result.js';
import { stream } from './stream.js';

class MarketEntityState {
  @Uscc() uscc: string;
  @Revision() revision: number;
  @Text({ max: 200 }) name: string;
  @OneOf(codes.MARKET_ENTITY_STATUSES) status: codes.MarketEntityStatus;
  @Optional() @Text({ max: 6, min: 6, pattern: /^[0-9]{6}$/ }) divisionCode?: string;
  @Optional() @Text({ max: 4, pattern: /^[A-T]?[0-9]{2,4}$/, about: 'GB/T 4754-2017.' }) industryCode?: string;
  @Optional() @Text({ max: 64, about: 'Development zone, assigned by its committee.' }) zone?: string;
  @Optional() @CalendarDate() registeredOn?: string;
  // Absent from what was announced before it was kept.
  @Optional() @Text({ max: 64, about: 'The department that keeps the registration (登记机关).' }) departmentId?: string;
}

/** Fires once, when a market entity enters the register; credit and monitoring learn that it exists. */
export class MarketEntityRegistered extends MarketEntityState {}
/** Fires when a registered fact other than the status changes. */
export class MarketEntityChanged extends MarketEntityState {}
/** Fires when the registration status changes. */
export class MarketEntityStatusChanged extends MarketEntityState {}

export const marketEntities = stream<MarketEntityState>({
  topic: 'registration.market-entity.v1',
  about: 'The register of market entities.',
  writer: 'registration',
  readers: ['credit', 'monitoring'],
  retention: 'LAST_STATE',
  key: (entity) => entity.uscc,
  events: [MarketEntityRegistered, MarketEntityChanged, MarketEntityStatusChanged],
});

class MerchantState {
  @Text({ max: 64 }) platformId: string;
  @Text({ max: 200 }) shopId: string;
  @Revision() revision: number;
  @Optional() @Text({ max: 200 }) shopName?: string;
  @Optional() @Uscc({ about: 'Absent for natural-person shops that need no registration.' }) uscc?: string;
  @Optional() @NestedList(() => Listing, { items: 1000 }) listings?: Listing[];
  @Timestamp() onboardedAt: string;
  @Optional() @Timestamp() exitedAt?: string;
}

/** Fires when a platform signs a merchant (or takes it back after an exit); the exchange sends it what concerns that merchant. */
export class MerchantOnboarded extends MerchantState {}
/** Fires when a merchant's shop changes; a change of uscc moves what the platform is told. */
export class MerchantChanged extends MerchantState {}
/** Fires when a merchant leaves a platform; that platform is told nothing new about it. */
export class MerchantExited extends MerchantState {}

export const platformMerchants = stream<MerchantState>({
  topic: 'registration.platform-merchant.v1',
  about: 'Which merchant sells on which platform.',
  writer: 'registration',
  readers: ['exchange', 'credit'],
  retention: 'LAST_STATE',
  key: (merchant) => `${merchant.platformId}:${merchant.shopId}`,
  events: [MerchantOnboarded, MerchantChanged, MerchantExited],
});

/** The law that a permit was granted under, as its department names it. */
export class PermitBasis {
  @Text({ max: 200 }) instrument: string;
  @Optional() @Text({ max: 64 }) article?: string;
}

class PermitState {
  @Text({ max: 64, about: 'The department that keeps the permit.' }) departmentId: string;
  @Text({ max: 128, about: 'Number of the permit 许可编号, unique among those of its department.' }) permitNo: string;
  @Revision() revision: number;
  @Uscc({ about: 'Whose it is.' }) uscc: string;
  @Text({ max: 200, about: 'Name of the certificate, as printed: 食品经营许可证.' }) kind: string;
  @Text({ max: 2000, about: 'What it permits 许可内容, as printed.' }) scope: string;
  @Text({ max: 200, about: 'Who granted it, as printed.' }) authority: string;
  @CalendarDate() issuedOn: string;
  @CalendarDate({ about: 'The first day.' }) validFrom: string;
  @Optional() @CalendarDate({ about: 'The last day; absent = without an end.' }) validUntil?: string;
  @OneOf(codes.PERMIT_STATUSES, { about: 'As its department has said; after the last day it is not valid, whatever stands here.' })
  status: codes.PermitStatus;
  @Nested(() => PermitBasis) legalBasis: PermitBasis;
  @Optional() @Text({ max: 1000, about: 'Set by PermitWithdrawn: why it should never have been stated.' }) withdrawnBecause?: string;
}

/** Fires when a department states a permit, for the first time or again after it was taken back; credit tells it to whoever verifies. */
export class PermitGranted extends PermitState {}
/** Fires when anything of a permit changes, its status and its holder included. */
export class PermitChanged extends PermitState {}
/** Fires when a department takes back what it stated in error; whoever holds a copy removes it. What ended is a PermitChanged. */
export class PermitWithdrawn extends PermitState {}

export const permits = stream<PermitState>({
  topic: 'registration.permit.v1',
  about: 'Permits of market entities.',
  writer: 'registration',
  readers: ['credit'],
  retention: 'LAST_STATE',
  key: (permit) => `${permit.departmentId}:${permit.permitNo}`,
  events: [PermitGranted, PermitChanged, PermitWithdrawn],
});
