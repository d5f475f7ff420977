import type { Readable } from 'node:stream';
import httpProxy from '@fastify/http-proxy';
import { answerProblem, traceHeaders } from '@jinqiao/platform';
import { DomainError } from '@jinqiao/schema';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GatewayConfig, Upstream } from '../config.js';
import { limited, limitOf } from './body-limit.js';

export class ServiceUnavailable extends DomainError {
  constructor(service: string) {
    super('SERVICE_UNAVAILABLE', 502, { zh: '服务暂时不可用', en: 'The service does not answer at the moment' }, [], { service });
  }
}

export class ServiceTimeout extends DomainError {
  constructor(service: string) {
    super('SERVICE_TIMEOUT', 504, { zh: '服务响应超时', en: 'The service did not answer in time' }, [], { service });
  }
}

const CONNECTIONS_A_SERVICE = 64;
const CONNECT_TIMEOUT_MS = 3_000;
// Shorter than the services' own 72 s: a kept connection is never used while the other side closes it.
const KEEP_ALIVE_MS = 30_000;

/** `/api/<service>/…` goes to that service as it is: streamed both ways, over kept connections, inside the caller's trace. */
export async function proxyTo(fastify: FastifyInstance, { name, url }: Upstream, config: GatewayConfig): Promise<void> {
  const prefix = `/api/${name}`;
  await fastify.register(async (scope) => {
    scope.setErrorHandler((error: Error, request, reply) => refuse(error, request, reply));
    await scope.register(httpProxy, {
      upstream: url,
      prefix,
      rewritePrefix: prefix,
      disableRequestLogging: true,
      undici: {
        connections: CONNECTIONS_A_SERVICE,
        pipelining: 1,
        connect: { timeout: CONNECT_TIMEOUT_MS },
        keepAliveTimeout: KEEP_ALIVE_MS,
        headersTimeout: config.SERVICE_TIMEOUT_MS,
        bodyTimeout: config.SERVICE_TIMEOUT_MS,
      },
      preHandler: (request, _reply, done) => {
        done(limitBody(request));
      },
      replyOptions: {
        rewriteRequestHeaders: (request, headers) => forwarded(request as FastifyRequest, headers),
        onError: (reply, { error }) => void reply.send(refusalOf(error, reply.request.body, name)),
      },
    });
  });
}

async function refuse(error: Error, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  // What is still coming in is read and forgotten, so that the connection does not wait for somebody to take it.
  request.raw.resume();
  await answerProblem(error, request, reply);
}

function limitBody(request: FastifyRequest): Error | undefined {
  const limit = limitOf({ url: request.url, contentType: request.headers['content-type'] });
  const announced = request.headers['content-length'];
  if (announced !== undefined) return Number(announced) > limit.bytes ? limit.refusal() : undefined;
  if (isStream(request.body)) {
    const counted = limited(limit);
    request.body.on('error', (problem) => counted.destroy(problem));
    request.body = request.body.pipe(counted);
  }
  return undefined;
}

const isStream = (body: unknown): body is Readable => typeof body === 'object' && body !== null && 'pipe' in body;

type Headers = FastifyRequest['headers'];

const forwarded = (request: FastifyRequest, headers: Headers): Headers => ({
  ...headers,
  ...traceHeaders(request),
  'x-forwarded-for': request.ip,
  'x-forwarded-host': request.host,
  'x-forwarded-proto': request.protocol,
});

const TIMEOUTS = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'FST_REPLY_FROM_TIMEOUT', 'FST_REPLY_FROM_GATEWAY_TIMEOUT']);

function refusalOf(error: Error, body: unknown, service: string): Error {
  if (isStream(body) && body.errored instanceof DomainError) return body.errored;
  const code = 'code' in error ? String(error.code) : '';
  return TIMEOUTS.has(code) ? new ServiceTimeout(service) : new ServiceUnavailable(service);
}
