import { csvLine, CSV_MARK, type DeadlineEntry } from '@jinqiao/platform';
import { cutNotice, titleOf } from './deadline.words.js';

/** The columns, under the names of the fields: `npm run law:what-if` reads them. */
const COLUMNS: Readonly<Record<string, (entry: DeadlineEntry) => string | number | boolean | null | undefined>> = {
  deadlineId: ({ deadlineId }) => deadlineId,
  title: titleOf,
  matter: ({ matter }) => matter,
  subject: ({ subject }) => subject,
  clock: ({ clock }) => clock,
  kind: ({ kind }) => kind,
  party: ({ party }) => party,
  startedOn: ({ startedOn }) => startedOn,
  startedAt: ({ startedAt }) => startedAt,
  dueOn: ({ dueOn }) => dueOn,
  dueAt: ({ dueAt }) => dueAt,
  pauses: ({ pauses }) => listed(pauses),
  extensions: ({ extensions }) => listed(extensions),
  left: ({ left }) => left,
  stoppedOn: ({ stoppedOn }) => stoppedOn,
  stoppedAt: ({ stoppedAt }) => stoppedAt,
  state: ({ state }) => state,
  provisional: ({ provisional }) => provisional,
  firstDueOn: ({ firstDueOn }) => firstDueOn,
  instrument: ({ legalBasis }) => legalBasis.instrument,
  article: ({ legalBasis }) => legalBasis.article,
  ruleVersion: ({ legalBasis }) => legalBasis.ruleVersion,
  department: ({ department }) => department,
  handler: ({ handler }) => handler,
  overdueRaisedAt: ({ overdueRaisedAt }) => overdueRaisedAt,
};

const listed = (list: readonly object[]): string => (list.length === 0 ? '' : JSON.stringify(list));

/** A table for spreadsheet programs. Where it was cut, its last row says so; `cut` is null where it is whole. */
export function tableOf(entries: readonly DeadlineEntry[], cut: number | null): string {
  const read = Object.values(COLUMNS);
  const rows = entries.map((entry) => csvLine(read.map((cell) => String(cell(entry) ?? ''))));
  const end = cut === null ? '' : csvLine(['CUT', cutNotice(cut), ...read.slice(2).map(() => '')]);
  return `${CSV_MARK}${csvLine(Object.keys(COLUMNS))}${rows.join('')}${end}`;
}
