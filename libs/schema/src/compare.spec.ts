import { compare, isBreaking } from './compare.js';

/** Each row: what changed, the schema of the field before and after, and whom it breaks: P producers, C consumers, PC both, - nobody. */
type Row = readonly [string, object, object, 'P' | 'C' | 'PC' | '-'];

const text = (more: object = {}) => ({ type: 'string', ...more });
const list = (items: object, more: object = {}) => ({ type: 'array', items, ...more });
const object = (properties: object, required: string[] = [], more: object = {}) => ({ type: 'object', properties, required, ...more });
const codes = (...values: string[]) => text({ enum: values });

const TYPES: Row[] = [
  ['text to number', text(), { type: 'number' }, 'PC'],
  ['number to text', { type: 'number' }, text(), 'PC'],
  ['integer to number', { type: 'integer' }, { type: 'number' }, 'C'],
  ['number to integer', { type: 'number' }, { type: 'integer' }, 'P'],
  ['integer to text', { type: 'integer' }, text(), 'PC'],
  ['boolean to text', { type: 'boolean' }, text(), 'PC'],
  ['object to list', { type: 'object' }, { type: 'array' }, 'PC'],
  ['text to text or null', text(), { type: ['string', 'null'] }, 'C'],
  ['text or null to text', { type: ['string', 'null'] }, text(), 'P'],
  ['the same types in another order', { type: ['string', 'null'] }, { type: ['null', 'string'] }, '-'],
  ['a type where none was', {}, text(), 'P'],
  ['no type where one was', text(), {}, 'C'],
];
const CODES: Row[] = [
  ['a code added', codes('A'), codes('A', 'B'), 'C'],
  ['a code removed', codes('A', 'B'), codes('A'), 'P'],
  ['a code renamed', codes('A', 'B'), codes('A', 'C'), 'PC'],
  ['codes in another order', codes('A', 'B'), codes('B', 'A'), '-'],
  ['a list where text was free', text(), codes('A'), 'P'],
  ['free text where a list was', codes('A'), text(), 'C'],
  ['a constant changed', { const: 'A' }, { const: 'B' }, 'PC'],
  ['a constant that becomes a list', { const: 'A' }, { enum: ['A', 'B'] }, 'C'],
  ['a list that becomes a constant', { enum: ['A', 'B'] }, { const: 'A' }, 'P'],
  ['a constant written as a list of one', { const: 'A' }, { enum: ['A'] }, '-'],
  ['two codes added', codes('A'), codes('A', 'B', 'C'), 'C'],
];
const bounds = (lower: string, upper: string, base: object): Row[] => [
  [`${lower} raised`, { ...base, [lower]: 1 }, { ...base, [lower]: 2 }, 'P'],
  [`${lower} lowered`, { ...base, [lower]: 2 }, { ...base, [lower]: 1 }, 'C'],
  [`${lower} added`, base, { ...base, [lower]: 1 }, 'P'],
  [`${lower} removed`, { ...base, [lower]: 1 }, base, 'C'],
  [`${upper} raised`, { ...base, [upper]: 10 }, { ...base, [upper]: 20 }, 'C'],
  [`${upper} lowered`, { ...base, [upper]: 20 }, { ...base, [upper]: 10 }, 'P'],
  [`${upper} added`, base, { ...base, [upper]: 10 }, 'P'],
  [`${upper} removed`, { ...base, [upper]: 10 }, base, 'C'],
];
const BOUNDS: Row[] = [
  ...bounds('minimum', 'maximum', { type: 'integer' }),
  ...bounds('exclusiveMinimum', 'exclusiveMaximum', { type: 'number' }),
  ...bounds('minLength', 'maxLength', text()),
  ...bounds('minItems', 'maxItems', list(text())),
  ['a window moved', { type: 'integer', minimum: 1, maximum: 5 }, { type: 'integer', minimum: 2, maximum: 6 }, 'PC'],
  ['a bound of zero added', { type: 'integer' }, { type: 'integer', minimum: 0 }, 'P'],
];
const CONSTRAINTS: Row[] = [
  ['a pattern added', text(), text({ pattern: '^a' }), 'P'],
  ['a pattern removed', text({ pattern: '^a' }), text(), 'C'],
  ['a pattern changed', text({ pattern: '^a' }), text({ pattern: '^b' }), 'PC'],
  ['a format added', text(), text({ format: 'timestamp' }), 'P'],
  ['a format removed', text({ format: 'timestamp' }), text(), 'C'],
  ['a format changed', text({ format: 'partial-date' }), text({ format: 'calendar-date' }), 'PC'],
  ['uniqueness asked for', list(text()), list(text(), { uniqueItems: true }), 'P'],
  ['uniqueness no longer asked for', list(text(), { uniqueItems: true }), list(text()), 'C'],
  ['uniqueness written out as not asked for', list(text()), list(text(), { uniqueItems: false }), '-'],
  ['a keyword nobody judges', text(), text({ contentEncoding: 'base64' }), 'PC'],
];
const FIELDS: Row[] = [
  ['an optional field added', object({}), object({ a: text() }), '-'],
  ['a required field added', object({}), object({ a: text() }, ['a']), 'P'],
  ['an optional field removed', object({ a: text() }), object({}), 'C'],
  ['a required field removed', object({ a: text() }, ['a']), object({}), 'C'],
  ['a field renamed', object({ a: text() }, ['a']), object({ b: text() }, ['b']), 'PC'],
  ['a field made required', object({ a: text() }), object({ a: text() }, ['a']), 'P'],
  ['a field made optional', object({ a: text() }, ['a']), object({ a: text() }), 'C'],
  ['a field made required and wider', object({ a: codes('A') }), object({ a: codes('A', 'B') }, ['a']), 'PC'],
  ['fields in another order', object({ a: text(), b: text() }), object({ b: text(), a: text() }), '-'],
  ['unknown fields forbidden', object({}), object({}, [], { additionalProperties: false }), 'P'],
  ['unknown fields allowed', object({}, [], { additionalProperties: false }), object({}), 'C'],
  ['unknown fields described', object({}), object({}, [], { additionalProperties: text() }), 'P'],
  [
    'unknown fields described otherwise',
    object({}, [], { additionalProperties: text() }),
    object({}, [], { additionalProperties: codes('A') }),
    'PC',
  ],
  ['unknown fields written out as allowed', object({}), object({}, [], { additionalProperties: true }), '-'],
  ['a field narrowed two levels down', object({ a: object({ b: text() }) }), object({ a: object({ b: codes('A') }) }), 'P'],
];
const ITEMS: Row[] = [
  ['entries described', { type: 'array' }, list(text()), 'P'],
  ['entries no longer described', list(text()), { type: 'array' }, 'C'],
  ['entries of another type', list(text()), list({ type: 'integer' }), 'PC'],
  ['a code added to entries', list(codes('A')), list(codes('A', 'B')), 'C'],
  ['entries allowed to be longer', list(text({ maxLength: 5 })), list(text({ maxLength: 9 })), 'C'],
  ['entries of entries narrowed', list(list(text())), list(list(codes('A'))), 'P'],
];
const PROSE: Row[] = [
  ['a description added', text(), text({ description: 'a' }), '-'],
  ['a description reworded', text({ description: 'a' }), text({ description: 'b' }), '-'],
  ['a title', text(), text({ title: 'a' }), '-'],
];

