import type { Page } from '@jinqiao/platform';
import { type Http, type Place, realServers, StandingClock, startTestService, type TestService, testUscc } from '@jinqiao/testing';
import { CreditConfig } from '../config.js';
import { CreditModule } from '../credit.module.js';
import { introducedCreditOffice } from '../credit-office.harness.js';
import type { Difference, TakenList } from './national-list.service.js';

/* The list of the national site against the records here, on a real database: what only one of the two publishes. */
const [BOTH, HERE, ENDED, THERE] = [testUscc(3_001), testUscc(3_002), testUscc(3_003), testUscc(3_004)];

let place: Place;
let service: TestService;
let office: Http;
let department: Http;

beforeAll(async () => {
  place = await (await realServers()).place('credit');
  service = await startTestService(CreditModule, place, {
    config: CreditConfig,
    clock: new StandingClock(new Date('2026-11-26T04:00:00Z')),
  });
  office = await introducedCreditOffice(place);
  department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  for (const uscc of [BOTH, HERE, ENDED]) await department.post('/api/credit/records', penalty(uscc));
  await department.post('/api/credit/records', { ...penalty(HERE), recordNo: 'C', type: 'COMMITMENT', class: undefined });
  const back = { revision: 2, ground: 'REPAIRED', reason: '已修复' };
  expect((await department.post(`/api/credit/records/P-${ENDED}/retraction`, back)).status).toBe(200);
}, 60_000);
afterAll(() => service.close());

const penalty = (uscc: string) => ({
  recordNo: `P-${uscc}`,
  uscc,
  type: 'PENALTY',
  class: 'GENERAL',
  documentDate: '2026-08-01',
  digest: { documentNo: `罚-${uscc}`, matter: '销售不合格产品', authority: '天津市市场监督管理委员会' },
});
function list(rows: readonly string[], header = '序号,统一社会信用代码,决定书文号'): FormData {
  const form = new FormData();
  form.append('file', new Blob([`\uFEFF${[header, ...rows].join('\r\n')}\r\n`]), 'list.csv');
  return form;
}
const listed = (...usccs: string[]) => usccs.map((uscc, n) => `${n + 1},${uscc},罚-${uscc}`);
const take = (form: FormData, http = office) => http.post<TakenList>('/api/credit/national-lists', form);
const differences = async (query = '') =>
  (await office.get<Page<Difference> & { list: TakenList }>(`/api/credit/national-differences${query}`)).body;
const told = (items: readonly Difference[]) => items.map(({ difference, uscc, standing }) => `${difference} ${uscc} ${standing ?? '-'}`);

it('is asked for before there is a list', async () => {
  expect(await office.get('/api/credit/national-differences')).toMatchObject({ status: 404, body: { code: 'NO_LIST_YET' } });
});

it('shows what only one of the two publishes, and how it stands here', async () => {
  const { status, body } = await take(list([...listed(BOTH, ENDED, THERE), '9,123,X', ...listed(BOTH)]));
  expect({ status, body }).toMatchObject({
    status: 200,
    body: { takenBy: 'tj-credit', entries: 3, refused: 1, errors: [{ code: 'USCC_MALFORMED', pointer: '/lines/5' }] },
  });
  const { items, list: last } = await differences();
  expect(told(items)).toEqual([`ONLY_HERE ${HERE} PUBLIC`, `ONLY_THERE ${ENDED} REPAIRED`, `ONLY_THERE ${THERE} -`]);
  expect(last.entries).toBe(3);
  expect(told((await differences('?difference=ONLY_HERE')).items)).toEqual([`ONLY_HERE ${HERE} PUBLIC`]);
  const first = await differences('?limit=2');
  expect(told((await differences(`?limit=2&cursor=${first.next ?? ''}`)).items)).toEqual([`ONLY_THERE ${THERE} -`]);
});

it('takes the place of the list before, and what has changed here since is no difference any more', async () => {
  await take(list(listed(BOTH)));
  expect(told((await differences()).items)).toEqual([`ONLY_HERE ${HERE} PUBLIC`]);
  await department.post(`/api/credit/records/P-${HERE}/retraction`, { revision: 2, ground: 'REPAIRED', reason: '已修复' });
  expect((await differences()).items).toEqual([]);
});

it.each<[string, FormData, number, string]>([
  ['without its columns', list(listed(BOTH), '序号,代码,文号'), 400, 'LIST_UNREADABLE'],
  ['with a quote that is not closed', list(['1,"x']), 400, 'LIST_UNREADABLE'],
  ['that is no form of a file', new FormData(), 400, 'FILE_MISSING'],
])('is refused %s, and the one before stays', async (_what, form, status, code) => {
  expect(await take(form)).toMatchObject({ status, body: { code } });
  expect((await differences()).list.entries).toBe(1);
});

it('comes from the credit office alone; platforms do not see it', async () => {
  expect(await take(list(listed(BOTH)), department)).toMatchObject({ status: 403, body: { code: 'NOT_THE_CREDIT_OFFICE' } });
  const platform = place.http(await place.token('PLATFORM', 'jd'));
  expect((await platform.get('/api/credit/national-differences')).status).toBe(403);
});
