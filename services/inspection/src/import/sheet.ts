import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import { categoryOf } from '@jinqiao/law';
import { DomainError } from '@jinqiao/schema';
import { CsvError, parse } from 'csv-parse';
import iconv from 'iconv-lite';
import { readForImport } from './fields.js';
import { normaliseHeading } from './headings.js';
import { wordsOf } from './heading-words.js';
import { partialDay } from './printed.js';
import { FileEncrypted, ROWS_MAX, TooManyRows, sheetsOf } from './xlsx.js';

/**
 * Reads an uploaded file into headings and rows. The kind of file is told by its first bytes, not by its name; the encoding and the
 * delimiter of a CSV file by its content.
 */
export interface Sheet {
  readonly headings: string[];
  readonly rows: string[][];
  /** Line of the file or row of the sheet on which each of `rows` stands, from 1. */
  readonly lines: number[];
  readonly notes: string[];
}

const FILE_BYTES_MAX = 50 * 1024 * 1024;
// Notices print a title, a date and remarks above the header.
const HEADER_WITHIN_ROWS = 20;
// Parsed between turns of the event loop, so that a large file stops nobody else's request.
const SLICE_BYTES = 1024 * 1024;
// What the reader of headings answers for a heading it knows in this or another spelling.
const KNOWN = 0.99;
const DELIMITERS = [',', '\t', ';', '|'];

class FileRefused extends DomainError {
  constructor(code: string, title: { zh: string; en: string }, { pointer = '/file', message = title.en, status = 400 } = {}) {
    super(code, status, title, [{ code, pointer, message }]);
  }
}

class FileEmpty extends FileRefused {
  constructor() {
    super('FILE_EMPTY', { zh: '文件为空', en: 'The file holds no row under a header' });
  }
}

class HeaderMissing extends FileRefused {
  constructor(pointer: string) {
    const message = `None of the first ${HEADER_WITHIN_ROWS} rows names the product and one more field; is the delimiter one of comma, tab, semicolon, bar?`;
    super('HEADER_MISSING', { zh: '未找到表头', en: 'No header row was found' }, { pointer, message });
  }
}

class BrokenQuote extends FileRefused {
  constructor(line: number, message: string) {
    super(
      'CSV_BROKEN_QUOTE',
      { zh: 'CSV 引号未正确配对', en: 'A quote in the CSV file is broken' },
      { pointer: `/lines/${line}`, message },
    );
  }
}

class FileTooLarge extends FileRefused {
  constructor() {
    super('FILE_TOO_LARGE', { zh: '文件过大，上限 50 MiB', en: 'The file is larger than 50 MiB' }, { status: 413 });
  }
}

class EncodingUnknown extends FileRefused {
  constructor() {
    super('ENCODING_UNKNOWN', { zh: '无法识别文件编码', en: 'The file is neither UTF-8, UTF-16 nor GB18030 text' }, { status: 415 });
  }
}

class LegacyWorkbook extends FileRefused {
  constructor() {
    super(
      'XLS_NOT_SUPPORTED',
      { zh: '不支持 .xls，请另存为 .xlsx 或 CSV', en: 'Legacy .xls is not supported: save it as .xlsx or CSV' },
      { status: 415 },
    );
  }
}

export async function readSheet(stream: Readable, fileName: string): Promise<Sheet> {
  const file = await whole(stream);
  if (file.length === 0) throw new FileEmpty();
  if (file.subarray(0, 4).equals(Buffer.from('PK\x03\x04'))) return readWorkbook(file);
  if (file.subarray(0, 4).toString('hex') === 'd0cf11e0') {
    // Excel keeps encrypted workbooks and those of before 2007 in the same kind of container.
    throw file.includes(Buffer.from('EncryptedPackage', 'utf16le')) ? new FileEncrypted() : new LegacyWorkbook();
  }
  return readCsv(file, fileName);
}

async function whole(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk as string);
    length += bytes.length;
    if (length > FILE_BYTES_MAX) throw new FileTooLarge();
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

