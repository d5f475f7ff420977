import { answerProblem, prepareHttp } from '@jinqiao/platform';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayConfig, upstreamsOf } from './config.js';
import { documentation } from './document/documentation.js';
import { proxyTo } from './proxy/proxy.js';

const REQUEST_TIMEOUT_MS = 180_000;
const KEEP_ALIVE_MS = 72_000;

/** Bodies are passed on and not read here, so nothing but the proxy parses them. */
export const gatewayAdapter = (): FastifyAdapter =>
  new FastifyAdapter({
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    trustProxy: 'loopback',
    routerOptions: { maxParamLength: 300 },
    // An address that does not decode never reaches a route, nor what answers for routes.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => void answerProblem(error, request, reply),
  });

// Swagger UI sets styles from its script; nothing else is allowed that does not come from here.
const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

export async function prepareGateway(app: NestFastifyApplication, name = 'gateway'): Promise<void> {
  const config = app.get(GatewayConfig);
  await prepareHttp(app, name);
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onSend', async (_request, reply, payload) => {
    reply.headers(SECURITY_HEADERS);
    return payload;
  });
  await documentation(fastify);
  for (const upstream of upstreamsOf(config)) await proxyTo(fastify, upstream, config);
  await app.init();
}
