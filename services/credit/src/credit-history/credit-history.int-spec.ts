import type { Page } from '@jinqiao/platform';
import { type Place, realServers, StandingClock, startTestService, type TestService, testUscc } from '@jinqiao/testing';
import { CreditConfig } from '../config.js';
import { CreditModule } from '../credit.module.js';
import { CreditRecords } from '../credit-record/credit-record.service.js';
import type { RecordVersion } from './credit-history.service.js';

/*
 * What was known when, over three years, against a real database: a penalty is reported, corrected and revoked, another expires; then
 * the past is asked for by both times.
 */
let place: Place;
let service: TestService;
const clock = new StandingClock();
const on = (day: string): void => clock.set(new Date(`${day}T04:00:00Z`));

beforeAll(async () => {
  place = await (await realServers()).place('credit');
  service = await startTestService(CreditModule, place, { config: CreditConfig, clock });
}, 60_000);
afterAll(() => service.close());

const penalty = (recordNo: string, uscc: string, more: object = {}) => ({
  recordNo,
  uscc,
  type: 'PENALTY',
  class: 'SERIOUS',
  documentDate: '2026-11-20',
  digest: { documentNo: recordNo, matter: '销售不合格产品', authority: '天津市市场监督管理委员会' },
  ...more,
});
const department = async (id = 'tj-amr') => place.http(await place.token('DEPARTMENT', id));
const report = async (input: object) => expect((await (await department()).post('/api/credit/records', input)).status).toBe(200);

async function history(uscc: string, query = ''): Promise<string[]> {
  const auditor = place.http(await place.token('AUDITOR', 'tj-audit'));
  const { body } = await auditor.get<Page<RecordVersion>>(`/api/credit/history?uscc=${uscc}${query}`);
  return body.items.map(
    ({ standing, validFrom, validUntil, state }) => `${standing} ${validFrom ?? '-'} ${validUntil ?? '-'} ${state.class ?? ''}`,
  );
}

it('says what was known of a revoked record before it was revoked, and since', async () => {
  const uscc = testUscc(1);
  on('2026-11-26');
  await report(penalty('P-1', uscc));
  on('2026-12-10');
  await report(penalty('P-1', uscc, { revision: 2, class: 'GENERAL' }));
  // Only the number of the source is new: no version.
  on('2026-12-20');
  await report(penalty('P-1', uscc, { revision: 3, class: 'GENERAL' }));
  on('2027-02-01');
  const http = await department();
  await http.post('/api/credit/records/P-1/retraction', { revision: 4, ground: 'REVOKED', reason: '法院撤销' });

  expect(await history(uscc)).toEqual([
    'PUBLIC 2026-11-26 2029-11-20 SERIOUS',
    'PUBLIC 2026-11-26 2027-11-20 GENERAL',
    'REVOKED - - GENERAL',
  ]);
  expect(await history(uscc, '&knownAt=2026-11-26T03:59:59Z')).toEqual([]);
  expect(await history(uscc, '&knownAt=2026-12-01T00:00:00Z&validOn=2028-01-01')).toEqual(['PUBLIC 2026-11-26 2029-11-20 SERIOUS']);
  expect(await history(uscc, '&knownAt=2026-12-31T00:00:00Z&validOn=2028-01-01')).toEqual([]);
  expect(await history(uscc, '&knownAt=2026-12-31T00:00:00Z&validOn=2026-12-01')).toEqual(['PUBLIC 2026-11-26 2027-11-20 GENERAL']);
  expect(await history(uscc, '&knownAt=2027-02-02T00:00:00Z&validOn=2026-12-01')).toEqual([]);
});

it('keeps what has expired as valid in its time, and what was repaired until that day', async () => {
  const uscc = testUscc(2);
  on('2026-11-26');
  await report(penalty('P-2', uscc));
  await report(penalty('L-1', uscc, { type: 'ABNORMAL_OPERATION', class: undefined }));
  on('2027-05-01');
  const http = await department();
  await http.post('/api/credit/records/L-1/retraction', { revision: 2, ground: 'REPAIRED', reason: '移出' });
  on('2029-11-21');
  await service.get(CreditRecords).sweep(500);
  expect((await history(uscc, '&knownAt=2029-11-22T00:00:00Z&validOn=2027-05-01')).sort()).toEqual([
    'EXPIRED 2026-11-26 2029-11-20 SERIOUS',
    'REPAIRED 2026-11-26 2027-05-01 ',
  ]);
  expect(await history(uscc, '&knownAt=2029-11-22T00:00:00Z&validOn=2029-11-21')).toEqual([]);
});

it('pages through versions in their order', async () => {
  const auditor = place.http(await place.token('AUDITOR', 'tj-audit'));
  const url = `/api/credit/history?uscc=${testUscc(1)}&limit=2`;
  const first = (await auditor.get<Page<RecordVersion>>(url)).body;
  const rest = (await auditor.get<Page<RecordVersion>>(`${url}&cursor=${first.next}`)).body;
  expect([...first.items, ...rest.items].map(({ versionNo }) => versionNo)).toEqual([1, 2, 3]);
  expect(rest.next).toBeNull();
});

describe('who may read it', () => {
  it('is the deciding body, for its own records, and the auditor: nobody else', async () => {
    const url = `/api/credit/history?uscc=${testUscc(1)}`;
    expect((await (await department()).get<Page<RecordVersion>>(url)).body.items).toHaveLength(3);
    expect((await (await department('tj-credit')).get<Page<RecordVersion>>(url)).body.items).toEqual([]);
    expect((await place.http(await place.token('PLATFORM', 'jd')).get(url)).status).toBe(403);
    expect((await place.http(await place.token('OPERATOR', 'operator')).get(url)).status).toBe(403);
  });
});
