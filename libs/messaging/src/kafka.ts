import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { MESSAGING_OPTIONS, type MessagingOptions } from './options.js';

const RETRY = { initialRetryTime: 100, maxRetryTime: 2_000, retries: 3 };

/** The connection settings of this service, and the one place that knows about the namespace. */
@Injectable()
export class KafkaConnection implements OnApplicationShutdown {
  readonly client: Kafka;
  private asking: Admin | null = null;

  constructor(@Inject(MESSAGING_OPTIONS) private readonly options: MessagingOptions) {
    const logger = new Logger('Kafka');
    this.client = new Kafka({
      clientId: options.service,
      brokers: [...options.brokers],
      connectionTimeout: 3_000,
      requestTimeout: 15_000,
      retry: RETRY,
      ...(options.token && { ssl: false, sasl: { mechanism: 'oauthbearer' as const, oauthBearerProvider: options.token } }),
      // A broker that is away is retried for as long as it takes; each attempt is not an error of ours.
      logLevel: logLevel.WARN,
      logCreator: () => (entry) => logger.debug(`${entry.namespace}: ${entry.log.message}`),
    });
  }

  /**
   * Asks about topics, over a connection that is kept: for each new one the broker verifies a token, which costs as much as many answers.
   * After a failure the next question gets a new one.
   */
  async ask<Answer>(question: (admin: Admin) => Promise<Answer>): Promise<Answer> {
    const admin = (this.asking ??= this.client.admin());
    try {
      await admin.connect();
      return await question(admin);
    } catch (error) {
      if (this.asking === admin) this.asking = null;
      await admin.disconnect().catch(() => undefined);
      throw error;
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.asking?.disconnect();
  }

  /** The name on the broker of a topic or group. */
  physical(name: string): string {
    return this.options.namespace + name;
  }

  /** The declared name of a topic on the broker, or null for another environment's. */
  logical(name: string): string | null {
    return name.startsWith(this.options.namespace) ? name.slice(this.options.namespace.length) : null;
  }
}
