/** A request with many questions: why it is asked once, then the items, each of which is answered for itself. */
import type { EventClass } from '@jinqiao/contracts';
import { ITEMS_MAX, type Principal, TooManyItems, ValidationFailed } from '@jinqiao/platform';
import { check, schemaOf } from '@jinqiao/schema';
import { ApiBody } from '@nestjs/swagger';
import { StatedPurpose, purposeOf } from './enquiry.js';

export interface EnquiryRequest {
  readonly caller: Principal;
  readonly purpose: StatedPurpose;
  readonly items: readonly unknown[];
}

export function requestOf(caller: Principal, body: unknown): EnquiryRequest {
  const checked = check(StatedPurpose, body);
  if (!checked.ok) throw new ValidationFailed(checked.findings);
  return { caller, purpose: purposeOf(caller, checked.value), items: itemsIn({ ...(body as object) }) };
}

/** What is wrong with one of them is for its own answer. */
function itemsIn({ items }: { items?: unknown }): readonly unknown[] {
  const wrong = (code: string, message: string) => new ValidationFailed([{ code, pointer: '/items', message }]);
  if (items === undefined || items === null) throw wrong('FIELD_MISSING', 'is required');
  if (!Array.isArray(items)) throw wrong('WRONG_TYPE', 'must be an array');
  if (items.length === 0) throw wrong('OUT_OF_RANGE', 'must have at least 1 entry');
  if (items.length > ITEMS_MAX) throw new TooManyItems({ zh: '查询', en: 'enquiries' });
  return items;
}

/** Describes the body of such a request. */
export function AsksMany(question: EventClass): MethodDecorator {
  const { properties, required = [] } = schemaOf(StatedPurpose);
  const { properties: ofQuestion, required: inQuestion = [] } = schemaOf(question);
  const items = { type: 'object', required: [...inQuestion], properties: { ...ofQuestion } };
  return ApiBody({
    description: `The purpose, and up to ${ITEMS_MAX} questions.`,
    schema: {
      type: 'object',
      required: [...required, 'items'],
      properties: { ...properties, items: { type: 'array', minItems: 1, maxItems: ITEMS_MAX, items } },
    },
  });
}
