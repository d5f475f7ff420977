// Drives the real service by events and reads it back over HTTP. Each test has a category of its own, so none sees another's results.
import { readFileSync } from 'node:fs';
import {
  OrganisationChanged,
  OrganisationRegistered,
  SamplingResultPublished,
  samplingResults,
  SamplingResultWithdrawn,
  typeOf,
} from '@jinqiao/contracts';
import { KafkaConnection } from '@jinqiao/messaging';
import { routesThatNameNobody } from '@jinqiao/platform';
import {
  anOrganisation,
  aSamplingResult,
  type Changes,
  eventually,
  type Http,
  type Place,
  realServers,
  startTestService,
  type TestService,
} from '@jinqiao/testing';
import { DataSource } from 'typeorm';
import { MonitoringModule } from '../monitoring.module.js';
import { contributionOf } from './sampling-rate.js';
import { type EventRecount, recountEvents, recountRollups } from './sampling-rate.recount.js';
import { SamplingRates, type SamplingRatesAnswer } from './sampling-rate.service.js';

let place: Place;
let service: TestService;
let department: Http;

beforeAll(async () => {
  place = await (await realServers()).place('monitoring');
  service = await startTestService(MonitoringModule, place);
  department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
}, 120_000);

afterAll(() => service.close());

const complete = { round: { no: 'R1', coverage: 'COMPLETE_ROUND' } } as const;
const aResult = (category: string, sampleNo: string, changes: Changes<SamplingResultPublished> = {}): SamplingResultPublished =>
  aSamplingResult({ sampleNo: `${category}-${sampleNo}`, product: { category }, ...complete, ...changes });
const withdrawal = (result: SamplingResultPublished, revision: number): SamplingResultWithdrawn => ({
  ...result,
  revision,
  ...{ reason: '报送有误', withdrawnAt: '2024-06-01T00:00:00.000Z' },
});

async function rates(query: string): Promise<SamplingRatesAnswer> {
  const { status, body } = await department.get<SamplingRatesAnswer>(`/api/monitoring/sampling-rates?${query}`);
  expect(status).toBe(200);
  return body;
}
const total = async (category: string): Promise<string> => {
  const { results, unqualified } = (await rates(`category=${encodeURIComponent(category)}`)).total;
  return `${unqualified} of ${results}`;
};
const applied = (result: SamplingResultPublished, revision: number): Promise<void> =>
  eventually(async () => {
    const subject = encodeURIComponent(`${result.reporterId}:${result.sampleNo}`);
    const { body } = await department.get(`/api/monitoring/applied/${subject}`);
    expect(body).toMatchObject({ revision, appliedAt: expect.stringMatching(/^\d{4}-/) as unknown });
  });

/** Sends these on one partition, then a result of no interest, and waits for that: by then all of them have been looked at. */
async function sendInOrder(...results: readonly SamplingResultPublished[]): Promise<void> {
  sent += 1;
  const marker = aResult('标记', `${sent}`);
  const messages = [...results, marker].map((result, at) => ({
    key: `tj-amr:${result.sampleNo}`,
    value: result,
    partition: 0,
    headers: {
      ...{ ce_specversion: '1.0', ce_id: `${sent}-${at}`, ce_source: '/services/inspection', ce_revision: String(result.revision) },
      ...{ ce_type: typeOf(SamplingResultPublished), ce_time: '2024-06-01T00:00:00Z', 'content-type': 'application/json' },
    },
  }));
  await place.outside('service.inspection').produce(samplingResults.topic, messages);
  await applied(marker, 1);
}
let sent = 0;

