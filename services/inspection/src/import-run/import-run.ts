/*
 * What a department learns of a file it has sent: how many results came of its rows and what became of them, and the refused rows as
 * they stood in the file, to be corrected and sent again.
 */
import { csvLine } from '@jinqiao/platform';
import { DomainError, type Finding } from '@jinqiao/schema';

export interface RejectedRow {
  /** Line of the sheet, from 1. */
  readonly rowNo: number;
  readonly cells: readonly string[];
  readonly errors: readonly Finding[];
}

export interface Counts {
  readonly accepted: number;
  readonly duplicate: number;
  readonly rejected: number;
  readonly rejections: Readonly<Record<string, number>>;
}

export class ImportUnknown extends DomainError {
  constructor() {
    super('IMPORT_UNKNOWN', 404, { zh: '没有该导入记录', en: 'There is no such import' });
  }
}

/** A rejected result is counted once, under the first of its errors. */
export function countsOf(
  answers: readonly { readonly outcome: 'accepted' | 'duplicate' | 'rejected'; readonly errors: readonly Finding[] }[],
): Counts {
  const counts = { accepted: 0, duplicate: 0, rejected: 0 };
  const rejections: Record<string, number> = {};
  for (const { outcome, errors } of answers) {
    counts[outcome] += 1;
    const [first] = errors;
    if (first) rejections[first.code] = (rejections[first.code] ?? 0) + 1;
  }
  return { ...counts, rejections };
}

/** Columns that stand behind those of the file. */
const REASON_HEADINGS = ['原文件行号', '错误代码', '错误位置', '错误说明'];

export const csvHeading = (headings: readonly string[]): string => csvLine([...headings, ...REASON_HEADINGS]);

export function csvRow({ cells, rowNo, errors }: RejectedRow, headings: readonly string[]): string {
  const each = (part: (error: Finding) => string): string => errors.map(part).join('; ');
  // A row may be shorter or longer than the heading; the reasons stay in their columns.
  const padded = headings.map((_heading, column) => cells[column] ?? '');
  return csvLine([...padded, String(rowNo), each(({ code }) => code), each(({ pointer }) => pointer), each(({ message }) => message)]);
}
