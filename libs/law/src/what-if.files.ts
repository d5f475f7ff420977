/** Reads what `npm run law:what-if` is given, and says where something is wrong with it. */
import { readFileSync } from 'node:fs';
import { isCalendarDate, isTimestamp } from '@jinqiao/contracts';
import { parse } from 'csv-parse/sync';
import type { Changes } from './pause.js';
import { allRules } from './rules.js';
import type { SupposedRow, TimedDeadline } from './what-if.js';

export type Listed = TimedDeadline & { readonly [name in 'matter' | 'subject' | 'party' | 'clock']?: string };

export class Unreadable extends Error {}

export const rowsIn = (file: string): SupposedRow[] => itemsIn(file).map((row, at) => rowOf(row, `${file}/${at}`));
export const deadlinesIn = (file: string): Listed[] => itemsIn(file).map((one, at) => deadlineOf(one, `${file}/${at}`));

/** The entries of a table, of a list, of a page or of several, one a line. */
function itemsIn(file: string): unknown[] {
  const text = readOf(file).replace(/^\uFEFF/, '');
  const whole = parsed(text);
  if (whole !== undefined) return itemsOf(whole);
  if (HEADING.test(text)) return tableIn(file, text);
  return text.split('\n').flatMap((line, at) => {
    if (line.trim() === '') return [];
    const one = parsed(line);
    if (one === undefined) throw new Unreadable(`${file}:${at + 1}: is not JSON`);
    return itemsOf(one);
  });
}

/** The first line of a table; a list or an object begins with its bracket. */
const HEADING = /^[^{[\n]*\bstartedOn\b/;

function readOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new Unreadable(`${file}: cannot be read`);
  }
}

function itemsOf(one: unknown): unknown[] {
  if (Array.isArray(one)) return one;
  return isObject(one) && Array.isArray(one['items']) ? one['items'] : [one];
}

/** An empty cell is what is not known. */
function tableIn(file: string, text: string): unknown[] {
  try {
    const rows: Record<string, string>[] = parse(text, { columns: true });
    return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, cell === '' ? null : cell])));
  } catch (problem) {
    throw new Unreadable(`${file}: ${problem instanceof Error ? problem.message : 'is no table'}`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isDay = (value: unknown): value is string => typeof value === 'string' && isCalendarDate(value);

function rowOf(row: unknown, pointer: string): SupposedRow {
  const expect = (ok: boolean, field: string, what: string): void => {
    if (!ok) throw new Unreadable(`${pointer}/${field}: ${what}`);
  };
  if (!isObject(row)) throw new Unreadable(`${pointer}: is no rule row`);
  const names = new Set(allRules().map(({ name }) => name));
  expect(names.has(String(row['name'])), 'name', 'is no rule; a new one moves nothing that was computed');
  expect(Number.isInteger(row['value']) && Number(row['value']) >= 0, 'value', 'is a whole number');
  expect(
    ['HOURS', 'CALENDAR_DAYS', 'WORKING_DAYS', 'MONTHS', 'YEARS'].includes(String(row['unit'])),
    'unit',
    'is HOURS, CALENDAR_DAYS, WORKING_DAYS, MONTHS or YEARS',
  );
  expect(['undefined', 'NONE', 'HOLIDAY', 'NON_WORKING_DAY'].includes(String(row['roll'])), 'roll', 'is NONE, HOLIDAY or NON_WORKING_DAY');
  expect(isDay(row['validFrom']), 'validFrom', 'is a day, YYYY-MM-DD');
  expect(row['validTo'] === undefined || isDay(row['validTo']), 'validTo', 'is a day, YYYY-MM-DD');
  return row as unknown as SupposedRow;
}

function deadlineOf(one: unknown, pointer: string): Listed {
  if (isObject(one) && one['deadlineId'] === 'CUT') throw new Unreadable(`${pointer}: the list was cut; get it in parts, by from and to`);
  const { startedOn, startedAt, dueOn, dueAt, stoppedOn, stoppedAt, legalBasis, pauses, extensions, ...rest } = isObject(one) ? one : {};
  const changes = { pauses: listIn(pauses), extensions: listIn(extensions) };
  const ruleVersion = isObject(legalBasis) ? legalBasis['ruleVersion'] : rest['ruleVersion'];
  const isDeadline =
    isDay(startedOn) &&
    isDay(dueOn) &&
    isTimestamp(dueAt) &&
    typeof ruleVersion === 'string' &&
    (startedAt === null || isTimestamp(startedAt)) &&
    (stoppedOn === null || isDay(stoppedOn)) &&
    (stoppedAt === null || isTimestamp(stoppedAt)) &&
    changes.pauses.every(isPause) &&
    changes.extensions.every(isExtension);
  if (!isDeadline)
    throw new Unreadable(
      `${pointer}: is no deadline (startedOn, startedAt, dueOn, dueAt, stoppedOn, stoppedAt, pauses, extensions, ruleVersion)`,
    );
  const { pauses: paused, extensions: extended } = changes as Required<Changes>;
  return { ...rest, startedOn, startedAt, dueOn, dueAt, stoppedOn, stoppedAt, ruleVersion, pauses: paused, extensions: extended };
}

/** A table has them as JSON in their cells; a list that was made before there were any has none. */
function listIn(given: unknown): readonly unknown[] {
  const list = typeof given === 'string' ? parsed(given) : (given ?? []);
  return Array.isArray(list) ? list : [given];
}

const isPause = (one: unknown): boolean => isObject(one) && isDay(one['from']) && (one['to'] === null || isDay(one['to']));
const isExtension = (one: unknown): boolean =>
  isObject(one) &&
  isDay(one['on']) &&
  Number.isInteger(one['value']) &&
  (one['ruleVersion'] === null || typeof one['ruleVersion'] === 'string');
