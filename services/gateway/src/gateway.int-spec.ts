import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import type { AddressInfo } from 'node:net';
import SwaggerParser from '@apidevtools/swagger-parser';
import { checkConfig, configured } from '@jinqiao/platform';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { GatewayConfig } from './config.js';
import { gatewayAdapter, prepareGateway } from './gateway.js';
import { GatewayModule } from './gateway.module.js';

// Goal: one origin in front of real HTTP servers, one of them down. The real services stand behind it in the journeys of e2e.
const upstreamDocument = {
  openapi: '3.1.0',
  info: { title: 'Jinqiao credit', version: '1' },
  paths: {
    '/api/credit/things/{id}': {
      get: {
        operationId: 'credit.Things.one',
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
        responses: { 200: { description: '' } },
      },
    },
  },
  components: { schemas: { Problem: { type: 'object' } } },
};

let credit: FastifyInstance;
let inspection: FastifyInstance;
let app: NestFastifyApplication;
let base: string;
let ready = true;

async function upstream(name: string): Promise<FastifyInstance> {
  const server = Fastify({ bodyLimit: 300_000_000 });
  server.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  server.removeContentTypeParser('application/json');
  server.get('/openapi.json', () => (name === 'credit' ? upstreamDocument : { ...upstreamDocument, paths: {} }));
  server.get('/health/ready', (_request, reply) =>
    reply.status(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', dependencies: { database: ready ? 'up' : 'down' } }),
  );
  server.get(`/api/${name}/things/:id`, (request) => ({ url: request.url, headers: request.headers }));
  server.post(`/api/${name}/refused`, (_request, reply) => reply.status(422).type('application/problem+json').send('{"code":"REFUSED"}'));
  server.get(`/api/${name}/slow`, () => new Promise(() => undefined));
  const received = async (request: FastifyRequest): Promise<object> => {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of (request.body ?? Readable.from([])) as Readable) {
      hash.update(chunk as Buffer);
      bytes += (chunk as Buffer).length;
    }
    return { bytes, sha256: hash.digest('hex'), key: request.headers['idempotency-key'] };
  };
  server.post(`/api/${name}/things`, received);
  server.post(`/api/${name}/sampling-sheets/*`, received);
  await server.listen({ port: 0, host: '127.0.0.1' });
  return server;
}

