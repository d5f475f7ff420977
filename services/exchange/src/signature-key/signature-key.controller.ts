import { AnyObject } from '@jinqiao/contracts';
import { Allow, Caller, CheckedBody, type Principal } from '@jinqiao/platform';
import { Controller, Delete, Get, Param, Post } from '@nestjs/common';
import type { SignatureKey } from './signature-key.js';
import { SignatureKeys } from './signature-key.service.js';

export class RegisterKeyBody {
  @AnyObject({ about: 'A public key as JWK (RFC 7517): Ed25519 (RFC 8037) or P-256.' }) jwk: Record<string, unknown>;
}

/** The caller's own keys. */
@Controller('api/exchange/signature-keys')
@Allow('PLATFORM')
export class SignatureKeyController {
  constructor(private readonly keys: SignatureKeys) {}

  @Post()
  register(@Caller() { id }: Principal, @CheckedBody(RegisterKeyBody) { jwk }: RegisterKeyBody): Promise<SignatureKey> {
    return this.keys.register(id, jwk);
  }

  @Get()
  list(@Caller() { id }: Principal): Promise<SignatureKey[]> {
    return this.keys.list(id);
  }

  @Delete(':kid')
  revoke(@Caller() { id }: Principal, @Param('kid') kid: string): Promise<SignatureKey> {
    return this.keys.revoke(id, kid);
  }
}
