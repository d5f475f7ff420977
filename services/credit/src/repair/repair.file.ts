/** Decisions on repairs as a table, which is how a day's decisions leave the national site where no system passes them on. */
import type { Readable } from 'node:stream';
import type { RepairDecisionReported } from '@jinqiao/contracts';
import { ITEMS_MAX, TooManyItems } from '@jinqiao/platform';
import { ListUnreadable, readTable } from '../table.js';

/** A row as an item of a body, and the line on which it ends; the header is line 1. */
export interface DecisionRow {
  readonly line: number;
  readonly input: Readonly<Partial<Record<keyof RepairDecisionReported, string>>>;
}

export class TooManyDecisions extends TooManyItems {
  constructor() {
    super({ zh: '修复决定', en: 'decisions on repairs' });
  }
}

type Field = keyof RepairDecisionReported;

const HEADINGS: Readonly<Record<Field, readonly string[]>> = {
  decisionNo: ['decisionNo', '修复决定文号'],
  uscc: ['uscc', '统一社会信用代码'],
  documentNo: ['documentNo', '文书号', '决定书文号'],
  decidedOn: ['decidedOn', '修复决定日期'],
  decidedBy: ['decidedBy', '修复决定机关'],
  reason: ['reason', '修复理由'],
};
const FIELDS = Object.keys(HEADINGS) as Field[];

export async function decisionsIn(content: Readable): Promise<DecisionRow[]> {
  const found: DecisionRow[] = [];
  await readTable(content, columnsOf, (row, columns, line) => {
    if (found.length === ITEMS_MAX) throw new TooManyDecisions();
    found.push({ line, input: inputOf(row, columns) });
  });
  return found;
}

/** Which column is which, by the header of the file; the others are not read. */
function columnsOf(header: readonly string[]): [Field, number][] {
  const columns = FIELDS.map((field): [Field, number] => [field, header.findIndex((one) => HEADINGS[field].includes(one.trim()))]);
  const missing = columns.filter(([field, at]) => at < 0 && field !== 'reason').map(([field]) => HEADINGS[field].join(' / '));
  if (missing.length > 0) throw new ListUnreadable(`the header has to name ${missing.join(', ')}`, '/lines/1');
  return columns.filter(([, at]) => at >= 0);
}

/** An empty cell says nothing. */
function inputOf(row: readonly string[], columns: readonly (readonly [Field, number])[]): DecisionRow['input'] {
  const cells = columns.map(([field, at]) => [field, (row[at] ?? '').trim()] as const);
  return Object.fromEntries(cells.filter(([, text]) => text !== ''));
}
