import { IsKeyring, IsSigningKey, ServiceConfig } from '@jinqiao/platform';
import { IsOptional, Matches, ValidateIf } from 'class-validator';

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

  /** The mail server by which contacts are told; absent = notices stay listed. May hold a password. */
  @IsOptional()
  @Matches(/^smtps?:\/\/\S+$/, { message: 'SMTP_URL must be smtp://[user:password@]host[:port] or smtps://…' })
  SMTP_URL?: string;

  /** Who writes to them. */
  @ValidateIf(({ SMTP_URL }: ExchangeConfig) => SMTP_URL !== undefined)
  @Matches(/^[^\s@<>]+@[^\s@<>]+$/, { message: 'SMTP_FROM must be a mailbox where SMTP_URL is set' })
  SMTP_FROM?: string;
}
