import { type Applied, type CursorPosition, decodeCursor, encodeCursor, SubjectNeverApplied } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import {
  type Contribution,
  type Counts,
  type Dimension,
  DIMENSIONS,
  MOST_CELLS,
  newestOf,
  type Rate,
  type RateCell,
  rateOf,
  type RateQuestion,
} from './sampling-rate.js';
import { SamplingContribution } from './sampling-rate.entity.js';

export interface SamplingRatesAnswer {
  cells: RateCell[];
  total: Rate;
  next: string | null;
}

// A number of rows is counted in bigint by PostgreSQL and arrives as text; the sums stay far below 2^53.
const COUNTS = `
  coalesce(sum(r.results), 0)::float8 AS results,
  coalesce(sum(r.unqualified), 0)::float8 AS unqualified,
  coalesce(sum(r.results) FILTER (WHERE r.coverage = 'COMPLETE_ROUND'), 0)::float8 AS "completeResults",
  coalesce(sum(r.unqualified) FILTER (WHERE r.coverage = 'COMPLETE_ROUND'), 0)::float8 AS "completeUnqualified"`;

const FROM = 'FROM rollups r LEFT JOIN platform_names n ON n.name = r.platform';

const COLUMN: Readonly<Record<Dimension, string>> = {
  period: 'r.period',
  periodBasis: 'r.period_basis',
  regime: 'r.regime',
  category: 'r.category',
  platform: 'coalesce(n.organisation_id, r.platform)',
  division: 'r.division',
  coverage: 'r.coverage',
};

const BUCKET = 'period, period_basis, regime, category, platform, division, coverage';

/**
 * One statement, so that the difference is taken from the very row that the upsert replaced: a late or repeated revision changes no row and
 * so no sum, whoever else is writing. Both tables are written in key order, so two batches never wait for each other in a circle.
 */
const APPLY = `
  WITH incoming AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS x(subject text, revision integer, verdict text, period text, period_basis text, regime text,
                                                     category text, platform text, division text, coverage text)
  ), applied AS (
    INSERT INTO contributions (subject, revision, verdict, ${BUCKET})
    SELECT subject, revision, verdict, ${BUCKET} FROM incoming ORDER BY subject
    ON CONFLICT (subject) DO UPDATE SET
      (revision, verdict, ${BUCKET}) = ROW (excluded.revision, excluded.verdict, excluded.period, excluded.period_basis, excluded.regime,
                                            excluded.category, excluded.platform, excluded.division, excluded.coverage),
      applied_at = clock_timestamp()
    WHERE contributions.revision < excluded.revision
    RETURNING old AS before, new AS after
  ), changes AS (
    SELECT (before).*, -1 AS sign FROM applied
    UNION ALL
    SELECT (after).*, 1 AS sign FROM applied
  )
  INSERT INTO rollups (${BUCKET}, results, unqualified)
  SELECT ${BUCKET}, sum(sign), coalesce(sum(sign) FILTER (WHERE verdict = 'UNQUALIFIED'), 0)
  FROM changes
  WHERE verdict IS NOT NULL
  GROUP BY ${BUCKET}
  HAVING sum(sign) <> 0 OR coalesce(sum(sign) FILTER (WHERE verdict = 'UNQUALIFIED'), 0) <> 0
  ORDER BY ${BUCKET}
  ON CONFLICT (${BUCKET}) DO UPDATE SET
    results = rollups.results + excluded.results,
    unqualified = rollups.unqualified + excluded.unqualified`;

@Injectable()
export class SamplingRates {
  constructor(private readonly db: DataSource) {}

  /** Replaces what these results added before. Revisions that are not higher than the applied one do nothing. */
  async apply(tx: EntityManager, contributions: readonly Contribution[]): Promise<void> {
    const rows = newestOf(contributions).map(({ subject, revision, counted }) => ({
      subject,
      revision,
      ...counted,
      period_basis: counted?.periodBasis,
    }));
    await tx.query(APPLY, [JSON.stringify(rows)]);
  }

  /** Cells and total of one moment. */
  async rates(question: RateQuestion): Promise<SamplingRatesAnswer> {
    return this.db.transaction('REPEATABLE READ', async (tx) => {
      const { where, values } = condition(question);
      const [total] = await tx.query<Counts[]>(`SELECT ${COUNTS} ${FROM} ${where}`, values);
      const cells = await findCells(tx, question);
      const page = cells.slice(0, question.limit ?? MOST_CELLS);
      const last = page.at(-1);
      return {
        cells: page.map(cellOf(question.groupBy ?? [])),
        total: rateOf(total ?? { results: 0, unqualified: 0, completeResults: 0, completeUnqualified: 0 }),
        next: cells.length > page.length && last ? encodeCursor(listName(question), positionOf(question, last)) : null,
      };
    });
  }

  async applied(subject: string): Promise<Applied> {
    const found = await this.db.manager.findOneBy(SamplingContribution, { subject });
    if (!found) throw new SubjectNeverApplied();
    return { revision: found.revision, appliedAt: found.appliedAt };
  }
}

type CellRow = Counts & Partial<Record<Dimension, string>>;

const cellOf =
  (groupBy: readonly Dimension[]) =>
  ({ results, unqualified, completeResults, completeUnqualified, ...at }: CellRow): RateCell => ({
    ...Object.fromEntries(groupBy.map((name) => [name, at[name]])),
    ...rateOf({ results, unqualified, completeResults, completeUnqualified }),
  });

// One more than asked for: it tells whether there is a next page.
async function findCells(tx: EntityManager, question: RateQuestion): Promise<CellRow[]> {
  const { groupBy = [], cursor, limit = MOST_CELLS } = question;
  const { where, values } = condition(question);
  const names = groupBy.map((name) => `"${name}"`).join(', ');
  if (names === '') return tx.query<CellRow[]>(`SELECT ${COUNTS} ${FROM} ${where} HAVING count(*) > 0`, values);
  const columns = groupBy.map((name) => `${COLUMN[name]} AS "${name}"`).join(', ');
  const after = cursor === undefined ? [] : decodeCursor(listName(question), cursor);
  const past = after.length === 0 ? '' : `WHERE (${names}) > (${after.map((_value, at) => `$${values.length + 1 + at}`).join(', ')})`;
  return tx.query<CellRow[]>(
    `SELECT * FROM (SELECT ${columns}, ${COUNTS} ${FROM} ${where} GROUP BY ${groupBy.map((name) => COLUMN[name]).join(', ')}) cells
     ${past} ORDER BY ${names} LIMIT ${limit + 1}`,
    [...values, ...after],
  );
}

function condition({ from, to, ...question }: RateQuestion): { where: string; values: string[] } {
  const terms = ['r.results <> 0'];
  const values: string[] = [];
  const add = (term: string, value: string): void => {
    values.push(value);
    terms.push(`${term} $${values.length}`);
  };
  for (const name of DIMENSIONS) {
    const value = question[name];
    if (value !== undefined) add(`${COLUMN[name]} =`, value);
  }
  // A year and "unknown" are no months, so no range of months holds them.
  if (from !== undefined || to !== undefined) terms.push('length(r.period) = 7', "r.period <> 'unknown'");
  if (from !== undefined) add('r.period >=', from);
  if (to !== undefined) add('r.period <=', to);
  return { where: `WHERE ${terms.join(' AND ')}`, values };
}

const listName = ({ groupBy = [] }: RateQuestion): string => `sampling-rates:${groupBy.join(',')}`;
const positionOf = ({ groupBy = [] }: RateQuestion, cell: CellRow): CursorPosition => groupBy.map((name) => cell[name] ?? '');
