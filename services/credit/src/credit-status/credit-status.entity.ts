import type { CommitmentCounts, PublicRecordCount, PublicRecordState } from '@jinqiao/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The public facts of an entity as last announced. */
@Entity('credit_entities')
export class CreditEntity {
  @PrimaryColumn('text') uscc: string;
  @Column('integer') revision: number;
  @Column('jsonb', { name: 'public_records' }) publicRecords: PublicRecordCount[];
  @Column('jsonb', { name: 'record_nos' }) recordNos: string[];
  @Column('jsonb', { nullable: true }) commitments: CommitmentCounts | null;
  @Column('jsonb', { nullable: true }) records: PublicRecordState[] | null;
  @Column('timestamptz', { name: 'changed_at' }) changedAt: Date;
}
