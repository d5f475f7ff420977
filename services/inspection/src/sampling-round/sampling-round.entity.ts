import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Abandoned, Announced, Drawn, Replacement, Revealed } from './draw.js';
import type { HiddenObject, Level, PlanRoundBody, RoundState, SamplingRound, Witness } from './sampling-round.js';

/** One round with its draw. `pool` says what the commitments of the draw stand for. */
@Entity({ name: 'sampling_rounds' })
export class SamplingRoundRow {
  @PrimaryColumn('uuid', { name: 'round_id' }) roundId: string;
  @Column('text', { name: 'organiser_id' }) organiserId: string;
  @Column('text', { name: 'round_no' }) roundNo: string;
  @Column('text') level: Level;
  @Column('text') state: RoundState;
  @Column('jsonb') plan: PlanRoundBody;
  @Column('jsonb', { nullable: true }) rules: SamplingRound['rules'];
  @Column('integer', { name: 'draw_no' }) drawNo: number;
  @Column('jsonb', { nullable: true }) pool: HiddenObject[] | null;
  @Column('jsonb', { nullable: true }) announced: Announced | null;
  @Column('text', { name: 'announcement_hash', nullable: true }) announcementHash: string | null;
  @Column('jsonb', { nullable: true }) revealed: Revealed | null;
  @Column('jsonb', { nullable: true }) drawn: Drawn[] | null;
  @Column('jsonb') replacements: Replacement[];
  @Column('jsonb') witnesses: Witness[];
  @Column('jsonb') abandoned: Abandoned[];
  @Column('timestamptz', { name: 'opened_at', nullable: true }) openedAt: Date | null;
  @Column('timestamptz', { name: 'planned_at' }) plannedAt: Date;
}
