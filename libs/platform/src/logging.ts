import { Injectable } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { Logger, type Params, type PinoLogger } from 'nestjs-pino';
import type { HttpConfig } from './config.js';
import { currentTraceId } from './tracing.js';

// What Nest says about every module and route while it starts.
const START_UP = new Set(['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestFactory']);
const QUIET = /^\/(health|metrics|openapi\.json)/;

/**
 * JSON lines without personal data: of a database error neither the parameters nor the text, which quotes values. Requests are logged by
 * logRequests, so pino-http's middleware is left out.
 */
export const loggingOf = (name: string, config: HttpConfig): Params => ({
  forRoutes: [],
  pinoHttp: {
    level: config.LOG_LEVEL,
    base: { service: name },
    autoLogging: false,
    // Else pino-http reads the error first, message, parameters and all, and ours sees what is left.
    wrapSerializers: false,
    serializers: { err: withoutValues },
    mixin: () => {
      const traceId = currentTraceId();
      return traceId ? { traceId } : {};
    },
  },
});

/** One line an answer: method, path, status, time and who asked. No bodies, no headers, no query. */
export function logRequests(fastify: FastifyInstance, logger: PinoLogger): void {
  fastify.addHook('onResponse', (request, reply, done) => {
    const path = request.url.split('?')[0] ?? '/';
    const ms = Math.round(reply.elapsedTime);
    const traceId = request.trace?.span.spanContext().traceId;
    const line = { method: request.method, path, status: reply.statusCode, ms, principal: request.principal?.id, traceId };
    if (!QUIET.test(path)) logger.info(line, 'answered');
    done();
  });
}

/** An error as it may stand in a log. pino-http hands over its own reading of it, with the error itself under `raw`. */
export function withoutValues(given: unknown): Record<string, unknown> {
  const error: unknown = typeof given === 'object' && given !== null && 'raw' in given ? given.raw : given;
  if (!(error instanceof Error)) return { type: typeof error };
  const driver: unknown = 'driverError' in error ? error.driverError : undefined;
  const stack = error.stack
    ?.split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 20)
    .join('\n');
  if (!(driver instanceof Error)) return { type: error.name, message: error.message, stack };
  const { code, table, column, constraint } = driver as { code?: unknown; table?: unknown; column?: unknown; constraint?: unknown };
  return { type: error.name, code, table, column, constraint, stack };
}

/** Nest's logger over pino, without a line for every module and route at the start. */
@Injectable()
export class ServiceLogger extends Logger {
  override log(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    if (typeof context !== 'string' || !START_UP.has(context)) super.log(message, ...rest);
  }
}
