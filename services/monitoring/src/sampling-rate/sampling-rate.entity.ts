import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What one sampling result adds to the statistics at present; a revision or a withdrawal replaces it. */
@Entity('contributions')
export class SamplingContribution {
  @PrimaryColumn('text') subject: string;
  @Column('integer') revision: number;
  /** Null: adds nothing (withdrawn, not final, no verdict). The bucket is null then too. */
  @Column('text', { nullable: true }) verdict: string | null;
  @Column('text', { nullable: true }) period: string | null;
  @Column('text', { name: 'period_basis', nullable: true }) periodBasis: string | null;
  @Column('text', { nullable: true }) regime: string | null;
  @Column('text', { nullable: true }) category: string | null;
  @Column('text', { nullable: true }) platform: string | null;
  @Column('text', { nullable: true }) division: string | null;
  @Column('text', { nullable: true }) coverage: string | null;
  @Column('timestamptz', { name: 'applied_at' }) appliedAt: Date;
}

/** The sum of the contributions of one bucket. */
@Entity('rollups')
export class SamplingRollup {
  @PrimaryColumn('text') period: string;
  @PrimaryColumn('text', { name: 'period_basis' }) periodBasis: string;
  @PrimaryColumn('text') regime: string;
  @PrimaryColumn('text') category: string;
  @PrimaryColumn('text') platform: string;
  @PrimaryColumn('text') division: string;
  @PrimaryColumn('text') coverage: string;
  @Column('bigint') results: string;
  @Column('bigint') unqualified: string;
}
