import pg from 'pg';

/** What is asked less often on a connection is not worth keeping there; pgjdbc's `prepareThreshold` is the same. */
const USES_BEFORE = 5;
/**
 * PostgreSQL plans so many uses of a statement for their own values. Then it may keep one plan for all, where that seems no dearer. Planning
 * takes longer than carrying out what only looks up some keys, but a plan stays that of an empty table while it grows a thousandfold: so a
 * name is given up when it has had these uses and is as old as this, and what is asked seldom never comes to a plan for all.
 * `plan_cache_mode` would be no way: with it every foreign key is planned anew for every row.
 */
const USES_OF_A_NAME = 5;
const NAME_LASTS_MS = 1_000;
/** Each kept statement occupies memory in a process of the server. */
const KEPT_MAX = 100;
const COUNTED_MAX = 1_000;
/** A migration changed what a kept statement answers, or it is not there: a pooler gave the connection to another process of the server. */
const OUTDATED = new Set(['0A000', '26000']);

interface Kept {
  readonly name: string;
  readonly since: number;
  uses: number;
}

/**
 * A connection on which PostgreSQL parses and plans a statement once for many uses and not with each: what is asked again and again with
 * parameters gets a name ([PREPARE](https://www.postgresql.org/docs/18/sql-prepare.html)). Parsing an INSERT of 25 columns takes longer than carrying
 * it out for a few rows.
 */
export class PreparingClient extends pg.Client {
  private readonly uses = new Map<string, number>();
  private readonly kept = new Map<string, Kept>();
  private named = 0;

  // Stands for every signature of node-postgres; only a text with parameters and no callback, which is how TypeORM asks, is looked at.
  override query(...asked: unknown[]): never {
    const query = super.query.bind(this) as (...args: unknown[]) => unknown;
    const [text, values] = asked;
    if (asked.length !== 2 || typeof text !== 'string' || !Array.isArray(values) || values.length === 0) return query(...asked) as never;
    const kept = this.keptOf(text);
    if (!kept) return query(...asked) as never;
    kept.uses += 1;
    const isLast = kept.uses >= USES_OF_A_NAME && performance.now() - kept.since >= NAME_LASTS_MS;
    if (isLast) this.kept.delete(text);
    return (query({ name: kept.name, text, values }) as Promise<unknown>)
      .catch((problem: unknown) => {
        if (problem instanceof pg.DatabaseError && OUTDATED.has(problem.code ?? '')) this.kept.clear();
        throw problem;
      })
      .finally(() => isLast && this.forget(kept.name)) as never;
  }

  private keptOf(text: string): Kept | null {
    const known = this.kept.get(text) ?? null;
    if (known !== null || this.kept.size === KEPT_MAX) return known;
    // Texts that are made anew for each use would be counted without end.
    if (this.uses.size === COUNTED_MAX) this.uses.clear();
    const uses = (this.uses.get(text) ?? 0) + 1;
    this.uses.set(text, uses);
    if (uses <= USES_BEFORE) return null;
    this.named += 1;
    const kept = { name: `kept_${this.named}`, since: performance.now(), uses: 0 };
    this.kept.set(text, kept);
    return kept;
  }

  /** Goes with whatever is sent next: nobody waits for the answer. */
  private forget(name: string): void {
    const { connection } = this as unknown as { connection: Wire };
    if (!connection.stream.writable) return;
    connection.close({ type: 'S', name });
    Reflect.deleteProperty(connection.parsedStatements, name);
  }
}

/** What node-postgres keeps to itself of its connection. */
interface Wire {
  readonly stream: { readonly writable: boolean };
  readonly parsedStatements: Record<string, string>;
  close(which: { type: 'S'; name: string }): void;
}
