import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { FeedbackAnswered } from '@jinqiao/contracts';
import { type Consumer, type EachMessagePayload, Kafka, logLevel, type Producer } from 'kafkajs';
import { type Channel, type ChannelParts, feedbackTypeIn } from './channel.js';
import type { Arrived } from './platform.js';

/** What a platform may read is in effect at the broker so long after its registration at the latest. */
const LET_IN_WITHIN_MS = 5_000;

/** The platform's own topics: one it reads, one it answers on. Whatever is wrong with an answer is seen in the operator's dead letters. */
export class TopicChannel implements Channel {
  private readonly parts: ChannelParts;
  private readonly kafka: Kafka;
  private readonly producer: Producer;
  private consumer: Consumer | null = null;
  private isConnected = false;

  constructor(parts: ChannelParts) {
    this.parts = parts;
    const { access, exchange } = parts;
    if (!access.brokers) throw new Error('the topic needs the addresses of the brokers');
    this.kafka = new Kafka({
      clientId: access.clientId,
      brokers: [...access.brokers],
      logLevel: logLevel.NOTHING,
      sasl: { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await exchange.token() }) },
    });
    this.producer = this.kafka.producer({ allowAutoTopicCreation: false });
  }

  async open(): Promise<void> {
    const consumer = this.kafka.consumer({ groupId: this.named(`${this.id}.simulator`), maxWaitTimeInMs: 200, sessionTimeout: 10_000 });
    this.consumer = consumer;
    await consumer.connect();
    const topic = this.named(`platform.${this.id}.feedback.v1`);
    await onceLetIn(() => consumer.subscribe({ topic, fromBeginning: true }));
    // The offset is committed behind what was received: what is under way when the platform dies comes again.
    await consumer.run({ eachMessage: ({ message }) => this.parts.receive(arrivedIn(message)) });
  }

  async close(): Promise<void> {
    await this.consumer?.disconnect();
    await this.producer.disconnect();
    this.consumer = null;
    this.isConnected = false;
  }

  async answer(answered: FeedbackAnswered): Promise<string> {
    if (!this.isConnected) await this.producer.connect();
    this.isConnected = true;
    const headers = {
      ce_specversion: '1.0',
      ce_id: randomUUID(),
      ce_source: `/platforms/${this.id}/simulator`,
      ce_type: 'platform.receipt.FeedbackAnswered',
      ce_time: new Date().toISOString(),
      'content-type': 'application/json',
    };
    const topic = this.named(`platform.${this.id}.receipt.v1`);
    await this.producer.send({ topic, acks: -1, messages: [{ key: answered.feedbackId, headers, value: JSON.stringify(answered) }] });
    return 'on the topic';
  }

  private get id(): string {
    return this.parts.access.clientId;
  }

  private named(name: string): string {
    return `${this.parts.access.namespace ?? ''}${name}`;
  }
}

function arrivedIn({ headers = {}, value }: EachMessagePayload['message']): Arrived {
  const header = (name: string): string => String(headers[name] ?? '');
  return {
    id: header('ce_id'),
    type: feedbackTypeIn(header('ce_type')),
    position: Number(header('ce_sequence')),
    told: JSON.parse(String(value)) as Arrived['told'],
  };
}

async function onceLetIn(subscribe: () => Promise<void>): Promise<void> {
  const until = Date.now() + LET_IN_WITHIN_MS;
  for (;;) {
    try {
      return await subscribe();
    } catch (problem) {
      const isRefused = (problem as { type?: unknown }).type === 'TOPIC_AUTHORIZATION_FAILED';
      if (!isRefused || Date.now() > until) throw problem;
      await pause(200);
    }
  }
}
