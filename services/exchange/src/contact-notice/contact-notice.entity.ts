import type { FeedbackKind } from '@jinqiao/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { NoticeReason, Telling } from './contact-notice.js';

@Entity('contact_notices')
export class ContactNotice {
  @PrimaryColumn('bigint', { name: 'notice_id' }) noticeId: string;
  @Column('text', { name: 'organisation_id' }) organisationId: string;
  @Column('text', { name: 'platform_id' }) platformId: string;
  @Column('uuid', { name: 'endpoint_id', nullable: true }) endpointId: string | null;
  @Column('text') reason: NoticeReason;
  @Column('text', { nullable: true }) kind: FeedbackKind | null;
  @Column('integer', { nullable: true }) step: number | null;
  @Column('text', { nullable: true }) contact: string | null;
  @Column('timestamptz', { name: 'noticed_at' }) noticedAt: Date;
  @Column('text') telling: Telling;
  @Column('integer') tried: number;
  @Column('timestamptz', { name: 'tell_at', nullable: true }) tellAt: Date | null;
  @Column('timestamptz', { name: 'told_at', nullable: true }) toldAt: Date | null;
  @Column('text', { nullable: true }) problem: string | null;
}
