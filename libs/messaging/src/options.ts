import type { ServiceName } from '@jinqiao/contracts';

export interface MessagingOptions {
  readonly service: ServiceName;
  readonly brokers: readonly string[];
  /** Prefix of every topic and group, so that several environments share one broker; '' in production. */
  readonly namespace: string;
  /** Base of `ce_dataschema`, e.g. https://jinqiao.example/schemas. */
  readonly schemaBaseUrl: string;
  /** Partitions of a new topic (topics of one organisation get one). */
  readonly partitions: number;
  /** An access token for the broker (SASL/OAUTHBEARER); absent = a broker that asks for none. */
  readonly token?: () => Promise<{ value: string }>;
  /** Called when a consumer can not go on; the process has to end and be restarted by its supervisor. */
  readonly onFatal: (error: Error) => void;
}

export const MESSAGING_OPTIONS = Symbol('MessagingOptions');
