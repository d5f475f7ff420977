/**
 * Names every difference between two sets of schemas and whom it breaks. A producer written against the old schema breaks when something
 * it may send is no longer valid; a consumer written against the old schema breaks when it may now receive what was not valid before.
 * Design §3: adding optional fields is free, anything else is a new version.
 */
export type Effect = 'compatible' | 'breaking for producers' | 'breaking for consumers';

export interface Difference {
  /** Name of the event. */
  readonly event: string;
  /** RFC 6901, into the schema with its references followed. */
  readonly pointer: string;
  readonly change: string;
  readonly effects: readonly Effect[];
}

type Json = Readonly<Record<string, unknown>>;
export type SchemaSet = Readonly<Record<string, object>>;

interface Side {
  readonly root: Json;
  readonly schema: Json;
}

interface Place {
  readonly event: string;
  readonly pointer: string;
  readonly seen: ReadonlySet<string>;
}

const COMPATIBLE: readonly Effect[] = ['compatible'];
const NARROWED: readonly Effect[] = ['breaking for producers'];
const WIDENED: readonly Effect[] = ['breaking for consumers'];
const BOTH: readonly Effect[] = ['breaking for producers', 'breaking for consumers'];

const LOWER = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'];
const UPPER = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'];
const CONSTRAINTS = ['format', 'pattern', 'uniqueItems'];
const PROSE = ['$schema', '$id', 'title', 'description', '$comment', 'examples', 'deprecated'];
const STRUCTURE = ['type', 'enum', 'const', 'properties', 'required', 'items', 'additionalProperties', '$ref', '$defs'];
const JUDGED = new Set([...LOWER, ...UPPER, ...CONSTRAINTS, ...PROSE, ...STRUCTURE]);

export const isBreaking = (difference: Difference): boolean => !difference.effects.includes('compatible');

export function compare(before: SchemaSet, after: SchemaSet): Difference[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((event) => {
    const [old, fresh] = [before[event] as Json | undefined, after[event] as Json | undefined];
    if (!old) return [{ event, pointer: '', change: 'event added', effects: COMPATIBLE }];
    if (!fresh) return [{ event, pointer: '', change: 'event removed', effects: BOTH }];
    return compareSchemas({ root: old, schema: old }, { root: fresh, schema: fresh }, { event, pointer: '', seen: new Set() });
  });
}

function compareSchemas(left: Side, right: Side, place: Place): Difference[] {
  const pair = `${String(left.schema['$ref'])} ${String(right.schema['$ref'])}`;
  const isReference = '$ref' in left.schema || '$ref' in right.schema;
  // A recursive class refers to itself; the second time round says nothing new.
  if (isReference && place.seen.has(pair)) return [];
  const here = isReference ? { ...place, seen: new Set([...place.seen, pair]) } : place;
  const [before, after] = [followed(left), followed(right)];
  return [
    ...compareTypes(before.schema, after.schema, here),
    ...compareCodes(before.schema, after.schema, here),
    ...compareBounds(before.schema, after.schema, here),
    ...compareConstraints(before.schema, after.schema, here),
    ...compareProperties(before, after, here),
    ...compareItems(before, after, here),
    ...compareOthers(before.schema, after.schema, here),
  ];
}

