import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A platform of the exchange's directory, as far as followed. */
@Entity('platforms')
export class Platform {
  @PrimaryColumn('text', { name: 'organisation_id' }) organisationId: string;
  @Column('integer') revision: number;
  @Column('text') name: string;
}

/** A spelling of a platform, by its key; it belongs to one platform. */
@Entity('platform_names')
export class PlatformName {
  @PrimaryColumn('text') name: string;
  @Column('text', { name: 'organisation_id' }) organisationId: string;
}
