import { Gathered } from '@jinqiao/messaging';
import { Reflector } from '@nestjs/core';
import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { mergeMap, type Observable } from 'rxjs';
import { DataSource, type EntityManager } from 'typeorm';
import { keepsOwnLog } from './access.js';
import type { Principal } from './principal.js';
import { currentTraceId } from './tracing.js';

interface Entry {
  principal_id: string;
  principal_kind: string;
  action: string;
  subject: string;
  purpose: string | null;
  trace_id: string | null;
}

const ENTRIES_A_WRITE = 1_000;

/**
 * Who did or read what, for which purpose. Append-only: the service's role may not update or delete rows. Entries are gathered, so the
 * log costs one commit for many requests.
 */
@Injectable()
export class AccessLog {
  private readonly entries = new Gathered<Entry, null>(async (entries) => {
    await insert(this.db, entries);
    return entries.map(() => null);
  }, ENTRIES_A_WRITE);

  constructor(private readonly db: DataSource) {}

  /** Resolves when the entry is durable. */
  async record(principal: Principal, action: string, subject: string, purpose?: string): Promise<void> {
    await this.entries.add(entryOf(principal, action, subject, purpose));
  }

  /** For what comes in without a request: the entry is kept together with what the transaction does, or not at all. */
  async recordIn(tx: EntityManager, principal: Principal, action: string, subject: string): Promise<void> {
    await insert(tx, [entryOf(principal, action, subject)]);
  }
}

const entryOf = (principal: Principal, action: string, subject: string, purpose?: string): Entry => ({
  principal_id: principal.id,
  principal_kind: principal.kind,
  action,
  subject,
  purpose: purpose ?? null,
  trace_id: currentTraceId(),
});

async function insert(connection: Pick<EntityManager, 'query'>, entries: readonly Entry[]): Promise<void> {
  await connection.query(
    `INSERT INTO access_log (principal_id, principal_kind, action, subject, purpose, trace_id)
     SELECT * FROM jsonb_to_recordset($1::jsonb)
       AS entry(principal_id text, principal_kind text, action text, subject text, purpose text, trace_id text)`,
    [JSON.stringify(entries)],
  );
}

/** Records every request of an authenticated principal that was answered, before the answer leaves; but for what its use case notes itself. */
@Injectable()
export class AccessLogInterceptor implements NestInterceptor {
  constructor(
    private readonly log: AccessLog,
    private readonly reflector: Reflector,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.getType() === 'http' ? context.switchToHttp().getRequest<FastifyRequest>() : undefined;
    const principal = request?.principal;
    if (!principal || keepsOwnLog(this.reflector, context)) return next.handle();
    return next.handle().pipe(
      mergeMap(async (answer: unknown) => {
        await this.log.record(principal, `${request.method} ${request.routeOptions.url}`, subjectIn(request), purposeIn(request));
        return answer;
      }),
    );
  }
}

/** The ids in the path. They are never those of a person (design §3.6). */
const subjectIn = (request: FastifyRequest): string =>
  Object.values(request.params ?? {})
    .join(' ')
    .slice(0, 300);

function purposeIn(request: FastifyRequest): string | undefined {
  const purpose = request.headers['x-purpose'];
  return typeof purpose === 'string' && purpose !== '' ? purpose.slice(0, 200) : undefined;
}
