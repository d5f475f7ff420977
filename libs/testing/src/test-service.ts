import { checkConfig, Clock, configured, httpAdapter, prepareService, ProcessEnd, ServiceConfig } from '@jinqiao/platform';
import type { Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { Place } from './place.js';

export interface TestServiceOptions {
  /** The service's own config class, where it reads more than every service. */
  readonly config?: new () => ServiceConfig;
  readonly clock?: Pick<Clock, 'now'>;
  /** What is another than at the place. */
  readonly env?: Readonly<Record<string, string>>;
  /** A second process of the service: the place's clients go on asking the first. */
  readonly isSecond?: boolean;
}

export interface TestService {
  readonly app: NestFastifyApplication;
  readonly url: string;
  /** Why the process would have ended, had this been one. */
  readonly ends: readonly Error[];
  /** Something of the application, to look at or to drive directly. */
  get<T>(type: Type<T>): T;
  close(): Promise<void>;
}

/** The real service in this process: HTTP on a free port of the loopback, consumers and relay running. Logs with TEST_LOG_LEVEL=debug. */
export async function startTestService(
  module: new () => object,
  place: Place,
  { config = ServiceConfig, clock, env, isSecond = false }: TestServiceOptions = {},
): Promise<TestService> {
  const ends: Error[] = [];
  const building = Test.createTestingModule({ imports: [configured(module, checkConfig(config, { ...place.env, ...env }))] })
    .overrideProvider(ProcessEnd)
    .useValue({ because: (problem: Error) => ends.push(problem) });
  if (clock) building.overrideProvider(Clock).useValue(clock);
  const built = await building.compile();
  const app = built.createNestApplication<NestFastifyApplication>(httpAdapter(), { bufferLogs: true, bodyParser: false });
  await prepareService(app, place.service);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  if (!isSecond) place.origin = url;
  return { app, url, ends, get: (type) => app.get(type, { strict: false }), close: () => app.close() };
}

/** A clock that stands still until it is moved. */
export class StandingClock {
  constructor(private at: Date = new Date()) {}

  now(): Date {
    return new Date(this.at);
  }

  set(at: Date): void {
    this.at = at;
  }

  advance(ms: number): void {
    this.at = new Date(this.at.getTime() + ms);
  }
}
