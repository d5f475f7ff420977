import { samplingNotices, samplingResults, SamplingResultReported, type SamplingResultPublished } from '@jinqiao/contracts';
import { OwnTopics } from '@jinqiao/messaging';
import {
  aReport,
  eventually,
  realServers,
  startTestService,
  type Changes,
  type Http,
  type Place,
  type TestService,
} from '@jinqiao/testing';
import { InspectionModule } from '../inspection.module.js';
import type { Answer } from './sampling-result.js';

/*
 * A database that is set back to a backup (ADR-0009): what had been published since is known again before anything new is accepted, so
 * that no revision is assigned twice; the intake that is read again finds its effects there.
 */
const PATH = '/api/inspection/sampling-results';

let place: Place;
let service: TestService;
let department: Http;

beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  await place.addOrganisation('DEPARTMENT', 'tj-amr');
  await start();
}, 60_000);
afterAll(() => service.close());

async function start(): Promise<void> {
  service = await startTestService(InspectionModule, place);
  department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
}

const published = { notice: { no: '2026年第30号', publishedOn: '2026-08-15' }, finality: 'FINAL' } as const;
const numbered = (sampleNo: string, revision: number, changes: Changes<SamplingResultReported> = {}): SamplingResultReported =>
  aReport({ sampleNo, revision, ...(revision > 1 && { revisionReason: 'CORRECTED' as const }), ...changes });
const report = (input: object) => department.post<Answer>(PATH, input);
const retract = (sampleNo: string, revision: number) =>
  department.post<Answer>(`${PATH}/${encodeURIComponent(sampleNo)}/retraction`, { revision, reason: '送检错误' });
const standing = () =>
  place.sql(
    `SELECT sample_no, status, revision, reported_revision, state ->> 'verdict' AS verdict, withdrawal_reason FROM sampling_results ORDER BY sample_no`,
  );

/** Every revision said of a result, over both topics, each as often as it was said under another id. */
async function said(sampleNo: string): Promise<number[]> {
  const all = [...(await place.readAll(samplingNotices.topic)), ...(await place.readAll(samplingResults.topic))];
  const own = new Map(all.filter(({ key }) => key === `tj-amr:${sampleNo}`).map((one) => [one.headers['ce_id'], one.body]));
  return [...own.values()].map((body) => (body as unknown as SamplingResultPublished).revision).sort((one, other) => one - other);
}

const isSent = () => eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));

describe('a database of inspection that is set back', () => {
  it('knows again what was published since, and goes on above it', async () => {
    await report(numbered('R-1', 1, published));
    await report(numbered('R-2', 1, published));
    await isSent();
    await service.close();
    const setBack = await place.backUp();
    await start();
    await report(numbered('R-1', 2, { ...published, verdict: 'QUALIFIED', failingItems: undefined }));
    await report(numbered('R-2', 2, { notice: undefined }));
    await report(numbered('R-3', 1, published));
    await retract('R-3', 2);
    await place.publish(SamplingResultReported, numbered('R-4', 1, published), { owner: 'tj-amr' });
    await place.publish(SamplingResultReported, numbered('R-4', 2, published), { owner: 'tj-amr' });
    await eventually(async () => expect(await standing()).toHaveLength(4));
    await eventually(async () => expect(await said('R-4')).toEqual([1, 2]));
    await isSent();
    const before = await standing();
    await service.close();
    await setBack();
    await start();
    expect(await standing()).toEqual(before);
    const [next] = [await report(numbered('R-1', 3, published))];
    expect(next.body).toMatchObject({ outcome: 'accepted', warnings: [] });
    await isSent();
    expect(await said('R-1')).toEqual([1, 2, 3]);
    expect(await said('R-2')).toEqual([1, 2, 3]);
    expect(await said('R-3')).toEqual([1, 2]);
  }, 120_000);

  it('takes what is sent again for what it was', async () => {
    expect((await report(numbered('R-2', 2, { notice: undefined }))).body).toMatchObject({ outcome: 'duplicate', revision: 2 });
    expect((await report(numbered('R-3', 1, published))).body).toMatchObject({ outcome: 'duplicate' });
    await place.publish(SamplingResultReported, numbered('R-4', 3, published), { owner: 'tj-amr' });
    await eventually(async () => expect(await said('R-4')).toEqual([1, 2, 3]));
    expect(await place.sql('SELECT code FROM dead_letters')).toEqual([]);
  });

  it('is noticed, too, when it is exchanged under the running service', async () => {
    await service.close();
    const setBack = await place.backUp();
    await start();
    const own = service.get(OwnTopics);
    await report(numbered('R-5', 1, published));
    await isSent();
    await setBack();
    await eventually(async () => expect(await place.sql("SELECT FROM sampling_results WHERE sample_no = 'R-5'")).toEqual([]));
    await eventually(() => own.mark());
    expect((await report(numbered('R-5', 1, published))).body).toMatchObject({ outcome: 'duplicate' });
    const marks = await place.sql<{ sum: string }>('SELECT sum(next_offset) FROM published_marks');
    const records = [...(await place.readAll(samplingNotices.topic)), ...(await place.readAll(samplingResults.topic))];
    expect(marks).toEqual([{ sum: String(records.length) }]);
  });

  it('knows again what was given up for another result, and who had ruled so', async () => {
    const county = place.http(await place.token('DEPARTMENT', 'tj-heping'));
    const batch = (name: string) => ({ ...published, product: { batch: name } });
    await report(numbered('R-6', 1, batch('M-1')));
    await county.post(PATH, numbered('K-6', 1, batch('M-2')));
    await isSent();
    await service.close();
    const setBack = await place.backUp();
    await start();
    await county.post(PATH, numbered('K-6', 2, batch('M-1')));
    const pairs = await county.get<{ items: { pairId: string }[] }>('/api/inspection/probable-duplicates');
    expect(pairs.body.items).toHaveLength(1);
    const ruling = { ruling: 'SAME', reason: '同一批' };
    await county.post(`/api/inspection/probable-duplicates/${pairs.body.items[0]?.pairId}/decision`, ruling);
    await isSent();
    await service.close();
    await setBack();
    await start();
    expect(await place.sql("SELECT status, revision, merged_into FROM sampling_results WHERE sample_no = 'K-6'")).toEqual([
      { status: 'WITHDRAWN', revision: 3, merged_into: 'tj-amr:R-6' },
    ]);
    expect((await county.post<Answer>(PATH, numbered('K-6', 3, batch('M-1')))).body).toMatchObject({
      status: 'WITHDRAWN',
      warnings: [{ code: 'WAITS_FOR_RULING', pointer: '/revision' }],
    });
    const ruled = await county.get<{ items: object[] }>('/api/inspection/probable-duplicates');
    expect(ruled.body.items).toMatchObject([{ status: 'SAME', rulings: [{ ...ruling, survivor: 'tj-amr:R-6', actorId: 'tj-heping' }] }]);
    const waiting = await department.get<{ items: object[] }>('/api/inspection/waiting-reports');
    expect(waiting.body.items).toMatchObject([{ sampleNo: 'K-6', waitsFor: 'MERGE', mergedInto: 'tj-amr:R-6' }]);
  }, 120_000);
});
