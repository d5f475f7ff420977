import type { CreditStatusChanged } from '@jinqiao/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('platform_merchants')
export class PlatformMerchant {
  @PrimaryColumn('text', { name: 'platform_id' }) platformId: string;
  @PrimaryColumn('text', { name: 'shop_id' }) shopId: string;
  @Column('integer') revision: number;
  @Column('text', { nullable: true }) uscc: string | null;
  @Column('text', { name: 'shop_name', nullable: true }) shopName: string | null;
  @Column('timestamptz', { name: 'exited_at', nullable: true }) exitedAt: Date | null;
  @Column('timestamptz', { name: 'applied_at' }) appliedAt: Date;
}

@Entity('credit_statuses')
export class CreditStatusRow {
  @PrimaryColumn('text') uscc: string;
  @Column('integer') revision: number;
  @Column('jsonb', { nullable: true }) facts: CreditStatusChanged | null;
  @Column('timestamptz', { name: 'applied_at' }) appliedAt: Date;
}
