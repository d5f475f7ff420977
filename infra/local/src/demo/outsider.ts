import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Consumer, logLevel } from 'kafkajs';
import { accessToken, kafkaOf } from '../access.js';
import { repository } from '../repository.js';
import type { ServerAddresses } from '../servers.js';

/** The HTTP interface, as one organisation sees it. */
export class Http {
  private readonly origin: string;
  private readonly token: string;

  private constructor(origin: string, token: string) {
    this.origin = origin;
    this.token = token;
  }

  static async as(origin: string, servers: ServerAddresses, principal: string): Promise<Http> {
    return new Http(origin, (await accessToken(servers, principal)).token);
  }

  async get<T>(path: string): Promise<T> {
    return JSON.parse(await this.text(path)) as T;
  }

  /** The bytes as they came. */
  text(path: string): Promise<string> {
    return this.send('GET', path);
  }

  async post<T>(path: string, body: object): Promise<T> {
    const answer =
      body instanceof FormData ? this.send('POST', path, body) : this.send('POST', path, JSON.stringify(body), 'application/json');
    return JSON.parse(await answer) as T;
  }

  put(path: string, body: object): Promise<string> {
    return this.send('PUT', path, JSON.stringify(body), 'application/json');
  }

  /** Every item of a list, page by page. */
  async all<T>(path: string): Promise<T[]> {
    const items: T[] = [];
    let next: string | null = null;
    do {
      const page: { items: T[]; next: string | null } = await this.get(
        `${path}${path.includes('?') ? '&' : '?'}limit=500${next ? `&cursor=${encodeURIComponent(next)}` : ''}`,
      );
      items.push(...page.items);
      next = page.next;
    } while (next);
    return items;
  }

  private async send(method: string, path: string, body?: string | FormData, type?: string): Promise<string> {
    const answer = await fetch(this.origin + path, {
      method,
      headers: { authorization: `Bearer ${this.token}`, ...(type && { 'content-type': type }) },
      ...(body !== undefined && { body }),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Refused(answer.status, `${method} ${path}: ${answer.status} ${text}`);
    return text;
  }
}

export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface TopicRecord {
  readonly topic: string;
  readonly key: string;
  readonly type: string;
  readonly revision: number;
  /** The broker's own clock (LogAppendTime), ms. */
  readonly appendedAt: number;
  readonly value: string | null;
}

/** Reads topics from their beginning, with the token of a principal and nothing of our code. */
export class TopicReader {
  readonly records: TopicRecord[] = [];
  private readonly consumer: Consumer;

  private constructor(consumer: Consumer) {
    this.consumer = consumer;
  }

  static async open(servers: ServerAddresses, principal: string, topics: readonly (string | RegExp)[]): Promise<TopicReader> {
    const kafka = kafkaOf(servers, principal, { logLevel: logLevel.NOTHING, retry: { retries: 2 } });
    const consumer = kafka.consumer({ groupId: `${principal}.demo-${randomUUID()}`, maxWaitTimeInMs: 200, sessionTimeout: 10_000 });
    const reader = new TopicReader(consumer);
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await consumer.run({
      eachMessage: ({ topic, message }) => {
        const { ce_type: type, ce_revision: revision } = message.headers ?? {};
        reader.records.push({
          topic,
          key: String(message.key),
          type: String(type).split('.').at(-1) ?? '',
          revision: Number(revision),
          appendedAt: Number(message.timestamp),
          value: message.value?.toString() ?? null,
        });
        return Promise.resolve();
      },
    });
    return reader;
  }

  /** The newest record that fits, waited for. */
  async find(what: string, fits: (record: TopicRecord) => boolean): Promise<TopicRecord> {
    return until(what, () => Promise.resolve(this.records.findLast(fits)));
  }

  close(): Promise<void> {
    return this.consumer.disconnect();
  }
}

const WAIT_MS_MAX = 60_000;

/** Asks until there is an answer. */
export async function until<T>(what: string, ask: () => Promise<T | null | undefined>, waitMs = WAIT_MS_MAX): Promise<T> {
  const giveUpAt = Date.now() + waitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== undefined) return answer;
    if (Date.now() > giveUpAt) throw new Error(`waited ${waitMs / 1000} s for ${what}`);
    await sleep(20);
  }
}

/** What a verifier says of a file with this text, run as anybody runs it: `npm run TOOL -- FILE …`. */
export function verified(tool: string, text: string, ...options: string[]): { holds: boolean; stdout: string; stderr: string } {
  const folder = mkdtempSync(join(tmpdir(), 'jinqiao-verified-'));
  try {
    const file = join(folder, 'file.json');
    writeFileSync(file, text);
    const { status, stdout, stderr } = spawnSync('npm', ['run', '-s', tool, '--', file, ...options], { cwd: repository, encoding: 'utf8' });
    return { holds: status === 0, stdout, stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
