// The development issuer: a process of its own (node issuer.js DIRECTORY PORT), configured by DIRECTORY/issuer.json.
// Imports nothing of ours, so that it runs from its source as well.
import { createHmac, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Provider, { type Adapter, type AdapterPayload, type ClientMetadata, type JWK } from 'oidc-provider';

interface Settings {
  readonly seed: string;
  readonly issuer: string;
  readonly host: string;
  readonly audience: string;
  readonly tokensOutliveDays?: number;
  readonly registrationToken: string;
  readonly signingKey: JWK;
  readonly clients: readonly { readonly id: string; readonly kind: string; readonly name: string }[];
}

/** Long enough for a demo or a test run, short enough that renewal is exercised by whatever stays up. */
const ACCESS_TOKEN_SECONDS = 600;
const RESOURCE = 'urn:jinqiao';
const SCOPE = 'jinqiao';

const [directory = '.', port = '0'] = process.argv.slice(2);
const settings = JSON.parse(readFileSync(join(directory, 'issuer.json'), 'utf8')) as Settings;

/** The same derivation as secrets.ts, which this program cannot import. */
const clientSecret = (id: string): string => createHmac('sha256', settings.seed).update(`client:${id}`).digest('hex').slice(0, 40);

const metadata = (id: string, kind: string, name: string): ClientMetadata => ({
  client_id: id,
  client_secret: clientSecret(id),
  client_name: name,
  kind,
  scope: SCOPE,
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
  token_endpoint_auth_method: 'client_secret_post',
});

/** Clients that were registered while the issuer ran are kept in a file; everything else (nothing, for client credentials) in memory. */
class ClientFile implements Adapter {
  private readonly file = join(directory, 'registered-clients.json');
  private readonly model: string;
  private readonly held = new Map<string, AdapterPayload>();

  constructor(model: string) {
    this.model = model;
    if (model !== 'Client' || !existsSync(this.file)) return;
    const kept = JSON.parse(readFileSync(this.file, 'utf8')) as Record<string, AdapterPayload>;
    for (const [id, payload] of Object.entries(kept)) this.held.set(id, payload);
  }

  async upsert(id: string, payload: AdapterPayload): Promise<void> {
    this.held.set(id, payload);
    if (this.model !== 'Client') return;
    writeFileSync(`${this.file}.new`, JSON.stringify(Object.fromEntries(this.held)), { mode: 0o600 });
    renameSync(`${this.file}.new`, this.file);
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    return this.held.get(id);
  }

  async destroy(id: string): Promise<void> {
    this.held.delete(id);
  }

  async findByUserCode(): Promise<undefined> {}
  async findByUid(): Promise<undefined> {}
  async consume(): Promise<void> {}
  async revokeByGrantId(): Promise<void> {}
}

const registered = (body: unknown): string => (body as { client_id?: string } | undefined)?.client_id ?? randomUUID();

const issuer: Provider = new Provider(settings.issuer, {
  adapter: ClientFile,
  clients: settings.clients.map(({ id, kind, name }) => metadata(id, kind, name)),
  jwks: { keys: [settings.signingKey] },
  cookies: { keys: [settings.seed] },
  scopes: [SCOPE],
  responseTypes: [],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  extraClientMetadata: { properties: ['kind'] },
  // Whoever is registered later chooses the id, so that it can be the organisation's; the secret follows from it as for everybody.
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    registration: {
      enabled: true,
      initialAccessToken: settings.registrationToken,
      issueRegistrationAccessToken: false,
      idFactory: (ctx) => registered(ctx.oidc.body),
      secretFactory: (ctx) => clientSecret(registered(ctx.oidc.body)),
    },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: SCOPE,
        audience: settings.audience,
        accessTokenFormat: 'jwt',
        accessTokenTTL: ACCESS_TOKEN_SECONDS,
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
  // A client that names no scope gets its own.
  formats: {
    customizers: {
      jwt: (_ctx, _token, { payload }) => {
        payload['scope'] ??= SCOPE;
        payload['exp'] = Number(payload['exp']) + (settings.tokensOutliveDays ?? 0) * 86_400;
      },
    },
  },
  ttl: { ClientCredentials: ACCESS_TOKEN_SECONDS },
  extraTokenClaims: async (_ctx, token) => ({ kind: token.clientId ? (await issuer.Client.find(token.clientId))?.['kind'] : undefined }),
});

const server = issuer.listen(Number(port), settings.host);
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
