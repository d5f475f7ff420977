import { allStreams, typeOf, type EventClass } from '@jinqiao/contracts';
import { declaredFields, type DeclaredField } from './declared-fields.js';

/** A JSON Schema 2020-12 document of one class. */
export interface ObjectSchema {
  readonly $schema?: string;
  readonly $id?: string;
  readonly title?: string;
  readonly description?: string;
  readonly type: 'object';
  readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly required?: readonly string[];
  readonly $defs?: Readonly<Record<string, ObjectSchema>>;
}

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** Every class of every stream, in the order of declaration. */
export const declaredEvents = (): readonly EventClass[] => allStreams().flatMap((stream) => stream.events);

/** The name under which the schema of an event is served, in the folder `/schemas`: `<ce_type>.v<major>.json`. */
export function schemaFile(type: EventClass): string {
  const version = /\.(v\d+)$/.exec(declarationOf(type)?.topic ?? '')?.[1];
  if (!version) throw new Error(`${type.name} is not declared in a stream with a version`);
  return `${typeOf(type)}.${version}.json`;
}

/** `ce_dataschema` of an event. */
export const schemaUri = (type: EventClass, baseUrl: string): string => `${baseUrl.replace(/\/+$/, '')}/schemas/${schemaFile(type)}`;

/**
 * The schema of a class; an event's carries its address as `$id`. Unknown fields are allowed, so that a reader of today takes an event
 * of tomorrow. Nested classes stand under `$defs` by their names.
 */
export function schemaOf(type: EventClass, baseUrl = ''): ObjectSchema {
  const nested = new Map<string, EventClass>();
  collectNested(type, nested);
  const $defs = Object.fromEntries([...nested].map(([name, one]) => [name, objectSchema(one)]));
  const stream = declarationOf(type);
  return {
    $schema: DIALECT,
    ...(stream && { $id: schemaUri(type, baseUrl) }),
    title: type.name,
    ...(stream && { description: stream.about }),
    ...objectSchema(type),
    ...(nested.size > 0 && { $defs }),
  };
}

/** The schemas of all declared events by event name. */
export function allSchemas(baseUrl = ''): Record<string, ObjectSchema> {
  return Object.fromEntries(declaredEvents().map((type) => [type.name, schemaOf(type, baseUrl)]));
}

const declarationOf = (type: EventClass) => allStreams().find((stream) => stream.events.includes(type));

function collectNested(type: EventClass, found: Map<string, EventClass>): void {
  for (const { nested } of declaredFields(type)) {
    if (!nested) continue;
    const namesake = found.get(nested.type.name);
    if (namesake === nested.type) continue;
    if (namesake) throw new Error(`Two classes named ${nested.type.name} are nested in one event`);
    found.set(nested.type.name, nested.type);
    collectNested(nested.type, found);
  }
}

function objectSchema(type: EventClass): ObjectSchema {
  const fields = declaredFields(type);
  const required = fields.filter((field) => !field.optional).map((field) => field.name);
  return {
    type: 'object',
    properties: Object.fromEntries(fields.map((field) => [field.name, fieldSchema(field)])),
    ...(required.length > 0 && { required }),
  };
}

function fieldSchema({ schema, nested }: DeclaredField): Record<string, unknown> {
  if (!nested) return { ...schema };
  const reference = { $ref: `#/$defs/${nested.type.name}` };
  return nested.list ? { type: 'array', ...schema, items: reference } : { ...reference, ...schema };
}
