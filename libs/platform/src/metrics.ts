import { MessagingStatus, type MessagingState } from '@jinqiao/messaging';
import { Controller, Get, Header, Injectable, Logger } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { AllowAnyone } from './access.js';

/** One registry per application, so that several can live in one process. Services add their own metrics to it. */
@Injectable()
export class Metrics {
  readonly registry = new Registry();
  private readonly readings: (() => Promise<void>)[] = [];
  private readonly requests = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the request to the end of its answer, by route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** A counter of the service's own. */
  counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  /** A gauge of the service's own, set before each scrape. */
  gauge<Label extends string>(name: string, help: string, labelNames: Label[]): Gauge<Label> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  /** What has to be read anew for every scrape. */
  beforeScrape(read: () => Promise<void>): void {
    this.readings.push(read);
  }

  async scrape(): Promise<string> {
    await Promise.all(this.readings.map((read) => read()));
    return this.registry.metrics();
  }

  measureRequests(fastify: FastifyInstance): void {
    fastify.addHook('onResponse', (request, reply, done) => {
      const route = request.routeOptions.url ?? 'unknown';
      this.requests.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1_000);
      done();
    });
  }
}

/** Gauges over messaging's tables, read when they are asked for. */
@Injectable()
export class MessagingMetrics {
  private readonly log = new Logger(MessagingMetrics.name);
  private readonly gauges;
  private readonly lag;

  constructor(
    private readonly metrics: Metrics,
    private readonly messaging: MessagingStatus,
  ) {
    this.gauges = {
      oldestOutboxSeconds: this.gauge(
        'outbox_oldest_row_age_seconds',
        'Age of the oldest event the broker has not yet taken; 0 when none waits',
      ),
      outboxRows: this.gauge('outbox_rows', 'Events that wait for the broker'),
      parkedKeys: this.gauge('outbox_parked_keys', 'Keys whose events wait behind a record the broker refused'),
      openDeadLetters: this.gauge('dead_letters_open', 'Records that could not be handled and were not yet replayed'),
    } satisfies Partial<Record<keyof MessagingState, Gauge>>;
    this.lag = new Gauge({
      name: 'consumer_lag_records',
      help: 'Records between the last one handled and the end of the partition',
      labelNames: ['topic', 'partition'],
      registers: [metrics.registry],
    });
    metrics.beforeScrape(() => this.read());
  }

  // While the database is away these gauges have no value; everything else is still told.
  private async read(): Promise<void> {
    const state = await this.messaging.read().catch((problem: unknown) => {
      this.log.warn(`messaging could not be measured: ${problem instanceof Error ? problem.message : String(problem)}`);
      return null;
    });
    this.gauges.oldestOutboxSeconds.set(state?.oldestOutboxSeconds ?? NaN);
    this.gauges.outboxRows.set(state?.outboxRows ?? NaN);
    this.gauges.parkedKeys.set(state?.parkedKeys ?? NaN);
    this.gauges.openDeadLetters.set(state?.openDeadLetters ?? NaN);
    this.lag.reset();
    for (const { topic, partition, lag } of state?.lag ?? []) this.lag.set({ topic, partition }, lag);
  }

  private gauge(name: string, help: string): Gauge {
    return new Gauge({ name, help, registers: [this.metrics.registry] });
  }
}

@Controller('metrics')
@AllowAnyone()
@ApiExcludeController()
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get()
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  all(): Promise<string> {
    return this.metrics.scrape();
  }
}
