/** The log of use on real servers: every way in which something is had under an entitlement leaves a trace that is found by who, what and when. */
import { SamplingResultPublished } from '@jinqiao/contracts';
import {
  aSamplingResult,
  eventually,
  type Http,
  type Place,
  realServers,
  StandingClock,
  startTestService,
  type TestService,
} from '@jinqiao/testing';
import { ExchangeConfig } from '../config.js';
import { ExchangeModule } from '../exchange.module.js';

interface Use {
  readonly seq: number;
  readonly kind: string;
  readonly recipientId: string;
  readonly purpose?: string;
}

const USES = '/api/exchange/uses';
const NOTICE = 'STATUTORY_NOTICE:SAMPLING_RESULT:jd';
const NOW = new Date('2026-11-23T01:00:00.000Z');
const HOUR_MS = 3_600_000;
const clock = new StandingClock(NOW);
const who = new Map<string, Http>();
let place: Place;
let service: TestService;

beforeAll(async () => {
  place = await (await realServers()).place('exchange');
  service = await startTestService(ExchangeModule, place, { clock, config: ExchangeConfig });
  for (const [kind, id, scopes] of [
    ['OPERATOR', 'operator', []],
    ['AUDITOR', 'tj-audit', []],
    ['DEPARTMENT', 'tj-amr', ['provides:inspection.sampling-result']],
    ['DEPARTMENT', 'tj-housing', []],
    ['PLATFORM', 'jd', []],
    ['PLATFORM', 'tmall', []],
  ] as const) {
    who.set(id, place.http(await place.token(kind, id)));
    if (kind === 'DEPARTMENT' || kind === 'PLATFORM') {
      await as('operator').post('/api/exchange/organisations', { id, kind, name: `机构${id}`, scopes });
    }
  }
}, 60_000);
afterAll(() => service.close());

const as = (id: string): Http => who.get(id) ?? place.http();
const uses = async (by: string, query: Record<string, string>): Promise<Use[]> => {
  const { status, body } = await as(by).get<{ items: Use[] }>(`${USES}?${new URLSearchParams(query).toString()}`);
  expect({ status, body }).toMatchObject({ status: 200 });
  return body.items;
};
const kinds = (found: readonly Use[]): string[] => [...new Set(found.map(({ kind }) => kind))].sort();

it('finds what was told, kept by the broker, pulled, acknowledged and reconciled, under the notice that entitles to it', async () => {
  await place.publish(SamplingResultPublished, aSamplingResult({ sampleNo: 'U-1', online: { platformName: '机构jd' } }));
  await eventually(async () => {
    const { body } = await as('jd').get<{ items: object[] }>('/api/exchange/deliveries');
    expect(body.items).toHaveLength(1);
  });
  const { body } = await as('jd').get<{ cursor: string }>('/api/exchange/deliveries');
  await as('jd').post('/api/exchange/deliveries/acknowledgements', { cursor: body.cursor });
  const buckets = Array.from({ length: 256 }, (_, n) => ({ bucket: n.toString(16).padStart(2, '0'), hash: '0'.repeat(64) }));
  expect((await as('jd').post('/api/exchange/reconciliations', { asOf: NOW.toISOString(), buckets })).status).toBe(201);
  await eventually(async () => {
    const found = await uses('tj-audit', { entitlement: NOTICE });
    expect(kinds(found)).toEqual(['ACKNOWLEDGED', 'PUBLISHED', 'PULLED', 'RECONCILED', 'TOLD']);
    const named = found.filter(({ kind }) => !['PULLED', 'RECONCILED'].includes(kind));
    expect(new Set(named.map(({ purpose }) => purpose))).toEqual(new Set(['SAMPLING_FEEDBACK']));
  });
});

it('finds that a grant was opened and closed, for the recipient and for the provider', async () => {
  const { body } = await as('tj-housing').post('/api/exchange/entitlements', {
    stream: 'inspection.sampling-result',
    mode: 'KAFKA',
    level: 1,
    legalBasis: '政务数据共享条例第二十条',
    purpose: '住房租赁监管',
    signOff: '1号',
    validUntil: '2026-12-31',
  });
  const entitlement = String(body['entitlementId']);
  const change = (by: string, act: string) => as(by).post(`/api/exchange/entitlements/${entitlement}/changes`, { act });
  await change('tj-amr', 'APPROVE');
  await eventually(async () => expect(kinds(await uses('tj-amr', { entitlement }))).toEqual(['OPENED']));
  await change('tj-housing', 'END');
  await eventually(async () => expect(kinds(await uses('tj-housing', {}))).toEqual(['CLOSED', 'OPENED']));
  expect((await uses('operator', { recipient: 'tj-housing' }))[0]).toMatchObject({ kind: 'OPENED', purpose: '住房租赁监管' });
});

it('finds by time, page by page, and nothing of what others had', async () => {
  const all = await uses('operator', { recipient: 'jd' });
  const later = new Date(NOW.getTime() + HOUR_MS);
  clock.set(later);
  await as('jd').get('/api/exchange/deliveries');
  await eventually(async () => {
    expect(kinds(await uses('jd', { since: later.toISOString(), until: new Date(later.getTime() + 1).toISOString() }))).toEqual(['PULLED']);
  });
  const before = await uses('jd', { until: later.toISOString() });
  // When the broker kept it is the broker's own time.
  expect(before.filter(({ kind }) => kind !== 'PUBLISHED').map(({ seq }) => seq)).toEqual(
    all.filter(({ kind }) => kind !== 'PUBLISHED').map(({ seq }) => seq),
  );
  const paged: number[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const { body }: { body: { items: Use[]; next: string | null } } = await as('jd').get(
      `${USES}?${new URLSearchParams({ limit: '2', ...(cursor && { cursor }) }).toString()}`,
    );
    paged.push(...body.items.map(({ seq }) => seq));
    cursor = body.next;
  }
  expect(paged).toEqual((await uses('jd', {})).map(({ seq }) => seq));
  expect(await uses('tmall', {})).toEqual([]);
});

it('refuses who has no part in it, and who does not say whose', async () => {
  expect((await as('tmall').get(`${USES}?entitlement=${NOTICE}`)).body).toMatchObject({ status: 404, code: 'ENTITLEMENT_UNKNOWN' });
  expect((await as('tj-audit').get(USES)).body).toMatchObject({ status: 422, code: 'USE_UNNAMED' });
});

it('is kept: not even the owner of the database removes any of it', async () => {
  await expect(place.sql('DELETE FROM ledger_entries')).rejects.toThrow(/only ever added to/);
});
