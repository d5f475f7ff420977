import type { UsccOutcome } from '@jinqiao/law';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { MarketEntity } from './market-entity.js';

/** A market entity as last announced. */
@Entity('market_entities')
export class MarketEntityRow {
  @PrimaryColumn('text') uscc: string;
  /** 0 only inside the transaction that first meets the code; state is null then. */
  @Column('integer') revision: number;
  @Column('jsonb', { nullable: true }) state: MarketEntity | null;
  @Column('text', { name: 'uscc_check' }) usccCheck: UsccOutcome;
  @Column('text', { name: 'stated_by' }) statedBy: string;
  @Column('timestamptz', { name: 'changed_at' }) changedAt: Date;
}
