import { Inject, Injectable, Logger } from '@nestjs/common';
import { Kafka, logLevel } from 'kafkajs';
import { MESSAGING_OPTIONS, type MessagingOptions } from './options.js';

const RETRY = { initialRetryTime: 100, maxRetryTime: 2_000, retries: 3 };

/** The connection settings of this service, and the one place that knows about the namespace. */
@Injectable()
export class KafkaConnection {
  readonly client: Kafka;

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

  /** The name on the broker of a topic or group. */
  physical(name: string): string {
    return this.options.namespace + name;
  }

  /** The declared name of a topic on the broker, or null for another environment's. */
  logical(name: string): string | null {
    return name.startsWith(this.options.namespace) ? name.slice(this.options.namespace.length) : null;
  }
}
