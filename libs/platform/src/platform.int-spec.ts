import {
  Optional,
  OrganisationChanged,
  OrganisationExited,
  type OrganisationKind,
  OrganisationSuspended,
  Text,
  Whole,
} from '@jinqiao/contracts';
import { DomainError } from '@jinqiao/schema';
import { type Answer, eventually, type Http, type Place, realServers, startTestService, type TestService } from '@jinqiao/testing';
import { Body, Controller, Get, HttpCode, Module, Param, Post } from '@nestjs/common';
import SwaggerParser from '@apidevtools/swagger-parser';
import { DataSource } from 'typeorm';
import {
  Allow,
  AllowAnyone,
  AnswersWithSecret,
  Caller,
  CheckedBody,
  CheckedQuery,
  PlatformModule,
  Redis,
  routesThatNameNobody,
  ServiceConfig,
  UploadedFile,
  type Principal,
  type Upload,
} from './index.js';

// Goal: what every service gets from this library, seen from outside a running service with real servers behind it.
class RegisterThingBody {
  @Text({ max: 20 }) name: string;
  @Optional() @Whole({ min: 1, max: 9 }) size?: number;
}

class ListThingsQuery {
  @Optional() @Whole({ min: 1, max: 9 }) limit?: number;
}

class NameTaken extends DomainError {
  constructor() {
    super('NAME_TAKEN', 409, { zh: '名称已被占用', en: 'The name is taken' }, [
      { code: 'NAME_TAKEN', pointer: '/name', message: 'is taken' },
    ]);
  }
}

const handled: string[] = [];
let release: () => void = () => undefined;

@Controller('api/credit/things')
class ThingsController {
  @Post()
  @Allow('DEPARTMENT')
  async register(@CheckedBody(RegisterThingBody) body: RegisterThingBody, @Caller() principal: Principal): Promise<object> {
    handled.push(body.name);
    if (body.name === 'taken') throw new NameTaken();
    if (body.name === 'broken') throw new Error('password=hunter2');
    if (body.name === 'slow') await new Promise<void>((resolve) => (release = resolve));
    return { name: body.name, by: principal.id, number: handled.length };
  }

  @Post('keys')
  @Allow('DEPARTMENT')
  @AnswersWithSecret('ask for a new key.')
  makeKey(@CheckedBody(RegisterThingBody) { name }: RegisterThingBody): object {
    handled.push(name);
    if (name === 'taken') throw new NameTaken();
    return { secret: `whsec_${name}` };
  }

  @Post('batches')
  @HttpCode(200)
  @Allow('DEPARTMENT')
  batch(@Body() body: unknown[]): object {
    return { items: body.length };
  }

  @Post('files')
  @Allow('DEPARTMENT')
  async file(@UploadedFile() file: Upload): Promise<object> {
    let bytes = 0;
    for await (const chunk of file.content) bytes += (chunk as Buffer).length;
    handled.push(file.filename);
    return { filename: file.filename, bytes, number: handled.length };
  }

  @Get()
  @AllowAnyone()
  list(@CheckedQuery(ListThingsQuery) query: ListThingsQuery): object {
    return { limit: query.limit ?? 5 };
  }

  @Get('of-nobody')
  ofNobody(): string {
    return 'never seen';
  }

  @Get(':id')
  @Allow('DEPARTMENT', 'PLATFORM')
  one(@Param('id') id: string): object {
    return { id };
  }
}

@Module({
  imports: [PlatformModule.forService({ name: 'credit', config: ServiceConfig, entities: [] })],
  controllers: [ThingsController],
})
class CreditModule {}

let place: Place;
let service: TestService;

interface Request {
  readonly as?: string | null;
  readonly headers?: Record<string, string>;
}

const kinds: Record<string, OrganisationKind> = { 'tj-amr': 'DEPARTMENT', 'tj-credit': 'DEPARTMENT', jd: 'PLATFORM', operator: 'OPERATOR' };

