import pg from 'pg';

/** What is asked less often on a connection is not worth keeping there; pgjdbc's `prepareThreshold` is the same. */
const USES_BEFORE = 5;
/** Each kept statement occupies memory in a process of the server. */
const KEPT_MAX = 100;
const COUNTED_MAX = 1_000;
/** A migration changed what a kept statement answers, or it is not there: a pooler gave the connection to another process of the server. */
const OUTDATED = new Set(['0A000', '26000']);

/**
 * A connection on which PostgreSQL parses a statement once and not with each use: what is asked again and again with parameters gets a
 * name ([PREPARE](https://www.postgresql.org/docs/18/sql-prepare.html)). Parsing an INSERT of 25 columns takes longer than carrying it
 * out for a few rows.
 */
export class PreparingClient extends pg.Client {
  private readonly uses = new Map<string, number>();
  private readonly names = new Map<string, string>();
  private named = 0;

  // Stands for every signature of node-postgres; only a text with parameters and no callback, which is how TypeORM asks, is looked at.
  override query(...asked: unknown[]): never {
    const query = super.query.bind(this) as (...args: unknown[]) => unknown;
    const [text, values] = asked;
    const name = asked.length === 2 && typeof text === 'string' && Array.isArray(values) && values.length > 0 ? this.nameOf(text) : null;
    if (name === null) return query(...asked) as never;
    return (query({ name, text, values }) as Promise<unknown>).catch((problem: unknown) => {
      if (problem instanceof pg.DatabaseError && OUTDATED.has(problem.code ?? '')) this.names.clear();
      throw problem;
    }) as never;
  }

  private nameOf(text: string): string | null {
    const known = this.names.get(text) ?? null;
    if (known !== null || this.names.size === KEPT_MAX) return known;
    // Texts that are made anew for each use would be counted without end.
    if (this.uses.size === COUNTED_MAX) this.uses.clear();
    const uses = (this.uses.get(text) ?? 0) + 1;
    this.uses.set(text, uses);
    if (uses <= USES_BEFORE) return null;
    this.named += 1;
    const name = `kept_${this.named}`;
    this.names.set(text, name);
    return name;
  }
}
