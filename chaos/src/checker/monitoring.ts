import { checkFollowed } from './credit.js';
import type { Final } from './expected.js';
import type { Findings } from './findings.js';
import type { Tables } from './tables.js';

const BUCKET = 'period, period_basis, regime, category, platform, division, coverage';

/** Every sum is that of a recount: from the rows it was made of, and from the history. */
export async function checkMonitoring(finals: ReadonlyMap<string, Final>, tables: Tables, findings: Findings): Promise<void> {
  const rows = await tables.rows<{ subject: string; revision: number; verdict: string | null }>(
    'monitoring',
    'SELECT subject, revision, verdict FROM contributions',
  );
  checkFollowed('monitoring', finals, rows, findings);
  const expected = new Map([...finals].map(([subject, final]) => [subject, countedIn(final)]));
  for (const { subject, verdict } of rows) {
    const counted = expected.get(subject)?.verdict ?? null;
    findings.expect(
      verdict === counted,
      'EFFECT_WRONG',
      `monitoring counts ${subject} as ${verdict ?? 'nothing'}, not as ${counted ?? 'nothing'}`,
    );
  }
  const wrong = await tables.rows<{ bucket: string; kept: string; recount: string }>(
    'monitoring',
    `WITH kept AS (SELECT ${BUCKET}, results, unqualified FROM rollups WHERE results <> 0 OR unqualified <> 0),
          recount AS (SELECT ${BUCKET}, count(*) AS results, count(*) FILTER (WHERE verdict = 'UNQUALIFIED') AS unqualified
                      FROM contributions WHERE verdict IS NOT NULL GROUP BY ${BUCKET})
     SELECT concat_ws('/', period, category, platform) AS bucket, kept.results || '/' || kept.unqualified AS kept,
            recount.results || '/' || recount.unqualified AS recount
     FROM kept FULL JOIN recount USING (${BUCKET})
     WHERE (kept.results, kept.unqualified) IS DISTINCT FROM (recount.results, recount.unqualified)`,
  );
  for (const { bucket, kept, recount } of wrong)
    findings.add('AGGREGATE_WRONG', `${bucket} says ${kept}, a recount of its rows ${recount}`);
  await checkSums(
    [...expected.values()].filter((one) => one !== null),
    tables,
    findings,
  );
}

interface Counted {
  readonly verdict: string;
  readonly period: string;
  readonly platform: string;
}

function countedIn({ announced }: Final): Counted | null {
  const last = announced.filter(({ topic }) => topic === 'inspection.sampling-result.v1').at(-1);
  if (last?.type !== 'SamplingResultPublished') return null;
  const { verdict, sampledOn, publishedOn, platformId } = last.report;
  return { verdict, period: (sampledOn ?? publishedOn).slice(0, 7), platform: platformId ?? 'offline' };
}

async function checkSums(counted: readonly Counted[], tables: Tables, findings: Findings): Promise<void> {
  const expected = new Map<string, { results: number; unqualified: number }>();
  for (const { verdict, period, platform } of counted) {
    const sums = expected.get(`${period} ${platform}`) ?? { results: 0, unqualified: 0 };
    expected.set(`${period} ${platform}`, {
      results: sums.results + 1,
      unqualified: sums.unqualified + (verdict === 'UNQUALIFIED' ? 1 : 0),
    });
  }
  const rows = await tables.rows<{ name: string; results: number; unqualified: number }>(
    'monitoring',
    `SELECT period || ' ' || platform AS name, sum(results)::float8 AS results, sum(unqualified)::float8 AS unqualified
     FROM rollups GROUP BY period, platform HAVING sum(results) <> 0 OR sum(unqualified) <> 0`,
  );
  for (const { name, results, unqualified } of rows) {
    const right = expected.get(name) ?? { results: 0, unqualified: 0 };
    expected.delete(name);
    const isRight = right.results === results && right.unqualified === unqualified;
    findings.expect(
      isRight,
      'AGGREGATE_WRONG',
      `${name} says ${unqualified} of ${results}, the history ${right.unqualified} of ${right.results}`,
    );
  }
  for (const [name, { results }] of expected) findings.add('AGGREGATE_WRONG', `${name} says nothing, the history ${results} results`);
}
