import type { OrganisationKind, OrganisationStatus } from '@jinqiao/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('organisations')
export class OrganisationRow {
  @PrimaryColumn('text') id: string;
  @Column('text') kind: OrganisationKind;
  @Column('text') name: string;
  @Column('text', { array: true }) aliases: string[];
  @Column('text', { array: true }) sectors: string[];
  @Column('text', { array: true }) scopes: string[];
  @Column('text', { nullable: true }) uscc: string | null;
  @Column('text') status: OrganisationStatus;
  @Column('text', { name: 'status_reason', nullable: true }) statusReason: string | null;
  @Column('integer') revision: number;
}

@Entity('organisation_names')
export class OrganisationName {
  @PrimaryColumn('text', { name: 'name_key' }) nameKey: string;
  @Column('text', { name: 'organisation_id' }) organisationId: string;
}
