import { ORGANISATION_KINDS } from '@jinqiao/contracts';
import { DomainError } from '@jinqiao/schema';
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { Principal, PrincipalKind } from './principal.js';

const KINDS: readonly string[] = [...ORGANISATION_KINDS, 'SERVICE'];
const CLOCK_TOLERANCE_SECONDS = 5;
const FETCH_TIMEOUT_MS = 5_000;
/** How long a token that was verified is taken at its word, and how many are. A key the issuer withdraws still opens for so long. */
const REMEMBERED = { ms: 60_000, tokens: 2_000 };

export class TokenMissing extends DomainError {
  constructor() {
    super('TOKEN_MISSING', 401, { zh: '缺少访问令牌', en: 'An access token is required' });
  }
}

export class TokenInvalid extends DomainError {
  constructor() {
    super('TOKEN_INVALID', 401, { zh: '访问令牌无效', en: 'The access token is not valid' });
  }
}

export class TokenExpired extends DomainError {
  constructor() {
    super('TOKEN_EXPIRED', 401, { zh: '访问令牌已过期', en: 'The access token has expired' });
  }
}

export class WrongAudience extends DomainError {
  constructor() {
    super('WRONG_AUDIENCE', 401, { zh: '访问令牌不是为本平台签发的', en: 'The access token was made for another audience' });
  }
}

export class IssuerUnreachable extends DomainError {
  constructor() {
    super('ISSUER_UNREACHABLE', 503, { zh: '暂时无法核验访问令牌', en: 'Access tokens cannot be checked at the moment' });
  }
}

/** Checks access tokens against the issuer's published keys: signature, issuer, audience, expiry, and who it names. */
export class Tokens {
  private keys: JWTVerifyGetKey | undefined;
  private readonly remembered = new Map<string, { readonly principal: Principal; readonly until: number }>();

  constructor(
    private readonly issuer: string,
    private readonly audience: string,
  ) {}

  /** The principal behind an Authorization header. Throws a named 401. */
  async principalOf(authorization: string | undefined): Promise<Principal> {
    if (!authorization) throw new TokenMissing();
    const token = /^Bearer ([\w.~+/=-]+)$/i.exec(authorization)?.[1];
    if (!token) throw new TokenInvalid();
    const known = this.remembered.get(token);
    if (known && Date.now() < known.until) return known.principal;
    const claims = await this.verified(token);
    const principal = principalIn(claims);
    this.remember(token, principal, claims.exp ?? 0);
    return principal;
  }

  // Verifying a signature takes a millisecond, a third of what a single result takes from its request to its commit.
  private remember(token: string, principal: Principal, expires: number): void {
    this.remembered.delete(token);
    const [oldest] = this.remembered.keys();
    if (oldest !== undefined && this.remembered.size >= REMEMBERED.tokens) this.remembered.delete(oldest);
    const until = Math.min(Date.now() + REMEMBERED.ms, (expires + CLOCK_TOLERANCE_SECONDS) * 1_000);
    this.remembered.set(token, { principal, until });
  }

  private async verified(token: string): Promise<JWTPayload> {
    try {
      this.keys ??= await this.publishedKeys();
      const options = {
        issuer: this.issuer,
        audience: this.audience,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        requiredClaims: ['sub', 'exp'],
      };
      return (await jwtVerify(token, this.keys, options)).payload;
    } catch (problem) {
      throw refusalOf(problem);
    }
  }

  /** jose caches the keys and fetches them again, at most twice a minute, when a token names one it does not know. */
  private async publishedKeys(): Promise<JWTVerifyGetKey> {
    const answer = await fetch(`${this.issuer}/.well-known/openid-configuration`, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
    const discovered = (await answer.json()) as { jwks_uri?: unknown };
    if (typeof discovered.jwks_uri !== 'string') throw new IssuerUnreachable();
    return createRemoteJWKSet(new URL(discovered.jwks_uri), { timeoutDuration: FETCH_TIMEOUT_MS });
  }
}

function refusalOf(problem: unknown): Error {
  if (problem instanceof errors.JWTExpired) return new TokenExpired();
  if (problem instanceof errors.JWTClaimValidationFailed && problem.claim === 'aud') return new WrongAudience();
  if (problem instanceof errors.JWKSTimeout) return new IssuerUnreachable();
  // jose reports a failed fetch of the keys as a bare JOSEError; every fault of the token itself is a subclass.
  if (problem instanceof errors.JOSEError) return problem.code === 'ERR_JOSE_GENERIC' ? new IssuerUnreachable() : new TokenInvalid();
  return new IssuerUnreachable();
}

function principalIn(claims: JWTPayload): Principal {
  const { sub, kind, scope } = claims;
  if (!sub || !isKind(kind)) throw new TokenInvalid();
  return { id: sub, kind, scopes: typeof scope === 'string' ? scope.split(' ').filter(Boolean) : [] };
}

const isKind = (kind: unknown): kind is PrincipalKind => typeof kind === 'string' && KINDS.includes(kind);
