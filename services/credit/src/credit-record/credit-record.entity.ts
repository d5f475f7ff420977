import type { Commitment, CreditClass, CreditRecordDigest, CreditRecordType, LegalBasis, Regime } from '@jinqiao/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Standing } from './credit-record.js';

/** One record of one entity, public or not. Rows are never deleted: an ended record keeps its number and its reason. */
@Entity('credit_records')
export class CreditRecord {
  @PrimaryColumn('uuid', { name: 'record_no' }) recordNo: string;
  @Column('integer') revision: number;
  @Column('text') uscc: string;
  @Column('text') type: CreditRecordType;
  @Column('text', { nullable: true }) class: CreditClass | null;
  @Column('text', { name: 'department_id' }) departmentId: string;
  @Column('text') subject: string;
  @Column('integer', { name: 'source_revision' }) sourceRevision: number;
  @Column('jsonb', { name: 'legal_basis' }) legalBasis: LegalBasis[];
  @Column('text', { name: 'document_date', nullable: true }) documentDate: string | null;
  @Column('date', { name: 'public_from', nullable: true }) publicFrom: string | null;
  @Column('date', { name: 'public_until', nullable: true }) publicUntil: string | null;
  @Column('text') standing: Standing;
  @Column('jsonb', { nullable: true }) digest: CreditRecordDigest | null;
  @Column('jsonb', { nullable: true }) commitment: Commitment | null;
  @Column('text', { nullable: true }) regime: Regime | null;
  @Column('boolean', { name: 'is_contested' }) isContested: boolean;
  @Column('jsonb') annotations: string[];
  @Column('text', { name: 'ended_because', nullable: true }) endedBecause: string | null;
  @Column('date', { name: 'repaired_on', nullable: true }) repairedOn: string | null;
  @Column('timestamptz', { name: 'changed_at' }) changedAt: Date;
}

/** How far each source has been followed: an event with this revision or a lower one changes nothing. */
@Entity('followed_subjects')
export class FollowedSubject {
  @PrimaryColumn('text') subject: string;
  @Column('integer') revision: number;
  @Column('timestamptz', { name: 'applied_at' }) appliedAt: Date;
}
