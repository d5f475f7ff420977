import type { Finding } from '@jinqiao/schema';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** How a heading was understood; without a field the column stays with its results as printed. */
export interface ReadColumn {
  readonly heading: string;
  readonly field: string | null;
  readonly score: number;
}

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
  @Column('jsonb', { name: 'unread_rows' }) unreadRows: Record<string, number>;
  @Column('integer', { name: 'regimes_inferred' }) regimesInferred: number;
  @Column('jsonb') columns: ReadColumn[];
  @Column('jsonb', { name: 'unknown_columns' }) unknownColumns: string[];
  @Column('jsonb') headings: string[];
  @Column('jsonb') notes: string[];
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
