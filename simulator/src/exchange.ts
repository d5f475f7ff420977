/** How a platform reaches the exchange. */
export interface Access {
  /** The gateway, or the exchange itself. */
  readonly origin: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** For the topic alone. */
  readonly brokers?: readonly string[];
  /** Prefix of topics and groups, on a broker that several systems share. */
  readonly namespace?: string;
}

/** A 4xx: it stays refused however often it is asked. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, request: string) {
    super(`${request}: ${status} ${code}`);
    this.status = status;
    this.code = code;
  }
}

const ANSWER_MS_MAX = 30_000;
/** A token is not used in its last seconds. */
const TOKEN_MS_LEFT = 30_000;

/** The exchange over HTTP, with the platform's own token. */
export class Exchange {
  private readonly access: Access;
  private held: { readonly token: string; readonly until: number } | null = null;

  constructor(access: Access) {
    this.access = access;
  }

  get<T>(path: string): Promise<T> {
    return this.send('GET', path);
  }

  post<T>(path: string, body: object): Promise<T> {
    return this.send('POST', path, body);
  }

  put<T>(path: string, body: object): Promise<T> {
    return this.send('PUT', path, body);
  }

  delete<T>(path: string): Promise<T> {
    return this.send('DELETE', path);
  }

  /** OAuth2 client credentials; the same token opens HTTP and Kafka. */
  async token(): Promise<string> {
    if (this.held && this.held.until > Date.now()) return this.held.token;
    const { issuer, clientId, clientSecret } = this.access;
    const answer = await fetch(`${issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        scope: 'jinqiao',
        client_id: clientId,
        client_secret: clientSecret,
      }),
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    if (!answer.ok) throw refusalOf(answer.status, await answer.text(), 'a token');
    const { access_token: token, expires_in: seconds } = (await answer.json()) as { access_token: string; expires_in: number };
    this.held = { token, until: Date.now() + seconds * 1_000 - TOKEN_MS_LEFT };
    return token;
  }

  private async send<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await fetch(`${this.access.origin}/api/exchange/${path}`, {
      method,
      headers: { authorization: `Bearer ${await this.token()}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    const text = await answer.text();
    if (!answer.ok) throw refusalOf(answer.status, text, `${method} ${path}`);
    return (text === '' ? null : JSON.parse(text)) as T;
  }
}

/** Too many requests and what is wrong at the other end pass. */
function refusalOf(status: number, text: string, request: string): Error {
  if (status >= 500 || status === 429) return new Error(`${request}: ${status}`);
  return new Refused(status, codeIn(text), request);
}

function codeIn(text: string): string {
  try {
    const { code, error } = JSON.parse(text) as { code?: string; error?: string };
    return code ?? error ?? '';
  } catch {
    return '';
  }
}
