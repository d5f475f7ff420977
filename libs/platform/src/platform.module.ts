import type { ServiceName } from '@jinqiao/contracts';
import { MessagingModule } from '@jinqiao/messaging';
import { Injectable, Module, type DynamicModule, type OnApplicationShutdown, type Provider } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, DiscoveryModule } from '@nestjs/core';
import { LoggerModule } from 'nestjs-pino';
import { DataSource } from 'typeorm';
import { AccessGuard, Admission } from './access.js';
import { AccessLog, AccessLogInterceptor } from './access-log.js';
import { Clock } from './clock.js';
import { HttpConfig, ServiceConfig } from './config.js';
import { connectDatabase, type EntityClass } from './database.js';
import { deadLettersController } from './dead-letters.controller.js';
import { Health, HealthController } from './health.js';
import { Holder } from './holder.js';
import { Idempotency } from './idempotency.js';
import { ServiceTokens } from './kafka-tokens.js';
import { loggingOf, ServiceLogger } from './logging.js';
import { MessagingMetrics, Metrics, MetricsController } from './metrics.js';
import { parkedKeysController } from './parked-keys.controller.js';
import { ProblemFilter } from './problem.js';
import { ProcessEnd } from './process-end.js';
import { RateLimit } from './rate-limit.js';
import { Redis } from './redis.js';
import { type FollowOrganisations, organisationConsumer, ShutOut } from './shut-out.js';
import { Shutdown } from './shutdown.js';
import { Tokens } from './tokens.js';

export interface ServiceParts {
  name: ServiceName;
  /** The service's config class; its values are given to startService. */
  config: new () => ServiceConfig;
  entities: readonly EntityClass[];
  /** What decides about principals besides their tokens; absent: who is shut out, as the directory says. */
  admission?: new (...parts: never[]) => Admission;
  /** What else is done with organisations as the directory has them. */
  followOrganisations?: FollowOrganisations;
}

/** The last to go: everything that uses the database has stopped by then. */
@Injectable()
class Database implements OnApplicationShutdown {
  constructor(private readonly db: DataSource) {}

  async onApplicationShutdown(): Promise<void> {
    if (this.db.isInitialized) await this.db.destroy();
  }
}

/** What every service stands on: database, messaging, authentication, health, metrics, logs, problem+json. */
@Module({})
export class PlatformModule {
  static forService({ name, config, entities, admission, followOrganisations }: ServiceParts): DynamicModule {
    const providers: Provider[] = [
      ...forHttp,
      ProcessEnd,
      Redis,
      RateLimit,
      AccessLog,
      Holder,
      Idempotency,
      MessagingMetrics,
      Health,
      Database,
      Shutdown,
      { provide: DataSource, inject: [ServiceConfig], useFactory: (values: ServiceConfig) => connectDatabase(name, values, entities) },
      {
        provide: Tokens,
        inject: [ServiceConfig],
        useFactory: (values: ServiceConfig) => new Tokens(values.OIDC_ISSUER, values.OIDC_AUDIENCE),
      },
      { provide: Admission, useClass: admission ?? ShutOut },
      { provide: APP_GUARD, useClass: AccessGuard },
      { provide: APP_INTERCEPTOR, useExisting: Idempotency },
      { provide: APP_INTERCEPTOR, useClass: AccessLogInterceptor },
    ];
    // A service asks for its own class; it is the same object.
    if (config !== ServiceConfig) providers.push({ provide: config, useExisting: ServiceConfig });
    return {
      module: PlatformModule,
      global: true,
      imports: [DiscoveryModule, loggingFor(name), messagingFor(name)],
      controllers: [
        HealthController,
        MetricsController,
        deadLettersController(name),
        parkedKeysController(name),
        ...(admission ? [] : [organisationConsumer(followOrganisations)]),
      ],
      providers,
      exports: [Clock, DataSource, Redis, AccessLog, Metrics, ProcessEnd, ...(config === ServiceConfig ? [] : [config])],
    };
  }

  /** For a process that only answers HTTP, without a database and events of its own: logs, metrics, problem+json. */
  static forEdge(name: string): DynamicModule {
    return {
      module: PlatformModule,
      global: true,
      imports: [DiscoveryModule, loggingFor(name)],
      controllers: [MetricsController],
      providers: forHttp,
      exports: [Clock, Metrics],
    };
  }
}

const forHttp: Provider[] = [Clock, ServiceLogger, Metrics, { provide: APP_FILTER, useClass: ProblemFilter }];

const loggingFor = (name: string): DynamicModule =>
  LoggerModule.forRootAsync({ inject: [HttpConfig], useFactory: (config: HttpConfig) => loggingOf(name, config) });

const messagingFor = (service: ServiceName): DynamicModule =>
  MessagingModule.forService({
    inject: [ServiceConfig, ProcessEnd],
    useFactory: (config: ServiceConfig, end: ProcessEnd) => ({
      service,
      brokers: config.KAFKA_BROKERS.split(','),
      namespace: config.KAFKA_NAMESPACE,
      schemaBaseUrl: config.SCHEMA_BASE_URL,
      partitions: config.KAFKA_PARTITIONS,
      token: new ServiceTokens(config.OIDC_ISSUER, { id: config.OIDC_CLIENT_ID ?? `service.${service}`, secret: config.OIDC_CLIENT_SECRET })
        .provider,
      onFatal: (problem: Error) => end.because(problem),
    }),
  });

/** Gives a configuration's values to everything in the application. */
@Module({})
class ConfigModule {
  static of(config: HttpConfig): DynamicModule {
    const tokens = [HttpConfig, ServiceConfig, config.constructor].filter(
      (type, at, all) => config instanceof type && all.indexOf(type) === at,
    );
    return { module: ConfigModule, global: true, providers: tokens.map((provide) => ({ provide, useValue: config })), exports: tokens };
  }
}

@Module({})
class ServiceRoot {}

/** A service's module together with its configuration: what an application, or a test, is made from. */
export const configured = (service: new () => object, config: HttpConfig): DynamicModule => ({
  module: ServiceRoot,
  imports: [ConfigModule.of(config), service],
});
