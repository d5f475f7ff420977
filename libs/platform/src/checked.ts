import type { EventClass } from '@jinqiao/contracts';
import { check, declaredEvents, DomainError, type Finding, type ObjectSchema, schemaOf } from '@jinqiao/schema';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiBody, ApiQuery } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';

export class ValidationFailed extends DomainError {
  constructor(findings: readonly Finding[]) {
    super('VALIDATION_FAILED', 400, { zh: '请求内容不符合要求', en: 'The request is not as declared' }, [...findings]);
  }
}

const bodies = new Map<string, EventClass>();

/** The class behind a schema name in an OpenAPI document: one that @CheckedBody has put there, or an event a route takes as its body. */
export const bodyNamed = (name: string): EventClass | undefined => bodies.get(name) ?? declaredEvents().find((type) => type.name === name);

const checkedBody = createParamDecorator((type: EventClass, context: ExecutionContext): object => {
  return accepted(type, context.switchToHttp().getRequest<FastifyRequest>().body);
});

interface QueryClass extends Pick<ObjectSchema, 'properties'> {
  readonly type: EventClass;
}

const checkedQuery = createParamDecorator(({ type, properties }: QueryClass, context: ExecutionContext): object => {
  return accepted(type, typedQuery(properties, context.switchToHttp().getRequest<FastifyRequest>().query));
});

/** The request's body, held against a class of declared fields; anything wrong is a 400 with a pointer for each finding. */
export const CheckedBody =
  <B extends object>(type: EventClass<B>): ParameterDecorator =>
  (target, method, index) => {
    checkedBody(type)(target, method, index);
    bodies.set(type.name, type);
    describe(target, method, ApiBody({ schema: { $ref: `#/components/schemas/${type.name}` } }));
  };

/** The request's query, held against a class of declared fields: whole numbers, flags and lists are read from their text. */
export const CheckedQuery =
  <Q extends object>(type: EventClass<Q>): ParameterDecorator =>
  (target, method, index) => {
    const { properties, required = [] } = schemaOf(type);
    checkedQuery({ type, properties })(target, method, index);
    for (const [name, schema] of Object.entries(properties)) {
      describe(target, method, ApiQuery({ name, required: required.includes(name), schema: { ...schema } }));
    }
  };

function accepted(type: EventClass, input: unknown): object {
  const checked = check(type, input);
  if (!checked.ok) throw new ValidationFailed(checked.findings);
  return checked.value;
}

function describe(target: object, method: string | symbol | undefined, decorate: MethodDecorator): void {
  const descriptor = method === undefined ? undefined : Object.getOwnPropertyDescriptor(target, method);
  if (method !== undefined && descriptor) decorate(target, method, descriptor);
}

/** A query is text; what the class declares as a number, a flag or a list is read as such, and left alone where it is not one. */
export function typedQuery(properties: ObjectSchema['properties'], query: unknown): Record<string, unknown> {
  const given = Object.entries(query ?? {}) as [string, string | string[]][];
  return Object.fromEntries(given.map(([name, value]) => [name, typed(properties[name]?.['type'], value)]));
}

function typed(type: unknown, value: string | string[]): unknown {
  if (type === 'array') return Array.isArray(value) ? value : value.split(',');
  if (type === 'integer' && typeof value === 'string' && /^-?\d{1,15}$/.test(value)) return Number(value);
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  return value;
}
