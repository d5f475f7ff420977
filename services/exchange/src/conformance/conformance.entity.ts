import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Channel } from '../delivery/delivery.js';
import type { Forged, Judged, Seen } from './conformance.js';

@Entity('conformance_runs')
export class ConformanceRunRow {
  @PrimaryColumn('uuid', { name: 'run_id' }) runId: string;
  @Column('text', { name: 'organisation_id' }) organisationId: string;
  @Column('text') channel: Channel;
  @Column('uuid', { name: 'revised_id' }) revisedId: string;
  @Column('uuid', { name: 'withdrawn_id' }) withdrawnId: string;
  @Column('timestamptz', { name: 'started_at' }) startedAt: Date;
  @Column('timestamptz', { name: 'ends_at' }) endsAt: Date;
  @Column('timestamptz', { name: 'repeated_at', nullable: true }) repeatedAt: Date | null;
  @Column('jsonb', { nullable: true }) forged: Forged | null;
  @Column('jsonb', { default: [] }) refused: RefusedAnswer[];
  @Column('jsonb', { nullable: true }) checks: Judged['checks'] | null;
  @Column('boolean', { nullable: true }) passed: boolean | null;
  @Column('timestamptz', { name: 'finished_at', nullable: true }) finishedAt: Date | null;
}

/** An answer that was refused, as it is kept. */
export type RefusedAnswer = Pick<Seen, 'feedbackRevision' | 'status'> & {
  readonly feedbackId: string;
  readonly code: string;
  readonly at: string;
};