describe('following published results', () => {
  it('counts a result once when it is delivered twice', async () => {
    const result = aResult('一次', 'A');
    await place.publish(SamplingResultPublished, result, { id: 'delivered-twice' });
    await place.publish(SamplingResultPublished, result, { id: 'delivered-twice' });
    await sendInOrder(result, result, aResult('一次', 'B', { verdict: 'QUALIFIED', failingItems: undefined }));
    await applied(result, 1);
    expect(await total('一次')).toBe('1 of 2');
  });

  it('replaces what a result added by its next revision, and ignores a late one', async () => {
    const result = aResult('订正', 'A');
    await sendInOrder(result, { ...result, revision: 3, verdict: 'QUALIFIED' });
    expect(await total('订正')).toBe('0 of 1');
    await sendInOrder({ ...result, revision: 2 });
    expect(await total('订正')).toBe('0 of 1');
    await sendInOrder({ ...result, revision: 4, product: { name: '花生', category: '订正后' } });
    expect(await total('订正')).toBe('0 of 0');
    expect(await total('订正后')).toBe('1 of 1');
  });

  it('takes a withdrawn result out, and in again when it is revived', async () => {
    const result = aResult('撤回', 'A');
    await place.publish(SamplingResultPublished, result);
    await place.publish(SamplingResultWithdrawn, withdrawal(result, 2));
    await applied(result, 2);
    expect(await total('撤回')).toBe('0 of 0');
    await place.publish(SamplingResultPublished, { ...result, revision: 3 });
    await applied(result, 3);
    expect(await total('撤回')).toBe('1 of 1');
    await place.publishTombstone(SamplingResultWithdrawn, { key: `tj-amr:${result.sampleNo}`, revision: 4 });
    await applied(result, 4);
    expect(await total('撤回')).toBe('0 of 0');
  });

  it('remembers a withdrawal that comes before what it withdraws', async () => {
    const result = aResult('先撤', 'A');
    await place.publish(SamplingResultWithdrawn, withdrawal(result, 2));
    await applied(result, 2);
    await sendInOrder(result);
    expect(await total('先撤')).toBe('0 of 0');
    await sendInOrder({ ...result, revision: 3, verdict: 'NOT_TESTED', notTestedReason: 'OTHER' });
    await applied(result, 3);
    expect(await total('先撤')).toBe('0 of 0');
  });

  it('dead-letters poison alone and counts what surrounds it', async () => {
    // Meets its contract, and yet the database refuses it.
    await place.sql("ALTER TABLE contributions ADD CONSTRAINT no_poison CHECK (category <> '毒药')");
    const poison = aResult('毒', 'B', { product: { category: '毒药' } });
    await sendInOrder(aResult('毒', 'A'), poison, aResult('毒', 'C'));
    expect(await total('毒')).toBe('2 of 2');
    expect(await place.sql('SELECT key FROM dead_letters')).toEqual([{ key: 'tj-amr:毒-B' }]);
    await place.sql('ALTER TABLE contributions DROP CONSTRAINT no_poison');
  });

  it('leaves nothing behind when the transaction is rolled back', async () => {
    const result = aResult('回滚', 'A');
    const rate = service.get(SamplingRates);
    const doomed = service.get(DataSource).transaction(async (tx) => {
      await rate.apply(tx, [contributionOf(`tj-amr:${result.sampleNo}`, result)]);
      throw new Error('the batch failed');
    });
    await expect(doomed).rejects.toThrow('the batch failed');
    expect(await total('回滚')).toBe('0 of 0');
    expect(await place.sql('SELECT 1 FROM contributions WHERE subject = $1', [`tj-amr:${result.sampleNo}`])).toEqual([]);
  });

  it('counts exactly when two writers meet on the same new result', async () => {
    const result = aResult('并发', 'A');
    const rows = (revision: number) => [contributionOf(`tj-amr:${result.sampleNo}`, { ...result, revision })];
    const rate = service.get(SamplingRates);
    const db = service.get(DataSource);
    await Promise.all([1, 2, 3, 2, 1].map((revision) => db.transaction((tx) => rate.apply(tx, rows(revision)))));
    expect(await total('并发')).toBe('1 of 1');
  });
});