async function readCsv(file: Buffer, fileName: string): Promise<Sheet> {
  const text = inUtf8(file);
  const delimiter = await delimiterOf(text);
  const { rows, lines, broken } = await cellsOf(text, delimiter);
  if (broken) throw new BrokenQuote(broken.line, broken.why);
  if (rows.length === 0) throw new FileEmpty();
  const header = headerIn(rows);
  if (!header) throw new HeaderMissing(`/lines/${lines[0] ?? 1}`);
  if (header.end === rows.length) throw new FileEmpty();
  const notes = delimiter === ',' ? [] : [`${fileName}：分隔符为 ${JSON.stringify(delimiter)} (delimiter)`];
  return under(header, { rows, lines }, notes);
}

/** UTF-8, UTF-16 by its byte order mark, else GB18030, which Chinese spreadsheet programs write. */
function inUtf8(file: Buffer): Buffer {
  const mark = file.subarray(0, 2).toString('hex');
  const wide = mark === 'fffe' || mark === 'feff';
  if (!wide && file.includes(0)) throw new EncodingUnknown();
  if (!wide && isUtf8(file)) return file;
  if (!wide && isDamagedUtf8(file)) throw new EncodingUnknown();
  const text = iconv.decode(file, wide ? 'utf16' : 'gb18030');
  if (text.includes('\0') || text.includes('\uFFFD')) throw new EncodingUnknown();
  return Buffer.from(text);
}

/** A few broken bytes in UTF-8: read as GB18030 every text would come out as other characters, and nobody would notice. */
function isDamagedUtf8(file: Buffer): boolean {
  const opening = file.toString('utf8');
  const count = (pattern: RegExp): number => opening.match(pattern)?.length ?? 0;
  return count(/\p{Script=Han}/gu) > count(/\uFFFD/gu);
}

/** The delimiter under which the header is understood best. */
async function delimiterOf(text: Buffer): Promise<string> {
  const opening = Buffer.from(text.subarray(0, SLICE_BYTES).toString().split('\n', HEADER_WITHIN_ROWS).join('\n'));
  let best = { delimiter: ',', fields: 0 };
  for (const delimiter of DELIMITERS) {
    const fields = headerIn((await cellsOf(opening, delimiter)).rows)?.fields ?? 0;
    if (fields > best.fields) best = { delimiter, fields };
  }
  return best.delimiter;
}

interface Cells {
  readonly rows: string[][];
  readonly lines: number[];
  /** Where and why the quotes do not pair; the rows before that line were read. */
  readonly broken?: { readonly line: number; readonly why: string };
}

async function cellsOf(text: Buffer, delimiter: string): Promise<Cells> {
  const rows: string[][] = [];
  const lines: number[] = [];
  let line = 0;
  const take = (row: string[], { lines: lastLine }: { lines: number }): null => {
    if (rows.length > ROWS_MAX) throw new TooManyRows();
    line = lastLine;
    if (row.some((cell) => cell.trim() !== '')) {
      rows.push(row.map((cell) => cell.trim()));
      // A quoted cell may hold line breaks: the row stands where it begins.
      lines.push(lastLine - (row.join('').match(/\r\n|\r|\n/gu)?.length ?? 0));
    }
    return null;
  };
  const parser = parse({
    bom: true,
    delimiter,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    on_record: take,
  });
  try {
    // Every row is taken as it passes; nothing is left to read at the end.
    await pipeline(slicesOf(text), parser.resume());
  } catch (error) {
    if (error instanceof CsvError) return { rows, lines, broken: { line: line + 1, why: error.message } };
    throw error;
  }
  return { rows, lines };
}

async function* slicesOf(text: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < text.length; at += SLICE_BYTES) {
    yield text.subarray(at, at + SLICE_BYTES);
    await setImmediate();
  }
}

