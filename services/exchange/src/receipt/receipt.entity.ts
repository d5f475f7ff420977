import type { AnswerAction, AnswerStatus, FeedbackAnswered } from '@jinqiao/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('answers')
export class AnswerRow {
  @PrimaryColumn('uuid', { name: 'feedback_id' }) feedbackId: string;
  @PrimaryColumn('integer', { name: 'feedback_revision' }) feedbackRevision: number;
  @PrimaryColumn('integer') revision: number;
  @Column('text') status: AnswerStatus;
  @Column('text', { name: 'reason_code', nullable: true }) reasonCode: string | null;
  @Column('text', { nullable: true }) searched: string | null;
  @Column('jsonb') actions: AnswerAction[];
  @Column('timestamptz', { name: 'answered_at' }) answeredAt: Date;
  @Column('text', { nullable: true }) signature: string | null;
  @Column('text', { name: 'content_hash', nullable: true }) contentHash: string | null;
  @Column('json', { nullable: true }) given: FeedbackAnswered | null;
  @Column('text', { name: 'signed_by', nullable: true }) signedBy: string | null;
  @Column('boolean') superseded: boolean;
  @Column('timestamptz', { name: 'accepted_at' }) acceptedAt: Date;
}
