import { IsSigningKey, ServiceConfig } from '@jinqiao/platform';
import { Type } from 'class-transformer';
import { IsInt, Max, Min } from 'class-validator';

export class CreditConfig extends ServiceConfig {
  /** Signs certificates. */
  @IsSigningKey()
  CERTIFICATE_SIGNING_KEY: string;

  /** Merchants a platform may ask about on one day. */
  @Type(() => Number)
  @Min(1, { message: 'ENQUIRIES_PER_DAY must be from 1 to 1000000000' })
  @Max(1_000_000_000, { message: 'ENQUIRIES_PER_DAY must be from 1 to 1000000000' })
  @IsInt({ message: 'ENQUIRIES_PER_DAY must be a whole number' })
  ENQUIRIES_PER_DAY: number = 100_000;

  /** Signs the daily snapshots. */
  @IsSigningKey()
  SNAPSHOT_SIGNING_KEY: string;
}
