export interface Answer<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  /** The body read as JSON; a text that is not JSON as it stands. */
  readonly body: T;
}

interface Request {
  readonly headers?: Readonly<Record<string, string>>;
}

/** An HTTP client of somebody outside, with that caller's token. */
export class Http {
  constructor(
    private readonly origin: () => string,
    private readonly token: string | null,
  ) {}

  get<T = Record<string, unknown>>(path: string, request?: Request): Promise<Answer<T>> {
    return this.send('GET', path, undefined, request);
  }

  post<T = Record<string, unknown>>(path: string, body?: unknown, request?: Request): Promise<Answer<T>> {
    return this.send('POST', path, body, request);
  }

  put<T = Record<string, unknown>>(path: string, body?: unknown, request?: Request): Promise<Answer<T>> {
    return this.send('PUT', path, body, request);
  }

  delete<T = Record<string, unknown>>(path: string, request?: Request): Promise<Answer<T>> {
    return this.send('DELETE', path, undefined, request);
  }

  /** An object or array goes as JSON; a FormData, text or bytes as they are. */
  private async send<T>(method: string, path: string, body: unknown, { headers = {} }: Request = {}): Promise<Answer<T>> {
    const json = body !== undefined && !(body instanceof FormData) && !(body instanceof Uint8Array) && typeof body !== 'string';
    const answer = await fetch(new URL(path, this.origin()), {
      method,
      headers: {
        ...(this.token && { authorization: `Bearer ${this.token}` }),
        ...(json && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: json ? JSON.stringify(body) : (body as RequestInit['body']) }),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: (isJson(answer) && text ? JSON.parse(text) : text) as T };
  }
}

const isJson = (answer: Response): boolean => /[/+]json/.test(answer.headers.get('content-type') ?? '');