const urlOf = (server: FastifyInstance): string => `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;

beforeAll(async () => {
  [credit, inspection] = await Promise.all([upstream('credit'), upstream('inspection')]);
  const config = checkConfig(GatewayConfig, {
    PORT: '0',
    OIDC_ISSUER: 'http://127.0.0.1:1',
    LOG_LEVEL: 'silent',
    SERVICE_TIMEOUT_MS: '1000',
    CREDIT_URL: urlOf(credit),
    INSPECTION_URL: urlOf(inspection),
    // Nothing listens there.
    EXCHANGE_URL: 'http://127.0.0.1:1',
    MONITORING_URL: urlOf(inspection),
    REGISTRATION_URL: urlOf(inspection),
  });
  const module = await Test.createTestingModule({ imports: [configured(GatewayModule, config)] }).compile();
  app = module.createNestApplication<NestFastifyApplication>(gatewayAdapter(), { bodyParser: false });
  await prepareGateway(app);
  await app.listen(0, '127.0.0.1');
  base = await app.getUrl();
});

afterAll(async () => {
  await app.close();
  credit.server.closeAllConnections();
  await Promise.all([credit.close(), inspection.close()]);
});

interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

async function ask(path: string, init: RequestInit = {}): Promise<Answer> {
  const answer = await fetch(`${base}${path}`, init);
  const text = await answer.text();
  return {
    status: answer.status,
    headers: answer.headers,
    body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : { text },
  };
}

describe('a request to a service', () => {
  it('arrives as it was sent, in the caller’s trace', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const { status, body } = await ask('/api/credit/things/tj-amr%3AS1?limit=2', {
      headers: { authorization: 'Bearer abc', traceparent: `00-${traceId}-b7ad6b7169203331-01` },
    });
    expect(status).toBe(200);
    expect(body['url']).toBe('/api/credit/things/tj-amr%3AS1?limit=2');
    expect(body['headers']).toMatchObject({
      authorization: 'Bearer abc',
      traceparent: expect.stringContaining(traceId) as string,
      'x-forwarded-for': '127.0.0.1',
    });
  });

  it('is answered as the service answers', async () => {
    const answer = await ask('/api/credit/refused', { method: 'POST' });
    expect(answer).toMatchObject({ status: 422, body: { code: 'REFUSED' } });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  it.each([
    ['application/json', 7_000_000],
    ['multipart/form-data; boundary=x', 52_000_000],
    ['multipart/form-data; boundary=x', 209_000_000, '/api/inspection/sampling-sheets/tj-amr/S-1/evidence?type=VIDEO'],
  ])('carries a body of %s byte for byte', async (type, bytes, path = '/api/inspection/things') => {
    const body = Buffer.alloc(bytes, 'a');
    const answer = await ask(path, { method: 'POST', body, headers: { 'content-type': type, 'idempotency-key': 'k' } });
    expect(answer).toMatchObject({ status: 200, body: { bytes, sha256: createHash('sha256').update(body).digest('hex'), key: 'k' } });
  });

  it.each([
    ['application/json', 8_400_000, { code: 'BODY_TOO_LARGE', pointer: '' }],
    ['multipart/form-data; boundary=x', 53_000_000, { code: 'FILE_TOO_LARGE', pointer: '/file' }],
    [
      'multipart/form-data; boundary=x',
      210_000_000,
      { code: 'FILE_TOO_LARGE', detail: 'The file is larger than 200 MiB.' },
      '/api/inspection/sampling-sheets/tj-amr/S-1/evidence',
    ],
    // The larger bound is that route's alone.
    ['multipart/form-data; boundary=x', 53_000_000, { code: 'FILE_TOO_LARGE' }, '/api/inspection/sampling-sheets/tj-amr/S-1/acts'],
  ])('is refused when its body of %s is too large', async (type, bytes, body, path = '/api/inspection/things') => {
    const answer = await ask(path, { method: 'POST', body: Buffer.alloc(bytes), headers: { 'content-type': type } });
    expect(answer).toMatchObject({ status: 413, body });
  });

  it('whose address does not decode is a problem too', async () => {
    const answer = await ask('/api/credit/%E0%A4%A');
    expect(answer).toMatchObject({ status: 400, body: { code: 'BAD_REQUEST', pointer: '' } });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  it('is refused when a body that did not say its length turns out too large', async () => {
    const chunks = Array.from({ length: 90 }, () => Buffer.alloc(100_000));
    const init = {
      method: 'POST',
      body: Readable.toWeb(Readable.from(chunks)),
      duplex: 'half',
      headers: { 'content-type': 'application/json' },
    };
    expect(await ask('/api/inspection/things', init as unknown as RequestInit)).toMatchObject({
      status: 413,
      body: { code: 'BODY_TOO_LARGE' },
    });
  });

  it('is told when the service is down', async () => {
    const answer = await ask('/api/exchange/feedback');
    expect(answer).toMatchObject({ status: 502, body: { code: 'SERVICE_UNAVAILABLE', service: 'exchange', titleZh: '服务暂时不可用' } });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  it('is told when the service takes too long', async () => {
    expect(await ask('/api/credit/slow')).toMatchObject({ status: 504, body: { code: 'SERVICE_TIMEOUT' } });
  });

  it.each(['/api/nothing', '/api/nothing/x', '/', '/metrics.php', '/openapi.json'])('to nobody is not found: %s', async (path) => {
    expect(await ask(path)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
  });

  it('cannot leave the service’s own paths', async () => {
    const socket = connect(Number(new URL(base).port), '127.0.0.1');
    socket.write('GET /api/credit/../../health/ready HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    expect(text).toMatch(/^HTTP\/1.1 (400|404)/);
  });
});

describe('what outsiders program against', () => {
  it('is one valid OpenAPI document', async () => {
    const { body } = await ask('/api/docs-json');
    const document = await SwaggerParser.validate(structuredClone(body) as never);
    expect(document).toMatchObject({ openapi: '3.1.0', info: { 'x-services-without-answer': ['exchange'] } });
    expect(Object.keys(document.paths ?? {})).toEqual(
      expect.arrayContaining(['/api/codes', '/schemas/{event}', '/api/credit/things/{id}']),
    );
  });

  it('can be read by people, from this origin alone', async () => {
    expect((await ask('/api/docs')).body['text']).toContain('swagger-ui-bundle.js');
    for (const file of ['swagger-ui-bundle.js', 'swagger-ui.css', 'start.js']) expect((await ask(`/api/docs/${file}`)).status).toBe(200);
    expect((await ask('/api/docs/package.json')).status).toBe(404);
  });

  it('has the events, their schemas and the codes', async () => {
    expect(await ask('/api/asyncapi.json')).toMatchObject({ status: 200, body: { asyncapi: '3.0.0' } });
    expect(await ask('/api/codes')).toMatchObject({ status: 200, body: { regime: expect.arrayContaining(['FOOD']) as string[] } });
    const byName = await ask('/schemas/SamplingResultPublished');
    expect(byName).toMatchObject({ status: 200, body: { title: 'SamplingResultPublished', type: 'object' } });
    const address = new URL(String(byName.body['$id']));
    expect((await ask(address.pathname)).body).toEqual(byName.body);
    expect(await ask('/schemas/Nothing')).toMatchObject({ status: 404, body: { code: 'UNKNOWN_SCHEMA' } });
  });
});

describe('this origin', () => {
  it('is ready when every service is, and says which is not', async () => {
    expect(await ask('/health/live')).toMatchObject({ status: 200 });
    expect(await ask('/health/ready')).toMatchObject({
      status: 503,
      body: { status: 'not ready', services: { credit: { status: 'ready' }, exchange: { status: 'no answer' } } },
    });
    ready = false;
    expect(await ask('/health/ready')).toMatchObject({ body: { services: { credit: { dependencies: { database: 'down' } } } } });
    ready = true;
  });

  it('measures', async () => {
    expect((await ask('/metrics')).body['text']).toContain('http_request_duration_seconds');
  });

  it.each(['/api/credit/things/1', '/api/docs', '/nowhere'])('tells browsers to be careful: %s', async (path) => {
    const { headers } = await ask(path);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
  });
});
