import { createHash } from 'node:crypto';
import type { RevisionReason, SamplingResultReported } from '@jinqiao/contracts';
import { recogniseColumns } from './fields.js';
import { normaliseHeading, spellingKey } from './headings.js';
import { combinedItems, itemsOf, partialDay, platformOf, printed, regimeOf, sameText, verdictOf, wholeDay } from './printed.js';
import type { ImportField } from './fields.js';
import type { PrintedItem } from './printed.js';
import type { Reading } from './headings.js';

/**
 * Turns the rows of a published notice into sampling results. A notice prints one row per failing item: rows that agree in every column
 * but failing item, value and limit are one result, in whatever order they stand. Whether a result is acceptable is decided at the intake.
 */
export interface ImportedResult {
  readonly report: Partial<SamplingResultReported> & { sampleNo: string };
  /** Rows of the file it came from, as `lines` numbers them. */
  readonly rowNumbers: number[];
  /** Columns the importer does not know or a result has no place for, as printed. */
  readonly extra: Readonly<Record<string, string>>;
  /** The category did not decide the regime (see regimeOf). */
  readonly regimeInferred: boolean;
}

export interface RejectedRow {
  readonly rowNumber: number;
  readonly code: 'ROW_TOO_LONG' | 'HEADER_REPEATED' | 'NOT_A_RESULT';
  readonly cells: readonly string[];
}

export interface ImportedRows {
  readonly results: ImportedResult[];
  readonly rejectedRows: RejectedRow[];
  readonly columns: Reading[];
  readonly unknownColumns: string[];
}

type Column = Reading & { readonly field: ImportField | null; readonly at: number; readonly key: string; readonly label: string };

// These do not tell one sample from another: what was found in it, and where its row stands in the sheet.
const WITHIN_A_RESULT = new Set<ImportField | null>([
  'failingItem.item',
  'failingItem.measured',
  'failingItem.limit',
  'failingItem.unit',
  'failingItem.combined',
  'ordinal',
]);

const FAILURES = /不合格|不符合|问题|超标|failing/iu;
const isItem = (field: ImportField | null): boolean => field === 'failingItem.item' || field === 'failingItem.combined';

export function resultsFromRows(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  { lines }: { readonly lines?: readonly number[] } = {},
): ImportedRows {
  const columns = columnsOf(headings);
  const grouping = columns.filter(({ field }) => !WITHIN_A_RESULT.has(field)).sort((a, b) => (a.key < b.key ? -1 : 1));
  const groups = new Map<string, { rows: (readonly string[])[]; rowNumbers: number[] }>();
  const rejectedRows: RejectedRow[] = [];
  rows.forEach((cells, at) => {
    const rowNumber = lines?.[at] ?? at + 2;
    const code = refusalOf(headings, cells);
    if (code) return void rejectedRows.push({ rowNumber, code, cells });
    const key = identityOf(grouping, cells);
    const group = groups.get(key) ?? { rows: [], rowNumbers: [] };
    group.rows.push(cells);
    group.rowNumbers.push(rowNumber);
    groups.set(key, group);
  });
  const results = [...groups].map(([key, group]) => resultOf(columns, group, key));
  const unknownColumns = columns.filter(({ field }) => field === null).map(({ label }) => label);
  return { results, rejectedRows, columns: columns.map(({ heading, field, score }) => ({ heading, field, score })), unknownColumns };
}

/** Columns under the name they are kept by: the field, else the heading; a heading printed twice or not at all gets its number. */
function columnsOf(headings: readonly string[]): Column[] {
  const keys = new Set<string>();
  return recogniseColumns(headings).map((reading, at) => {
    const number = `column ${at + 1}`;
    const key = reading.field ?? (spellingKey(normaliseHeading(reading.heading)) || number);
    const again = keys.has(key);
    keys.add(key);
    return {
      ...reading,
      at,
      key: again ? `${key} ${number}` : key,
      label: again ? `${reading.heading} (${number})` : reading.heading || number,
    };
  });
}

function refusalOf(headings: readonly string[], cells: readonly string[]): RejectedRow['code'] | undefined {
  if (cells.slice(headings.length).some((cell) => printed(cell) !== undefined)) return 'ROW_TOO_LONG';
  const filled = cells.filter((cell) => cell.trim() !== '');
  if (filled.length > 1 && filled.every((cell) => headings.includes(cell))) return 'HEADER_REPEATED';
  // 合计, 备注：…, or a title merged over the whole width.
  return new Set(filled).size < 2 ? 'NOT_A_RESULT' : undefined;
}

/** What the grouping columns, sorted by name, say: whatever their order in the sheet and whichever of their spellings it uses. */
function identityOf(grouping: readonly Column[], cells: readonly string[]): string {
  const said = grouping.map(({ key, at }) => [key, sameText(cells[at] ?? '')] as const);
  return JSON.stringify(said.filter(([, text]) => text !== ''));
}

