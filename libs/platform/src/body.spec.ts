import { BodyTooLarge, LIMITS, NotJson, parseJson } from './body.js';

const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

describe('a JSON body', () => {
  it('is read as UTF-8', () => expect(parseJson(bytes({ name: '津桥' }))).toEqual({ name: '津桥' }));

  it.each([
    Buffer.from('{"a":'),
    Buffer.from(''),
    Buffer.from('name=1'),
    Buffer.from([0x22, 0xff, 0xfe, 0x22]),
    Buffer.from('"\u{FEFF}" x'),
  ])('is refused when it is not JSON in UTF-8: %p', (body) => expect(() => parseJson(body)).toThrow(NotJson));

  it('may be larger than 1 MiB only as an array', () => {
    const large = 'x'.repeat(LIMITS.body);
    expect(() => parseJson(bytes({ large }))).toThrow(BodyTooLarge);
    expect(parseJson(bytes([large]))).toEqual([large]);
  });

  it.each(['__proto__', '\\u005f_proto__', '__\\u0070roto__'])('cannot reach a prototype as %s', (name) => {
    const value = parseJson(Buffer.from(`{"${name}":{"admin":true},"name":"a"}`)) as Record<string, unknown>;
    expect(value['admin']).toBeUndefined();
    expect(value).toEqual({ name: 'a' });
  });
});
