import type { LedgerHeadSigned } from '@jinqiao/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One entry of the ledger, a leaf of its tree. */
@Entity('ledger_entries')
export class LedgerEntryRow {
  @PrimaryColumn('bigint') seq: string;
  @Column('uuid', { name: 'feedback_id', nullable: true }) feedbackId: string | null;
  @Column('text') entry: string;
}

@Entity('ledger_heads')
export class LedgerHeadRow {
  @PrimaryColumn('text') date: string;
  @PrimaryColumn('integer') revision: number;
  @Column('bigint') size: string;
  @Column('json') head: LedgerHeadSigned;
}
