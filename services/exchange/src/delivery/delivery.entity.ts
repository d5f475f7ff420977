import type { FeedbackKind } from '@jinqiao/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Channel } from './delivery.js';

@Entity('recipients')
export class Recipient {
  @PrimaryColumn('text', { name: 'organisation_id' }) organisationId: string;
  @Column('text') channel: Channel;
  @Column('integer', { name: 'last_position' }) lastPosition: number;
}

@Entity('deliveries')
export class DeliveryRow {
  @PrimaryColumn('text', { name: 'recipient_id' }) recipientId: string;
  @PrimaryColumn('integer') position: number;
  @Column('uuid', { name: 'feedback_id' }) feedbackId: string;
  @Column('integer') revision: number;
  @Column('text') kind: FeedbackKind;
  @Column('text') subject: string;
  @Column('text') type: 'FeedbackIssued' | 'FeedbackWithdrawn';
  @Column('text') purpose: string;
  @Column('text') classification: string;
  @Column('text', { name: 'legal_basis', nullable: true }) legalBasis: string | null;
  @Column('text', { name: 'retention_until', nullable: true }) retentionUntil: string | null;
  @Column('text') channel: Channel;
  @Column('timestamptz', { name: 'told_at' }) toldAt: Date;
  @Column('timestamptz', { name: 'delivered_at', nullable: true }) deliveredAt: Date | null;
  @Column('text', { name: 'delivered_by', nullable: true }) deliveredBy: 'WEBHOOK' | 'PULL' | null;
  @Column('timestamptz', { name: 'due_at', nullable: true }) dueAt: Date | null;
  @Column('integer') attempts: number;
  @Column('integer', { name: 'attempts_before' }) attemptsBefore: number;
  @Column('timestamptz', { name: 'leased_until', nullable: true }) leasedUntil: Date | null;
}
