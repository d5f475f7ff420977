import { DomainError } from '@jinqiao/schema';

export const MEBIBYTE = 1_048_576;
export const LIMITS = { body: MEBIBYTE, batch: 8 * MEBIBYTE, file: 50 * MEBIBYTE, evidence: 200 * MEBIBYTE };

export class NotJson extends DomainError {
  constructor() {
    super('NOT_JSON', 400, { zh: '请求内容不是 UTF-8 编码的 JSON', en: 'The body is not JSON in UTF-8' }, [
      { code: 'NOT_JSON', pointer: '', message: 'The body is not JSON in UTF-8.' },
    ]);
  }
}

export class BodyTooLarge extends DomainError {
  constructor() {
    super('BODY_TOO_LARGE', 413, { zh: '请求内容过大', en: 'The body is too large: 1 MiB, or 8 MiB for an array' });
  }
}

/** A JSON body: up to 1 MiB, or up to 8 MiB where it is an array (a batch). */
export function parseJson(body: Buffer): unknown {
  const value = decoded(body);
  if (body.length > LIMITS.body && !Array.isArray(value)) throw new BodyTooLarge();
  return value;
}

function decoded(body: Buffer): unknown {
  try {
    const text = utf8.decode(body);
    // A reviver makes parsing several times slower; only a text that may spell the name, plainly or escaped, needs it.
    return MAY_REACH_PROTOTYPE.test(text) ? JSON.parse(text, withoutPrototype) : JSON.parse(text);
  } catch {
    throw new NotJson();
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

const MAY_REACH_PROTOTYPE = /__proto__|\\u00[5-7]/i;

/** A field that would reach an object's prototype is dropped like any unknown field. */
const withoutPrototype = (name: string, value: unknown): unknown => (name === '__proto__' ? undefined : value);
