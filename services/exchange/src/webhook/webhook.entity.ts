import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Outcome } from './webhook.js';

@Entity('webhook_attempts')
export class WebhookAttempt {
  @PrimaryColumn('bigint', { name: 'attempt_id' }) attemptId: string;
  @Column('text', { name: 'recipient_id' }) recipientId: string;
  @Column('integer') position: number;
  @Column('uuid', { name: 'feedback_id' }) feedbackId: string;
  @Column('integer') revision: number;
  @Column('uuid', { name: 'endpoint_id' }) endpointId: string;
  @Column('integer') attempt: number;
  @Column('text') outcome: Outcome;
  @Column('integer', { nullable: true }) status: number | null;
  @Column('text', { nullable: true }) reason: string | null;
  @Column('timestamptz', { name: 'started_at' }) startedAt: Date;
  @Column('integer', { name: 'took_ms' }) tookMs: number;
}