/** The schema a reference stands for, with what is written beside the reference. */
function followed({ root, schema }: Side): Side {
  const { $ref: reference, ...beside } = schema;
  if (typeof reference !== 'string') return { root, schema };
  const found = reference
    .replace(/^#\//, '')
    .split('/')
    .reduce<unknown>((from, token) => (from as Json | undefined)?.[token], root);
  if (!found) throw new Error(`${reference} leads nowhere`);
  return followed({ root, schema: { ...(found as Json), ...beside } });
}

function differ(place: Place, change: string, effects: readonly Effect[]): Difference {
  return { event: place.event, pointer: place.pointer, change, effects };
}

function compareTypes(before: Json, after: Json, place: Place): Difference[] {
  const [old, fresh] = [typesOf(before), typesOf(after)];
  if (same(old, fresh)) return [];
  const change = `type ${shown(before['type'])} → ${shown(after['type'])}`;
  if (!old) return [differ(place, change, NARROWED)];
  if (!fresh) return [differ(place, change, WIDENED)];
  const narrowed = old.some((type) => !allows(fresh, type));
  const widened = fresh.some((type) => !allows(old, type));
  return [differ(place, change, effectsOf(narrowed, widened))];
}

const typesOf = (schema: Json): string[] | undefined =>
  schema['type'] === undefined ? undefined : [schema['type']].flat().map(String).sort();
/** Every integer is a number. */
const allows = (types: readonly string[], type: string): boolean =>
  types.includes(type) || (type === 'integer' && types.includes('number'));

function compareCodes(before: Json, after: Json, place: Place): Difference[] {
  const [old, fresh] = [codesOf(before), codesOf(after)];
  if (same(old, fresh)) return [];
  if (!old) return [differ(place, 'code list added', NARROWED)];
  if (!fresh) return [differ(place, 'code list removed', WIDENED)];
  const gone = old.filter((code) => !fresh.includes(code));
  const added = fresh.filter((code) => !old.includes(code));
  return [
    ...gone.map((code) => differ(place, `code ${code} removed`, NARROWED)),
    ...added.map((code) => differ(place, `code ${code} added`, WIDENED)),
    ...(gone.length + added.length === 0 ? [differ(place, 'codes in another order', COMPATIBLE)] : []),
  ];
}

const codesOf = (schema: Json): string[] | undefined => {
  const values = 'const' in schema ? [schema['const']] : (schema['enum'] as unknown[] | undefined);
  return values?.map((value) => JSON.stringify(value));
};

function compareBounds(before: Json, after: Json, place: Place): Difference[] {
  return [
    ...LOWER.map((keyword) => ({ keyword, none: -Infinity, sign: 1 })),
    ...UPPER.map((keyword) => ({ keyword, none: Infinity, sign: -1 })),
  ].flatMap(({ keyword, none, sign }) => {
    const [old, fresh] = [Number(before[keyword] ?? none), Number(after[keyword] ?? none)];
    if (old === fresh) return [];
    const change = `${keyword} ${shown(before[keyword])} → ${shown(after[keyword])}`;
    return [differ(place, change, sign * (fresh - old) > 0 ? NARROWED : WIDENED)];
  });
}

function compareConstraints(before: Json, after: Json, place: Place): Difference[] {
  return CONSTRAINTS.flatMap((keyword) => {
    const [old, fresh] = [before[keyword] || undefined, after[keyword] || undefined];
    if (same(old, fresh)) return [];
    const change = `${keyword} ${shown(old)} → ${shown(fresh)}`;
    return [differ(place, change, effectsOf(fresh !== undefined, old !== undefined))];
  });
}

function compareProperties(left: Side, right: Side, place: Place): Difference[] {
  const [old, fresh] = [propertiesOf(left.schema), propertiesOf(right.schema)];
  const names = [...new Set([...Object.keys(old), ...Object.keys(fresh)])];
  const changes = names.flatMap((name) => {
    const [before, after] = [old[name], fresh[name]];
    const at = below(place, 'properties', name);
    if (!before) return [added(name, right.schema, at)];
    // Unknown fields are ignored: a producer that still sends it is not refused, a consumer waits for it in vain.
    if (!after) return [differ(at, 'field removed', WIDENED)];
    return [
      ...requirement(name, left.schema, right.schema, at),
      ...compareSchemas({ root: left.root, schema: before }, { root: right.root, schema: after }, at),
    ];
  });
  return [...changes, ...compareOpenness(left.schema, right.schema, place)];
}

const propertiesOf = (schema: Json): Readonly<Record<string, Json>> => (schema['properties'] ?? {}) as Record<string, Json>;
const requires = (schema: Json, name: string): boolean => ((schema['required'] ?? []) as string[]).includes(name);

function added(name: string, schema: Json, place: Place): Difference {
  return requires(schema, name) ? differ(place, 'required field added', NARROWED) : differ(place, 'optional field added', COMPATIBLE);
}

function requirement(name: string, before: Json, after: Json, place: Place): Difference[] {
  const [old, fresh] = [requires(before, name), requires(after, name)];
  if (old === fresh) return [];
  return [fresh ? differ(place, 'field became required', NARROWED) : differ(place, 'field became optional', WIDENED)];
}

function compareOpenness(before: Json, after: Json, place: Place): Difference[] {
  const [old, fresh] = [before['additionalProperties'] ?? true, after['additionalProperties'] ?? true];
  if (same(old, fresh)) return [];
  const change = `additionalProperties ${shown(old)} → ${shown(fresh)}`;
  const [oldReach, freshReach] = [reach(old), reach(fresh)];
  return [differ(place, change, effectsOf(freshReach <= oldReach, freshReach >= oldReach))];
}

/** How much lets pass: nothing, what a schema describes, anything. */
const reach = (additional: unknown): number => (typeof additional === 'boolean' ? Number(additional) * 2 : 1);

function compareItems(left: Side, right: Side, place: Place): Difference[] {
  const [before, after] = [left.schema['items'] as Json | undefined, right.schema['items'] as Json | undefined];
  if (!before && !after) return [];
  const at = below(place, 'items');
  if (!before) return [differ(at, 'items described', NARROWED)];
  if (!after) return [differ(at, 'items no longer described', WIDENED)];
  return compareSchemas({ root: left.root, schema: before }, { root: right.root, schema: after }, at);
}

function compareOthers(before: Json, after: Json, place: Place): Difference[] {
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((keyword) => !same(before[keyword], after[keyword]));
  return [
    ...changed.filter((keyword) => PROSE.includes(keyword)).map((keyword) => differ(place, `${keyword} reworded`, COMPATIBLE)),
    // What is not judged above is taken for the worst.
    ...changed.filter((keyword) => !JUDGED.has(keyword)).map((keyword) => differ(place, `${keyword} changed`, BOTH)),
  ];
}

const effectsOf = (narrowed: boolean, widened: boolean): readonly Effect[] => {
  if (narrowed && widened) return BOTH;
  if (narrowed) return NARROWED;
  return widened ? WIDENED : COMPATIBLE;
};

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
const shown = (value: unknown): string => (value === undefined ? 'none' : [value].flat().map(String).join('|'));
const below = (place: Place, ...tokens: string[]): Place => ({
  ...place,
  pointer: [place.pointer, ...tokens.map((token) => token.replaceAll('~', '~0').replaceAll('/', '~1'))].join('/'),
});
