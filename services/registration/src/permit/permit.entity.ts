import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Permit } from './permit.js';

/** A permit of a department as last announced. */
@Entity('permits')
export class PermitRow {
  @PrimaryColumn('text', { name: 'department_id' }) departmentId: string;
  @PrimaryColumn('text', { name: 'permit_no' }) permitNo: string;
  /** 0 only inside the transaction that first meets the number; state is null then. */
  @Column('integer') revision: number;
  @Column('jsonb', { nullable: true }) state: Permit | null;
  @Column('timestamptz', { name: 'changed_at' }) changedAt: Date;
}