const httpOf = async (as: string | null | undefined): Promise<Http> =>
  place.http(as === null ? null : await place.token(kinds[as ?? 'tj-amr'] ?? 'DEPARTMENT', as ?? 'tj-amr'));
const get = async (path: string, { as, headers = {} }: Request = {}): Promise<Answer> => (await httpOf(as)).get(path, { headers });
const post = async (path: string, body: unknown, { as, headers = {} }: Request = {}): Promise<Answer> =>
  (await httpOf(as)).post(path, body, { headers });

const formWith = (name: string, content: string | Buffer<ArrayBuffer>): FormData => {
  const form = new FormData();
  form.set('file', new Blob([content]), name);
  return form;
};

beforeAll(async () => {
  place = await (await realServers()).place('credit');
  service = await startTestService(CreditModule, place);
});

afterAll(() => service.close());

describe('who may call', () => {
  it('is asked for a token', async () => {
    const answer = await get('/api/credit/things/1', { as: null });
    expect(answer).toMatchObject({
      status: 401,
      body: { code: 'TOKEN_MISSING', title: expect.any(String) as string, titleZh: '缺少访问令牌' },
    });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  });

  it.each([
    [{ expired: true }, 'TOKEN_EXPIRED'],
    [{ audience: 'another' }, 'WRONG_AUDIENCE'],
  ])('is refused with a token that is %j', async (options, code) => {
    const http = place.http(await place.token('DEPARTMENT', 'tj-amr', options));
    expect(await http.get('/api/credit/things/1')).toMatchObject({ status: 401, body: { code } });
  });

  it('is whoever the route names', async () => {
    expect(await get('/api/credit/things/1', { as: 'jd' })).toMatchObject({ status: 200, body: { id: '1' } });
    expect(await post('/api/credit/things', { name: 'a' }, { as: 'jd' })).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
  });

  it('is nobody whom the directory has suspended or let go, however good the token', async () => {
    const call = () => get('/api/credit/things/1', { as: 'tj-credit' });
    const refusedWith = (code: string) =>
      eventually(async () => expect((await call()).body).toMatchObject({ status: 403, code }), { within: 5_000 });
    const organisation = { organisationId: 'tj-credit', kind: 'DEPARTMENT', name: '信用办' } as const;
    expect((await call()).status).toBe(200);
    await place.publish(OrganisationSuspended, { ...organisation, revision: 2, status: 'SUSPENDED' });
    await refusedWith('ORGANISATION_SUSPENDED');
    await place.publish(OrganisationChanged, { ...organisation, revision: 3, status: 'PRODUCTION' });
    await eventually(async () => expect((await call()).status).toBe(200), { within: 5_000 });
    await place.publish(OrganisationExited, { ...organisation, revision: 4, status: 'EXITED' });
    await refusedWith('ORGANISATION_EXITED');
    // Told once more, late: it changes nothing.
    await place.publish(OrganisationChanged, { ...organisation, revision: 3, status: 'PRODUCTION' });
    await place.publish(OrganisationChanged, { ...organisation, organisationId: 'tj-other', revision: 1 });
    await eventually(async () => expect(await place.sql(`SELECT FROM followed_organisations WHERE id = 'tj-other'`)).toHaveLength(1));
    expect((await call()).status).toBe(403);
    await place.publish(OrganisationChanged, { ...organisation, revision: 5, status: 'PRODUCTION' });
    await eventually(async () => expect((await call()).status).toBe(200), { within: 5_000 });
  });

  it('is everybody on a public route', async () => {
    expect(await get('/api/credit/things', { as: null })).toMatchObject({ status: 200, body: { limit: 5 } });
  });

  it('is nobody where a route names nobody, and such a route is listed', async () => {
    expect(await get('/api/credit/things/of-nobody', { as: 'operator' })).toMatchObject({ status: 403 });
    expect(routesThatNameNobody(service.app)).toEqual(['GET /api/credit/things/of-nobody']);
  });
});