function resultOf(
  columns: readonly Column[],
  { rows, rowNumbers }: { rows: (readonly string[])[]; rowNumbers: number[] },
  identity: string,
): ImportedResult {
  // Rows of one result may spell a cell in two widths; the choice must not hang on their order.
  const cellAt = (at: number): string | undefined => printed(rows.map((row) => row[at] ?? '').reduce((a, b) => (b < a ? b : a)));
  const cellsAt = (at: number): string => [...new Set(rows.map((row) => row[at] ?? ''))].filter(printed).sort().join('；');
  const at = new Map(columns.map((column) => [column.key, column.at]));
  const say = (field: ImportField): string | undefined => (at.has(field) ? cellAt(at.get(field) ?? -1) : undefined);
  const items = itemsIn(rows, at);
  const printedVerdict = verdictOf(say('verdict') ?? '');
  // 不合格项目 lists failures; 检验项目 lists what was tested, which failed only if the verdict says so.
  const failed = printedVerdict === 'UNQUALIFIED' || columns.some(({ field, heading }) => isItem(field) && FAILURES.test(heading));
  const failingItems = failed ? items : [];
  const { regime, inferred } = regimeOf(
    say('product.category'),
    say('product.name') ?? '',
    items.map(({ item }) => item),
  );
  const verdict = printedVerdict ?? (failingItems.length > 0 ? 'UNQUALIFIED' : undefined);
  const [name, produced, batch] = [say('product.name'), say('product.producedOnOrBatch'), say('product.batch')];
  const producedOn = wholeDay(produced ?? '');
  const noticeNo = say('noticeNo');
  const [publishedOn, sampledOn] = [partialDay(say('publishedOn') ?? ''), wholeDay(say('sampledOn') ?? '')];
  const report = present({
    sampleNo: say('sampleNo') ?? `N${createHash('sha256').update(identity).digest('hex').slice(0, 24).toUpperCase()}`,
    revision: revisionOf(say('revision')),
    revisionReason: say('revisionReason')?.toUpperCase() as RevisionReason | undefined,
    organiser: named({ name: say('organiser.name') }),
    regime,
    finality: 'FINAL' as const,
    verdict,
    product:
      name &&
      present({
        name,
        category: say('product.category'),
        brand: say('product.brand'),
        spec: say('product.spec'),
        model: say('product.model'),
        standard: say('product.standard'),
        batch: batch ?? (producedOn ? undefined : produced),
        producedOn,
      }),
    failingItems: failingItems.length > 0 ? failingItems : undefined,
    sampledParty: named({ name: say('sampledParty.name'), uscc: say('sampledParty.uscc'), regionName: say('sampledParty.regionName') }),
    nominalProducer: named({ name: say('producer.name'), uscc: say('producer.uscc'), regionName: say('producer.regionName') }),
    online: onlineOf(say),
    laboratory: named({ name: say('laboratory.name'), uscc: say('laboratory.uscc') }),
    notice: noticeNo && present({ no: noticeNo, publishedOn }),
    sampledOn,
  });
  // Printed, but not in a form or beside a name that a result could carry.
  const unused = new Set<string | null>([
    ...(publishedOn && noticeNo ? [] : ['publishedOn']),
    ...(sampledOn ? [] : ['sampledOn']),
    ...(printedVerdict ? [] : ['verdict']),
    ...(failed ? [] : WITHIN_A_RESULT),
    ...(report.sampledParty ? [] : ['sampledParty.uscc', 'sampledParty.regionName']),
    ...(report.nominalProducer ? [] : ['producer.uscc', 'producer.regionName']),
    ...(report.laboratory ? [] : ['laboratory.uscc']),
  ]);
  const extra = present(
    Object.fromEntries(
      columns
        .filter(({ field, key }) => field === null || (unused.has(key) && field !== 'ordinal'))
        .map((column) => [column.label, cellsAt(column.at)]),
    ),
  );
  return { report: report as ImportedResult['report'], rowNumbers, extra: extra as Record<string, string>, regimeInferred: inferred };
}

/** What is no number is left as it is, for the intake to refuse by its field. */
const revisionOf = (text: string | undefined): number | undefined =>
  text && /^\d+$/u.test(text) ? Number(text) : (text as number | undefined);

/** Every item once, in an order that does not hang on the rows'. */
function itemsIn(rows: readonly (readonly string[])[], at: ReadonlyMap<string, number>): PrintedItem[] {
  const found = new Map<string, PrintedItem>();
  for (const row of rows) {
    const say = (field: ImportField): string | undefined => printed(row[at.get(field) ?? -1]);
    const item = say('failingItem.item');
    const combined = say('failingItem.combined');
    const items = item
      ? itemsOf(item, present({ measured: say('failingItem.measured'), limit: say('failingItem.limit'), unit: say('failingItem.unit') }))
      : combined
        ? combinedItems(combined)
        : [];
    for (const each of items) found.set(JSON.stringify([each.item, each.measured, each.limit, each.unit]), each);
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
}

function onlineOf(say: (field: ImportField) => string | undefined): SamplingResultReported['online'] {
  const platform = say('online.platformName');
  const url = say('online.url');
  const online = present({
    shopId: say('online.shopId'),
    shopName: say('online.shopName'),
    listings: url ? [{ url }] : undefined,
    orderNo: say('online.orderNo'),
  });
  if (platform === undefined && Object.keys(online).length === 0) return undefined;
  return { ...(platform && platformOf(platform)), ...online };
}

/** A party without a name is not printed; its code or region alone names nobody. */
const named = <P extends { name?: string | undefined }>(party: P): Partial<P> | undefined =>
  party.name === undefined ? undefined : present(party);

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function present<T extends object>(fields: T): Present<T> {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) if (value !== undefined && value !== '') kept[name] = value;
  return kept as Present<T>;
}
