import { createHash } from 'node:crypto';
import { DomainError } from '@jinqiao/schema';
import {
  Injectable,
  Logger,
  SetMetadata,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { DataSource } from 'typeorm';
import { type Regular, regularly } from './regularly.js';
import { digestOfUpload } from './upload.js';

export class IdempotencyKeyReused extends DomainError {
  constructor() {
    super('IDEMPOTENCY_KEY_REUSED', 422, { zh: '幂等键已用于另一请求', en: 'This idempotency key was used for another request' });
  }
}

export class IdempotencyKeyInUse extends DomainError {
  constructor() {
    super('IDEMPOTENCY_KEY_IN_USE', 409, { zh: '同一幂等键的请求正在处理', en: 'A request with this idempotency key is being handled' });
  }
}

export class IdempotencyKeyMalformed extends DomainError {
  constructor() {
    super('IDEMPOTENCY_KEY_MALFORMED', 400, { zh: '幂等键格式错误', en: 'An idempotency key has 1 to 255 printable characters' });
  }
}

/** The request was carried out, and its answer held a secret. `instead` is what whoever never got the answer does now. */
export class AnswerNotKept extends DomainError {
  constructor(instead: string) {
    const message = `The request was carried out and is not carried out again. If its answer never reached you: ${instead}`;
    super('ANSWER_NOT_KEPT', 409, { zh: '请求已执行，其应答含有密钥，不予保存', en: 'The answer holds a secret and is not kept' }, [
      { code: 'ANSWER_NOT_KEPT', pointer: '', message },
    ]);
  }
}

/** Thrown where the same request was answered before; the problem filter sends that answer again. */
export class AnsweredBefore extends Error {
  constructor(private readonly answer: Answer) {
    super('answered before');
  }

  async repeat(reply: FastifyReply): Promise<void> {
    const { status, content_type, body } = this.answer;
    if (content_type) void reply.type(content_type);
    await reply
      .status(status)
      .header('idempotency-replayed', 'true')
      .send(body ?? undefined);
  }
}

interface Answer {
  status: number;
  content_type: string | null;
  body: string | null;
}

interface Held {
  principalId: string;
  route: string;
  key: string;
  /** Of a route that answers with a secret: what to do where the answer was lost. */
  instead: string | null;
}

const ANSWERS_WITH_SECRET = 'jinqiao:answers-with-secret';

/**
 * A route whose answer shows a secret: no idempotency key keeps that answer. Whoever repeats the request is told that it was carried out
 * and what to do `instead`: a sentence that names the way to another secret.
 */
export const AnswersWithSecret = (instead: string): MethodDecorator => SetMetadata(ANSWERS_WITH_SECRET, instead);

declare module 'fastify' {
  interface FastifyRequest {
    idempotency?: Held;
    /** SHA-256 of the body as sent; only where an idempotency key came with it. */
    bodyDigest?: string;
  }
}

const NO_BODY = '';
const WRITES = new Set(['POST', 'PUT', 'DELETE']);
const KEPT_HOURS = 24;
// A process that died while it handled a request leaves its row behind; after this the request may be made again.
const ABANDONED_AFTER_SECONDS = 120;
const SWEEP_MS = 600_000;
const ROWS_A_STATEMENT = 10_000;
// Five million keys an hour: more than all principals may send.
const STATEMENTS_A_SWEEP_MAX = 100;

/**
 * `Idempotency-Key`: per principal and route, for 24 hours, the same request is handled once and answered alike. The row is taken before
 * the handler runs and gets the answer just before it leaves, so a 2xx that a client has seen is always repeatable. A 5xx is not kept; of
 * a 2xx with a secret only that there was one.
 */
@Injectable()
export class Idempotency implements NestInterceptor, OnApplicationBootstrap, OnModuleDestroy {
  private sweeping: Regular | undefined;

  constructor(
    private readonly db: DataSource,
    private readonly reflector: Reflector,
  ) {}

  onApplicationBootstrap(): void {
    this.sweeping = regularly(SWEEP_MS, (stopping) => this.sweep(stopping), new Logger(Idempotency.name));
  }

  async onModuleDestroy(): Promise<void> {
    await this.sweeping?.stop();
  }

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.getType() === 'http' ? context.switchToHttp().getRequest<FastifyRequest>() : undefined;
    const key = request?.headers['idempotency-key'];
    if (!request?.principal || key === undefined || !WRITES.has(request.method)) return next.handle();
    if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key)) throw new IdempotencyKeyMalformed();
    const instead = this.reflector.get<string | undefined>(ANSWERS_WITH_SECRET, context.getHandler()) ?? null;
    await this.take(request, { principalId: request.principal.id, route: `${request.method} ${request.routeOptions.url}`, key, instead });
    return next.handle();
  }

  private async take(request: FastifyRequest, held: Held): Promise<void> {
    // The body of an upload is not here yet; its digest is added when the handler has read it.
    const hash = request.isMultipart() ? null : requestHash(request, request.bodyDigest ?? NO_BODY);
    const taken: unknown[] = await this.db.query(
      `INSERT INTO idempotency_keys AS held (principal_id, route, key, request_hash) VALUES ($1, $2, $3, $4)
       ON CONFLICT (principal_id, route, key) DO UPDATE
         SET request_hash = excluded.request_hash, status = NULL, content_type = NULL, body = NULL, started_at = clock_timestamp()
         WHERE held.started_at < clock_timestamp() - $5 * interval '1 hour'
            OR (held.status IS NULL AND held.started_at < clock_timestamp() - $6 * interval '1 second')
       RETURNING key`,
      [held.principalId, held.route, held.key, hash, KEPT_HOURS, ABANDONED_AFTER_SECONDS],
    );
    if (taken.length === 0) await this.refuseOrRepeat(request, held);
    request.idempotency = held;
  }

  private async refuseOrRepeat(request: FastifyRequest, held: Held): Promise<never> {
    const [before]: (Answer & { request_hash: string | null; answered: boolean })[] = await this.db.query(
      `SELECT request_hash, status, content_type, body, status IS NOT NULL AS answered FROM idempotency_keys
       WHERE principal_id = $1 AND route = $2 AND key = $3`,
      [held.principalId, held.route, held.key],
    );
    // Gone between the two statements: a 5xx has just released it.
    if (!before) throw new IdempotencyKeyInUse();
    if (!before.answered && before.request_hash === null) throw new IdempotencyKeyInUse();
    const digest = request.isMultipart() ? await digestOfUpload(request) : (request.bodyDigest ?? NO_BODY);
    if (before.request_hash !== requestHash(request, digest)) throw new IdempotencyKeyReused();
    if (!before.answered) throw new IdempotencyKeyInUse();
    if (isSecret(held, before.status)) throw new AnswerNotKept(held.instead);
    throw new AnsweredBefore(before);
  }

  /** Keeps the answer, or releases the key where the answer must not be repeated. Runs before the answer leaves. */
  async settle(request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<void> {
    const held = request.idempotency;
    if (!held) return;
    delete request.idempotency;
    const row = [held.principalId, held.route, held.key];
    const uploaded = request.isMultipart() ? request.uploadDigest?.() : undefined;
    const repeatable = payload === undefined || payload === null || typeof payload === 'string';
    const unread = request.isMultipart() && uploaded === undefined;
    if (reply.statusCode >= 500 || !repeatable || unread) {
      await this.db.query('DELETE FROM idempotency_keys WHERE principal_id = $1 AND route = $2 AND key = $3', row);
      return;
    }
    const isKept = !isSecret(held, reply.statusCode);
    const contentType = reply.getHeader('content-type');
    await this.db.query(
      `UPDATE idempotency_keys SET status = $4, content_type = $5, body = $6, request_hash = coalesce($7, request_hash)
       WHERE principal_id = $1 AND route = $2 AND key = $3`,
      [
        ...row,
        reply.statusCode,
        isKept && typeof contentType === 'string' ? contentType : null,
        isKept ? (payload ?? null) : null,
        uploaded === undefined ? null : requestHash(request, uploaded),
      ],
    );
  }

  private async sweep(stopping: AbortSignal): Promise<void> {
    for (let statement = 0; statement < STATEMENTS_A_SWEEP_MAX && !stopping.aborted; statement += 1) {
      const removed: [unknown[], number] = await this.db.query(
        `DELETE FROM idempotency_keys WHERE ctid = ANY(ARRAY(
           SELECT ctid FROM idempotency_keys WHERE started_at < clock_timestamp() - $1 * interval '1 hour' LIMIT $2))`,
        [KEPT_HOURS, ROWS_A_STATEMENT],
      );
      if (removed[1] < ROWS_A_STATEMENT) return;
    }
  }
}

/** Does an answer with this status show a secret? What is refused shows none. */
const isSecret = (held: Held, status: number): held is Held & { instead: string } => held.instead !== null && status < 300;

/** Called while the bytes of a body are still there. */
export function rememberBody(request: Pick<FastifyRequest, 'headers' | 'bodyDigest'>, body: Buffer): void {
  if (request.headers['idempotency-key'] !== undefined) request.bodyDigest = createHash('sha256').update(body).digest('hex');
}

/** The address with its ids and query belongs to the request: the same key for another subject is another request. */
const requestHash = (request: FastifyRequest, digest: string): string =>
  createHash('sha256').update(`${request.url}\n${digest}`).digest('hex');
