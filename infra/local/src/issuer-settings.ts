import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { organisations, servicePrincipals } from './principals.js';
import { registrationToken, signingKey } from './secrets.js';

export interface IssuerSettings {
  readonly seed: string;
  /** What tokens name as their issuer. */
  readonly issuer: string;
  /** The address it listens on. */
  readonly host: string;
  readonly audience: string;
  /** Tokens are good for so many days more than their holders are told. */
  readonly tokensOutliveDays?: number;
}

/** Writes what the issuer's program reads at its start. */
export function writeIssuerSettings(directory: string, settings: IssuerSettings): void {
  const { seed } = settings;
  const clients = [...servicePrincipals(), ...organisations()];
  const all = { ...settings, registrationToken: registrationToken(seed), signingKey: signingKey(seed), clients };
  writeFileSync(join(directory, 'issuer.json'), JSON.stringify(all), { mode: 0o600 });
}
