type Rows<Column extends string> = readonly Readonly<Partial<Record<Column, unknown>>>[];

/** A set of rows as a statement reads it. */
export interface Unnested {
  /** The names of the columns, with commas. */
  readonly columns: string;
  /** A FROM item: the rows, in their order, with a last column `position` from 1 on. */
  readonly from: string;
  /** One array literal a column. */
  readonly values: readonly string[];
}

/**
 * Many rows in few parameters: one array a column, in the words of PostgreSQL's array literals. It costs half of what json_to_recordset
 * costs the server, and a fraction of what node-postgres needs for as many single parameters. Objects and arrays become JSON, dates RFC
 * 3339, null and undefined NULL. `first` is the number of the first parameter.
 */
export function unnested<Column extends string>(types: Readonly<Record<Column, string>>, rows: Rows<Column>, first = 1): Unnested {
  const names = Object.keys(types) as Column[];
  const arrays = names.map((name, place) => `$${first + place}::${types[name]}[]`);
  const columns = names.join(', ');
  return {
    columns,
    from: `unnest(${arrays.join(', ')}) WITH ORDINALITY AS given (${columns}, position)`,
    values: names.map((name) => arrayLiteral(rows, name)),
  };
}

function arrayLiteral<Column extends string>(rows: Rows<Column>, name: Column): string {
  let literal = '';
  let last: unknown = null;
  let written = 'NULL';
  for (const row of rows) {
    // Half of a batch's columns hold the same value in each row.
    if (row[name] !== last) {
      last = row[name];
      written = element(last);
    }
    literal += (literal === '' ? '{' : ',') + written;
  }
  return `${literal || '{'}}`;
}

function element(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return JSON.stringify(value instanceof Date ? value.toISOString() : JSON.stringify(value));
}

// Both literals quote with a backslash, but \n is a line's end in JSON and an n in PostgreSQL's. What is JSON already holds nothing that
// is written so; another text that holds what lies before the space, or half a surrogate pair, is quoted without JSON.
const quoted = (text: string): string =>
  /[^ -\uffff]/.test(text) || !text.isWellFormed() ? `"${text.replace(/["\\]/g, '\\$&')}"` : JSON.stringify(text);
