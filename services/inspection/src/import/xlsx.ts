import { DomainError } from '@jinqiao/schema';
import { SaxesParser } from 'saxes';
import { fromBufferPromise } from 'yauzl';
import type { Entry, ZipFile } from 'yauzl';

/**
 * Reads the cells of an XLSX workbook as the texts a reader of the sheet sees.
 * Formulas: their cached value, never evaluated. Merged cells: every cell of the range holds the text. Hidden rows and columns are read
 * like the others, because a filter left on hides rows of a notice, and a note says so; hidden sheets are not read and are named.
 */
interface Grid {
  readonly name: string;
  readonly rows: readonly (readonly string[])[];
  /** Printed number of each row; rows without a cell are left out. */
  readonly lines: readonly number[];
  readonly notes: readonly string[];
}

// A workbook of 50 MiB holds about 2 million cells; ordinary sheets deflate 5 to 60 times, a bomb a thousand times.
const INFLATED_BYTES_MAX = 256 * 1024 * 1024;
const RATIO_MAX = 250;
const RATIO_FREE_BYTES = 1024 * 1024;
const ENTRIES_MAX = 2_000;
const COLUMNS_MAX = 1_000;
export const ROWS_MAX = 200_000;

class WorkbookBroken extends DomainError {
  constructor(why: string) {
    super('XLSX_BROKEN', 400, { zh: 'XLSX 文件损坏', en: 'The XLSX file is broken' }, [
      { code: 'XLSX_BROKEN', pointer: '/file', message: why },
    ]);
  }
}

class ZipBomb extends DomainError {
  constructor(entry: string) {
    super('ZIP_BOMB', 400, { zh: '压缩文件解压后过大', en: 'The file inflates beyond all reason' }, [
      {
        code: 'ZIP_BOMB',
        pointer: '/file',
        message: `${entry} would inflate past ${INFLATED_BYTES_MAX} bytes in all or ${RATIO_MAX} times its size; nothing was inflated.`,
      },
    ]);
  }
}

export class FileEncrypted extends DomainError {
  constructor() {
    super('FILE_ENCRYPTED', 400, { zh: '文件已加密', en: 'The file is encrypted' }, [
      { code: 'FILE_ENCRYPTED', pointer: '/file', message: 'Save the file without a password.' },
    ]);
  }
}

export class TooManyRows extends DomainError {
  constructor() {
    super('TOO_MANY_ROWS', 413, { zh: '行数过多', en: 'The sheet has too many rows' }, [
      { code: 'TOO_MANY_ROWS', pointer: `/lines/${ROWS_MAX + 1}`, message: `A file may have ${ROWS_MAX} rows.` },
    ]);
  }
}

/** The visible sheets one after another, so that only one is in memory; sheets that are hidden come as a name without rows. */
export async function* sheetsOf(file: Buffer): AsyncGenerator<Grid> {
  const zip = await opened(file);
  const entries = await harmlessEntries(zip);
  const part = (path: string, reader: PartReader): Promise<void> => inflate(zip, entries.get(path), reader);
  const workbook = new WorkbookReader();
  await part('xl/workbook.xml', workbook);
  if (workbook.sheets.length === 0) throw new WorkbookBroken('xl/workbook.xml names no sheet.');
  const relations = new RelationsReader();
  await part('xl/_rels/workbook.xml.rels', relations);
  const styles = new StylesReader();
  await part('xl/styles.xml', styles);
  const strings = new StringsReader();
  await part('xl/sharedStrings.xml', strings);
  for (const { name, relation, hidden } of workbook.sheets) {
    if (hidden) {
      yield { name, rows: [], lines: [], notes: [`工作表“${name}”为隐藏，未读取 (hidden sheet, not read)`] };
      continue;
    }
    const path = relations.targets.get(relation);
    if (!path || !entries.has(path)) throw new WorkbookBroken(`The part of sheet ${name} is missing.`);
    const cells = new CellsReader(name, { strings: strings.texts, formats: styles.formats, from1904: workbook.from1904 });
    await part(path, cells);
    yield cells.grid();
  }
}

async function opened(file: Buffer): Promise<ZipFile> {
  try {
    return await fromBufferPromise(file, { lazyEntries: true, validateEntrySizes: true });
  } catch (error) {
    throw new WorkbookBroken(error instanceof Error ? error.message : 'Not a ZIP file.');
  }
}

/** All entries, after a look at what they say they inflate to. The sizes are held to while inflating too. */
async function harmlessEntries(zip: ZipFile): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  let inflated = 0;
  if (zip.entryCount > ENTRIES_MAX) throw new ZipBomb(`The list of ${zip.entryCount} parts`);
  try {
    for await (const entry of zip.eachEntry()) {
      inflated += entry.uncompressedSize;
      const ratio = entry.uncompressedSize / Math.max(1, entry.compressedSize);
      if (inflated > INFLATED_BYTES_MAX || (entry.uncompressedSize > RATIO_FREE_BYTES && ratio > RATIO_MAX))
        throw new ZipBomb(entry.fileName);
      if (entry.isEncrypted()) throw new FileEncrypted();
      entries.set(entry.fileName, entry);
    }
  } catch (error) {
    throw error instanceof DomainError ? error : new WorkbookBroken(String(error));
  }
  if (!entries.has('xl/workbook.xml')) throw new WorkbookBroken('The file is a ZIP archive, but no XLSX workbook.');
  return entries;
}

