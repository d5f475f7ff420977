import { getMetadataStorage } from 'class-validator';
import type { EventClass, FieldContext, Schema } from '@jinqiao/contracts';

/** What a class says about one of its properties. */
export interface DeclaredField {
  readonly name: string;
  readonly optional: boolean;
  readonly schema: Schema;
  readonly nested?: { readonly type: EventClass; readonly list: boolean };
}

type Rules = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>;

const known = new Map<EventClass, readonly DeclaredField[]>();

/**
 * The declared fields of a class, inherited ones first. Throws for a rule that carries no schema: what class-validator alone would
 * check, the compiled validator of the hot path would let pass.
 */
export function declaredFields(type: EventClass): readonly DeclaredField[] {
  const before = known.get(type);
  if (before) return before;
  const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  if (rules.length === 0) throw new Error(`${type.name} declares no fields`);
  const byProperty = new Map<string, Rules>();
  for (const rule of [...rules.filter((one) => one.target !== type), ...rules.filter((one) => one.target === type)]) {
    byProperty.set(rule.propertyName, [...(byProperty.get(rule.propertyName) ?? []), rule]);
  }
  const fields = [...byProperty].map(([property, itsRules]) => readField(`${type.name}.${property}`, property, itsRules));
  known.set(type, fields);
  return fields;
}

function readField(where: string, name: string, rules: Rules): DeclaredField {
  const contexts = rules.filter((rule) => rule.type !== 'nestedValidation').map((rule) => readContext(where, rule));
  const stated = contexts.filter((context) => context.schema !== undefined || context.nested !== undefined);
  const [field] = stated;
  if (!field || stated.length > 1) throw new Error(`${where} needs exactly one field decorator, it has ${stated.length}`);
  const descends = rules.some((rule) => rule.type === 'nestedValidation');
  if (descends !== (field.nested !== undefined)) throw new Error(`${where}: ValidateNested belongs inside @Nested or @NestedList`);
  const nested = field.nested && { type: field.nested.type(), list: field.nested.list };
  return { name, optional: contexts.some((context) => context.optional), schema: field.schema ?? {}, ...(nested && { nested }) };
}

function readContext(where: string, rule: Rules[number]): FieldContext {
  const context: unknown = rule.context;
  if (typeof context === 'object' && context !== null && ('schema' in context || 'nested' in context || 'optional' in context)) {
    return context as FieldContext;
  }
  throw new Error(`${where} has the rule ${rule.name ?? rule.type}, which carries no schema: use the decorators of @jinqiao/contracts`);
}
