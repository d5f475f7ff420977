import { connectConsumers } from '@jinqiao/messaging';
import type { NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import { PinoLogger } from 'nestjs-pino';
import { LIMITS, parseJson } from './body.js';
import { HttpConfig, type ServiceConfig } from './config.js';
import { Idempotency, rememberBody } from './idempotency.js';
import { logRequests, ServiceLogger } from './logging.js';
import { Metrics } from './metrics.js';
import { openApiOf } from './openapi.js';
import { configured } from './platform.module.js';
import { flushTracing, startTracing, traceRequests } from './tracing.js';

const REQUEST_TIMEOUT_MS = 120_000;
const KEEP_ALIVE_MS = 72_000;
const STOP_WITHIN_MS = 9_000;

/** The HTTP server of a service: limits, nothing logged by itself. */
export const httpAdapter = (): FastifyAdapter =>
  new FastifyAdapter({
    bodyLimit: LIMITS.body,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    trustProxy: 'loopback',
    routerOptions: { maxParamLength: 300 },
    multipart: { limits: { fileSize: LIMITS.file, files: 1, fields: 20, fieldSize: LIMITS.body, headerPairs: 100 } },
  });

/** What every HTTP process does before it listens: logs, traces and measures each request. */
export async function prepareHttp(app: NestFastifyApplication, name: string): Promise<void> {
  await startTracing(name, app.get(HttpConfig).OTEL_EXPORTER_OTLP_ENDPOINT);
  app.useLogger(app.get(ServiceLogger));
  const fastify = app.getHttpAdapter().getInstance();
  fastify.removeContentTypeParser('text/plain');
  traceRequests(fastify);
  app.get(Metrics).measureRequests(fastify);
  logRequests(fastify, await app.resolve(PinoLogger));
}

/** Everything between creating an application and listening. Tests use it on applications they have made. */
export async function prepareService(app: NestFastifyApplication, name: string): Promise<NestFastifyApplication> {
  await prepareHttp(app, name);
  app.useBodyParser('application/json', { bodyLimit: LIMITS.batch }, (request, body, done) => {
    try {
      rememberBody(request, body);
      done(null, parseJson(body));
    } catch (refusal) {
      done(refusal as Error);
    }
  });
  const fastify = app.getHttpAdapter().getInstance();
  const idempotency = app.get(Idempotency);
  fastify.addHook('onSend', async (request, reply, payload) => {
    await idempotency.settle(request, reply, payload);
    return payload;
  });
  // Made when it is asked for, which most processes never are: it costs a tenth of a second and some megabytes.
  let document: OpenAPIObject | undefined;
  fastify.get('/openapi.json', (_request, reply) => reply.send((document ??= openApiOf(app, name))));
  await app.init();
  await connectConsumers(app);
  return app;
}

/** Boots a service: HTTP on its address, consumers and relay running, stopped in order by SIGTERM and SIGINT. */
export const startService = (module: new () => object, config: ServiceConfig): Promise<NestFastifyApplication> =>
  startProcess({ module, config, adapter: httpAdapter(), prepare: prepareService });

export interface ProcessParts {
  module: new () => object;
  config: HttpConfig;
  adapter: FastifyAdapter;
  /** What is done between creating the application and listening. */
  prepare: (app: NestFastifyApplication, name: string) => Promise<unknown>;
}

/** Boots an application; one that cannot start says why in one sentence and exits with code 1. */
export async function startProcess({ module, config, adapter, prepare }: ProcessParts): Promise<NestFastifyApplication> {
  const name = module.name.replace(/Module$/, '').toLowerCase();
  try {
    const options: NestApplicationOptions = {
      bufferLogs: true,
      bodyParser: false,
      abortOnError: false,
      logger: ['fatal', 'error', 'warn'],
    };
    const app = await NestFactory.create<NestFastifyApplication>(configured(module, config), adapter, options);
    await prepare(app, name);
    await app.listen(config.PORT, config.HOST);
    stopOnSignals(app);
    return app;
  } catch (problem) {
    // The supervisor tries again.
    process.stderr.write(`${name} could not start: ${sentenceOf(problem)}\n`);
    process.exit(1);
  }
}

/** Node reports a refused connection to localhost as an AggregateError without a message. */
function sentenceOf(problem: unknown): string {
  if (problem instanceof AggregateError && problem.message === '') return sentenceOf(problem.errors[0]);
  return problem instanceof Error ? problem.message : String(problem);
}

function stopOnSignals(app: NestFastifyApplication): void {
  const stop = (): void => {
    // A second signal, or a dependency that holds the shutdown up, must not leave the process behind.
    setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
    void app
      .close()
      .then(flushTracing)
      .then(
        () => process.exit(0),
        () => process.exit(1),
      );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}