const short = (effects: readonly string[]): string =>
  ['breaking for producers', 'breaking for consumers']
    .map((effect, index) => (effects.includes(effect) ? 'PC'.charAt(index) : ''))
    .join('') || '-';
const judge = (before: object, after: object): string => short(compare({ Event: before }, { Event: after }).flatMap((one) => one.effects));

const ROWS = [...TYPES, ...CODES, ...BOUNDS, ...CONSTRAINTS, ...FIELDS, ...ITEMS, ...PROSE];
const field = (schema: object) => object({ field: schema }, ['field']);
const nested = (schema: object) => object({ field: { $ref: '#/$defs/Nested' } }, ['field'], { $defs: { Nested: schema } });

describe('compare', () => {
  it.each(ROWS)('judges %s', (_what, before, after, verdict) => {
    expect(judge(field(before), field(after))).toBe(verdict);
  });

  it.each(ROWS)('judges the same behind a reference: %s', (_what, before, after, verdict) => {
    expect(judge(nested(before), nested(after))).toBe(verdict);
  });

  it('finds nothing between a schema and itself', () => {
    for (const [, before] of ROWS) expect(compare({ Event: nested(before) }, { Event: nested(before) })).toEqual([]);
  });

  it('names every difference it judges', () => {
    for (const [what, before, after] of ROWS.filter(([, , , verdict]) => verdict !== '-')) {
      expect([what, compare({ Event: field(before) }, { Event: field(after) }).length]).not.toEqual([what, 0]);
    }
  });

  it('mirrors itself: what breaks producers one way breaks consumers the other way', () => {
    // Fields come and go unevenly, because unknown ones are ignored.
    for (const [what, before, after] of [...TYPES, ...CODES, ...BOUNDS, ...CONSTRAINTS, ...ITEMS]) {
      const mirrored = { P: 'C', C: 'P', PC: 'PC', '-': '-' }[judge(field(before), field(after))];
      expect([what, judge(field(after), field(before))]).toEqual([what, mirrored]);
    }
  });

  it('takes a new event for compatible and a lost one for breaking both', () => {
    expect(compare({}, { Event: text() })).toEqual([{ event: 'Event', pointer: '', change: 'event added', effects: ['compatible'] }]);
    expect(short(compare({ Event: text() }, {}).flatMap((one) => one.effects))).toBe('PC');
  });

  it('takes a renamed definition of the same content for no difference', () => {
    const renamed = object({ field: { $ref: '#/$defs/Other' } }, ['field'], { $defs: { Other: text() } });
    expect(compare({ Event: nested(text()) }, { Event: renamed })).toEqual([]);
  });

  it('comes to an end in a class that contains itself', () => {
    const tree = (leaf: object) =>
      object({ tree: { $ref: '#/$defs/Tree' } }, [], { $defs: { Tree: object({ leaf, tree: { $ref: '#/$defs/Tree' } }) } });
    expect(judge(tree(text()), tree(codes('A')))).toBe('P');
  });

  it('points at the place and says what changed', () => {
    const before = object({ 'a/b': list(codes('A', 'B')) });
    const after = object({ 'a/b': list(codes('A')) });
    const differences = compare({ Event: before }, { Event: after });
    expect(differences).toEqual([
      { event: 'Event', pointer: '/properties/a~1b/items', change: 'code "B" removed', effects: ['breaking for producers'] },
    ]);
    expect(differences.every(isBreaking)).toBe(true);
  });
});
