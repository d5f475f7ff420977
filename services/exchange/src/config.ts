import { IsKeyring, IsSigningKey, ServiceConfig } from '@jinqiao/platform';
import { IsOptional, Matches } from 'class-validator';

export class ExchangeConfig extends ServiceConfig {
  /** Signs the heads of the ledger and evidence. */
  @IsSigningKey()
  LEDGER_SIGNING_KEY: string;

  /** Encrypt the secrets of webhooks where they are kept: the first one all, the others what was encrypted with them before. */
  @IsKeyring()
  WEBHOOK_SECRET_KEYS: string;

  /** For development only: hosts that webhooks may be sent to although their addresses are not public, also by http and to any port. */
  @IsOptional()
  @Matches(/^[^\s,]+(,[^\s,]+)*$/, { message: 'WEBHOOK_ALLOWED_HOSTS must be hosts, or host:port, separated by commas' })
  WEBHOOK_ALLOWED_HOSTS?: string;
}
