import { setTimeout as sleep } from 'node:timers/promises';
import { accessToken } from './access.js';
import type { Client } from './principals.js';
import type { ServerAddresses } from './servers.js';

/** Every registration makes topics on the broker; more at once would not be quicker. */
const AT_ONCE = 4;
/** A busy broker, or a service that was just started again: the same registration may be sent once more. */
const ATTEMPTS_MAX = 5;
const PAUSE_MS = 1_000;

/** Admits organisations to the exchange's directory through its public interface, as the operator. Who is admitted already stays as it is. */
export async function registerOrganisations(
  origin: string,
  servers: Pick<ServerAddresses, 'issuer' | 'seed'>,
  organisations: readonly Client[],
): Promise<number> {
  const { token } = await accessToken(servers, 'operator');
  const register = async (organisation: Client, attempt = 1): Promise<void> => {
    const { status, text } = await send(origin, token, 'POST', bodyOf(organisation));
    if (status < 300) return;
    if (status < 500 || attempt === ATTEMPTS_MAX) throw new Error(`the exchange did not register ${organisation.id}: ${status} ${text}`);
    await sleep(PAUSE_MS);
    return register(organisation, attempt + 1);
  };
  const listed = await send(origin, token, 'GET');
  if (listed.status !== 200) throw new Error(`the exchange did not list its organisations: ${listed.status} ${listed.text}`);
  const known = new Set((JSON.parse(listed.text) as { items: { id: string }[] }).items.map(({ id }) => id));
  const missing = organisations.filter(({ id }) => !known.has(id));
  const waiting = [...missing];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await register(next);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return missing.length;
}

const bodyOf = ({ id, kind, name, aliases = [], scopes = [] }: Client): string => JSON.stringify({ id, kind, name, aliases, scopes });

async function send(origin: string, token: string, method: 'GET' | 'POST', body?: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${origin}/api/exchange/organisations${method === 'GET' ? '?limit=500' : ''}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body }),
    signal: AbortSignal.timeout(30_000),
  });
  return { status: answer.status, text: await answer.text() };
}
