import type { Regime, SamplingResultPublished, Verdict } from '@jinqiao/contracts';
import type { Finding } from '@jinqiao/schema';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Status } from './held-result.js';

export type Channel = 'HTTP' | 'KAFKA' | 'FILE';

/** One result of one reporter: its place in both series of revisions, the last state announced, and columns to filter by. */
@Entity({ name: 'sampling_results' })
export class SamplingResult {
  @PrimaryColumn('text', { name: 'reporter_id' }) reporterId: string;
  @PrimaryColumn('text', { name: 'sample_no' }) sampleNo: string;
  @Column('text') status: Status;
  @Column('integer') revision: number;
  @Column('integer', { name: 'reported_revision' }) reportedRevision: number;
  @Column('text', { name: 'reported_hash', select: false }) reportedHash: string;
  @Column('timestamptz', { name: 'accepted_at' }) acceptedAt: Date;
  @Column('timestamptz', { name: 'applied_at' }) appliedAt: Date;
  @Column('timestamptz', { name: 'reported_at', nullable: true }) reportedAt: Date | null;
  @Column('jsonb', { nullable: true }) state: SamplingResultPublished | null;
  // Never selected by default: it must not get into an answer by accident.
  @Column('text', { name: 'order_no', nullable: true, select: false }) orderNo: string | null;
  @Column('text', { name: 'withdrawal_reason', nullable: true }) withdrawalReason: string | null;
  @Column('timestamptz', { name: 'withdrawn_at', nullable: true }) withdrawnAt: Date | null;
  @Column('jsonb') warnings: Finding[];
  @Column('jsonb', { name: 'unknown_fields' }) unknownFields: string[];
  @Column('jsonb', { name: 'other_columns', nullable: true }) otherColumns: Record<string, string> | null;
  @Column('text') channel: Channel;
  @Column('uuid', { name: 'import_id', nullable: true }) importId: string | null;
  @Column('text', { nullable: true }) regime: Regime | null;
  @Column('text', { nullable: true }) verdict: Verdict | null;
  @Column('text', { nullable: true }) platform: string | null;
  @Column('date', { name: 'dated_on', nullable: true }) datedOn: string | null;
}

/** What was refused, so that the reporter can ask what became of it; one row for each sampleNo and revision. */
@Entity({ name: 'intake_rejections' })
export class IntakeRejection {
  @PrimaryColumn('text', { name: 'reporter_id' }) reporterId: string;
  @PrimaryColumn('text', { name: 'sample_no' }) sampleNo: string;
  @PrimaryColumn('integer') revision: number;
  @Column('text') channel: Channel;
  @Column('jsonb') errors: Finding[];
  @Column('timestamptz', { name: 'rejected_at' }) rejectedAt: Date;
}
