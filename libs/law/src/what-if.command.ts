/*
 * `npm run law:what-if -- RULES FILE`: RULES is a JSON list of rule rows ({name, regime?, value, unit, roll?, validFrom, validTo?}), FILE
 * what `GET /api/inspection/deadlines?stopped=true` answers: a page, a list, or one deadline a line. Prints one line a deadline that
 * would move, then the counts. Exits with 1 for a file that is not read.
 */
import { readFileSync } from 'node:fs';
import { isCalendarDate } from '@jinqiao/contracts';
import { dayInChina } from './calendar.js';
import { allRules } from './rules.js';
import { type Moved, type SupposedRow, type TimedDeadline, whatIf } from './what-if.js';

type Listed = TimedDeadline & { readonly [name in 'reporterId' | 'sampleNo' | 'party' | 'clock']?: string };

class Unreadable extends Error {}

const [rulesFile = '', deadlinesFile = ''] = process.argv.slice(2);
try {
  if (rulesFile === '' || deadlinesFile === '') throw new Unreadable('npm run law:what-if -- RULES FILE');
  const rows = listIn(rulesFile).map((row, index) => rowOf(row, `${rulesFile}/${index}`));
  const deadlines = listIn(deadlinesFile).map((one, index) => deadlineOf(one, `${deadlinesFile}/${index}`));
  print(deadlines, whatIf(rows, deadlines, dayInChina(new Date())));
} catch (problem) {
  if (!(problem instanceof Unreadable) && !(problem instanceof RangeError)) throw problem;
  console.error(problem.message);
  process.exitCode = 1;
}

function print(deadlines: readonly Listed[], moved: readonly Moved<Listed>[]): void {
  for (const { deadline, dueOn, provisional, from, to, isLaw } of moved) {
    const which = [deadline.reporterId, deadline.sampleNo, deadline.party, deadline.clock].filter((part) => part !== undefined);
    const notes = [...(provisional ? ['provisional'] : []), ...(isLaw ? [] : ['began before the row is law'])];
    console.log(
      `${which.join(' ')}: ${deadline.dueOn} -> ${dueOn}, ${from === to ? from : `${from} -> ${to}`}${notes.map((note) => ` (${note})`).join('')}`,
    );
  }
  const open = moved.filter(({ deadline }) => deadline.stoppedOn === null);
  const turned = moved.filter(({ from, to }) => from !== to);
  console.log(
    `${deadlines.length} deadlines: ${open.length} open and ${moved.length - open.length} closed would move, ${turned.length} would end differently`,
  );
}

function listIn(file: string): unknown[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new Unreadable(`${file}: cannot be read`);
  }
  const whole = parsed(text);
  if (Array.isArray(whole)) return whole;
  if (isObject(whole) && Array.isArray(whole['items'])) return whole['items'];
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    const one = parsed(line);
    if (one === undefined) throw new Unreadable(`${file}:${index + 1}: is not JSON`);
    return [one];
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isDay(value: unknown): value is string {
  return typeof value === 'string' && isCalendarDate(value);
}

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
    'is CALENDAR_DAYS, WORKING_DAYS, MONTHS or YEARS',
  );
  expect(['undefined', 'NONE', 'HOLIDAY', 'NON_WORKING_DAY'].includes(String(row['roll'])), 'roll', 'is NONE, HOLIDAY or NON_WORKING_DAY');
  expect(isDay(row['validFrom']), 'validFrom', 'is a day, YYYY-MM-DD');
  expect(row['validTo'] === undefined || isDay(row['validTo']), 'validTo', 'is a day, YYYY-MM-DD');
  return row as unknown as SupposedRow;
}

function deadlineOf(one: unknown, pointer: string): Listed {
  const isDeadline =
    isObject(one) &&
    isDay(one['startedOn']) &&
    isDay(one['dueOn']) &&
    typeof one['ruleVersion'] === 'string' &&
    (one['stoppedOn'] === null || isDay(one['stoppedOn']));
  if (!isDeadline) throw new Unreadable(`${pointer}: is no deadline (startedOn, dueOn, ruleVersion, stoppedOn)`);
  return one as unknown as Listed;
}
