import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { EndpointStatus, EndpointTest, StatusReason } from './endpoint.js';
import type { Algorithm } from './endpoint.signature.js';

@Entity('webhook_endpoints')
export class WebhookEndpoint {
  @PrimaryColumn('uuid', { name: 'endpoint_id' }) endpointId: string;
  @Column('text', { name: 'organisation_id' }) organisationId: string;
  @Column('text') url: string;
  @Column('text') algorithm: Algorithm;
  @Column('text') contact: string;
  @Column('text') status: EndpointStatus;
  @Column('text', { name: 'status_reason', nullable: true }) statusReason: StatusReason | null;
  @Column('timestamptz', { name: 'status_since' }) statusSince: Date;
  @Column('timestamptz', { name: 'registered_at' }) registeredAt: Date;
  @Column('integer') failures: number;
  @Column('timestamptz', { name: 'failing_since', nullable: true }) failingSince: Date | null;
  @Column('timestamptz', { name: 'paused_until', nullable: true }) pausedUntil: Date | null;
  @Column('jsonb', { name: 'last_test', nullable: true }) lastTest: EndpointTest | null;
}

@Entity('webhook_secrets')
export class WebhookSecret {
  @PrimaryColumn('uuid', { name: 'secret_id' }) secretId: string;
  @Column('uuid', { name: 'endpoint_id' }) endpointId: string;
  @Column('text') secret: string;
  @Column('timestamptz', { name: 'created_at' }) createdAt: Date;
  @Column('timestamptz', { name: 'valid_until', nullable: true }) validUntil: Date | null;
}
