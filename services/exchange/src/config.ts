import { ServiceConfig } from '@jinqiao/platform';
import { IsOptional, Matches } from 'class-validator';

export class ExchangeConfig extends ServiceConfig {
  /** Signs the heads of the ledger and evidence. `openssl genpkey -algorithm ed25519 -outform DER | base64 -w0` makes one. */
  @Matches(/^[A-Za-z0-9+/]{64}$/, { message: 'LEDGER_SIGNING_KEY must be an Ed25519 private key: PKCS #8, DER, in base64' })
  LEDGER_SIGNING_KEY: string;

  /** For development only: hosts that webhooks may be sent to although their addresses are not public, also by http and to any port. */
  @IsOptional()
  @Matches(/^[^\s,]+(,[^\s,]+)*$/, { message: 'WEBHOOK_ALLOWED_HOSTS must be hosts, or host:port, separated by commas' })
  WEBHOOK_ALLOWED_HOSTS?: string;
}
