import { Injectable } from '@nestjs/common';

/** The answer of the issuer's token endpoint, as far as it matters here. */
interface TokenAnswer {
  access_token?: unknown;
  expires_in?: unknown;
}

const FETCH_TIMEOUT_MS = 5_000;
// A token is renewed in its last fifth: the broker drops a connection whose token has run out.
const SHARE_OF_LIFE = 0.8;
const DEFAULT_LIFE_SECONDS = 60;

export class TokenRefused extends Error {}

/** This service's own access token (OAuth2 client credentials), kept until shortly before it runs out. */
@Injectable()
export class ServiceTokens {
  private held: { value: string; renewAt: number } | undefined;
  private asking: Promise<string> | undefined;
  private endpoint: string | undefined;

  constructor(
    private readonly issuer: string,
    private readonly client: { id: string; secret: string },
  ) {}

  /** In the shape KafkaJS asks for (oauthBearerProvider). */
  readonly provider = async (): Promise<{ value: string }> => ({ value: await this.token() });

  async token(): Promise<string> {
    if (this.held && performance.now() < this.held.renewAt) return this.held.value;
    this.asking ??= this.ask().finally(() => (this.asking = undefined));
    return this.asking;
  }

  private async ask(): Promise<string> {
    this.endpoint ??= await this.discover();
    const answer = await fetch(this.endpoint, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', client_id: this.client.id, client_secret: this.client.secret }),
      signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
    });
    const { access_token, expires_in } = (await answer.json()) as TokenAnswer;
    if (!answer.ok || typeof access_token !== 'string')
      throw new TokenRefused(`${this.issuer} gave ${this.client.id} no token (${answer.status})`);
    const seconds = typeof expires_in === 'number' ? expires_in : DEFAULT_LIFE_SECONDS;
    // By the clock that is never set: one that was ahead for a moment would keep a token beyond its end.
    this.held = { value: access_token, renewAt: performance.now() + seconds * 1_000 * SHARE_OF_LIFE };
    return access_token;
  }

  private async discover(): Promise<string> {
    const answer = await fetch(`${this.issuer}/.well-known/openid-configuration`, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
    const { token_endpoint } = (await answer.json()) as { token_endpoint?: unknown };
    if (typeof token_endpoint !== 'string') throw new TokenRefused(`${this.issuer} names no token endpoint`);
    return token_endpoint;
  }
}
