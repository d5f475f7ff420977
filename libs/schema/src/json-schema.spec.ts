import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Nested, NestedList, Optional, SamplingResultPublished, Text } from '@jinqiao/contracts';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { compare } from './compare.js';
import { componentSchemas } from './components.js';
import { allSchemas, declaredEvents, schemaOf, schemaUri } from './json-schema.js';

class Inner {
  @Text({ max: 3, about: 'A word.' }) word: string;
}
class Outer {
  @Optional() @Nested(() => Inner) one?: Inner;
  @NestedList(() => Inner, { items: 2, least: 1 }) many: Inner[];
}
class Parent {
  @Text({ max: 5 }) first: string;
}
class Child extends Parent {
  @Optional() @Text({ max: 5, pattern: /^a/ }) second?: string;
}

describe('schemaOf', () => {
  it('is a valid JSON Schema 2020-12 for every declared event', () => {
    const ajv = new Ajv2020();
    for (const schema of Object.values(allSchemas())) expect([schema.title, ajv.validateSchema(schema)]).toEqual([schema.title, true]);
  });

  it('puts nested classes under $defs, with their descriptions', () => {
    expect(schemaOf(Outer)).toEqual({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'Outer',
      type: 'object',
      properties: { one: { $ref: '#/$defs/Inner' }, many: { type: 'array', maxItems: 2, minItems: 1, items: { $ref: '#/$defs/Inner' } } },
      required: ['many'],
      $defs: {
        Inner: {
          type: 'object',
          properties: { word: { type: 'string', minLength: 1, maxLength: 3, description: 'A word.' } },
          required: ['word'],
        },
      },
    });
  });

  it('puts inherited fields first', () => {
    expect(Object.keys(schemaOf(Child).properties)).toEqual(['first', 'second']);
    expect(schemaOf(Child).required).toEqual(['first']);
  });

  it('carries the address under which the schema is served', () => {
    const address = 'https://jinqiao.example/schemas/inspection.sampling-result.SamplingResultPublished.v1.json';
    expect(schemaOf(SamplingResultPublished, 'https://jinqiao.example/').$id).toBe(address);
    expect(schemaUri(SamplingResultPublished, 'https://jinqiao.example')).toBe(address);
    expect(() => schemaUri(Outer, 'https://jinqiao.example')).toThrow('Outer is not declared');
  });

  it('refuses two different classes of one name in one event', () => {
    const Namesake = { Inner: class extends Parent {} }.Inner;
    class Confused {
      @Nested(() => Inner) one: Inner;
      @Nested(() => Namesake) other: object;
    }
    expect(() => schemaOf(Confused)).toThrow('Two classes named Inner are nested in one event');
  });
});

describe('the committed snapshot', () => {
  const snapshot = JSON.parse(readFileSync(join(__dirname, '../schemas.snapshot.json'), 'utf8')) as Record<string, object>;

  it('is what the declarations say; `npm run schemas` rewrites it on purpose', () => {
    expect(compare(snapshot, allSchemas())).toEqual([]);
    expect(allSchemas()).toEqual(snapshot);
  });

  it('holds every declared event', () => {
    expect(Object.keys(snapshot)).toEqual(declaredEvents().map((type) => type.name));
  });
});

describe('componentSchemas', () => {
  it('lays nested classes side by side, once', () => {
    const components = componentSchemas([Outer, Child]);
    expect(Object.keys(components).sort()).toEqual(['Child', 'Inner', 'Outer']);
    expect(JSON.stringify(components['Outer'])).toContain('#/components/schemas/Inner');
    expect(JSON.stringify(components)).not.toContain('$defs');
  });
});