describe('what is sent', () => {
  it('is checked, and every finding is pointed at', async () => {
    const answer = await post('/api/credit/things', { size: 10, unknown: true });
    expect(answer).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED', instance: '/api/credit/things' } });
    expect(answer.body['errors']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ code: 'FIELD_MISSING', pointer: '/name' }),
        expect.objectContaining({ code: 'OUT_OF_RANGE', pointer: '/size' }),
      ]),
    );
  });

  it('is checked in the query too', async () => {
    expect(await get('/api/credit/things?limit=9', { as: null })).toMatchObject({ status: 200, body: { limit: 9 } });
    expect(await get('/api/credit/things?limit=x', { as: null })).toMatchObject({ status: 400, body: { pointer: '/limit' } });
  });

  it.each([
    ['application/json', '{"name":', 400, 'NOT_JSON'],
    ['application/json', '', 400, 'NOT_JSON'],
    ['text/plain', 'name=a', 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ])('as %s %j is refused', async (type, body, status, code) => {
    const answer = await post('/api/credit/things', body, { headers: { 'content-type': type } });
    expect(answer).toMatchObject({ status, body: { code } });
  });

  it('may be 1 MiB, or 8 MiB as an array', async () => {
    const large = 'x'.repeat(1_100_000);
    expect(await post('/api/credit/things', { name: large })).toMatchObject({ status: 413, body: { code: 'BODY_TOO_LARGE' } });
    expect(await post('/api/credit/things/batches', [large, large])).toMatchObject({ status: 200, body: { items: 2 } });
    expect(await post('/api/credit/things/batches', Array(8).fill(large))).toMatchObject({
      status: 413,
      body: { code: 'BODY_TOO_LARGE' },
    });
  });

  it('may be a file of 50 MiB, which streams', async () => {
    const path = '/api/credit/things/files';
    expect(await post(path, formWith('a.csv', Buffer.alloc(20_000_000)))).toMatchObject({ status: 201, body: { bytes: 20_000_000 } });
    expect(await post(path, formWith('b.csv', Buffer.alloc(51 * 1_048_576)))).toMatchObject({
      status: 413,
      body: { code: 'FILE_TOO_LARGE' },
    });
    expect(await post(path, {})).toMatchObject({ status: 400, body: { code: 'FILE_MISSING' } });
  });

  it('and fails inside shows nothing of the inside', async () => {
    const answer = await post('/api/credit/things', { name: 'broken' });
    expect(answer).toMatchObject({ status: 500, body: { code: 'INTERNAL' } });
    expect(JSON.stringify(answer.body)).not.toMatch(/hunter2|at /);
    expect(await get('/nowhere')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
  });
});

