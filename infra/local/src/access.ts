import { Kafka, type KafkaConfig } from 'kafkajs';
import { clientSecret, registrationToken } from './secrets.js';
import type { ServerAddresses } from './servers.js';

type Issuer = Pick<ServerAddresses, 'issuer' | 'seed'>;

/** An access token of a principal, as any OAuth2 client gets it. */
export async function accessToken({ issuer, seed }: Issuer, principal: string): Promise<{ token: string; expiresInSeconds: number }> {
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      scope: 'jinqiao',
      client_id: principal,
      client_secret: clientSecret(seed, principal),
    }),
    signal: AbortSignal.timeout(10_000),
  });
  if (!answer.ok) throw new Error(`the issuer refused a token to ${principal}: ${answer.status} ${await answer.text()}`);
  const { access_token: token, expires_in: expiresInSeconds } = (await answer.json()) as { access_token: string; expires_in: number };
  return { token, expiresInSeconds };
}

/** Makes another principal known to the issuer (RFC 7591); its secret is derived like everybody's. Known already is fine. */
export async function registerClient(
  { issuer, seed }: Issuer,
  { id, kind, name = id }: { id: string; kind: string; name?: string },
): Promise<void> {
  const answer = await fetch(`${issuer}/reg`, {
    method: 'POST',
    headers: { authorization: `Bearer ${registrationToken(seed)}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      client_id: id,
      client_name: name,
      kind,
      scope: 'jinqiao',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'client_secret_post',
    }),
    signal: AbortSignal.timeout(10_000),
  });
  if (!answer.ok) throw new Error(`the issuer did not register ${id}: ${answer.status} ${await answer.text()}`);
}

/** A Kafka client that signs in as a principal. */
export function kafkaOf(
  servers: Issuer & Pick<ServerAddresses, 'kafkaBrokers'>,
  principal: string,
  options: Partial<KafkaConfig> = {},
): Kafka {
  return new Kafka({
    clientId: principal,
    brokers: servers.kafkaBrokers.split(','),
    sasl: { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: (await accessToken(servers, principal)).token }) },
    ...options,
  });
}
