import { plainToInstance, Transform, Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, IsUrl, Matches, Max, Min, validateSync } from 'class-validator';

const loopbackUrl = { require_tld: false, require_protocol: true, protocols: ['http', 'https'] };

const WithoutEndingSlash = (): PropertyDecorator =>
  Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.replace(/\/+$/, '') : value));

/** What every process that answers HTTP reads from its environment. A property has the name of its variable. */
export class HttpConfig {
  @IsString({ message: 'HOST must be the address to listen on' })
  HOST: string = '127.0.0.1';

  @Type(() => Number)
  @Min(0, { message: 'PORT must be from 0 to 65535 (0: any free port)' })
  @Max(65_535, { message: 'PORT must be from 0 to 65535 (0: any free port)' })
  @IsInt({ message: 'PORT must be a whole number' })
  PORT: number;

  @WithoutEndingSlash()
  @IsUrl(loopbackUrl, { message: 'OIDC_ISSUER must be the http(s) URL of the token issuer' })
  OIDC_ISSUER: string;

  @IsIn(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    message: 'LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent',
  })
  LOG_LEVEL: string = 'info';

  /** Where spans go, by OTLP over HTTP. Absent: trace context is carried on, spans are not exported. */
  @IsOptional()
  @IsUrl(loopbackUrl, { message: 'OTEL_EXPORTER_OTLP_ENDPOINT must be the http(s) URL of an OTLP collector' })
  OTEL_EXPORTER_OTLP_ENDPOINT?: string;
}

/**
 * What every service reads from its environment; a service adds its own in `src/config.ts` by extending this class. Secrets, and
 * whatever names a server, have no default.
 */
export class ServiceConfig extends HttpConfig {
  @Matches(/^postgres(ql)?:\/\/.+/, { message: 'DATABASE_URL must be a postgres:// URL' })
  DATABASE_URL: string;

  @Type(() => Number)
  @Min(2, { message: 'DATABASE_POOL must be from 2 to 200 connections' })
  @Max(200, { message: 'DATABASE_POOL must be from 2 to 200 connections' })
  @IsInt({ message: 'DATABASE_POOL must be a whole number' })
  DATABASE_POOL: number = 10;

  @Matches(/^rediss?:\/\/.+/, { message: 'REDIS_URL must be a redis:// URL' })
  REDIS_URL: string;

  @Matches(/^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$/, { message: 'KAFKA_BROKERS must be host:port, several separated by commas' })
  KAFKA_BROKERS: string;

  /** Prefix of every topic and consumer group, so that several stacks can share one broker. */
  @Matches(/^[a-zA-Z0-9._-]*$/, { message: 'KAFKA_NAMESPACE must consist of letters, digits, dots, hyphens and underscores' })
  KAFKA_NAMESPACE: string = '';

  @Type(() => Number)
  @Min(1, { message: 'KAFKA_PARTITIONS must be from 1 to 1000' })
  @Max(1_000, { message: 'KAFKA_PARTITIONS must be from 1 to 1000' })
  @IsInt({ message: 'KAFKA_PARTITIONS must be a whole number' })
  KAFKA_PARTITIONS: number = 3;

  @IsString({ message: 'OIDC_AUDIENCE must be the audience that access tokens are made for' })
  OIDC_AUDIENCE: string = 'jinqiao';

  /** Defaults to `service.<name>`: the principal this service is at the broker. */
  @IsOptional()
  @IsString({ message: 'OIDC_CLIENT_ID must be the client id of this service at the issuer' })
  OIDC_CLIENT_ID?: string;

  @IsString({ message: 'OIDC_CLIENT_SECRET must be the secret of this service at the issuer' })
  OIDC_CLIENT_SECRET: string;

  /** Where event schemas are served: the base of `ce_dataschema`. */
  @WithoutEndingSlash()
  @IsUrl(loopbackUrl, { message: 'SCHEMA_BASE_URL must be the http(s) URL under which event schemas are served' })
  SCHEMA_BASE_URL: string = 'http://localhost:3000/schemas';

  /** Requests a principal may make in a minute. Generous: it stops a runaway client, it does not shape traffic. */
  @Type(() => Number)
  @Min(1, { message: 'RATE_LIMIT_PER_MINUTE must be from 1 to 10000000' })
  @Max(10_000_000, { message: 'RATE_LIMIT_PER_MINUTE must be from 1 to 10000000' })
  @IsInt({ message: 'RATE_LIMIT_PER_MINUTE must be a whole number' })
  RATE_LIMIT_PER_MINUTE: number = 60_000;
}

/** A variable is wrong or missing; the message is one sentence that names it and never shows a value. */
export class ConfigProblem extends Error {}

type Environment = Readonly<Record<string, string | undefined>>;

/** Checks an environment against a config class. Throws ConfigProblem for the first variable that is wrong. */
export function checkConfig<C extends object>(type: new () => C, environment: Environment): C {
  // An empty variable counts as absent: compose files and shells write `NAME=` for "not given".
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''));
  const config = plainToInstance(type, given, { exposeDefaultValues: true });
  const [wrong] = validateSync(config, { stopAtFirstError: true });
  if (wrong) {
    const rule = Object.values(wrong.constraints ?? {})[0] ?? `${wrong.property} is wrong`;
    throw new ConfigProblem(given[wrong.property] === undefined ? `${wrong.property} is missing: ${rule}.` : `${rule}.`);
  }
  return config;
}

/** The configuration of this process. A wrong or missing variable: one sentence on stderr, exit code 1. */
export function readConfig<C extends object>(type: new () => C): C {
  try {
    return checkConfig(type, process.env);
  } catch (problem) {
    if (!(problem instanceof ConfigProblem)) throw problem;
    process.stderr.write(`${problem.message}\n`);
    process.exit(1);
  }
}
