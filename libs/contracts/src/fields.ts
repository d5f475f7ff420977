// Before the first decorator: class-transformer's Type reads the design types this adds to Reflect.
import 'reflect-metadata';
import { Type } from 'class-transformer';
import { ValidateBy, ValidateIf, ValidateNested } from 'class-validator';

/**
 * The decorators an event class is written with. Each one is a class-validator rule that carries its own JSON Schema fragment, so the
 * two readings of a class (class-validator and the compiled schema) come from one line and a property test can hold them together.
 */
export type Schema = Readonly<Record<string, unknown>>;

/** What a decorator says about its property; libs/schema reads it back from class-validator's metadata. */
export interface FieldContext {
  readonly schema?: Schema;
  readonly optional?: true;
  readonly nested?: { readonly type: () => new () => object; readonly list: boolean };
}

interface About {
  /** One sentence for the reader of the schema, where the name does not say it all. */
  readonly about?: string;
}

const described = (schema: Schema, about?: string): FieldContext => ({ schema: about ? { ...schema, description: about } : schema });

function field(name: string, context: FieldContext, accepts: (value: unknown) => boolean): PropertyDecorator {
  return ValidateBy({ name, validator: { validate: accepts, defaultMessage: () => `$property is not a valid ${name}` } }, { context });
}

function all(...decorators: PropertyDecorator[]): PropertyDecorator {
  return (target, property) => decorators.forEach((decorate) => decorate(target, property));
}

// JSON Schema counts characters by code point; String.length counts UTF-16 units.
const codePoints = (text: string): number => [...text].length;
const isText = (value: unknown, min: number, max: number): value is string =>
  typeof value === 'string' && codePoints(value) >= min && codePoints(value) <= max;

/** The field may be left out. Null and "" are dropped before validation (design §3.1: absent = null = ""). */
export const Optional = (): PropertyDecorator =>
  ValidateIf((_event, value) => value !== undefined, { context: { optional: true } satisfies FieldContext });

export function Text(options: { max: number; min?: number; pattern?: RegExp } & About): PropertyDecorator {
  const { max, min = 1, pattern, about } = options;
  const schema = { type: 'string', minLength: min, maxLength: max, ...(pattern && { pattern: pattern.source }) };
  return field('text', described(schema, about), (value) => isText(value, min, max) && (!pattern || pattern.test(value)));
}

/** A unified social credit code by its shape; whether its check digits are right is a rule (libs/law). */
export const Uscc = (options: About = {}): PropertyDecorator =>
  Text({ max: 18, min: 18, pattern: /^[0-9A-HJ-NP-RTUW-Y]{18}$/, ...options });

export function TextList(options: { max: number; items: number } & About): PropertyDecorator {
  const { max, items, about } = options;
  const schema = { type: 'array', maxItems: items, items: { type: 'string', minLength: 1, maxLength: max } };
  return field(
    'text list',
    described(schema, about),
    (value) => Array.isArray(value) && value.length <= items && value.every((entry) => isText(entry, 1, max)),
  );
}

export function Whole(options: { min: number; max: number } & About): PropertyDecorator {
  const { min, max, about } = options;
  return field(
    'whole number',
    described({ type: 'integer', minimum: min, maximum: max }, about),
    (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
  );
}

export const Revision = (about = 'Rises by one with every change of the public state; the higher revision wins.'): PropertyDecorator =>
  Whole({ min: 1, max: 2_147_483_647, about });

export function Flag(options: About = {}): PropertyDecorator {
  return field('flag', described({ type: 'boolean' }, options.about), (value) => typeof value === 'boolean');
}

export function OneOf(values: readonly string[], options: About = {}): PropertyDecorator {
  return field(
    'code',
    described({ type: 'string', enum: [...values] }, options.about),
    (value) => typeof value === 'string' && values.includes(value),
  );
}

export function CodeList(values: readonly string[], options: { items: number } & About): PropertyDecorator {
  const schema = { type: 'array', maxItems: options.items, items: { type: 'string', enum: [...values] } };
  const accepts = (value: unknown): boolean =>
    Array.isArray(value) && value.length <= options.items && value.every((entry) => typeof entry === 'string' && values.includes(entry));
  return field('code list', described(schema, options.about), accepts);
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;

/** True for a day that exists in the Gregorian calendar, written YYYY-MM-DD. */
export function isCalendarDate(value: unknown): value is string {
  const parts = typeof value === 'string' ? DATE.exec(value) : null;
  if (!parts) return false;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  if (month < 1 || month > 12 || day < 1) return false;
  const leapDays = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 1 : 0;
  return day <= (DAYS[month - 1] ?? 0) + leapDays;
}

export function CalendarDate(options: About = {}): PropertyDecorator {
  return field('calendar date', described({ type: 'string', format: 'calendar-date' }, options.about), isCalendarDate);
}

/** A date as printed: a year, a month or a day. */
export const isPartialDate = (value: unknown): value is string =>
  typeof value === 'string' && (/^\d{4}$/.test(value) || /^\d{4}-(0[1-9]|1[0-2])$/.test(value) || isCalendarDate(value));

export function PartialDate(options: About = {}): PropertyDecorator {
  return field('date as printed', described({ type: 'string', format: 'partial-date' }, options.about), isPartialDate);
}

const TIMESTAMP = /^(\d{4}-\d{2}-\d{2})[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** True for an RFC 3339 date-time. A leap second (:60) is refused: PostgreSQL could not keep it. */
export function isTimestamp(value: unknown): value is string {
  const parts = typeof value === 'string' ? TIMESTAMP.exec(value) : null;
  return parts !== null && isCalendarDate(parts[1]);
}

export function Timestamp(options: About = {}): PropertyDecorator {
  return field('timestamp', described({ type: 'string', format: 'timestamp' }, options.about), isTimestamp);
}

/** Free-form state of a subject, minimised by its publisher; only its being an object is checked. */
export function AnyObject(options: About = {}): PropertyDecorator {
  return field('object', described({ type: 'object' }, options.about), isObject);
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

export function Nested(type: () => new () => object): PropertyDecorator {
  // ValidateNested alone lets an array of the class pass where one object belongs.
  return all(field('object', { nested: { type, list: false } }, isObject), ValidateNested(), Type(type));
}

export function NestedList(type: () => new () => object, options: { items: number; least?: number }): PropertyDecorator {
  const { items, least = 0 } = options;
  const schema: Schema = { maxItems: items, ...(least > 0 && { minItems: least }) };
  const accepts = (value: unknown): boolean =>
    Array.isArray(value) && value.length <= items && value.length >= least && value.every(isObject);
  return all(field('list', { schema, nested: { type, list: true } }, accepts), ValidateNested({ each: true }), Type(type));
}
