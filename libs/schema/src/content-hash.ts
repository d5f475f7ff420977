import { createHash } from 'node:crypto';
import type { EventClass } from '@jinqiao/contracts';
import canonicalize from 'canonicalize';
import { declaredContent } from './declared-content.js';

/** SHA-256, lower-case hex, of the RFC 8785 form of a value. */
export function canonicalHash(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new Error('A value without a JSON form has no hash');
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/**
 * The content hash of design §3.1: every declared field, absent = null = "", without `contentHash`, `signature` and `reportedAt`.
 * Defaults are the caller's to apply, as it does before it decides.
 */
export function contentHash<E extends object>(type: EventClass<E>, value: E): string {
  const {
    contentHash: _hash,
    signature: _signature,
    reportedAt: _time,
    ...content
  } = declaredContent(type, value as Record<string, unknown>).content;
  return canonicalHash(content);
}
