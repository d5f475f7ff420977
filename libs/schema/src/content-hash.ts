import { hash } from 'node:crypto';
import type { EventClass } from '@jinqiao/contracts';
import canonicalize from 'canonicalize';
import { freeFormContent, isObject } from './declared-content.js';
import { declaredFields, type DeclaredField } from './declared-fields.js';

/** SHA-256, lower-case hex, of the RFC 8785 form of a value. */
export const canonicalHash = (value: unknown): string => sha256(canonicalForm(value));

/** What a hash can not cover: itself, what signs it, and when the same content was said. */
const BESIDE_THE_CONTENT = new Set(['contentHash', 'signature', 'reportedAt']);

/**
 * The content hash of design §3.1: every declared field, absent = null = "", without `contentHash`, `signature` and `reportedAt`.
 * Defaults are the caller's to apply, as it does before it decides.
 */
export const contentHash = <E extends object>(type: EventClass<E>, value: E): string =>
  sha256(declaredForm(type, value as Record<string, unknown>, BESIDE_THE_CONTENT));

const sha256 = (text: string): string => hash('sha256', text, 'hex');

/** The RFC 8785 form of a value. Throws for one that has no JSON form. */
export function canonicalForm(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new Error('A value without a JSON form has no hash');
  return text;
}

/** The RFC 8785 form of what a class declares, written in one pass: the order of its fields is known before any value is. */
function declaredForm(type: EventClass, value: Record<string, unknown>, without?: ReadonlySet<string>): string {
  let text = '';
  for (const { field, label } of inOrder(type)) {
    const entry = value[field.name];
    if (entry === undefined || entry === null || entry === '' || without?.has(field.name)) continue;
    text += (text === '' ? '{' : ',') + label + fieldForm(field, entry);
  }
  return text === '' ? '{}' : `${text}}`;
}

function fieldForm({ nested }: DeclaredField, value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (nested && isObject(value)) return declaredForm(nested.type, value);
  if (nested?.list && Array.isArray(value)) {
    return `[${value.map((entry: unknown) => (isObject(entry) ? declaredForm(nested.type, entry) : canonicalForm(entry))).join()}]`;
  }
  return canonicalForm(freeFormContent(value));
}

interface Place {
  readonly field: DeclaredField;
  /** The field's name as JSON, with its colon. */
  readonly label: string;
}

const places = new Map<EventClass, readonly Place[]>();

/** The fields in the order of the UTF-16 units of their names (RFC 8785 §3.2.3), which is that of JavaScript. */
function inOrder(type: EventClass): readonly Place[] {
  const before = places.get(type);
  if (before) return before;
  const sorted = declaredFields(type)
    .map((field) => ({ field, label: `${JSON.stringify(field.name)}:` }))
    .sort((a, b) => (a.field.name < b.field.name ? -1 : 1));
  places.set(type, sorted);
  return sorted;
}
