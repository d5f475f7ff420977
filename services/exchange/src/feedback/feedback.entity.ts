import type { AnswerStatus, FeedbackIssued, FeedbackKind, FeedbackWithdrawn } from '@jinqiao/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { SamplingState } from './feedback.js';

@Entity('subjects')
export class Subject {
  @PrimaryColumn('text') subject: string;
  @Column('integer') revision: number;
  @Column('timestamptz', { name: 'applied_at' }) appliedAt: Date;
}

@Entity('feedbacks')
export class FeedbackRow {
  @PrimaryColumn('uuid', { name: 'feedback_id' }) feedbackId: string;
  @Column('text', { name: 'recipient_id' }) recipientId: string;
  @Column('text') kind: FeedbackKind;
  @Column('text') subject: string;
  @Column('text', { name: 'publisher_id', nullable: true }) publisherId: string | null;
  @Column('text', { name: 'matched_by', nullable: true }) matchedBy: string | null;
  @Column('integer') revision: number;
  @Column('text') status: 'ISSUED' | 'WITHDRAWN';
  @Column('timestamptz', { name: 'due_at', nullable: true }) dueAt: Date | null;
  @Column('timestamptz', { name: 'closed_at', nullable: true }) closedAt: Date | null;
  @Column('text', { name: 'answer_status', nullable: true }) answerStatus: AnswerStatus | null;
  @Column('timestamptz', { name: 'answered_at', nullable: true }) answeredAt: Date | null;
}

@Entity('feedback_revisions')
export class FeedbackRevision {
  @PrimaryColumn('uuid', { name: 'feedback_id' }) feedbackId: string;
  @PrimaryColumn('integer') revision: number;
  @Column('text', { name: 'content_hash' }) contentHash: string;
  @Column('json') said: FeedbackIssued | FeedbackWithdrawn;
}

@Entity('unmatched_feedbacks')
export class UnmatchedFeedback {
  @PrimaryColumn('text') subject: string;
  @Column('uuid', { name: 'waiting_id' }) waitingId: string;
  @Column('text', { name: 'name_key' }) nameKey: string;
  @Column('text') printed: string;
  @Column('text', { name: 'publisher_id' }) publisherId: string;
  @Column('integer', { name: 'subject_revision' }) subjectRevision: number;
  @Column('jsonb') state: SamplingState;
  @Column('timestamptz', { name: 'waiting_since' }) waitingSince: Date;
}
