import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isTransient } from '@jinqiao/messaging';
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
import { HELD_AGAIN_WITHIN_MS, Holder, isHeldBy } from './holder.js';
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
  claim: string;
  /** Of a route that answers with a secret: what to do where the answer was lost. */
  instead: string | null;
}

/** What becomes of a key that was taken. */
interface Settlement {
  readonly statement: string;
  readonly values: readonly unknown[];
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
// The last resort, where the database does not know whether the process lives: after this the request may be made again.
const ABANDONED_AFTER_SECONDS = 120;
const SETTLE_LATE_MS = 1_000;
/** What waits for the database takes this much memory: a thousand answers of 16 KiB. The keys of what is beyond are given up in time. */
const UNSETTLED_MAX = 1_000;
const UNSETTLED_LENGTH_MAX = 16_384;
const SWEEP_MS = 600_000;
const ROWS_A_STATEMENT = 10_000;
// Five million keys an hour: more than all principals may send.
const STATEMENTS_A_SWEEP_MAX = 100;

const OF_THIS_CLAIM = 'principal_id = $1 AND route = $2 AND key = $3 AND claim = $4';

/**
 * `Idempotency-Key`: per principal and route, for 24 hours, the same request is handled once and answered alike. The row is taken before
 * the handler runs and gets the answer just before it leaves, so a 2xx that a client has seen is always repeatable. A 5xx is not kept; of
 * a 2xx with a secret only that there was one. What the database was away for is said to it when it is back, and a key that a process left
 * behind when it died is taken over.
 */
@Injectable()
export class Idempotency implements NestInterceptor, OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger(Idempotency.name);
  private jobs: Regular[] = [];
  private readonly unsettled: Settlement[] = [];

  constructor(
    private readonly db: DataSource,
    private readonly holder: Holder,
    private readonly reflector: Reflector,
  ) {}

