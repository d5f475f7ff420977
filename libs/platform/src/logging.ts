import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { Logger, type Params } from 'nestjs-pino';
import type { ServiceConfig } from './config.js';
import { currentTraceId } from './tracing.js';

// What Nest says about every module and route while it starts.
const START_UP = new Set(['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestFactory']);
const QUIET = /^\/(health|metrics|openapi\.json)/;

/**
 * JSON lines without personal data: of a request its method and path, of an answer its status and time; no bodies, no headers, no query,
 * and of a database error neither the parameters nor the text, which quotes values.
 */
export const loggingOf = (name: string, config: ServiceConfig): Params => ({
  pinoHttp: {
    name,
    level: config.LOG_LEVEL,
    base: { service: name },
    quietReqLogger: true,
    genReqId: (request) => String(request.id ?? ''),
    autoLogging: { ignore: (request) => QUIET.test(request.url ?? '') },
    customLogLevel: (_request: IncomingMessage, response: ServerResponse, error) =>
      error || response.statusCode >= 500 ? 'error' : 'info',
    wrapSerializers: false,
    serializers: {
      req: (request: { id?: unknown; method?: string; url?: string }) => ({
        id: request.id,
        method: request.method,
        path: request.url?.split('?')[0],
      }),
      res: (response: { statusCode?: number }) => ({ status: response.statusCode }),
      err: withoutValues,
    },
    mixin: () => {
      const traceId = currentTraceId();
      return traceId ? { traceId } : {};
    },
  },
});

/** An error as it may stand in a log. */
export function withoutValues(error: unknown): Record<string, unknown> {
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
