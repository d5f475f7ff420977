/* The merged list over HTTP, in front of two services that answer for themselves: as whom they are asked, what is said when they do not. */
import type { AddressInfo } from 'node:net';
import { checkConfig, configured, cursorAfter, type DeadlineEntry, mergedByDue } from '@jinqiao/platform';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { parse } from 'csv-parse/sync';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { GatewayConfig } from '../config.js';
import { gatewayAdapter, prepareGateway } from '../gateway.js';
import { GatewayModule } from '../gateway.module.js';
import type { MergedPage } from './deadline.js';
import { aDeadline } from './deadline.harness.js';
import { FILE_MAX } from './deadline.service.js';

type Name = 'inspection' | 'exchange';
const lists: Record<Name, DeadlineEntry[]> = { inspection: [], exchange: [] };
/** What a service answers instead of its list. */
const instead: Partial<Record<Name, (reply: FastifyReply) => unknown>> = {};
const heard: { service: Name; authorization: string | undefined; query: Record<string, string> }[] = [];
const servers: FastifyInstance[] = [];
let app: NestFastifyApplication;
let base: string;

async function started(service: Name): Promise<string> {
  const server = Fastify();
  server.get<{ Querystring: Record<string, string> }>(`/api/${service}/deadlines`, (request, reply) => {
    const { limit, cursor, ...query } = request.query;
    heard.push({ service, authorization: request.headers.authorization, query });
    const other = instead[service]?.(reply);
    if (other !== undefined) return other;
    const rest = lists[service].slice(lists[service].findIndex((one) => cursorAfter(one) === cursor) + 1);
    const items = rest.slice(0, Number(limit));
    const last = items.at(-1);
    return { items, next: rest.length > items.length && last ? cursorAfter(last) : null };
  });
  servers.push(server);
  await server.listen({ port: 0, host: '127.0.0.1' });
  return `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
}
const problem = (status: number, code: string) => (reply: FastifyReply) =>
  reply
    .status(status)
    .type('application/problem+json')
    .send({ code, status, title: 'x', titleZh: '某', errors: [{ code, pointer: '/state', message: 'x' }] });

beforeAll(async () => {
  const [inspection, exchange] = [await started('inspection'), await started('exchange')];
  const config = checkConfig(GatewayConfig, {
    PORT: '0',
    OIDC_ISSUER: 'http://127.0.0.1:1',
    LOG_LEVEL: 'silent',
    INSPECTION_URL: inspection,
    EXCHANGE_URL: exchange,
    CREDIT_URL: 'http://127.0.0.1:1',
    MONITORING_URL: 'http://127.0.0.1:1',
    REGISTRATION_URL: 'http://127.0.0.1:1',
  });
  const module = await Test.createTestingModule({ imports: [configured(GatewayModule, config)] }).compile();
  app = module.createNestApplication<NestFastifyApplication>(gatewayAdapter(), { bodyParser: false });
  await prepareGateway(app);
  await app.listen(0, '127.0.0.1');
  base = await app.getUrl();
});
afterAll(async () => {
  await app.close();
  for (const server of servers) {
    server.server.closeAllConnections();
    await server.close();
  }
});
beforeEach(() => {
  const of = (service: Name, days: readonly number[]): DeadlineEntry[] =>
    days.map((day) => aDeadline({ deadlineId: `${service}-${day}`, dueOn: `2026-05-0${day}`, dueAt: `2026-05-0${day}T15:59:59.000Z` }));
  lists.inspection = of('inspection', [1, 3, 4, 8]);
  lists.exchange = of('exchange', [2, 3, 9]);
  delete instead.inspection;
  delete instead.exchange;
  heard.length = 0;
});

async function ask(path: string, headers: Record<string, string> = {}): Promise<{ status: number; headers: Headers; text: string }> {
  const answer = await fetch(`${base}${path}`, { headers: { authorization: 'Bearer abc', ...headers } });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}
const page = async (query = ''): Promise<MergedPage> => JSON.parse((await ask(`/api/deadlines?${query}`)).text) as MergedPage;
const ids = ({ items }: MergedPage): string[] => items.map(({ deadlineId }) => deadlineId);

describe('the merged list', () => {
  it('goes on from page to page over both services, each asked as the caller and as the question says', async () => {
    const first = await page('limit=4&state=open&department=tj-amr');
    expect(ids(first)).toEqual(['inspection-1', 'exchange-2', 'exchange-3', 'inspection-3']);
    const second = await page(`limit=4&cursor=${encodeURIComponent(String(first.next))}`);
    expect(ids(second)).toEqual(['inspection-4', 'inspection-8', 'exchange-9']);
    expect([second.next, second.incomplete]).toEqual([null, []]);
    expect(heard.slice(0, 2)).toEqual(
      expect.arrayContaining(
        (['inspection', 'exchange'] as const).map((service) => ({
          service,
          authorization: 'Bearer abc',
          query: { state: 'open', department: 'tj-amr' },
        })),
      ),
    );
  });

  it.each([
    ['breaks', problem(500, 'INTERNAL'), 'INTERNAL'],
    ['is not ready', problem(503, 'DATABASE_UNAVAILABLE'), 'DATABASE_UNAVAILABLE'],
    ['is older and has no such list', problem(404, 'NOT_FOUND'), 'NOT_FOUND'],
    ['says something else', () => ({ items: 'none' }), 'SERVICE_UNAVAILABLE'],
  ])('names a service that %s, and goes on where it was', async (_what, answer, code) => {
    instead.exchange = answer;
    const first = await page('limit=2');
    expect([ids(first), first.incomplete]).toEqual([['inspection-1', 'inspection-3'], [{ service: 'exchange', code }]]);
    delete instead.exchange;
    const second = await page(`limit=9&cursor=${encodeURIComponent(String(first.next))}`);
    expect([ids(second), second.incomplete]).toEqual([['exchange-2', 'exchange-3', 'inspection-4', 'inspection-8', 'exchange-9'], []]);
  });

  it('has nothing of a service that is not for this kind of caller, and is refused where none is', async () => {
    instead.inspection = problem(403, 'FORBIDDEN');
    expect(await page()).toEqual({ items: lists.exchange, next: null, incomplete: [] });
    instead.exchange = problem(403, 'FORBIDDEN');
    expect(await ask('/api/deadlines')).toMatchObject({ status: 403, text: expect.stringContaining('"FORBIDDEN"') as string });
  });

  it.each([
    [400, 'VALIDATION_FAILED'],
    [401, 'TOKEN_EXPIRED'],
    [403, 'ORGANISATION_SHUT_OUT'],
    [429, 'RATE_LIMITED'],
  ])('passes on that the caller was refused: %s %s', async (status, code) => {
    instead.exchange = problem(status, code);
    const answer = await ask('/api/deadlines');
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect({ status: answer.status, ...(JSON.parse(answer.text) as object) }).toMatchObject({
      status,
      code,
      titleZh: '某',
      pointer: '/state',
    });
  });

  it('says so when nobody answers', async () => {
    instead.inspection = instead.exchange = problem(500, 'INTERNAL');
    const { status, text } = await ask('/api/deadlines');
    expect({ status, body: JSON.parse(text) as unknown }).toMatchObject({ status: 503, body: { code: 'DEADLINES_INCOMPLETE' } });
  });

  it('refuses a wrong question itself', async () => {
    for (const query of ['state=soon', 'from=yesterday', 'format=pdf', 'limit=0', 'cursor=x.y']) {
      expect(await ask(`/api/deadlines?${query}`)).toMatchObject({ status: 400 });
    }
    expect(heard).toEqual([]);
  });
});

describe('as a file', () => {
  it.each([
    ['/api/deadlines.ics', {}],
    ['/api/deadlines?format=ics', { accept: 'application/json' }],
    ['/api/deadlines', { accept: 'text/calendar' }],
  ])('%s is a calendar of all of it', async (path, headers) => {
    const answer = await ask(path, headers);
    expect(answer.headers.get('content-type')).toBe('text/calendar; charset=utf-8');
    expect(answer.headers.get('x-cut-at')).toBeNull();
    const days = answer.text.split('\r\n').filter((line) => line.startsWith('DTSTART'));
    expect(days).toEqual([1, 2, 3, 3, 4, 8, 9].map((day) => `DTSTART;VALUE=DATE:2026050${day}`));
  });

  it.each([
    ['/api/deadlines.csv', {}],
    ['/api/deadlines?format=csv', {}],
    ['/api/deadlines', { accept: 'text/csv' }],
  ])('%s is a table of all of it', async (path, headers) => {
    const answer = await ask(path, headers);
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const bytes = new Uint8Array(await (await fetch(`${base}${path}`, { headers })).arrayBuffer());
    expect([...bytes.slice(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    const rows: Record<string, string>[] = parse(answer.text, { bom: true, columns: true });
    expect(rows.map((row) => row['deadlineId'])).toEqual(mergedByDue(Object.values(lists), 99).map(({ deadlineId }) => deadlineId));
  });

  it('is whole or is none', async () => {
    instead.exchange = problem(503, 'DATABASE_UNAVAILABLE');
    for (const path of ['/api/deadlines.ics', '/api/deadlines.csv']) {
      const { status, text } = await ask(path);
      expect({ status, body: JSON.parse(text) as unknown }).toMatchObject({
        status: 503,
        body: { code: 'DEADLINES_INCOMPLETE', incomplete: [{ service: 'exchange', code: 'DATABASE_UNAVAILABLE' }] },
      });
    }
  });

  it('is cut at its limit, and says so', async () => {
    const many = (count: number): DeadlineEntry[] =>
      Array.from({ length: count }, (_none, at) => aDeadline({ deadlineId: `many-${String(at).padStart(5, '0')}` }));
    lists.inspection = many(FILE_MAX + 1);
    lists.exchange = [];
    const cut = await ask('/api/deadlines.csv');
    expect(cut.headers.get('x-cut-at')).toBe(String(FILE_MAX));
    const rows: Record<string, string>[] = parse(cut.text, { bom: true, columns: true });
    expect([rows.length, rows.at(-1)?.['deadlineId']]).toEqual([FILE_MAX + 1, 'CUT']);
    lists.inspection = many(FILE_MAX);
    const whole = await ask('/api/deadlines.csv');
    expect(whole.headers.get('x-cut-at')).toBeNull();
    const all: unknown[] = parse(whole.text, { bom: true, columns: true });
    expect(all).toHaveLength(FILE_MAX);
  });
});
