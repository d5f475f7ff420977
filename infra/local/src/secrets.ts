import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Every password of a stack comes from one random seed, which is made at its first start and kept in the data directory for its owner
 * alone. Nothing else has to be stored, and what knows the seed (the tests, the demo) can speak as any seeded principal.
 */
export function secretSeed(dataDir: string): string {
  const file = join(dataDir, 'secret-seed');
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' });
  return readFileSync(file, 'utf8');
}

const derive = (seed: string, use: string): string => createHmac('sha256', seed).update(use).digest('hex').slice(0, 40);

export const clientSecret = (seed: string, clientId: string): string => derive(seed, `client:${clientId}`);
export const rolePassword = (seed: string, role: string): string => derive(seed, `role:${role}`);
export const redisPassword = (seed: string): string => derive(seed, 'redis');
export const brokerPassword = (seed: string): string => derive(seed, 'broker');
export const registrationToken = (seed: string): string => derive(seed, 'registration');
