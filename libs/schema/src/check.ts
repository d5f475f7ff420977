import { isCalendarDate, isPartialDate, isTimestamp, type EventClass } from '@jinqiao/contracts';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { declaredContent, isObject, step } from './declared-content.js';
import type { Finding, FindingCode } from './domain-error.js';
import { schemaOf } from './json-schema.js';

export type Checked<E> =
  | { readonly ok: true; readonly value: E; readonly unknownFields: string[] }
  | { readonly ok: false; readonly findings: Finding[]; readonly unknownFields: string[] };

/** The formats a declared field may have, each decided by the same function class-validator uses. */
const formats = { 'calendar-date': isCalendarDate, 'partial-date': isPartialDate, timestamp: isTimestamp };

const ajv = new Ajv2020({ allErrors: true, strict: true, messages: false, formats });
const compiled = new Map<EventClass, ValidateFunction>();

/** The compiled validator of a class; compiled at its first use. */
export function validatorOf(type: EventClass): ValidateFunction {
  const before = compiled.get(type);
  if (before) return before;
  // Without its $id: the validator is found by class, and one process may know several base URLs.
  const { $id: _address, ...schema } = schemaOf(type);
  const validate = ajv.compile(schema);
  compiled.set(type, validate);
  return validate;
}

/**
 * Holds an input against its class: drops null, "" and unknown fields (these are named by pointer), applies no defaults, then runs the
 * compiled validator. The value is a plain object of declared fields, and the input itself where that is one already. This is the hot path
 * of every intake and consumer.
 */
export function check<E extends object>(type: EventClass<E>, input: unknown): Checked<E> {
  if (!isObject(input))
    return { ok: false, findings: [{ code: 'WRONG_TYPE', pointer: '', message: 'must be an object' }], unknownFields: [] };
  const { content, unknownFields, findings } = declaredContent(type, input);
  const validate = validatorOf(type);
  if (validate(content) && findings.length === 0) return { ok: true, value: content as E, unknownFields };
  return { ok: false, findings: [...findings, ...(validate.errors ?? []).map(findingOf)], unknownFields };
}

const codes: Readonly<Record<string, FindingCode>> = {
  required: 'FIELD_MISSING',
  type: 'WRONG_TYPE',
  enum: 'NOT_IN_CODE_LIST',
  format: 'WRONG_FORMAT',
  pattern: 'WRONG_FORMAT',
  minimum: 'OUT_OF_RANGE',
  maximum: 'OUT_OF_RANGE',
  minLength: 'OUT_OF_RANGE',
  maxLength: 'OUT_OF_RANGE',
  minItems: 'OUT_OF_RANGE',
  maxItems: 'OUT_OF_RANGE',
};

function findingOf({ keyword, instancePath, params }: ErrorObject): Finding {
  const code = codes[keyword];
  if (!code) throw new Error(`The schema keyword ${keyword} has no finding code`);
  const pointer = keyword === 'required' ? step(instancePath, String(params['missingProperty'])) : instancePath;
  return { code, pointer, message: sentence(keyword, params) };
}

function sentence(keyword: string, params: ErrorObject['params']): string {
  const limit = String(params['limit']);
  switch (keyword) {
    case 'required':
      return 'is required';
    case 'type':
      return `must be of type ${String(params['type'])}`;
    case 'enum':
      return `must be one of ${(params['allowedValues'] as string[]).join(', ')}`;
    case 'format':
      return `must be a ${String(params['format'])}`;
    case 'pattern':
      return `must match ${String(params['pattern'])}`;
    case 'minLength':
      return `must have at least ${limit} characters`;
    case 'maxLength':
      return `must have at most ${limit} characters`;
    case 'minItems':
      return `must have at least ${limit} entries`;
    case 'maxItems':
      return `must have at most ${limit} entries`;
    default:
      return `must be ${String(params['comparison'])} ${limit}`;
  }
}
