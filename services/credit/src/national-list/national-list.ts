/**
 * What the national credit site publishes of this city's entities, as the credit office takes it from there each day, held against the
 * records that are public here. Where sources differ the national site prevails (信用修复管理办法, NDRC Order 36): what it no longer shows
 * was repaired or has expired there, and a person looks why it is still shown here.
 */
import type { CreditRecordType } from '@jinqiao/contracts';
import { readUscc } from '@jinqiao/law';
import { DomainError, type Finding } from '@jinqiao/schema';
import { ListUnreadable } from '../table.js';
import { usccFindings } from '../uscc.js';

/** Of these the national site publishes what departments report to it. */
export const LISTED_TYPES: readonly CreditRecordType[] = ['PENALTY', 'ABNORMAL_OPERATION', 'SERIOUS_DISHONESTY'];

export const ENTRIES_MAX = 500_000;
const DOCUMENT_NO_MAX = 200;

/** ONLY_HERE: public here and not there. ONLY_THERE: public there and not here. */
export const DIFFERENCES = ['ONLY_HERE', 'ONLY_THERE'] as const;
export type DifferenceKind = (typeof DIFFERENCES)[number];

export interface Entry {
  readonly uscc: string;
  readonly documentNo: string;
}

export class ListTooLong extends DomainError {
  constructor() {
    super('LIST_TOO_LONG', 413, { zh: `名单最多${ENTRIES_MAX}条`, en: `A list has at most ${ENTRIES_MAX} entries` });
  }
}

export class NoListYet extends DomainError {
  constructor() {
    super('NO_LIST_YET', 404, { zh: '尚未报送全国信用网站名单', en: 'No list of the national site has been taken yet' });
  }
}

const COLUMNS: Readonly<Record<string, keyof Entry>> = {
  uscc: 'uscc',
  统一社会信用代码: 'uscc',
  documentNo: 'documentNo',
  文书号: 'documentNo',
  决定书文号: 'documentNo',
};

/** Which column is which, by the header of the file; the others are not read. */
export function columnsOf(header: readonly string[]): Record<keyof Entry, number> {
  const place = (field: keyof Entry): number => header.findIndex((heading) => COLUMNS[heading.trim()] === field);
  const columns = { uscc: place('uscc'), documentNo: place('documentNo') };
  if (columns.uscc < 0 || columns.documentNo < 0)
    throw new ListUnreadable('the header has to name uscc (统一社会信用代码) and documentNo (文书号)', '/lines/1');
  return columns;
}

/** An entry, or why a row is none; `line` counts from 1, the header included. */
export function readEntry(row: readonly string[], { uscc, documentNo }: Record<keyof Entry, number>, line: number): Entry | Finding {
  const { code, outcome } = readUscc(row[uscc] ?? '');
  const [wrong] = usccFindings(outcome, `/lines/${line}`);
  if (wrong) return wrong;
  const document = (row[documentNo] ?? '').trim();
  if (document === '') return { code: 'FIELD_MISSING', pointer: `/lines/${line}`, message: 'names no document' };
  if ([...document].length > DOCUMENT_NO_MAX || document.includes('\0'))
    return { code: 'WRONG_FORMAT', pointer: `/lines/${line}`, message: `a document's number has at most ${DOCUMENT_NO_MAX} characters` };
  return { uscc: code, documentNo: document };
}