/** The first visible sheet with a header is the one that is read; the others are named. */
async function readWorkbook(file: Buffer): Promise<Sheet> {
  let found: Sheet | undefined;
  const notes: string[] = [];
  let seen = '';
  let rowsSeen = 0;
  for await (const grid of sheetsOf(file)) {
    seen ||= grid.name;
    rowsSeen += grid.rows.length;
    const header = found ? undefined : headerIn(grid.rows);
    if (header) {
      found = under(header, grid, grid.notes);
    } else {
      notes.push(...(grid.rows.length ? [`工作表“${grid.name}”未读取 (sheet not read)`] : grid.notes));
    }
  }
  if (!found) throw rowsSeen === 0 ? new FileEmpty() : new HeaderMissing(`/sheets/${seen}`);
  if (found.rows.length === 0) throw new FileEmpty();
  return { ...found, notes: [...found.notes, ...notes] };
}

interface Header {
  /** Index of the first row under the header. */
  readonly end: number;
  readonly headings: string[];
  readonly fields: number;
}

/** The first row that names the product and one more field. A header of two rows (被抽样单位 over 名称, 地址) is read as one. */
function headerIn(rows: readonly (readonly string[])[]): Header | undefined {
  for (let at = 0; at < Math.min(rows.length, HEADER_WITHIN_ROWS); at++) {
    const row = rows[at] ?? [];
    const below = rows[at + 1] ?? [];
    const twice = row.filter((cell, column) => cell !== '' && cell === below[column]).length;
    const lower = twice > 0 && fieldsIn(below).size > 1 ? below : undefined;
    const headings = lower ? row.map((cell, column) => joined(cell, lower[column] ?? '')) : row.map(plain);
    const fields = fieldsIn(headings);
    if (fields.has('product.name') && fields.size > 1) return { end: at + (lower ? 2 : 1), headings, fields: fields.size };
  }
  return undefined;
}

const plain = (heading: string): string => heading.replace(/\s+/gu, ' ').trim();

/** 被抽样单位 over 名称 is 被抽样单位名称; 不合格项目 over 检验结果 is 检验结果. */
function joined(upper: string, lower: string): string {
  if (upper === lower || lower === '') return plain(upper);
  return readForImport(lower).score >= KNOWN && !/^(?:名称|地址|省份|编号|日期)$/u.test(lower) ? plain(lower) : plain(upper + lower);
}

/** The fields a row names. Values may look like headings (食用农产品, 不合格): a row with a value in it names none. */
function fieldsIn(cells: readonly string[]): Set<string> {
  const said = cells.filter((cell) => cell !== '');
  if (said.some(isValue)) return new Set();
  const readings = said
    .filter((cell) => cell.length <= 60)
    .map((cell) => ({ ...readForImport(cell), rest: wordsOf(normaliseHeading(cell)).rest }));
  // Known headings, and guesses with little doubt about a phrase made of nothing but the words of headings.
  const sure = readings.filter(({ score, rest }) => score >= KNOWN || (score >= 0.9 && !/\p{L}/u.test(rest)));
  return new Set(sure.flatMap(({ field }) => field ?? []));
}

/** Dates, numbers with or without a unit, credit codes, verdicts, product classes, names of companies. */
function isValue(cell: string): boolean {
  if (partialDay(cell) !== undefined || /^[<>≤≥]?[\d.,]+ ?[a-zμ%‰/]*$/iu.test(cell) || /^[0-9A-Z]{18}$/u.test(cell)) return true;
  return /^不?合格$|.{4}公司$/u.test(cell) || (categoryOf(cell) !== null && !['食品', '药品', '化妆品', '农产品'].includes(cell));
}

function under(
  header: Header,
  { rows, lines }: { rows: readonly (readonly string[])[]; lines: readonly number[] },
  notes: readonly string[],
): Sheet {
  const { headings, end } = header;
  return {
    headings,
    rows: rows.slice(end).map((row) => Array.from({ length: Math.max(row.length, headings.length) }, (_, column) => row[column] ?? '')),
    lines: lines.slice(end),
    notes: [...notes],
  };
}
