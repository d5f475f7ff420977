/**
 * Goal: the two readings of an event class never disagree. Method: for every declared class, valid instances and mutations of them are
 * generated from its schema, and class-validator (which reads the decorators) must accept exactly what the compiled validator accepts.
 * A guard at the end keeps the generator honest: both outcomes have to occur, often.
 */
import type { EventClass } from '@jinqiao/contracts';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import fc from 'fast-check';
import { check, validatorOf } from './check.js';
import { declaredContent } from './declared-content.js';
import { declaredFields, type DeclaredField } from './declared-fields.js';
import { declaredEvents } from './json-schema.js';

type Json = Record<string, unknown>;

const RUNS = 250;
const LONGEST_TEXT = 2000;

const acceptedByClassValidator = (type: EventClass, input: Json): boolean =>
  validateSync(plainToInstance(type, structuredClone(input))).length === 0;

const character = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...'abcXYZ019 -') },
  { weight: 3, arbitrary: fc.constantFrom(...'津桥检验') },
  fc.constantFrom('𠮷', '😀'),
);
const text = (min: number, max: number): fc.Arbitrary<string> =>
  fc.array(character, { minLength: min, maxLength: Math.min(max, min + 12) }).map((parts) => parts.join(''));

const formats: Record<string, fc.Arbitrary<string>> = {
  'calendar-date': fc.constantFrom('2024-02-29', '2026-01-31', '0001-01-01', '9999-12-31'),
  'partial-date': fc.constantFrom('2024', '2024-12', '2024-02-29'),
  timestamp: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-01t23:59:59.123456789+08:00', '2024-02-29T12:00:00.1z'),
};

function scalar(schema: Json): fc.Arbitrary<unknown> {
  if (schema['enum']) return fc.constantFrom(...(schema['enum'] as string[]));
  if (schema['type'] === 'boolean') return fc.boolean();
  if (schema['type'] === 'integer') return fc.integer({ min: Number(schema['minimum']), max: Number(schema['maximum']) });
  if (schema['type'] === 'object') return fc.dictionary(text(1, 5), fc.oneof(fc.integer(), text(0, 5), fc.constant(null)), { maxKeys: 3 });
  const format = formats[String(schema['format'])];
  if (format) return format;
  const [min, max] = [Number(schema['minLength']), Number(schema['maxLength'])];
  const source = schema['pattern'] as string | undefined;
  if (source === undefined) return text(min, max);
  const pattern = new RegExp(source);
  return fc.stringMatching(pattern).filter((one) => one.length >= min && one.length <= max);
}

function valid(type: EventClass): fc.Arbitrary<Json> {
  const fields = declaredFields(type);
  const record = Object.fromEntries(fields.map((field) => [field.name, validField(field)]));
  return fc.record(record, { requiredKeys: fields.filter((field) => !field.optional).map((field) => field.name) });
}

function validField({ schema, nested }: DeclaredField): fc.Arbitrary<unknown> {
  const least = Number(schema['minItems'] ?? 0);
  const size = { minLength: least, maxLength: Math.min(Number(schema['maxItems'] ?? Infinity), least + 2) };
  if (nested) return nested.list ? fc.array(valid(nested.type), size) : valid(nested.type);
  return schema['type'] === 'array' ? fc.array(scalar(schema['items'] as Json), size) : scalar(schema);
}

const SPOILT: readonly unknown[] = [
  null,
  '',
  'x',
  '2025-02-29',
  '2026-13',
  '2026-01-01T00:00:60Z',
  '2026-01-01T24:00:00Z',
  0,
  -1,
  1.5,
  2_147_483_647,
  2_147_483_648,
  Number.MAX_SAFE_INTEGER,
  true,
  [],
  {},
  [[]],
  [{}],
  [null],
  [''],
  ['x', 7],
  { name: 'x' },
  [{ name: 'x' }],
  [[{ name: 'x' }]],
  '\n',
  'x\n',
];
const spoilt = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...SPOILT) },
  fc.integer({ min: 1, max: LONGEST_TEXT + 1 }).map((length) => 'x'.repeat(length)),
  fc.integer({ min: 1, max: 520 }).map((length) => '𠮷'.repeat(length)),
  fc.integer({ min: 1, max: 1001 }).map((length) => Array.from({ length }, () => ({ item: 'x' }))),
  fc.integer({ min: 1, max: 101 }).map((length) => Array.from({ length }, () => 'DELIST')),
);

/** Every place in a value that can be dropped or replaced. */
function places(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[...path, key], ...places(inner, [...path, key])]);
}

type Change = { readonly at: number; readonly how: 'drop' | 'replace' | 'bend' | 'wrap' | 'repeat' | 'add'; readonly by: unknown };

const changes: fc.Arbitrary<readonly Change[]> = fc.array(
  fc.record({ at: fc.nat(), how: fc.constantFrom('drop', 'replace', 'bend', 'wrap', 'repeat', 'add'), by: spoilt }),
  { maxLength: 2 },
);

/** The same type, just beside what it was. */
function bent(old: unknown): unknown {
  if (typeof old === 'number') return old + 0.5;
  if (typeof old === 'string') return old.slice(1);
  return Array.isArray(old) ? [] : {};
}

function mutate(input: Json, { at, how, by }: Change): Json {
  const copy = structuredClone(input);
  const all = places(copy);
  const place = all[at % Math.max(all.length, 1)];
  if (!place) return copy;
  const parent = place.slice(0, -1).reduce<Json>((from, key) => from[key] as Json, copy);
  const key = String(place.at(-1));
  const old = parent[key];
  if (how === 'drop') delete parent[key];
  if (how === 'replace') parent[key] = by;
  if (how === 'bend') parent[key] = bent(old);
  if (how === 'wrap') parent[key] = [old];
  if (how === 'repeat') parent[key] = typeof old === 'string' ? old.repeat(40) : [old, old];
  if (how === 'add') parent['unheardOf'] = by;
  // Arrays of JSON have no holes; deleting an entry would leave one.
  return JSON.parse(JSON.stringify(copy)) as Json;
}

const isStorable = (value: unknown): boolean =>
  typeof value === 'object' && value !== null ? Object.values(value).every(isStorable) : typeof value !== 'string' || value.isWellFormed();

describe.each(declaredEvents().map((type) => [type.name, type] as const))('%s', (_name, type) => {
  it('is accepted and refused alike by class-validator and by the compiled validator', () => {
    const seen = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(valid(type), changes, (instance, applied) => {
        const input = applied.reduce(mutate, instance);
        const verdict = acceptedByClassValidator(type, input);
        seen[verdict ? 'accepted' : 'refused'] += 1;
        expect(validatorOf(type)(input)).toBe(verdict);
        const checked = check(type, input);
        if (checked.ok) expect(acceptedByClassValidator(type, checked.value as Json)).toBe(true);
        // check() refuses one thing more: declared text that could not be stored.
        if (verdict) expect([input, checked.ok]).toEqual([input, isStorable(declaredContent(type, input).content)]);
      }),
      { numRuns: RUNS },
    );
    expect(seen.accepted).toBeGreaterThan(RUNS / 10);
    expect(seen.refused).toBeGreaterThan(RUNS / 10);
  });

  it('is accepted by both as generated', () => {
    fc.assert(
      fc.property(valid(type), (instance) => validatorOf(type)(instance) && acceptedByClassValidator(type, instance)),
      { numRuns: 20 },
    );
  });
});