describe('asking for rates', () => {
  it('groups, filters and pages', async () => {
    const some = [1, 2, 3].map((month) =>
      aResult('分组', `${month}`, { sampledOn: `2026-0${month}-15`, verdict: month === 2 ? 'QUALIFIED' : 'UNQUALIFIED' }),
    );
    for (const result of some) await place.publish(SamplingResultPublished, result);
    await Promise.all(some.map((result) => applied(result, 1)));
    const asked = `category=${encodeURIComponent('分组')}&groupBy=period,regime`;
    const first = await rates(`${asked}&limit=2`);
    expect(first.cells.map(({ period, regime, results, rate }) => [period, regime, results, rate])).toEqual([
      ['2026-01', 'FOOD', 1, 1],
      ['2026-02', 'FOOD', 1, 0],
    ]);
    expect(first.total).toMatchObject({ results: 3, unqualified: 2, rate: 2 / 3 });
    const second = await rates(`${asked}&limit=2&cursor=${encodeURIComponent(first.next ?? '')}`);
    expect(second).toMatchObject({ cells: [{ period: '2026-03', results: 1 }], next: null });
    expect((await rates(`${asked}&from=2026-02&to=2026-02`)).total).toMatchObject({ results: 1, unqualified: 0 });
  });

  it('shows no rate for rounds that report failures only', async () => {
    const failure = aResult('只报不合格', 'A', { round: { no: 'R2', coverage: 'FAILURES_ONLY' } });
    await place.publish(SamplingResultPublished, failure);
    await applied(failure, 1);
    const { cells } = await rates(`category=${encodeURIComponent('只报不合格')}&groupBy=coverage`);
    expect(cells).toEqual([
      { coverage: 'FAILURES_ONLY', results: 1, unqualified: 1, completeResults: 0, completeUnqualified: 0, rate: null },
    ]);
  });

  it('counts the spellings of a platform under its id, also those it learns of later', async () => {
    const printed = ['小桔商城', '小桔 Mall', '未知平台'].map((platformName, at) => aResult('平台', `${at}`, { online: { platformName } }));
    for (const result of printed) await place.publish(SamplingResultPublished, result);
    await Promise.all(printed.map((result) => applied(result, 1)));
    const platforms = async () =>
      (await rates(`category=${encodeURIComponent('平台')}&groupBy=platform`)).cells.map(
        ({ platform, results }) => `${platform} ${results}`,
      );
    const organisation = anOrganisation({ organisationId: 'xiaoju', name: '小桔商城', aliases: [] });
    await place.publish(OrganisationRegistered, organisation);
    await eventually(async () => expect((await platforms()).sort()).toEqual(['xiaoju 1', '小桔mall 1', '未知平台 1'].sort()));
    await place.publish(OrganisationChanged, { ...organisation, revision: 2, aliases: ['小桔mall'] });
    await eventually(async () => expect((await platforms()).sort()).toEqual(['xiaoju 2', '未知平台 1'].sort()));
    expect((await rates(`category=${encodeURIComponent('平台')}&platform=xiaoju`)).total.results).toBe(2);
  });

  it('gives back the published table of 98,839 samples exactly as printed', async () => {
    const rows = readFileSync(`${process.cwd()}/data/published-rates.csv`, 'utf8')
      .split('\n')
      .flatMap((line) => {
        const [, label = '', samples = '', failed = '', rate = ''] =
          /^LOCAL-98839,.*?,,[^,]*,([^,"]+|"[^"]+"),(\d+),(\d+),([\d.]+)\r?$/.exec(line) ?? [];
        return label === '' ? [] : [{ label: label.replaceAll('"', ''), samples: Number(samples), failed: Number(failed), rate }];
      });
    expect(rows).toHaveLength(35);
    const results = rows
      .filter(({ label }) => label !== '总计')
      .flatMap(({ label, samples, failed }) =>
        Array.from({ length: samples }, (_, at) => aTableEntry(label, at, at < failed ? 'UNQUALIFIED' : 'QUALIFIED')),
      );
    for (let from = 0; from < results.length; from += 1_000) {
      await service.get(DataSource).transaction((tx) => service.get(SamplingRates).apply(tx, results.slice(from, from + 1_000)));
    }
    const answer = await rates('period=2018-06&groupBy=category');
    for (const { label, samples, failed, rate } of rows) {
      const cell = label === '总计' ? answer.total : answer.cells.find(({ category }) => category === label);
      const digits = rate.split('.')[1]?.length ?? 0;
      expect({ label, results: cell?.results, unqualified: cell?.unqualified, rate: ((cell?.rate ?? NaN) * 100).toFixed(digits) }).toEqual({
        ...{ label, results: samples, unqualified: failed, rate },
      });
    }
  }, 120_000);

  it('refuses a dimension, a parameter and a cursor that do not exist', async () => {
    for (const query of ['groupBy=colour', 'catgory=x', 'cursor=abc', 'limit=0', 'from=2026']) {
      const { status, body } = await department.get(
        `/api/monitoring/sampling-rates?${query}&${query.startsWith('groupBy') ? '' : 'groupBy=period'}`,
      );
      expect({ query, status, code: typeof body['code'] }).toEqual({ query, status: 400, code: 'string' });
    }
  });
});

function aTableEntry(category: string, at: number, verdict: 'QUALIFIED' | 'UNQUALIFIED') {
  return contributionOf(`tj-amr:T-${category}-${at}`, { ...tableResult, verdict, product: { name: category, category } });
}
const tableResult = aSamplingResult({ ...complete, sampledOn: '2018-06-15' });

describe('the recount', () => {
  const rollups = () => recountRollups(service.get(DataSource).manager);
  const events = () => recountEvents(service.get(DataSource), service.get(KafkaConnection));

  it('finds every rollup right, and names one that is not', async () => {
    const result = aResult('复算', 'A');
    await place.publish(SamplingResultPublished, result);
    await applied(result, 1);
    expect(await rollups()).toMatchObject({ differences: [], results: expect.any(Number) as unknown });
    await place.sql("UPDATE rollups SET results = results + 1 WHERE category = '复算'");
    expect((await rollups()).differences).toMatchObject([
      { category: '复算', period: '2024-04', kept: { results: 2, unqualified: 1 }, counted: { results: 1, unqualified: 1 } },
    ]);
    await place.sql("UPDATE rollups SET results = results - 1 WHERE category = '复算'");
  });

  it('reads the topic again and finds what is not as the events say', async () => {
    // The poison was told and never applied; what other tests applied without an event is left out here.
    const subjectsOf = ({ differences }: EventRecount) => differences.filter(({ subject }) => !/:(T-|并发)/.test(subject));
    const before = await events();
    expect(before.records).toBeGreaterThan(10);
    expect(subjectsOf(before)).toMatchObject([{ subject: 'tj-amr:毒-B', problem: 'NOT_APPLIED', kept: null }]);
    const result = aResult('重读', 'A');
    await place.publish(SamplingResultPublished, result);
    await place.publish(SamplingResultPublished, { ...result, revision: 2, verdict: 'QUALIFIED' });
    await applied(result, 2);
    expect(subjectsOf(await events())).toHaveLength(1);
    await place.sql("UPDATE contributions SET verdict = 'UNQUALIFIED' WHERE category = '重读'");
    const differing = subjectsOf(await events()).find(({ subject }) => subject.includes('重读'));
    expect(differing).toMatchObject({
      problem: 'DIFFERS',
      told: { counted: { verdict: 'QUALIFIED' } },
      kept: { counted: { verdict: 'UNQUALIFIED' } },
    });
    expect((await rollups()).differences).toHaveLength(1);
    await place.sql("UPDATE contributions SET verdict = 'QUALIFIED', revision = 1 WHERE category = '重读'");
    const behind = subjectsOf(await events()).find(({ subject }) => subject.includes('重读'));
    expect(behind).toMatchObject({ problem: 'NOT_APPLIED' });
    // The topic is read four times, each time by a new member of the group.
  }, 120_000);
});

describe('who may ask', () => {
  it('answers departments, statistics, auditors and operators', async () => {
    for (const [kind, id] of [
      ['STATISTICS', 'tj-stats'],
      ['AUDITOR', 'tj-audit'],
      ['OPERATOR', 'operator'],
    ] as const) {
      const { status } = await place.http(await place.token(kind, id)).get('/api/monitoring/sampling-rates');
      expect({ kind, status }).toEqual({ kind, status: 200 });
    }
  });

  it('refuses a platform, and everybody without a token', async () => {
    const platform = place.http(await place.token('PLATFORM', 'jd'));
    for (const path of ['/api/monitoring/sampling-rates', '/api/monitoring/applied/x']) {
      expect((await platform.get(path)).status).toBe(403);
      expect((await place.http().get(path)).status).toBe(401);
    }
  });

  it('has no route that names nobody', () => {
    expect(routesThatNameNobody(service.app)).toEqual([]);
  });

  it('says so when nothing about a subject was applied', async () => {
    expect(await department.get('/api/monitoring/applied/tj-amr:never')).toMatchObject({
      status: 404,
      body: { code: 'SUBJECT_NEVER_APPLIED' },
    });
  });
});
