import { accessToken } from './access.js';
import type { Client } from './principals.js';
import type { ServerAddresses } from './servers.js';

/** Every registration makes topics on the broker; more at once would not be quicker. */
const AT_ONCE = 4;

/** Admits organisations to the exchange's directory through its public interface, as the operator. Who is admitted already stays as it is. */
export async function registerOrganisations(
  origin: string,
  servers: Pick<ServerAddresses, 'issuer' | 'seed'>,
  organisations: readonly Client[],
): Promise<number> {
  const { token } = await accessToken(servers, 'operator');
  const register = async ({ id, kind, name, aliases }: Client): Promise<boolean> => {
    const answer = await fetch(`${origin}/api/exchange/organisations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ id, kind, name, aliases: aliases ?? [] }),
      signal: AbortSignal.timeout(30_000),
    });
    if (answer.ok) return true;
    const text = await answer.text();
    if (answer.status === 409 && text.includes('ORGANISATION_EXISTS')) return false;
    throw new Error(`the exchange did not register ${id}: ${answer.status} ${text}`);
  };
  let added = 0;
  const waiting = [...organisations];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) if (await register(next)) added++;
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return added;
}
