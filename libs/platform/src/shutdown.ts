import { BatchConsumer, MessagingStatus, Relay } from '@jinqiao/messaging';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

const DRAIN_MS = 2_000;
const DRAIN_POLL_MS = 50;

/**
 * Stops a service in the order that loses no work: HTTP intake first, then the consumers, then the relay once it has published what they
 * left, then (in later hooks) the relay itself, Redis and the database. What stays in the outbox is published by the next process.
 */
@Injectable()
export class Shutdown implements OnModuleDestroy {
  constructor(
    private readonly http: HttpAdapterHost,
    private readonly consumer: BatchConsumer,
    private readonly relay: Relay,
    private readonly messaging: MessagingStatus,
  ) {}

  async onModuleDestroy(): Promise<void> {
    await this.http.httpAdapter.close();
    await this.consumer.close();
    await this.drain();
  }

  private async drain(): Promise<void> {
    const deadline = performance.now() + DRAIN_MS;
    while (this.relay.leading && performance.now() < deadline) {
      this.relay.wake();
      const state = await this.messaging.read().catch(() => null);
      if (!state || state.outboxRows === 0) return;
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
  }
}
