import type { CorrectionRequestState } from '@jinqiao/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('correction_requests')
export class CorrectionRequestRow {
  @PrimaryColumn('uuid', { name: 'request_id' }) requestId: string;
  @Column('integer') revision: number;
  @Column('text') status: CorrectionRequestState['status'];
  @Column('text', { name: 'filed_by' }) filedBy: string;
  @Column('text', { name: 'publisher_id' }) publisherId: string;
  @Column('text') subject: string;
  @Column('date', { name: 'answer_due_on', nullable: true }) answerDueOn: string | null;
  @Column('json') state: CorrectionRequestState;
}
