import type { EventClass } from '@jinqiao/contracts';
import { declaredFields, type DeclaredField } from './declared-fields.js';
import type { Finding } from './domain-error.js';

/**
 * Reduces an input to what its class declares: null, "" and unknown fields are left out (design §3.1: absent = null = ""). The input is
 * not changed; what had nothing to leave out is the input itself. Array entries stay where they are, so that pointers stay true. What no store could keep (U+0000, half a surrogate pair) is reported here,
 * because JSON Schema has no word for it and PostgreSQL would refuse the whole batch.
 */
export interface Reduced {
  readonly content: Record<string, unknown>;
  readonly unknownFields: string[];
  readonly findings: Finding[];
}

/** Levels of objects and arrays inside a free-form field; deeper input is an attack on the stack, not a fact. */
const FREE_FORM_DEPTH_MAX = 32;

interface Walk {
  readonly path: (string | number)[];
  readonly unknownFields: string[];
  readonly findings: Finding[];
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Appends one step to an RFC 6901 pointer. */
export const step = (pointer: string, token: string | number): string =>
  `${pointer}/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`;

export function declaredContent(type: EventClass, input: Record<string, unknown>): Reduced {
  const walk: Walk = { path: [], unknownFields: [], findings: [] };
  const content = reduce(type, input, walk);
  return { content, unknownFields: walk.unknownFields, findings: walk.findings };
}

// What has nothing to leave out is handed on as it came: most inputs are sound, and a copy of each costs more than all the checks.
function reduce(type: EventClass, input: Record<string, unknown>, walk: Walk): Record<string, unknown> {
  const fields = declaredFields(type);
  let copy: Record<string, unknown> | null = null;
  let present = 0;
  for (const field of fields) {
    const value = input[field.name];
    if (value === undefined) continue;
    present += 1;
    const reduced = value === null || value === '' ? undefined : reduceField(field, value, walk);
    if (reduced !== value) copy ??= copyOf(input, fields.slice(0, fields.indexOf(field)));
    if (copy && reduced !== undefined) copy[field.name] = reduced;
  }
  const names = Object.keys(input);
  if (names.length === present) return copy ?? input;
  reportUnknown(names, fields, walk);
  return copy ?? copyOf(input, fields);
}

function copyOf(input: Record<string, unknown>, fields: readonly DeclaredField[]): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const { name } of fields) if (input[name] !== undefined) copy[name] = input[name];
  return copy;
}

function reportUnknown(names: readonly string[], fields: readonly DeclaredField[], walk: Walk): void {
  const declared = new Set(fields.map((field) => field.name));
  const base = pointerOf(walk);
  for (const name of names) if (!declared.has(name)) walk.unknownFields.push(step(base, name));
}

function reduceField(field: DeclaredField, value: unknown, walk: Walk): unknown {
  if (typeof value === 'string') return storable(value, field.name, walk);
  if (typeof value !== 'object') return value;
  walk.path.push(field.name);
  const reduced = reduceContainer(field, value, walk);
  walk.path.pop();
  return reduced;
}

function reduceContainer({ nested, schema }: DeclaredField, given: unknown, walk: Walk): unknown {
  const value = withinReason(given, schema['maxItems']);
  if (!nested) return freeForm(value, walk, 0);
  if (isObject(value)) return reduce(nested.type, value, walk);
  if (!nested.list || !Array.isArray(value)) return value;
  return mapped(value, (entry, index) => {
    if (!isObject(entry)) return entry;
    walk.path.push(index);
    const reduced = reduce(nested.type, entry, walk);
    walk.path.pop();
    return reduced;
  });
}

/** The list itself where nothing in it changes. */
function mapped(list: readonly unknown[], reduced: (entry: unknown, index: number) => unknown): readonly unknown[] {
  const copy = list.map(reduced);
  return copy.every((entry, index) => entry === list[index]) ? list : copy;
}

/** A list that is too long keeps one entry too many: it is refused for that, and not with a finding for each of a million wrong entries. */
const withinReason = (value: unknown, most: unknown): unknown =>
  Array.isArray(value) && typeof most === 'number' && value.length > most ? value.slice(0, most + 1) : value;

/** A free-form value without what is absent: null and "" in its objects. */
export const freeFormContent = (value: unknown): unknown => freeForm(value, { path: [], unknownFields: [], findings: [] }, 0);

function freeForm(value: unknown, walk: Walk, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === FREE_FORM_DEPTH_MAX) {
    walk.findings.push({
      code: 'OUT_OF_RANGE',
      pointer: pointerOf(walk),
      message: `must not be nested deeper than ${FREE_FORM_DEPTH_MAX} levels`,
    });
    return null;
  }
  if (Array.isArray(value)) return mapped(value, (entry, index) => freeFormStep(index, entry, walk, depth));
  const kept = Object.entries(value).filter(([, entry]) => entry !== undefined && entry !== null && entry !== '');
  // Object.fromEntries defines properties, so that a key named __proto__ stays a key.
  return Object.fromEntries(kept.map(([key, entry]) => [storable(key, key, walk), freeFormStep(key, entry, walk, depth)]));
}

function freeFormStep(key: string | number, value: unknown, walk: Walk, depth: number): unknown {
  if (typeof value === 'string') return storable(value, key, walk);
  walk.path.push(key);
  const reduced = freeForm(value, walk, depth + 1);
  walk.path.pop();
  return reduced;
}

function storable(text: string, name: string | number, walk: Walk): string {
  if (text.isWellFormed() && !text.includes('\0')) return text;
  walk.findings.push({
    code: 'WRONG_FORMAT',
    pointer: step(pointerOf(walk), name),
    message: 'must not contain U+0000 or half a surrogate pair',
  });
  return text;
}

const pointerOf = (walk: Walk): string => walk.path.reduce<string>(step, '');
