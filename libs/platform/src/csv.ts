/** A byte order mark, without which Excel takes UTF-8 for the machine's own encoding. */
export const CSV_MARK = '\uFEFF';

/** One record of RFC 4180. */
export const csvLine = (cells: readonly string[]): string => `${cells.map(csvCell).join(',')}\r\n`;

/** Quoted, and kept from being run as a formula by whoever opens the file: only a plain number may begin with a sign. */
function csvCell(text: string): string {
  const isFormula = /^[\s]*[=+\-@＝＋－＠|]/u.test(text) && !/^[+-]?\d+(\.\d+)?%?$/.test(text);
  return `"${(isFormula ? `'${text}` : text).replaceAll('"', '""')}"`;
}