interface PartReader {
  open(name: string, attributes: Readonly<Record<string, string>>): void;
  text?(text: string): void;
  close?(name: string): void;
}

/** Feeds one part to its reader chunk by chunk. An absent part (a workbook without shared strings) reads as empty. */
async function inflate(zip: ZipFile, entry: Entry | undefined, reader: PartReader): Promise<void> {
  if (!entry) return;
  const parser = new SaxesParser({ xmlns: false });
  const local = (name: string): string => name.slice(name.indexOf(':') + 1);
  parser.on('error', (error) => {
    throw new WorkbookBroken(`${entry.fileName}: ${error.message}`);
  });
  parser.on('opentag', ({ name, attributes }) => reader.open(local(name), attributes));
  parser.on('text', (text) => reader.text?.(text));
  parser.on('cdata', (text) => reader.text?.(text));
  parser.on('closetag', ({ name }) => reader.close?.(local(name)));
  const decoder = new TextDecoder('utf-8');
  try {
    for await (const chunk of await zip.openReadStreamPromise(entry)) parser.write(decoder.decode(chunk as Buffer, { stream: true }));
    parser.write(decoder.decode()).close();
  } catch (error) {
    throw error instanceof DomainError
      ? error
      : new WorkbookBroken(`${entry.fileName}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

class WorkbookReader implements PartReader {
  readonly sheets: { name: string; relation: string; hidden: boolean }[] = [];
  from1904 = false;

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    if (name === 'workbookPr') this.from1904 = ['1', 'true'].includes(attributes['date1904'] ?? '');
    if (name !== 'sheet') return;
    this.sheets.push({
      name: attributes['name'] ?? '',
      relation: Object.entries(attributes).find(([key]) => key.endsWith(':id'))?.[1] ?? '',
      hidden: (attributes['state'] ?? 'visible') !== 'visible',
    });
  }
}

class RelationsReader implements PartReader {
  readonly targets = new Map<string, string>();

  open(name: string, { Id = '', Target = '' }: Readonly<Record<string, string>>): void {
    if (name === 'Relationship') this.targets.set(Id, Target.startsWith('/') ? Target.slice(1) : `xl/${Target}`);
  }
}

/** The number format of each cell style; a date is a number with a date's format. */
class StylesReader implements PartReader {
  readonly formats: string[] = [];
  private readonly codes = new Map<string, string>();
  private inCells = false;

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    if (name === 'numFmt') this.codes.set(attributes['numFmtId'] ?? '', attributes['formatCode'] ?? '');
    if (name === 'cellXfs') this.inCells = true;
    if (name === 'xf' && this.inCells) this.formats.push(this.codeOf(attributes['numFmtId'] ?? '0'));
  }

  close(name: string): void {
    if (name === 'cellXfs') this.inCells = false;
  }

  private codeOf(id: string): string {
    return this.codes.get(id) ?? builtInFormat(Number(id));
  }
}

/** ECMA-376 §18.8.30: the formats that workbooks use without declaring them; only dates and percentages read otherwise than plain numbers. */
function builtInFormat(id: number): string {
  if (id === 9) return '0%';
  if (id === 10) return '0.00%';
  if (id === 17) return 'mmm-yy';
  // 27-36 and 50-58 are the dates of Chinese and Japanese spreadsheets.
  return [14, 15, 16, 22].includes(id) || (id >= 27 && id <= 31) || id === 36 || (id >= 50 && id <= 58) ? 'yyyy-mm-dd' : '';
}

class StringsReader implements PartReader {
  readonly texts: string[] = [];
  private current = '';
  private inText = false;
  private inPhonetic = false;

  open(name: string): void {
    if (name === 'si') this.current = '';
    if (name === 'rPh') this.inPhonetic = true;
    this.inText = name === 't' && !this.inPhonetic;
  }

  text(text: string): void {
    if (this.inText) this.current += text;
  }

  close(name: string): void {
    if (name === 't') this.inText = false;
    if (name === 'rPh') this.inPhonetic = false;
    if (name === 'si') this.texts.push(this.current);
  }
}

interface Book {
  readonly strings: readonly string[];
  readonly formats: readonly string[];
  readonly from1904: boolean;
}

class CellsReader implements PartReader {
  // Rows are sparse arrays: a cell without a text is not there.
  private readonly rows = new Map<number, (string | undefined)[]>();
  private readonly merges: string[] = [];
  private readonly counts = { hiddenRows: 0, hiddenColumns: 0, uncached: 0, errors: 0 };
  private row = 0;
  private column = -1;
  private cell = { type: 'n', style: 0, formula: false, value: '' };
  private reading = false;

  constructor(
    private readonly name: string,
    private readonly book: Book,
  ) {}

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    switch (name) {
      case 'row':
        this.row = attributes['r'] ? Number(attributes['r']) : this.row + 1;
        this.column = -1;
        if (isOn(attributes['hidden'])) this.counts.hiddenRows++;
        break;
      case 'c':
        this.column = attributes['r'] ? columnOf(attributes['r']) : this.column + 1;
        this.cell = { type: attributes['t'] ?? 'n', style: Number(attributes['s'] ?? 0), formula: false, value: '' };
        break;
      case 'f':
        this.cell.formula = true;
        break;
      case 'v':
      case 't':
        this.reading = true;
        break;
      case 'col':
        if (isOn(attributes['hidden'])) this.counts.hiddenColumns++;
        break;
      case 'mergeCell':
        this.merges.push(attributes['ref'] ?? '');
        break;
      default:
    }
  }

  text(text: string): void {
    if (this.reading) this.cell.value += text;
  }

  close(name: string): void {
    if (name === 'v' || name === 't') this.reading = false;
    if (name !== 'c') return;
    if (this.cell.formula && this.cell.value === '') this.counts.uncached++;
    const text = this.textOf().trim();
    if (text === '' || this.column >= COLUMNS_MAX) return;
    let row = this.rows.get(this.row);
    if (!row) this.rows.set(this.row, (row = []));
    if (this.rows.size > ROWS_MAX + 100) throw new TooManyRows();
    row[this.column] = text;
  }

  private textOf(): string {
    const { type, value, style } = this.cell;
    switch (type) {
      case 's':
        return this.book.strings[Number(value)] ?? '';
      case 'b':
        return value === '1' ? '是' : '否';
      case 'e':
        this.counts.errors++;
        return '';
      case 'n':
        return value === '' ? '' : numberAsShown(Number(value), this.book.formats[style] ?? '', this.book.from1904);
      default:
        return value;
    }
  }

  grid(): Grid {
    for (const range of this.merges) this.fill(range);
    const numbers = [...this.rows.keys()].sort((a, b) => a - b);
    const rows = numbers.map((number) => Array.from(this.rows.get(number) ?? [], (cell) => cell ?? ''));
    const note = (count: number, zh: string, en: string): string[] =>
      count > 0 ? [`工作表“${this.name}”：${count} ${zh} (${count} ${en})`] : [];
    const notes = [
      ...note(this.counts.hiddenRows, '个隐藏行已读取', 'hidden rows were read'),
      ...note(this.counts.hiddenColumns, '组隐藏列已读取', 'hidden column ranges were read'),
      ...note(this.counts.uncached, '个公式没有缓存值，按空处理', 'formulas have no cached value and count as empty'),
      ...note(this.counts.errors, '个单元格是错误值，按空处理', 'cells hold an error and count as empty'),
    ];
    return { name: this.name, rows, lines: numbers, notes };
  }

  /** Only rows and columns that the sheet uses are filled: a range may claim the whole sheet. */
  private fill(range: string): void {
    const [from = '', to = ''] = range.split(':');
    const [top, bottom, left, right] = [rowOf(from), rowOf(to), columnOf(from), Math.min(columnOf(to), COLUMNS_MAX - 1)];
    const text = this.rows.get(top)?.[left];
    if (!text) return;
    for (const [number, row] of this.rows) {
      if (number < top || number > bottom) continue;
      for (let column = left; column <= right; column++) row[column] ??= text;
    }
  }
}

const isOn = (flag: string | undefined): boolean => flag === '1' || flag === 'true';
const rowOf = (reference: string): number => Number(/\d+$/.exec(reference)?.[0] ?? 0);

function columnOf(reference: string): number {
  let column = 0;
  for (const letter of /^[A-Z]+/i.exec(reference)?.[0].toUpperCase() ?? 'A') column = column * 26 + letter.charCodeAt(0) - 64;
  return column - 1;
}

/** A date in the detail its format shows, a percentage with its sign, any other number without the noise of binary fractions. */
function numberAsShown(value: number, format: string, from1904: boolean): string {
  const code = format.replace(/"[^"]*"|\[[^\]]*\]|\\./gu, '').toLowerCase();
  if (/[yd]/u.test(code)) {
    const day = new Date(Date.UTC(from1904 ? 1904 : 1899, from1904 ? 0 : 11, from1904 ? 1 : 30) + Math.floor(value) * 86_400_000);
    if (Number.isNaN(day.getTime())) return '';
    return day.toISOString().slice(0, code.includes('d') ? 10 : code.includes('m') ? 7 : 4);
  }
  if (code.includes('%')) return `${(value * 100).toFixed(/\.(0+)%/u.exec(code)?.[1]?.length ?? 0)}%`;
  return Number.isFinite(value) ? String(Number(value.toPrecision(15))) : '';
}
