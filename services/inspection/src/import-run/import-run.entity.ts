import type { Finding } from '@jinqiao/schema';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One file that was taken in, with what became of its rows. */
@Entity({ name: 'import_runs' })
export class ImportRun {
  @PrimaryColumn('uuid', { name: 'import_id' }) importId: string;
  @Column('text', { name: 'reporter_id' }) reporterId: string;
  @Column('text', { name: 'file_name' }) fileName: string;
  @Column('integer') rows: number;
  @Column('integer') results: number;
  @Column('integer') accepted: number;
  @Column('integer') duplicate: number;
  @Column('integer') rejected: number;
  @Column('jsonb') rejections: Record<string, number>;
  @Column('jsonb') columns: object[];
  @Column('jsonb', { name: 'unknown_columns' }) unknownColumns: string[];
  @Column('jsonb') headings: string[];
  @Column('jsonb') details: object;
  @Column('timestamptz', { name: 'accepted_at' }) acceptedAt: Date;
}

/** A row of a file whose result was refused, as it stood in the file. */
@Entity({ name: 'import_rejected_rows' })
export class ImportRejectedRow {
  @PrimaryColumn('uuid', { name: 'import_id' }) importId: string;
  @PrimaryColumn('integer', { name: 'row_no' }) rowNo: number;
  @Column('jsonb') cells: string[];
  @Column('jsonb') errors: Finding[];
}
