import { randomUUID } from 'node:crypto';
import { Clock, type Principal, type SigningKey, signingKeyOf } from '@jinqiao/platform';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type JWK, SignJWT } from 'jose';
import { DataSource } from 'typeorm';
import { CreditConfig } from '../config.js';
import { type StatedPurpose, purposeOf, readQuestion } from '../enquiry/enquiry.js';
import { Enquiries } from '../enquiry/enquiry.service.js';
import { NO_ENDORSEMENT } from '../public-facts/public-facts.js';
import { VerificationItem, verifyAt } from '../verification/verification.js';

/** `iss` of every certificate. */
const ISSUER = 'urn:jinqiao:credit';

export interface Certificate {
  /** A JWT (compact JWS, EdDSA). */
  readonly certificate: string;
  readonly validUntil: string;
}

/**
 * A merchant's public facts of now, signed: whoever is shown it checks it with the published key and without asking us, for as long as the
 * facts may be relied on. It does not say who had it made.
 */
@Injectable()
export class Certificates implements OnModuleInit {
  private key: SigningKey;

  constructor(
    private readonly db: DataSource,
    private readonly enquiries: Enquiries,
    private readonly config: CreditConfig,
    private readonly clock: Clock,
  ) {}

  async onModuleInit(): Promise<void> {
    this.key = await signingKeyOf(this.config.CERTIFICATE_SIGNING_KEY);
    const { publicKey } = this.key;
    await this.db.query('INSERT INTO certificate_keys (kid, jwk, used_since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [
      publicKey.kid,
      publicKey,
      this.clock.now(),
    ]);
  }

  async certify(caller: Principal, { uscc, name, ...given }: VerificationItem & StatedPurpose): Promise<Certificate> {
    const readings = [readQuestion(VerificationItem, { uscc, name })];
    const asked = { caller, purpose: purposeOf(caller, given), kind: 'CERTIFICATE', readings } as const;
    const { records: _records, ...status } = await this.enquiries.answerOne(asked, verifyAt);
    const certificate = await new SignJWT({ status, note: NO_ENDORSEMENT })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT', kid: this.key.publicKey.kid })
      .setIssuer(ISSUER)
      .setSubject(status.uscc)
      .setJti(randomUUID())
      .setIssuedAt(new Date(status.asOf))
      .setExpirationTime(new Date(status.validUntil))
      .sign(this.key.privateKey);
    return { certificate, validUntil: status.validUntil };
  }

  async keys(): Promise<JWK[]> {
    const rows: { jwk: JWK }[] = await this.db.query('SELECT jwk FROM certificate_keys ORDER BY used_since, kid');
    return rows.map(({ jwk }) => jwk);
  }
}
