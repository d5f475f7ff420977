/*
 * `npm run law:what-if -- RULES FILE`: RULES is a JSON list of rule rows ({name, regime?, value, unit, roll?, validFrom, validTo?}), FILE
 * what `GET /api/deadlines?state=all` (or open, or closed) answers: its CSV, a page, a list, or one deadline or page a line. Prints one line
 * a deadline that would move, those that are open first, then the counts. Exits with 1 for a file that is not read.
 */
import { deadlinesIn, type Listed, rowsIn, Unreadable } from './what-if.files.js';
import { type Moved, whatIf } from './what-if.js';

const [rulesFile = '', deadlinesFile = ''] = process.argv.slice(2);
try {
  if (rulesFile === '' || deadlinesFile === '') throw new Unreadable('npm run law:what-if -- RULES FILE');
  const rows = rowsIn(rulesFile);
  const deadlines = deadlinesIn(deadlinesFile);
  print(deadlines, whatIf(rows, deadlines, new Date()));
} catch (problem) {
  if (!(problem instanceof Unreadable) && !(problem instanceof RangeError)) throw problem;
  console.error(problem.message);
  process.exitCode = 1;
}

function print(deadlines: readonly Listed[], moved: readonly Moved<Listed>[]): void {
  const isOpen = ({ deadline }: Moved<Listed>): boolean => deadline.stoppedOn === null;
  const [open, closed] = [moved.filter(isOpen), moved.filter((one) => !isOpen(one))];
  for (const one of [...open, ...closed]) console.log(lineOf(one));
  const turned = moved.filter(({ from, to }) => from !== to);
  console.log(
    `${deadlines.length} deadlines: ${open.length} open and ${closed.length} closed would move, ${turned.length} would end differently`,
  );
}

function lineOf({ deadline, dueOn, dueAt, provisional, from, to, isLaw }: Moved<Listed>): string {
  const which = [deadline.matter, deadline.subject, deadline.party, deadline.clock].filter((part) => part !== undefined);
  // Within one day only the instants say what has moved.
  const [before, after] = dueOn === deadline.dueOn ? [deadline.dueAt, dueAt] : [deadline.dueOn, dueOn];
  const notes = [...(provisional ? ['provisional'] : []), ...(isLaw ? [] : ['began before the row is law'])];
  return `${which.join(' ')}: ${before} -> ${after}, ${from === to ? from : `${from} -> ${to}`}${notes.map((note) => ` (${note})`).join('')}`;
}
