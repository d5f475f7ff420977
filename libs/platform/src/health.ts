import { KafkaConnection, MessagingStatus } from '@jinqiao/messaging';
import { Controller, Get, Injectable, Res, type OnModuleDestroy } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { DataSource } from 'typeorm';
import { AllowAnyone } from './access.js';
import { Redis } from './redis.js';

export type DependencyState = 'up' | 'down' | 'degraded';

export interface Readiness {
  status: 'ready' | 'not ready';
  dependencies: Record<string, DependencyState>;
}

const CHECK_TIMEOUT_MS = 2_000;

/** Ready = every dependency answers, and the consumers read. Redis may be away: then the service is slower, and ready. */
@Injectable()
export class Health implements OnModuleDestroy {
  private readonly admin;
  private stopping = false;

  constructor(
    private readonly db: DataSource,
    private readonly redis: Redis,
    private readonly messaging: MessagingStatus,
    kafka: KafkaConnection,
  ) {
    this.admin = kafka.client.admin({ retry: { retries: 0 } });
  }

  async readiness(): Promise<Readiness> {
    const [database, broker, redis] = await Promise.all([
      answers(() => this.db.query('SELECT 1')),
      answers(() => this.askBroker()),
      this.redis.answers(),
    ]);
    const consumers = this.messaging.consuming;
    const ready = database && broker && consumers && !this.stopping;
    return {
      status: ready ? 'ready' : 'not ready',
      dependencies: { database: state(database), broker: state(broker), consumers: state(consumers), redis: redis ? 'up' : 'degraded' },
    };
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping = true;
    await this.admin.disconnect().catch(() => undefined);
  }

  private async askBroker(): Promise<boolean> {
    await this.admin.connect();
    return (await this.admin.describeCluster()).brokers.length > 0;
  }
}

const state = (answered: boolean): DependencyState => (answered ? 'up' : 'down');

async function answers(ask: () => Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), CHECK_TIMEOUT_MS)));
  const answered = ask().then(
    (value) => value !== false,
    () => false,
  );
  return Promise.race([answered, late]).finally(() => clearTimeout(timer));
}

@Controller('health')
@AllowAnyone()
@ApiExcludeController()
export class HealthController {
  constructor(private readonly health: Health) {}

  @Get()
  async overall(@Res({ passthrough: true }) reply: FastifyReply): Promise<Readiness> {
    return this.ready(reply);
  }

  /** The process answers; nothing else is asked, so that a lost database restarts nobody. */
  @Get('live')
  live(): { status: 'live' } {
    return { status: 'live' };
  }

  @Get('ready')
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<Readiness> {
    const readiness = await this.health.readiness();
    reply.status(readiness.status === 'ready' ? 200 : 503);
    return readiness;
  }
}
