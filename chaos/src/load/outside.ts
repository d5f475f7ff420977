import { randomUUID } from 'node:crypto';
import { accessToken, kafkaOf, type RunningServers } from '@jinqiao/infra-local';
import { type Consumer, logLevel, type Producer } from 'kafkajs';

const TOKEN_MS = 400_000;
const CALL_MS_MAX = 20_000;

/** What an organisation asks over HTTP. */
export interface Request {
  readonly principal: string;
  readonly method: string;
  readonly path: string;
  readonly body?: object;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: unknown;
}

interface Message {
  readonly key: string;
  readonly value: string;
  readonly headers: Record<string, string>;
}

/** How the outside world reaches whatever is on the stage. */
export type Speaking = Pick<Outside, 'http' | 'download' | 'produce' | 'follow' | 'close'>;

/** Organisations as the system sees them: HTTP with a token, and a Kafka producer each. */
export class Outside {
  private readonly origin: string;
  private readonly servers: RunningServers;
  private readonly tokens = new Map<string, { readonly token: string; readonly until: number }>();
  private readonly producers = new Map<string, Promise<Producer>>();
  private readonly turns = new Map<string, Promise<void>>();

  constructor(origin: string, servers: RunningServers) {
    this.origin = origin;
    this.servers = servers;
  }

  /** null = no answer. */
  async http({ principal, method, path, body }: Request, idempotencyKey?: string): Promise<HttpAnswer | null> {
    try {
      const isForm = body instanceof FormData;
      const answer = await fetch(this.origin + path, {
        method,
        headers: {
          authorization: `Bearer ${await this.token(principal)}`,
          ...(body && !isForm && { 'content-type': 'application/json' }),
          ...(idempotencyKey && { 'idempotency-key': idempotencyKey }),
        },
        ...(body && { body: isForm ? body : JSON.stringify(body) }),
        signal: AbortSignal.timeout(CALL_MS_MAX),
      });
      const text = await answer.text();
      if (answer.status === 401) this.tokens.delete(principal);
      return { status: answer.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
    } catch {
      return null;
    }
  }

  /** The bytes of a file; null = it did not come. */
  async download(principal: string, path: string): Promise<Buffer | null> {
    try {
      const headers = { authorization: `Bearer ${await this.token(principal)}` };
      const answer = await fetch(this.origin + path, { headers, signal: AbortSignal.timeout(CALL_MS_MAX) });
      return answer.ok ? Buffer.from(await answer.arrayBuffer()) : null;
    } catch {
      return null;
    }
  }

  /**
   * Resolves when the broker has it for good. One at a time: KafkaJS gives several sends of an idempotent producer the same sequence
   * number, and the broker acknowledges all of them and keeps the first.
   */
  produce(principal: string, topic: string, message: Message): Promise<void> {
    const turn = (this.turns.get(principal) ?? Promise.resolve()).then(() => this.produceAlone(principal, topic, message));
    this.turns.set(
      principal,
      turn.catch(() => undefined),
    );
    return turn;
  }

  /** Everything on these topics from now on, read by the principal. */
  async follow(principal: string, topic: string, heard: (value: string) => void): Promise<Consumer> {
    const kafka = kafkaOf(this.servers, principal, { logLevel: logLevel.NOTHING, retry: { retries: 1_000, maxRetryTime: 2_000 } });
    const consumer = kafka.consumer({ groupId: `${principal}.chaos-${randomUUID()}`, sessionTimeout: 10_000 });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachMessage: ({ message }) => {
        if (message.value) heard(message.value.toString());
        return Promise.resolve();
      },
    });
    return consumer;
  }

  private async produceAlone(principal: string, topic: string, message: Message): Promise<void> {
    const connecting = this.producers.get(principal) ?? this.connect(principal);
    this.producers.set(principal, connecting);
    try {
      await (await connecting).send({ topic, acks: -1, messages: [message] });
    } catch (problem) {
      // KafkaJS may have lost count of its sequence numbers: the next send begins with a new producer.
      this.producers.delete(principal);
      await connecting.then((producer) => producer.disconnect()).catch(() => undefined);
      throw problem;
    }
  }

  async close(): Promise<void> {
    for (const producer of this.producers.values()) await producer.then((one) => one.disconnect()).catch(() => undefined);
  }

  private async token(principal: string): Promise<string> {
    const held = this.tokens.get(principal);
    if (held && held.until > Date.now()) return held.token;
    const { token } = await accessToken(this.servers, principal);
    this.tokens.set(principal, { token, until: Date.now() + TOKEN_MS });
    return token;
  }

  private async connect(principal: string): Promise<Producer> {
    const kafka = kafkaOf(this.servers, principal, {
      logLevel: logLevel.NOTHING,
      retry: { retries: 2 },
      connectionTimeout: 2_000,
      requestTimeout: 10_000,
    });
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, retry: { retries: 2 } });
    await producer.connect();
    return producer;
  }
}
