import { isTransient } from '@jinqiao/messaging';
import { DomainError, type Finding } from '@jinqiao/schema';
import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { QueryFailedError } from 'typeorm';
import { AnsweredBefore } from './idempotency.js';

/** RFC 9457, with a stable code, the title in both languages and a JSON pointer: `""` = the request as a whole. */
export interface Problem {
  type: string;
  title: string;
  titleZh: string;
  status: number;
  code: string;
  detail: string;
  instance: string;
  pointer: string;
  errors?: readonly Finding[];
  [extra: string]: unknown;
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

type Refusal = Pick<DomainError, 'code' | 'status' | 'title' | 'message' | 'findings' | 'extra'>;

const refusal = (code: string, status: number, zh: string, en: string): Refusal => new DomainError(code, status, { zh, en });

const malformed = refusal('BAD_REQUEST', 400, '请求格式错误', 'The request is malformed');

// What the framework refuses before our code runs carries only a status.
const byStatus: Readonly<Record<number, Refusal>> = {
  400: malformed,
  401: refusal('TOKEN_INVALID', 401, '访问令牌无效', 'The access token is not valid'),
  403: refusal('FORBIDDEN', 403, '无权执行此操作', 'This principal may not do this'),
  404: refusal('NOT_FOUND', 404, '资源不存在', 'There is nothing at this address'),
  405: refusal('METHOD_NOT_ALLOWED', 405, '不支持该请求方法', 'This method is not supported here'),
  406: refusal('NOT_MULTIPART', 406, '请求不是表单上传', 'The request is not a multipart form'),
  408: refusal('REQUEST_TIMEOUT', 408, '请求超时', 'The request took too long to arrive'),
  413: refusal('BODY_TOO_LARGE', 413, '请求内容过大', 'The request body is too large'),
  414: refusal('URL_TOO_LONG', 414, '请求地址过长', 'The address is too long'),
  415: refusal('UNSUPPORTED_MEDIA_TYPE', 415, '不支持该内容类型', 'This content type is not supported'),
  431: refusal('HEADERS_TOO_LARGE', 431, '请求头过大', 'The request headers are too large'),
  503: refusal('SERVICE_UNAVAILABLE', 503, '服务暂时不可用', 'The service is not available at the moment'),
};

const byFastifyCode: Readonly<Record<string, Refusal>> = {
  FST_FILES_LIMIT: refusal('TOO_MANY_FILES', 413, '一次只能上传一个文件', 'Only one file may be sent at a time'),
};

const internal = refusal('INTERNAL', 500, '服务内部错误', 'Something went wrong on our side');
const brokerAway = refusal('BROKER_UNAVAILABLE', 503, '消息系统暂时不可用', 'The message broker is not available at the moment');
const away = refusal('DATABASE_UNAVAILABLE', 503, '数据库暂时不可用', 'The database is not available at the moment');

/** What an exception is to a caller. Never a stack trace, and nothing of an error that is not a refusal of ours. */
export function problemOf(error: unknown, instance: string): Problem {
  const { code, status, title, message, findings, extra } = refusalOf(error);
  const [first] = findings;
  return {
    ...extra,
    type: `urn:jinqiao:problem:${code}`,
    title: title.en,
    titleZh: title.zh,
    status,
    code,
    detail: findings.length === 1 && first ? first.message : message,
    instance,
    pointer: first?.pointer ?? '',
    ...(first && { errors: findings }),
  };
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof DomainError) return error;
  const fastify = error instanceof Error && 'code' in error ? byFastifyCode[String(error.code)] : undefined;
  if (fastify) return fastify;
  const status = statusOf(error);
  if (status !== null) return byStatus[status] ?? (status < 500 ? { ...malformed, status } : internal);
  if (error instanceof Error && error.name.startsWith('KafkaJS')) return brokerAway;
  if (isUnstorable(error)) return malformed;
  return isTransient(error) ? away : internal;
}

/** A U+0000 in an address: no text column can hold it, and PostgreSQL says so (22021). Bodies and queries are refused for it earlier. */
function isUnstorable(error: unknown): boolean {
  const driver: unknown = error instanceof QueryFailedError ? error.driverError : null;
  return driver instanceof Error && 'code' in driver && driver.code === '22021';
}

function statusOf(error: unknown): number | null {
  if (error instanceof HttpException) return error.getStatus();
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : null;
}

/** Sends an exception as what it is to a caller. */
export async function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const problem = problemOf(error, request.url.split('?')[0] ?? '/');
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer');
  if (typeof problem['retryAfter'] === 'number') void reply.header('retry-after', String(problem['retryAfter']));
  if (problem.status === 503) void reply.header('retry-after', '5');
  if (problem.code === 'INTERNAL')
    log.error(error instanceof Error ? error : new Error(String(error)), `${request.method} ${problem.instance}`);
  await reply.status(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
}

const log = new Logger('Problem');

/** The last word on every exception over HTTP. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  async catch(error: unknown, host: ArgumentsHost): Promise<void> {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (reply.sent) return;
    if (error instanceof AnsweredBefore) return error.repeat(reply);
    await answerProblem(error, host.switchToHttp().getRequest<FastifyRequest>(), reply);
  }
}
