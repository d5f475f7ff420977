import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { createClient } from '@redis/client';
import { ServiceConfig } from './config.js';

const CONNECT_TIMEOUT_MS = 2_000;
const COMMAND_TIMEOUT_MS = 250;
/** After a silence nobody asks for so long, or every request of that time would wait for the next one. */
const LEFT_ALONE_MS = 1_000;
const LONGEST_PAUSE_MS = 3_000;
/** What is sent to a server that stands still waits for as long as it does. */
const COMMANDS_UNDER_WAY_MAX = 10_000;

/** Redis holds only what can be rebuilt: a command fails at once while it is away, and whoever asked goes on without. */
@Injectable()
export class Redis implements OnApplicationShutdown {
  readonly client;
  private leftAloneUntil = 0;

  constructor(config: ServiceConfig) {
    this.client = createClient({
      url: config.REDIS_URL,
      disableOfflineQueue: true,
      // `ask` has a limit of its own; theirs makes a signal and a timer of each command, which nobody ends before its time.
      commandOptions: { timeout: undefined },
      commandsQueueMaxLength: COMMANDS_UNDER_WAY_MAX,
      socket: { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: (attempt) => Math.min(100 * 2 ** attempt, LONGEST_PAUSE_MS) },
    });
    // Without a listener a lost connection would end the process; readiness tells about it.
    this.client.on('error', () => undefined);
    this.client.connect().catch(() => undefined);
  }

  /**
   * null = no answer within a quarter of a second: Redis is away, or it is there and silent. The limit of node-redis ends when a command
   * has been written, so a server that stands still would be waited for as long as it does.
   */
  async ask<T>(command: (client: Redis['client']) => Promise<T>): Promise<T | null> {
    if (!this.client.isReady || performance.now() < this.leftAloneUntil) return null;
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<null>((resolve) => {
      timer = setTimeout(() => {
        this.leftAloneUntil = performance.now() + LEFT_ALONE_MS;
        resolve(null);
      }, COMMAND_TIMEOUT_MS);
    });
    try {
      return await Promise.race([command(this.client), silence]);
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  async answers(): Promise<boolean> {
    return (await this.ask((client) => client.ping())) === 'PONG';
  }

  onApplicationShutdown(): void {
    if (this.client.isOpen) this.client.destroy();
  }
}
