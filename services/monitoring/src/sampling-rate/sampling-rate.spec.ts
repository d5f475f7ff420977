import { readFileSync } from 'node:fs';
import { SamplingResultPublished } from '@jinqiao/contracts';
import { contributionOf, newestOf, rateOf, refuseUnknown, UnknownRateParameter, withdrawn } from './sampling-rate.js';

const published = (fields: Partial<SamplingResultPublished> = {}): SamplingResultPublished => ({
  reporterId: 'tj-amr',
  sampleNo: 'S1',
  revision: 1,
  reportedRevision: 1,
  acceptedAt: '2026-11-23T08:00:00Z',
  regime: 'FOOD',
  finality: 'FINAL',
  verdict: 'UNQUALIFIED',
  product: { name: '菠萝干', category: '水果制品' },
  notice: { no: 'N1', publishedOn: '2026-10-30' },
  ...fields,
});
const counted = (fields: Partial<SamplingResultPublished> = {}) => contributionOf('tj-amr:S1', published(fields)).counted;

describe('what a result adds to the statistics', () => {
  it.each(['QUALIFIED', 'UNQUALIFIED'] as const)('counts a final result that is %s', (verdict) => {
    expect(counted({ verdict })?.verdict).toBe(verdict);
  });

  it.each(['UNDETERMINED', 'NOT_TESTED'] as const)('does not count %s', (verdict) => {
    expect(counted({ verdict })).toBeNull();
  });

  it('does not count a provisional result', () => {
    expect(counted({ finality: 'PROVISIONAL' })).toBeNull();
  });

  it('takes the month of sampling before the month of publication', () => {
    expect(counted({ sampledOn: '2026-08-31' })).toMatchObject({ period: '2026-08', periodBasis: 'SAMPLED_ON' });
    expect(counted()).toMatchObject({ period: '2026-10', periodBasis: 'PUBLISHED_ON' });
    expect(counted({ notice: { no: 'N1', publishedOn: '2026-10' } })).toMatchObject({ period: '2026-10', periodBasis: 'PUBLISHED_ON' });
  });

  it('never spreads a year over its months, nor invents a period', () => {
    expect(counted({ notice: { no: 'N1', publishedOn: '2019' } })).toMatchObject({ period: '2019', periodBasis: 'PUBLISHED_YEAR' });
    expect(counted({ notice: { no: 'N1' } })).toMatchObject({ period: 'unknown', periodBasis: 'UNKNOWN' });
  });

  it('counts spellings of one category together, within its regime only', () => {
    expect(counted({ product: { name: '羊杂', category: '肉及肉制品' } })?.category).toBe('肉制品');
    expect(counted({ regime: 'PRODUCT', product: { name: '杯', category: '其他' } })?.category).toBe('其他');
    expect(counted({ product: { name: '某物', category: ' 火星制品 ' } })?.category).toBe('火星制品');
    expect(counted({ product: { name: '某物' } })?.category).toBe('unknown');
  });

  it('keeps offline apart from a platform nobody printed', () => {
    expect(counted()?.platform).toBe('offline');
    expect(counted({ online: { shopName: '某店' } })?.platform).toBe('unknown');
    expect(counted({ online: { platformName: ' 京 东' } })?.platform).toBe('京东');
    expect(counted({ online: { platformId: 'jd', platformName: '京东' } })?.platform).toBe('jd');
  });

  it('takes the division and the coverage as they are', () => {
    expect(counted()).toMatchObject({ division: 'unknown', coverage: 'unknown' });
    const complete = counted({ sampledParty: { name: '某店', divisionCode: '120104' }, round: { no: 'R1', coverage: 'COMPLETE_ROUND' } });
    expect(complete).toMatchObject({ division: '120104', coverage: 'COMPLETE_ROUND' });
  });

  it('keeps only the newest of several states, whatever their order', () => {
    const states = [2, 4, 3].map((revision) => contributionOf('tj-amr:S1', published({ revision })));
    expect(newestOf([...states, withdrawn('tj-amr:S2', 1)])).toEqual([states[1], withdrawn('tj-amr:S2', 1)]);
  });
});

describe('rates', () => {
  it('shows a rate for complete rounds only, and counts for all', () => {
    expect(rateOf({ results: 15, unqualified: 6, completeResults: 10, completeUnqualified: 1 })).toMatchObject({
      results: 15,
      unqualified: 6,
      rate: 0.1,
    });
    expect(rateOf({ results: 5, unqualified: 5, completeResults: 0, completeUnqualified: 0 }).rate).toBeNull();
  });

  it('refuses a parameter it does not know', () => {
    expect(() => refuseUnknown(['groupBy', 'catgory'])).toThrow(UnknownRateParameter);
    expect(() => refuseUnknown(['groupBy', 'from', 'regime'])).not.toThrow();
  });
});

// Three million results, one by one, give the rates that the State Administration printed.
describe('the published food table of the second half of 2019', () => {
  const printed = readFileSync(`${process.cwd()}/data/published-rates.csv`, 'utf8')
    .split('\n')
    .flatMap((line) => /^CN-2019H2,.*,([^,"]+|"[^"]+"),(\d+),(\d+),([\d.]+)\r?$/.exec(line) ?? [])
    .reduce<string[][]>((rows, cell, at) => (at % 5 === 0 ? [...rows, []] : (rows.at(-1)?.push(cell), rows)), []);

  it('comes out exactly as printed, class by class and in total', () => {
    const sums = new Map<string, { results: number; unqualified: number }>();
    const add = (name: string, failed: boolean): void => {
      const sum = sums.get(name) ?? { results: 0, unqualified: 0 };
      sum.results += 1;
      sum.unqualified += Number(failed);
      sums.set(name, sum);
    };
    const rows = printed.map(([label = '', samples, failed, rate = '']) => ({
      label: label.replaceAll('"', ''),
      samples: Number(samples),
      failed: Number(failed),
      rate,
    }));
    for (const { label, samples, failed } of rows.filter((row) => row.label !== '合计')) {
      const round = { no: '2019H2', coverage: 'COMPLETE_ROUND' as const };
      const states = (['QUALIFIED', 'UNQUALIFIED'] as const).map((verdict) =>
        published({ verdict, round, product: { name: label, category: label } }),
      );
      for (let at = 0; at < samples; at += 1) {
        const state = states[at < failed ? 1 : 0];
        const bucket = state && contributionOf(`tj-amr:${label}${at}`, state).counted;
        add(bucket?.category ?? '', bucket?.verdict === 'UNQUALIFIED');
        add('合计', bucket?.verdict === 'UNQUALIFIED');
      }
    }
    expect(rows).toHaveLength(36);
    for (const { label, samples, rate } of rows) {
      const sum = sums.get(counted({ product: { name: label, category: label } })?.category ?? '');
      expect({ label, results: sum?.results, rate: percent(sum, 1) }).toEqual({ label, results: samples, rate });
    }
    // Three and a half million results take 3 s on an idle machine; a busy one is not wrong.
  }, 120_000);
});

function percent(sum: { results: number; unqualified: number } | undefined, digits: number): string {
  if (!sum) return 'not counted';
  const { rate } = rateOf({ ...sum, completeResults: sum.results, completeUnqualified: sum.unqualified });
  return ((rate ?? NaN) * 100).toFixed(digits);
}
