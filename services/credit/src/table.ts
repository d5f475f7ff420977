/** Tables that the credit office sends as files: CSV in UTF-8 whose first line names the columns. */
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DomainError } from '@jinqiao/schema';
import { CsvError, parse } from 'csv-parse';

export class ListUnreadable extends DomainError {
  constructor(message: string, pointer = '/file') {
    super('LIST_UNREADABLE', 400, { zh: '无法读取名单文件', en: 'The list cannot be read' }, [
      { code: 'LIST_UNREADABLE', pointer, message },
    ]);
  }
}

/** By the header of the file which column is which, then `take` each row, with the line on which it ends; the header is line 1. */
export async function readTable<Columns extends object>(
  content: Readable,
  columnsOf: (header: readonly string[]) => Columns,
  take: (row: readonly string[], columns: Columns, line: number) => void,
): Promise<void> {
  const rows = parse({ bom: true, relax_column_count: true, skip_empty_lines: true, info: true });
  const read = async (found: AsyncIterable<{ record: string[]; info: { lines: number } }>): Promise<void> => {
    let columns: Columns | null = null;
    for await (const { record, info } of found) {
      if (columns === null) columns = columnsOf(record);
      else take(record, columns, info.lines);
    }
    if (columns === null) throw new ListUnreadable('the file is empty');
  };
  try {
    await pipeline(content, rows, read);
  } catch (error) {
    throw error instanceof CsvError ? new ListUnreadable(error.message, `/lines/${rows.info.lines}`) : error;
  }
}