describe('an idempotency key', () => {
  const withKey = (key: string, json: unknown): Promise<Answer> =>
    post('/api/credit/things', json, { headers: { 'idempotency-key': key } });

  it('has the same request handled once and answered alike', async () => {
    const first = await withKey('once', { name: 'once' });
    const second = await withKey('once', { name: 'once' });
    expect(first.status).toBe(201);
    expect(second).toMatchObject({ status: 201, body: first.body });
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(second.headers.get('content-type')).toBe(first.headers.get('content-type'));
    expect(handled.filter((name) => name === 'once')).toHaveLength(1);
  });

  it('is refused with another body', async () => {
    await withKey('reused', { name: 'a' });
    expect(await withKey('reused', { name: 'b' })).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
  });

  it('keeps a refusal too', async () => {
    expect(await withKey('refused', { name: 'taken' })).toMatchObject({ status: 409, body: { code: 'NAME_TAKEN' } });
    const again = await withKey('refused', { name: 'taken' });
    expect(again).toMatchObject({ status: 409, body: { code: 'NAME_TAKEN', pointer: '/name' } });
    expect(again.headers.get('content-type')).toContain('application/problem+json');
    expect(handled.filter((name) => name === 'taken')).toHaveLength(1);
  });

  it('does not keep a failure of ours', async () => {
    const before = handled.length;
    expect(await withKey('failed', { name: 'broken' })).toMatchObject({ status: 500 });
    expect(await withKey('failed', { name: 'broken' })).toMatchObject({ status: 500 });
    expect(handled.length).toBe(before + 2);
  });

  it('turns a second request away while the first is handled', async () => {
    const first = withKey('busy', { name: 'slow' });
    await eventually(() => expect(handled).toContain('slow'));
    expect(await withKey('busy', { name: 'slow' })).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_KEY_IN_USE' } });
    release();
    expect((await first).status).toBe(201);
  });

  it('is each principal’s own', async () => {
    await withKey('own', { name: 'own' });
    const other = await post('/api/credit/things', { name: 'own' }, { as: 'tj-credit', headers: { 'idempotency-key': 'own' } });
    expect(other).toMatchObject({ status: 201, body: { by: 'tj-credit' } });
  });

  it('knows an uploaded file again by its content', async () => {
    const send = (content: string): Promise<Answer> =>
      post('/api/credit/things/files', formWith('notices.csv', content), { headers: { 'idempotency-key': 'file' } });
    const first = await send('a,b');
    expect(await send('a,b')).toMatchObject({ status: 201, body: first.body });
    expect(await send('a,c')).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
    expect(handled.filter((name) => name === 'notices.csv')).toHaveLength(1);
  });

  describe('at a route that answers with a secret', () => {
    const make = (key: string, name: string): Promise<Answer> =>
      post('/api/credit/things/keys', { name }, { headers: { 'idempotency-key': key } });

    it('has the same request handled once, and keeps nothing of what it showed', async () => {
      expect(await make('secret', 'shown')).toMatchObject({ status: 201, body: { secret: 'whsec_shown' } });
      const again = await make('secret', 'shown');
      expect(again).toMatchObject({ status: 409, body: { code: 'ANSWER_NOT_KEPT', pointer: '' } });
      expect(again.body['detail']).toMatch(/was carried out .*: ask for a new key\.$/);
      expect(await make('secret', 'shown')).toMatchObject({ status: 409, body: { code: 'ANSWER_NOT_KEPT' } });
      expect(handled.filter((name) => name === 'shown')).toHaveLength(1);
      expect(await make('secret', 'other')).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
      expect(await place.sql("SELECT FROM idempotency_keys AS kept WHERE kept::text LIKE '%whsec%'")).toEqual([]);
    });

    it('keeps a refusal as everywhere', async () => {
      const before = handled.length;
      for (let times = 0; times < 2; times += 1)
        expect(await make('secret-refused', 'taken')).toMatchObject({ status: 409, body: { code: 'NAME_TAKEN', pointer: '/name' } });
      expect(handled).toHaveLength(before + 1);
    });
  });

  it('has a form', async () => {
    expect(await withKey('x'.repeat(256), { name: 'a' })).toMatchObject({ status: 400, body: { code: 'IDEMPOTENCY_KEY_MALFORMED' } });
  });
});

describe('the access log', () => {
  it('says who read what, for which purpose, in which trace', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    await get('/api/credit/things/91120000TEST', {
      as: 'jd',
      headers: { 'x-purpose': 'merchant review', traceparent: `00-${traceId}-b7ad6b7169203331-01` },
    });
    const rows = await place.sql(
      'SELECT principal_id, principal_kind, action, subject, purpose, trace_id FROM access_log WHERE trace_id = $1',
      [traceId],
    );
    expect(rows).toEqual([
      {
        principal_id: 'jd',
        principal_kind: 'PLATFORM',
        action: 'GET /api/credit/things/:id',
        subject: '91120000TEST',
        purpose: 'merchant review',
        trace_id: traceId,
      },
    ]);
  });

  it.each(['UPDATE access_log SET purpose = NULL', 'DELETE FROM access_log', 'TRUNCATE access_log', 'CREATE TABLE mine (id int)'])(
    'is append-only for the service: %s',
    async (statement) => {
      await expect(service.get(DataSource).query(statement)).rejects.toThrow(/permission denied/);
    },
  );
});

