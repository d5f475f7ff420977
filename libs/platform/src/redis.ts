import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { createClient } from 'redis';
import { ServiceConfig } from './config.js';

const CONNECT_TIMEOUT_MS = 2_000;
const COMMAND_TIMEOUT_MS = 250;
const LONGEST_PAUSE_MS = 3_000;

/** Redis holds only what can be rebuilt: a command fails at once while it is away, and whoever asked goes on without. */
@Injectable()
export class Redis implements OnApplicationShutdown {
  readonly client;

  constructor(config: ServiceConfig) {
    this.client = createClient({
      url: config.REDIS_URL,
      disableOfflineQueue: true,
      commandOptions: { timeout: COMMAND_TIMEOUT_MS },
      socket: { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: (attempt) => Math.min(100 * 2 ** attempt, LONGEST_PAUSE_MS) },
    });
    // Without a listener a lost connection would end the process; readiness tells about it.
    this.client.on('error', () => undefined);
    this.client.connect().catch(() => undefined);
  }

  async answers(): Promise<boolean> {
    if (!this.client.isReady) return false;
    return (await this.client.ping().catch(() => null)) === 'PONG';
  }

  onApplicationShutdown(): void {
    if (this.client.isOpen) this.client.destroy();
  }
}
