import type { EventClass } from '@jinqiao/contracts';
import { schemaOf, type ObjectSchema } from './json-schema.js';

/**
 * The schemas of some classes as OpenAPI and AsyncAPI documents hold them: every class, nested ones too, once under its name, with
 * references to `#/components/schemas/…`.
 */
export function componentSchemas(types: readonly EventClass[]): Record<string, ObjectSchema> {
  const components = new Map<string, string>();
  for (const type of types) {
    const { $defs = {}, $schema: _dialect, $id: _address, ...own } = schemaOf(type);
    for (const [name, schema] of Object.entries({ ...$defs, [type.name]: own })) {
      const text = JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/');
      const namesake = components.get(name);
      if (namesake !== undefined && namesake !== text) throw new Error(`Two different classes are named ${name}`);
      components.set(name, text);
    }
  }
  return Object.fromEntries([...components].map(([name, text]) => [name, JSON.parse(text) as ObjectSchema]));
}
