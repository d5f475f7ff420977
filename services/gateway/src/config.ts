import { HttpConfig } from '@jinqiao/platform';
import { IsInt, IsOptional, IsUrl, Matches, Max, Min } from 'class-validator';
import { Type } from 'class-transformer';

const url = { require_tld: false, require_protocol: true, protocols: ['http', 'https'] };

/** Where the services are, and how outsiders reach this origin. */
export class GatewayConfig extends HttpConfig {
  override PORT: number = 3_000;

  /** This origin as outsiders write it: the base of schema addresses in the documents. */
  @IsUrl(url, { message: 'PUBLIC_URL must be the http(s) URL of this origin' })
  PUBLIC_URL: string = 'http://localhost:3000';

  /** Named in the AsyncAPI document. */
  @IsOptional()
  @Matches(/^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$/, { message: 'KAFKA_BROKERS must be host:port, several separated by commas' })
  KAFKA_BROKERS?: string;

  @IsUrl(url, { message: 'REGISTRATION_URL must be the http(s) URL of the registration service' })
  REGISTRATION_URL: string;

  @IsUrl(url, { message: 'INSPECTION_URL must be the http(s) URL of the inspection service' })
  INSPECTION_URL: string;

  @IsUrl(url, { message: 'EXCHANGE_URL must be the http(s) URL of the exchange service' })
  EXCHANGE_URL: string;

  @IsUrl(url, { message: 'CREDIT_URL must be the http(s) URL of the credit service' })
  CREDIT_URL: string;

  @IsUrl(url, { message: 'MONITORING_URL must be the http(s) URL of the monitoring service' })
  MONITORING_URL: string;

  /** How long a service may think before it begins to answer; a 50 MiB import is the longest. */
  @Type(() => Number)
  @Min(100, { message: 'SERVICE_TIMEOUT_MS must be from 100 to 600000' })
  @Max(600_000, { message: 'SERVICE_TIMEOUT_MS must be from 100 to 600000' })
  @IsInt({ message: 'SERVICE_TIMEOUT_MS must be a whole number' })
  SERVICE_TIMEOUT_MS: number = 120_000;
}

/** A service behind this origin, under `/api/<name>`. */
export interface Upstream {
  readonly name: string;
  readonly url: string;
}

export const upstreamsOf = (config: GatewayConfig): Upstream[] => [
  { name: 'registration', url: config.REGISTRATION_URL },
  { name: 'inspection', url: config.INSPECTION_URL },
  { name: 'exchange', url: config.EXCHANGE_URL },
  { name: 'credit', url: config.CREDIT_URL },
  { name: 'monitoring', url: config.MONITORING_URL },
];