  onApplicationBootstrap(): void {
    this.jobs = [
      regularly(SWEEP_MS, (stopping) => this.sweep(stopping), this.log),
      regularly(SETTLE_LATE_MS, (stopping) => this.settleLate(stopping), this.log),
    ];
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all(this.jobs.map((job) => job.stop()));
  }

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.getType() === 'http' ? context.switchToHttp().getRequest<FastifyRequest>() : undefined;
    const key = request?.headers['idempotency-key'];
    if (!request?.principal || key === undefined || !WRITES.has(request.method)) return next.handle();
    if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key)) throw new IdempotencyKeyMalformed();
    const instead = this.reflector.get<string | undefined>(ANSWERS_WITH_SECRET, context.getHandler()) ?? null;
    const route = `${request.method} ${request.routeOptions.url}`;
    await this.take(request, { principalId: request.principal.id, route, key, claim: randomUUID(), instead });
    return next.handle();
  }

  private async take(request: FastifyRequest, held: Held): Promise<void> {
    // The body of an upload is not here yet; its digest is added when the handler has read it.
    const hash = request.isMultipart() ? null : requestHash(request, request.bodyDigest ?? NO_BODY);
    if (!(await this.claim(held, hash, null))) {
      const orphan = await this.refuseOrRepeat(request, held);
      await sleep(HELD_AGAIN_WITHIN_MS);
      if (!(await this.claim(held, hash, orphan))) throw new IdempotencyKeyInUse();
    }
    request.idempotency = held;
  }

  /** Takes the key where it is free or given up, or is still held by this claim of a process that died. */
  private async claim(held: Held, hash: string | null, orphan: string | null): Promise<boolean> {
    const holder = await this.holder.held();
    const taking = this.db.query<unknown[]>(
      `INSERT INTO idempotency_keys AS held (principal_id, route, key, claim, request_hash, holder) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (principal_id, route, key) DO UPDATE
         SET claim = excluded.claim, request_hash = excluded.request_hash, holder = excluded.holder,
             status = NULL, content_type = NULL, body = NULL, started_at = clock_timestamp()
         WHERE held.started_at < clock_timestamp() - $7 * interval '1 hour'
            OR (held.status IS NULL AND held.started_at < clock_timestamp() - $8 * interval '1 second')
            OR (held.status IS NULL AND held.claim = $9 AND NOT ${isHeldBy('held.holder')})
       RETURNING key`,
      [...rowOf(held), hash, holder, KEPT_HOURS, ABANDONED_AFTER_SECONDS, orphan],
    );
    try {
      return (await taking).length > 0;
    } catch (problem) {
      // It may have been taken, and only the answer was lost.
      this.waitFor(release(held), problem);
      throw problem;
    }
  }

  /** Answers which claim it is where the process that holds the key seems to have died. */
  private async refuseOrRepeat(request: FastifyRequest, held: Held): Promise<string> {
    const [before]: (Answer & { request_hash: string | null; answered: boolean; orphan: string | null })[] = await this.db.query(
      `SELECT request_hash, status, content_type, body, status IS NOT NULL AS answered,
              CASE WHEN status IS NULL AND holder IS NOT NULL AND NOT ${isHeldBy('holder')} THEN claim END AS orphan
         FROM idempotency_keys WHERE principal_id = $1 AND route = $2 AND key = $3`,
      [held.principalId, held.route, held.key],
    );
    // Gone between the two statements: a 5xx has just released it.
    if (!before) throw new IdempotencyKeyInUse();
    if (before.orphan !== null) return before.orphan;
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
    const uploaded = request.isMultipart() ? request.uploadDigest?.() : undefined;
    const repeatable = payload === undefined || payload === null || typeof payload === 'string';
    const unread = request.isMultipart() && uploaded === undefined;
    if (reply.statusCode >= 500 || !repeatable || unread) {
      await this.settleNow(release(held));
      return;
    }
    const isKept = !isSecret(held, reply.statusCode);
    const contentType = reply.getHeader('content-type');
    await this.settleNow({
      statement: `UPDATE idempotency_keys SET status = $5, content_type = $6, body = $7, request_hash = coalesce($8, request_hash)
        WHERE ${OF_THIS_CLAIM}`,
      values: [
        ...rowOf(held),
        reply.statusCode,
        isKept && typeof contentType === 'string' ? contentType : null,
        isKept ? (payload ?? null) : null,
        uploaded === undefined ? null : requestHash(request, uploaded),
      ],
    });
  }

  private async settleNow(settlement: Settlement): Promise<void> {
    try {
      await this.db.query(settlement.statement, [...settlement.values]);
    } catch (problem) {
      this.waitFor(settlement, problem);
      throw problem;
    }
  }

  private waitFor(settlement: Settlement, problem: unknown): void {
    if (!isTransient(problem) || this.unsettled.length === UNSETTLED_MAX) return;
    if (JSON.stringify(settlement.values).length <= UNSETTLED_LENGTH_MAX) this.unsettled.push(settlement);
  }

  private async settleLate(stopping: AbortSignal): Promise<void> {
    for (let next = this.unsettled[0]; next && !stopping.aborted; next = this.unsettled[0]) {
      try {
        await this.db.query(next.statement, [...next.values]);
      } catch (problem) {
        if (isTransient(problem)) return;
        this.log.error(problem);
      }
      this.unsettled.shift();
    }
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

const rowOf = ({ principalId, route, key, claim }: Held): string[] => [principalId, route, key, claim];

const release = (held: Held): Settlement => ({ statement: `DELETE FROM idempotency_keys WHERE ${OF_THIS_CLAIM}`, values: rowOf(held) });

/** Does an answer with this status show a secret? What is refused shows none. */
const isSecret = (held: Held, status: number): held is Held & { instead: string } => held.instead !== null && status < 300;

/** Called while the bytes of a body are still there. */
export function rememberBody(request: Pick<FastifyRequest, 'headers' | 'bodyDigest'>, body: Buffer): void {
  if (request.headers['idempotency-key'] !== undefined) request.bodyDigest = createHash('sha256').update(body).digest('hex');
}

/** The address with its ids and query belongs to the request: the same key for another subject is another request. */
const requestHash = (request: FastifyRequest, digest: string): string =>
  createHash('sha256').update(`${request.url}\n${digest}`).digest('hex');
