/**
 * Platforms in the sandbox, on real servers: the simulator passes by each channel, platforms that are careless in one way fail for that
 * one, and nothing real is told before the promotion.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  CreditStatusChanged,
  DepartmentConformed,
  type FeedbackIssued,
  MerchantOnboarded,
  SamplingResultPublished,
} from '@jinqiao/contracts';
import { clientSecret } from '@jinqiao/infra-local';
import { type ChannelName, Simulator } from '@jinqiao/simulator';
import {
  aCreditStatus,
  aMerchant,
  aSamplingResult,
  eventually,
  type Http,
  type Place,
  realServers,
  startTestService,
  type TestService,
  testUscc,
} from '@jinqiao/testing';
import { ExchangeConfig } from '../config.js';
import { ExchangeModule } from '../exchange.module.js';
import type { ConformanceEntry } from './conformance.service.js';

const RUNS = '/api/exchange/conformance-runs';
const ORGANISATIONS = '/api/exchange/organisations';
const simulators: Simulator[] = [];
const servers: Server[] = [];
let place: Place;
let service: TestService;
let operator: Http;

beforeAll(async () => {
  place = await (await realServers()).place('exchange', { env: { WEBHOOK_ALLOWED_HOSTS: '127.0.0.1' } });
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig });
  operator = place.http(await place.token('OPERATOR', 'operator'));
}, 60_000);
afterAll(async () => {
  for (const simulator of simulators) await simulator.stop();
  for (const server of servers) server.closeAllConnections();
  for (const server of servers) server.close();
  await service.close();
});

async function inSandbox(id: string): Promise<Http> {
  const http = place.http(await place.token('PLATFORM', id));
  const { status, body } = await operator.post(ORGANISATIONS, { id, kind: 'PLATFORM', name: `平台${id}`, status: 'SANDBOX' });
  expect({ status, body }).toMatchObject({ status: 201, body: { status: 'SANDBOX', revision: 1 } });
  return http;
}
async function simulate(id: string, channel: ChannelName): Promise<void> {
  const { issuer, seed, kafkaBrokers } = place.servers;
  const access = { origin: place.origin, issuer, clientId: id, clientSecret: clientSecret(seed, id) };
  simulators.push(await Simulator.start({ channel, access: { ...access, brokers: kafkaBrokers.split(','), namespace: place.namespace } }));
}
async function start(http: Http): Promise<string> {
  const { status, body } = await http.post<ConformanceEntry>(RUNS, {});
  expect({ status, state: body.status }).toEqual({ status: 201, state: 'RUNNING' });
  return body.runId;
}
const ended = (http: Http, runId: string): Promise<ConformanceEntry> =>
  eventually(
    async () => {
      const { body } = await http.get<ConformanceEntry>(`${RUNS}/${runId}`);
      expect(body.status).not.toBe('RUNNING');
      return body;
    },
    { within: 30_000 },
  );
const failedOf = ({ checks }: ConformanceEntry): object =>
  Object.fromEntries(Object.entries(checks).flatMap(([check, { state, reason }]) => (state === 'FAILED' ? [[check, reason]] : [])));
const promote = (id: string, reason?: string) =>
  operator.post(`${ORGANISATIONS}/${id}/changes`, { act: 'PROMOTE', ...(reason && { reason }) });

describe.each<ChannelName>(['KAFKA', 'WEBHOOK', 'PULL'])('a platform that does it right, told by %s', (channel) => {
  const id = `right-${channel.toLowerCase()}`;

  it('passes and is promoted', async () => {
    const http = await inSandbox(id);
    await simulate(id, channel);
    expect((await promote(id)).body).toMatchObject({ status: 409, code: 'CONFORMANCE_MISSING' });
    const run = await ended(http, await start(http));
    expect(run).toMatchObject({ status: 'PASSED', channel, refused: [] });
    expect(run.checks.BAD_SIGNATURE.state).toBe(channel === 'WEBHOOK' ? 'PASSED' : 'NOT_APPLICABLE');
    expect((await promote(id)).body).toMatchObject({ status: 'PRODUCTION', statusReason: null, revision: 2 });
    expect((await http.post(RUNS, {})).body).toMatchObject({ code: 'NOT_IN_SANDBOX', organisationStatus: 'PRODUCTION' });
  }, 60_000);
});

/** A platform told by webhook that answers everything it is sent, each time anew, and looks at no signature. */
async function careless(id: string, http: Http): Promise<void> {
  const server = createServer((request, response) => {
    void text(request).then(async (body) => {
      const said = JSON.parse(body) as FeedbackIssued;
      response.writeHead(204).end();
      await http.post('/api/exchange/receipts', {
        feedbackId: said.feedbackId,
        feedbackRevision: said.revision,
        feedbackHash: said.contentHash,
        revision: 1,
        status: 'ACTED',
        answeredAt: new Date().toISOString(),
      });
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  expect((await http.post('/api/exchange/webhook-endpoints', { url, contact: id })).status).toBe(201);
  expect((await http.put('/api/exchange/channel', { channel: 'WEBHOOK' })).status).toBe(200);
}

describe('a platform that is careless', () => {
  it('fails for what it does wrong, reads why, and stays in the sandbox', async () => {
    const http = await inSandbox('careless');
    await careless('careless', http);
    const run = await ended(http, await start(http));
    expect(failedOf(run)).toEqual({ DEDUPES: 'ANSWERED_TWICE', BAD_SIGNATURE: 'TAKEN' });
    expect(run.refused).toEqual([expect.objectContaining({ code: 'REVISION_CONFLICT', feedbackRevision: 1, status: 'ACTED' })]);
    expect((await promote('careless')).body).toMatchObject({ code: 'CONFORMANCE_MISSING' });
    const { body } = await http.get<{ items: ConformanceEntry[] }>(RUNS);
    expect(body.items.map(({ runId, status }) => ({ runId, status }))).toEqual([{ runId: run.runId, status: 'FAILED' }]);
  }, 60_000);

  it('has one run at a time, which nobody else sees', async () => {
    const http = await inSandbox('idle');
    const runId = await start(http);
    expect((await http.post(RUNS, {})).body).toMatchObject({ status: 409, code: 'CONFORMANCE_RUNNING' });
    const other = await inSandbox('other');
    expect((await other.get(`${RUNS}/${runId}`)).body).toMatchObject({ status: 404, code: 'CONFORMANCE_RUN_UNKNOWN' });
    expect((await operator.get<ConformanceEntry>(`${RUNS}/${runId}`)).body).toMatchObject({ organisationId: 'idle', status: 'RUNNING' });
    expect((await operator.post(RUNS, {})).status).toBe(403);
  });

  it('that passed by one channel and chose another has to pass by that', async () => {
    const http = await inSandbox('mover');
    await simulate('mover', 'PULL');
    expect(await ended(http, await start(http))).toMatchObject({ status: 'PASSED' });
    expect((await http.put('/api/exchange/channel', { channel: 'KAFKA' })).status).toBe(200);
    expect((await promote('mover')).body).toMatchObject({ code: 'CONFORMANCE_MISSING' });
  }, 60_000);
});

describe('before the promotion', () => {
  const uscc = testUscc(77);

  it('nothing real is told, nothing made up is counted; with the promotion everything that waited is told', async () => {
    const http = await inSandbox('waiting');
    await start(http);
    await place.publish(SamplingResultPublished, aSamplingResult({ sampleNo: 'SB-1', online: { platformName: '平台waiting' } }));
    await place.publish(MerchantOnboarded, aMerchant({ platformId: 'waiting', shopId: 's1', uscc }));
    await place.publish(CreditStatusChanged, aCreditStatus({ uscc }));
    await eventually(async () => {
      const { body } = await operator.get<{ items: object[] }>('/api/exchange/feedback?status=UNMATCHED&subject=tj-amr:SB-1');
      expect(body.items).toHaveLength(1);
      expect(await place.sql('SELECT FROM credit_statuses WHERE uscc = $1', [uscc])).toHaveLength(1);
      expect(await place.sql(`SELECT FROM platform_merchants WHERE platform_id = 'waiting'`)).toHaveLength(1);
    });
    const subjects = async (): Promise<string[]> => {
      const { body } = await http.get<{ items: { subject: string }[] }>('/api/exchange/deliveries');
      return body.items.map(({ subject }) => subject);
    };
    expect((await subjects()).every((subject) => subject.startsWith('sandbox:'))).toBe(true);
    const { body: counts } = await operator.get<{ byPlatform: object }>('/api/exchange/feedback/counts');
    expect(counts.byPlatform).not.toHaveProperty('waiting');

    expect((await promote('waiting', '逾期未检测，法定告知不得延误')).body).toMatchObject({ status: 'PRODUCTION' });
    await eventually(async () => expect((await subjects()).slice(2).sort()).toEqual([uscc, 'tj-amr:SB-1']));
    const agreement = await operator.get('/api/exchange/entitlements/AGREEMENT:CREDIT_STATUS:waiting');
    expect(agreement.body).toMatchObject({ status: 'ACTIVE' });
  }, 60_000);

  it('is for those who are told or report, and for nobody else', async () => {
    const { body } = await operator.post(ORGANISATIONS, { id: 'stats', kind: 'STATISTICS', name: '统计', status: 'SANDBOX' });
    expect(body).toMatchObject({ status: 422, code: 'NOT_FOR_SANDBOX' });
    const named = await operator.post(ORGANISATIONS, { id: 'sandbox', kind: 'PLATFORM', name: '平台' });
    expect(named.body).toMatchObject({ status: 409, code: 'NAME_TAKEN' });
  });
});

describe('a department', () => {
  it('is promoted when inspection says that it has conformed, or for a reason; nothing else is open to it before', async () => {
    for (const id of ['tj-new', 'tj-other']) {
      const { body } = await operator.post(ORGANISATIONS, { id, kind: 'DEPARTMENT', name: `部门${id}`, status: 'SANDBOX' });
      expect(body).toMatchObject({ status: 'SANDBOX' });
    }
    const department = place.http(await place.token('DEPARTMENT', 'tj-new'));
    // What is known of organisations is a second old at most.
    await eventually(async () =>
      expect((await department.get('/api/exchange/catalogue')).body).toMatchObject({ status: 403, code: 'ORGANISATION_IN_SANDBOX' }),
    );
    const contacts = [{ role: 'TECHNICAL', address: '022-10000000' }];
    expect((await department.put('/api/exchange/contacts', { contacts })).status).toBe(200);
    expect((await promote('tj-new')).body).toMatchObject({ status: 409, code: 'CONFORMANCE_MISSING' });
    const at = '2026-11-23T01:00:00.000Z';
    const conformed: DepartmentConformed = {
      runId: '1b671a64-40d5-491e-99b0-da01ff1f3341',
      revision: 1,
      departmentId: 'tj-new',
      shown: (['ACCEPTED', 'DUPLICATE', 'REVISION', 'REFUSED'] as const).map((check) => ({ check, at })),
      startedAt: at,
      finishedAt: at,
    };
    await place.publish(DepartmentConformed, conformed);
    await place.publish(DepartmentConformed, conformed);
    await eventually(async () => expect((await promote('tj-new')).body).toMatchObject({ status: 'PRODUCTION', statusReason: null }));
    expect(await place.sql('SELECT department_id FROM conformed_departments')).toEqual([{ department_id: 'tj-new' }]);
    expect(await place.sql(`SELECT FROM entitlements WHERE recipient_id = 'tj-new'`)).toEqual([]);
    await eventually(async () => expect((await department.get('/api/exchange/catalogue')).status).toBe(200));
    expect((await promote('tj-other')).body).toMatchObject({ code: 'CONFORMANCE_MISSING' });
    expect((await promote('tj-other', '应急')).body).toMatchObject({ status: 'PRODUCTION', statusReason: '应急' });
  });
});
