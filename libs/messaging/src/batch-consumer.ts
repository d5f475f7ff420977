import { type INestApplication, Inject, Injectable } from '@nestjs/common';
import { allStreams, type EventClass, ownerOf, type Stream, typeOf } from '@jinqiao/contracts';
import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import { Batches, type EventHandler, type Subscriptions } from './batches.js';
import { ConsumerTables } from './consumer-tables.js';
import { KafkaConnection } from './kafka.js';
import type { HandlerExtras } from './on.js';
import { MESSAGING_OPTIONS, type MessagingOptions } from './options.js';
import { type Lag, Reader } from './reader.js';
import type { Refusal } from './received.js';

const TOPIC_REFRESH_MS = 1_000;

/**
 * Nest's transport for the events of a service. Streams with one topic are read by the group `<service>`; streams with a topic per
 * organisation by `<service>.intake`, which is built anew when an organisation has been registered, without disturbing the first.
 */
@Injectable()
export class BatchConsumer extends Server implements CustomTransportStrategy, Subscriptions {
  override propagatesEventHandlerErrors = true;
  private readonly handlers = new Map<EventClass, EventHandler>();
  private readonly streamByTopic = new Map<string, Stream | null>();
  private readers = new Map<string, { reader: Reader; topics: string }>();
  private refresh: NodeJS.Timeout | null = null;
  private refreshing: Promise<void> | null = null;
  private closed = false;

  constructor(
    @Inject(MESSAGING_OPTIONS) private readonly options: MessagingOptions,
    private readonly kafka: KafkaConnection,
    private readonly tables: ConsumerTables,
    private readonly batches: Batches,
  ) {
    super();
  }

  /** Are all groups of this service reading? */
  get consuming(): boolean {
    return !this.closed && (this.handlers.size === 0 || this.readers.has(this.options.service) || this.ownTopics().length === 0);
  }

  lag(): Lag[] {
    return [...this.readers.values()].flatMap(({ reader }) => reader.lag());
  }

  listen(callback: (error?: unknown) => void): void {
    this.start().then(() => callback(), callback);
  }

  async close(): Promise<void> {
    this.closed = true;
    if (this.refresh) clearInterval(this.refresh);
    await this.refreshing;
    await Promise.all([...this.readers.values()].map(({ reader }) => reader.stop()));
  }

  on(): never {
    throw new Error('the batch consumer emits no events of its own');
  }

  unwrap<T>(): T {
    return this.kafka.client as T;
  }

  /** Handles a dead letter again, inside the consumer that failed. Answers why it failed again, or null. */
  replay(id: string): Promise<Refusal | null> {
    return this.batches.replay(id, this);
  }

  streamOf(topic: string): Stream | null {
    const known = this.streamByTopic.get(topic);
    if (known !== undefined) return known;
    const found = allStreams().find((stream) => stream.topic === topic || ownerOf(stream, topic) !== null) ?? null;
    this.streamByTopic.set(topic, found);
    return found;
  }

  handlerOf(type: EventClass): EventHandler | null {
    return this.handlers.get(type) ?? null;
  }

  private async start(): Promise<void> {
    this.collectHandlers();
    if (this.handlers.size === 0) return;
    const topics = this.ownTopics();
    const readsOrganisations = this.subscribed().some((stream) => stream.owner);
    // Joining a group takes until all its members have noticed, a second at most: both at once.
    const joining: Promise<void>[] = [];
    if (topics.length > 0) joining.push(this.open(this.options.service, topics));
    if (readsOrganisations) joining.push(this.readOrganisationTopics());
    for (const outcome of await Promise.allSettled(joining)) if (outcome.status === 'rejected') throw outcome.reason;
    if (!readsOrganisations) return;
    // A round that takes longer than the pause is not joined by a queue of others.
    this.refresh = setInterval(() => {
      this.refreshing ??= this.readOrganisationTopics()
        .catch((error: unknown) => {
          this.logger.warn(`organisations' topics could not be read, trying again: ${String(error)}`);
        })
        .finally(() => (this.refreshing = null));
    }, TOPIC_REFRESH_MS);
  }

  private collectHandlers(): void {
    for (const [pattern, handler] of this.messageHandlers) {
      const extras = handler.extras as HandlerExtras | undefined;
      const type = extras?.events.find((event) => typeOf(event) === pattern);
      if (!extras || !type) continue;
      if (handler.next) throw new Error(`${pattern} has two handlers in one service; let one method call the other`);
      this.handlers.set(type, { method: extras.method, batch: extras.batch, call: callOf(handler) });
    }
  }

  private subscribed(): Stream[] {
    return allStreams().filter((stream) => stream.events.some((event) => this.handlers.has(event)));
  }

  private ownTopics(): string[] {
    return this.subscribed()
      .filter((stream) => !stream.owner)
      .map((stream) => stream.topic);
  }

  // Only topics that the access rules let this service see are listed.
  private async readOrganisationTopics(): Promise<void> {
    if (this.closed) return;
    const listed = await this.kafka.ask((admin) => admin.listTopics());
    const streams = this.subscribed().filter((stream) => stream.owner);
    const topics = listed
      .map((name) => this.kafka.logical(name))
      .filter((name): name is string => name !== null && streams.some((stream) => ownerOf(stream, name) !== null))
      .sort();
    const group = `${this.options.service}.intake`;
    const current = this.readers.get(group);
    if (topics.length === 0 || current?.topics === topics.join() || this.isClosed()) return;
    await current?.reader.stop();
    await this.open(group, topics);
  }

  // Asked again after an await: close() may have come in between.
  private isClosed(): boolean {
    return this.closed;
  }

  private async open(group: string, topics: readonly string[]): Promise<void> {
    const consuming = { batches: this.batches, subscriptions: this };
    const reader = new Reader(group, topics, this.kafka, this.tables, consuming, this.options.onFatal);
    this.readers.set(group, { reader, topics: topics.join() });
    try {
      await reader.start();
    } catch (error) {
      // A reader that never began is none: the next round opens another one.
      this.readers.delete(group);
      await reader.stop();
      throw error;
    }
  }
}

function callOf(handler: MessageHandler): EventHandler['call'] {
  return async (received, tx) => {
    const answer: unknown = await handler(received, tx);
    if (isObservable(answer)) await lastValueFrom(answer, { defaultValue: undefined });
  };
}

/** Joins the consumers of an application to the broker. HTTP guards and filters do not apply to them. */
export async function connectConsumers(app: INestApplication): Promise<void> {
  app.connectMicroservice({ strategy: app.get(BatchConsumer) });
  await app.startAllMicroservices();
}