describe('for operators', () => {
  it('tells that it lives and is ready, and what it depends on', async () => {
    expect(await get('/health/live', { as: null })).toMatchObject({ status: 200, body: { status: 'live' } });
    expect(await get('/health/ready', { as: null })).toMatchObject({
      status: 200,
      body: { status: 'ready', dependencies: { database: 'up', broker: 'up', redis: 'up', consumers: 'up' } },
    });
  });

  it('measures', async () => {
    const text = await place.http(null).get<string>('/metrics');
    for (const name of [
      'outbox_oldest_row_age_seconds',
      'outbox_parked_keys',
      'dead_letters_open',
      'http_request_duration_seconds',
      'nodejs_eventloop_lag_seconds',
    ]) {
      expect(text.body).toContain(name);
    }
  });

  it('lists dead letters, to operators only', async () => {
    expect(await get('/api/credit/dead-letters', { as: 'operator' })).toMatchObject({ status: 200, body: { items: [], next: null } });
    expect(await get('/api/credit/dead-letters?cursor=x', { as: 'operator' })).toMatchObject({
      status: 400,
      body: { code: 'BAD_CURSOR' },
    });
    expect(await get('/api/credit/dead-letters')).toMatchObject({ status: 403 });
  });

  it('lists and releases parked keys, to operators only', async () => {
    await place.sql(
      "INSERT INTO outbox (topic, key, headers, value, parked_at, parked_reason) VALUES ('credit.credit-record.v1', 'k', '{}', '{}', now(), 'MESSAGE_TOO_LARGE')",
      [],
    );
    expect(await get('/api/credit/parked-keys')).toMatchObject({ status: 403 });
    expect(await get('/api/credit/parked-keys', { as: 'operator' })).toMatchObject({
      status: 200,
      body: { items: [{ topic: 'credit.credit-record.v1', key: 'k', reason: 'MESSAGE_TOO_LARGE' }] },
    });
    const operator = place.http(await place.token('OPERATOR', 'operator'));
    const released = await operator.post('/api/credit/parked-keys/release', { topic: 'credit.credit-record.v1', key: 'k' });
    expect(released).toMatchObject({ status: 200, body: { released: 1 } });
    expect(await get('/api/credit/parked-keys', { as: 'operator' })).toMatchObject({ body: { items: [] } });
  });

  it('describes itself in a valid OpenAPI document', async () => {
    const { body } = await get('/openapi.json', { as: null });
    const document = await SwaggerParser.validate(body as never);
    expect(document).toMatchObject({
      openapi: '3.1.0',
      paths: {
        '/api/credit/things': { post: { requestBody: { content: { 'application/json': { schema: { title: 'RegisterThingBody' } } } } } },
      },
    });
  });

  it('refuses a principal that asks too often, and nobody while Redis is away', async () => {
    const strict = await (await realServers()).place('credit', { env: { RATE_LIMIT_PER_MINUTE: '2' } });
    const limited = await startTestService(CreditModule, strict);
    const http = strict.http(await strict.token('DEPARTMENT', 'tj-amr'));
    expect([await http.get('/api/credit/things/1'), await http.get('/api/credit/things/2')]).toMatchObject([
      { status: 200 },
      { status: 200 },
    ]);
    const third = await http.get('/api/credit/things/3');
    expect(third).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } });
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await strict.http(await strict.token('PLATFORM', 'jd')).get('/api/credit/things/1')).toMatchObject({ status: 200 });

    limited.get(Redis).client.destroy();
    expect(await http.get('/api/credit/things/4')).toMatchObject({ status: 200 });
    expect(await http.get('/health/ready')).toMatchObject({ status: 200, body: { dependencies: { redis: 'degraded' } } });
    await limited.close();
  });

  it('stops in order: the database is the last to go, and nothing answers any more', async () => {
    const own = await (await realServers()).place('credit');
    const stopping = await startTestService(CreditModule, own);
    await stopping.close();
    expect(stopping.get(DataSource).isInitialized).toBe(false);
    await expect(fetch(`${stopping.url}/health/live`)).rejects.toThrow();
    expect(stopping.ends).toEqual([]);
  });
});
