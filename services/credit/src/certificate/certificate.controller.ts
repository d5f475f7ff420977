import { Optional, Text } from '@jinqiao/contracts';
import { Allow, AllowAnyone, Caller, CheckedBody, ClosedInSandbox, KeepsOwnLog, type Principal } from '@jinqiao/platform';
import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import type { JWK } from 'jose';
import { StatedPurpose } from '../enquiry/enquiry.js';
import { type Certificate, Certificates } from './certificate.service.js';

export class CertifyMerchantBody extends StatedPurpose {
  @Text({ max: 32, about: 'Unified social credit code.' }) uscc: string;
  @Optional() @Text({ max: 200, about: 'As the merchant gives it; compared with the register.' }) name?: string;
}

@Controller('api/credit')
export class CertificateController {
  constructor(private readonly certificates: Certificates) {}

  @Post('certificates')
  @HttpCode(200)
  @Allow('PLATFORM', 'DEPARTMENT')
  @ClosedInSandbox()
  @KeepsOwnLog()
  certify(@Caller() caller: Principal, @CheckedBody(CertifyMerchantBody) body: CertifyMerchantBody): Promise<Certificate> {
    return this.certificates.certify(caller, body);
  }

  /** A JWK Set (RFC 7517), for everybody: every key that certificates were ever signed with. */
  @Get('jwks')
  @AllowAnyone()
  async keys(): Promise<{ keys: JWK[] }> {
    return { keys: await this.certificates.keys() };
  }
}
