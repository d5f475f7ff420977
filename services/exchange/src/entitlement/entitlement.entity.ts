import type { EntitlementState, EntitlementStatus, FeedbackKind, SharingMode } from '@jinqiao/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('entitlements')
export class EntitlementRow {
  @PrimaryColumn('text', { name: 'entitlement_id' }) entitlementId: string;
  @Column('integer') revision: number;
  @Column('text') kind: EntitlementState['kind'];
  @Column('text') status: EntitlementStatus;
  @Column('text', { name: 'recipient_id' }) recipientId: string;
  @Column('text', { name: 'provider_id', nullable: true }) providerId: string | null;
  @Column('text', { nullable: true }) stream: string | null;
  @Column('text', { name: 'feedback_kind', nullable: true }) feedbackKind: FeedbackKind | null;
  @Column('text', { nullable: true }) mode: SharingMode | null;
  @Column('date', { name: 'valid_until', nullable: true }) validUntil: string | null;
  @Column('date', { name: 'answer_due_on', nullable: true }) answerDueOn: string | null;
  @Column('boolean', { name: 'catches_up' }) catchesUp: boolean;
}

@Entity('entitlement_revisions')
export class EntitlementRevision {
  @PrimaryColumn('text', { name: 'entitlement_id' }) entitlementId: string;
  @PrimaryColumn('integer') revision: number;
  @Column('text') event: string;
  @Column('json') state: EntitlementState;
}

@Entity('topic_access')
export class TopicAccess {
  @PrimaryColumn('text', { name: 'organisation_id' }) organisationId: string;
  @PrimaryColumn('text') stream: string;
  @Column('text', { name: 'entitlement_id' }) entitlementId: string;
}
