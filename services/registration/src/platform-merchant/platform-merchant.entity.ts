import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Merchant } from './platform-merchant.js';

/** A shop of a platform as last announced. */
@Entity('platform_merchants')
export class PlatformMerchantRow {
  @PrimaryColumn('text', { name: 'platform_id' }) platformId: string;
  @PrimaryColumn('text', { name: 'shop_id' }) shopId: string;
  /** 0 only inside the transaction that first meets the shop; state is null then. */
  @Column('integer') revision: number;
  @Column('jsonb', { nullable: true }) state: Merchant | null;
  @Column('timestamptz', { name: 'changed_at' }) changedAt: Date;
}
