import { FeedbackIssued, SamplingResultReported, Text, type EventClass } from '@jinqiao/contracts';
import { IsString, ValidateNested } from 'class-validator';
import { check } from './check.js';
import { schemaOf } from './json-schema.js';

const aReport = (more: object = {}): Record<string, unknown> => ({
  sampleNo: 'GC-1',
  regime: 'FOOD',
  finality: 'FINAL',
  verdict: 'UNQUALIFIED',
  product: { name: '香蕉' },
  ...more,
});

function findings(more: object): string[] {
  const checked = check(SamplingResultReported, aReport(more));
  return checked.ok ? [] : checked.findings.map(({ code, pointer }) => `${code} ${pointer}`);
}

describe('check', () => {
  it('accepts what its class declares and gives back a value of declared fields', () => {
    expect(check(SamplingResultReported, aReport())).toEqual({ ok: true, value: aReport(), unknownFields: [] });
  });

  it('takes null and "" for absent, at every depth', () => {
    const checked = check(
      SamplingResultReported,
      aReport({ organiser: null, notTestedReason: '', product: { name: '香蕉', brand: '', spec: null } }),
    );
    expect(checked).toEqual({ ok: true, value: aReport(), unknownFields: [] });
  });

  it('asks for a required field that is null or empty', () => {
    expect(findings({ sampleNo: '', product: { name: null } })).toEqual(['FIELD_MISSING /sampleNo', 'FIELD_MISSING /product/name']);
  });

  it('drops unknown fields and names each by its pointer', () => {
    const input = aReport({ 'a/b~c': 1, product: { name: '香蕉', colour: 'yellow' }, failingItems: [{ item: 'x', lab: 1 }] });
    const checked = check(SamplingResultReported, input);
    expect(checked.unknownFields.sort()).toEqual(['/a~1b~0c', '/failingItems/0/lab', '/product/colour']);
    expect(checked.ok && checked.value).toEqual(aReport({ failingItems: [{ item: 'x' }] }));
  });

  it.each([
    ['another type', { revision: '2' }, ['WRONG_TYPE /revision']],
    ['a fraction where a whole number belongs', { revision: 1.5 }, ['WRONG_TYPE /revision']],
    ['a number out of range', { revision: 0 }, ['OUT_OF_RANGE /revision']],
    ['a code not in the list', { regime: 'TOYS' }, ['NOT_IN_CODE_LIST /regime']],
    ['a day that does not exist', { sampledOn: '2025-02-29' }, ['WRONG_FORMAT /sampledOn']],
    ['a time without an offset', { reportedAt: '2026-01-01T10:00:00' }, ['WRONG_FORMAT /reportedAt']],
    ['a text against its pattern', { sampledParty: { name: 'x', divisionCode: '12010x' } }, ['WRONG_FORMAT /sampledParty/divisionCode']],
    ['a text too long', { sampleNo: 'x'.repeat(129) }, ['OUT_OF_RANGE /sampleNo']],
    ['a list too long', { failingItems: Array.from({ length: 501 }, () => ({ item: 'x' })) }, ['OUT_OF_RANGE /failingItems']],
    ['an entry of another type', { failingItems: [{ item: 'x' }, null] }, ['WRONG_TYPE /failingItems/1']],
    ['a field missing inside an entry', { failingItems: [{ unit: 'mg' }] }, ['FIELD_MISSING /failingItems/0/item']],
    ['a list where one object belongs', { product: [{ name: 'x' }] }, ['WRONG_TYPE /product']],
  ])('refuses %s and points at it', (_what, more, expected) => {
    expect(findings(more)).toEqual(expected);
  });

  it('refuses a list of a million wrong entries without a finding for each', () => {
    const found = findings({ failingItems: Array.from({ length: 1_000_000 }, () => 7) });
    expect(found).toContain('OUT_OF_RANGE /failingItems');
    expect(found.length).toBeLessThan(600);
  });

  it('names every finding, not only the first', () => {
    expect(findings({ regime: 'TOYS', verdict: 7, sampledOn: 'yesterday' }).sort()).toEqual([
      'NOT_IN_CODE_LIST /regime',
      'NOT_IN_CODE_LIST /verdict',
      'WRONG_FORMAT /sampledOn',
      'WRONG_TYPE /verdict',
    ]);
  });

  it('refuses a list that is too long for its length, not with a finding for each of its million entries', () => {
    const found = findings({ failingItems: Array.from({ length: 1_000_000 }, () => 1) });
    expect(found).toContain('OUT_OF_RANGE /failingItems');
    expect(found.length).toBeLessThan(600);
  });

  it('counts characters as people do: one outside the basic plane is one', () => {
    expect(findings({ sampleNo: '𠮷'.repeat(128) })).toEqual([]);
    expect(findings({ sampleNo: '𠮷'.repeat(129) })).toEqual(['OUT_OF_RANGE /sampleNo']);
  });

  it.each([
    ['U+0000', 'a\0b'],
    ['half a surrogate pair', 'a\ud842b'],
  ])('refuses %s, which no store could keep', (_what, text) => {
    expect(findings({ product: { name: text } })).toEqual(['WRONG_FORMAT /product/name']);
    expect(findings({ product: { name: 'x', gtins: ['1', text] } })).toEqual(['WRONG_FORMAT /product/gtins/1']);
  });

  it.each([null, undefined, 'text', 7, [], [{}]])('refuses %p, which is no object', (input) => {
    expect(check(SamplingResultReported, input)).toMatchObject({ ok: false, findings: [{ code: 'WRONG_TYPE', pointer: '' }] });
  });

  it('is not led astray by names of the language', () => {
    const input: unknown = JSON.parse('{"__proto__":{"sampleNo":"GC-1"},"constructor":1,"toString":2}');
    const checked = check(SamplingResultReported, input);
    expect(checked.unknownFields.sort()).toEqual(['/__proto__', '/constructor', '/toString']);
    expect(checked.ok).toBe(false);
  });

  it('answers alike when the same class is checked again after a failure', () => {
    expect(findings({ regime: 'TOYS' })).toHaveLength(1);
    expect(findings({})).toEqual([]);
    expect(findings({ regime: 'TOYS' })).toHaveLength(1);
  });
});

describe('a free-form field', () => {
  const content = (value: unknown) => {
    const checked = check(FeedbackIssued, { content: value });
    return checked.ok
      ? []
      : checked.findings.filter((finding) => /^\/content(\/|$)/.test(finding.pointer)).map(({ code, pointer }) => `${code} ${pointer}`);
  };

  it('is an object', () => {
    expect(content([])).toEqual(['WRONG_TYPE /content']);
    expect(content({ any: [{ thing: 1 }] })).toEqual([]);
  });

  it('keeps no text that could not be stored, as a value or as a key', () => {
    expect(content({ deep: [{ text: 'a\0' }] })).toEqual(['WRONG_FORMAT /content/deep/0/text']);
    expect(content({ 'a\0': 1 })).toEqual(['WRONG_FORMAT /content/a\0']);
  });

  it('may not be nested without end', () => {
    const depth = 200_000;
    const input: unknown = JSON.parse(`{"x":${'['.repeat(depth)}${']'.repeat(depth)}}`);
    expect(content(input)).toEqual([`OUT_OF_RANGE /content/x${'/0'.repeat(31)}`]);
  });
});

describe('a class that cannot be compiled as it is read', () => {
  class Loose {
    @IsString() name: string;
  }
  class Twice {
    @Text({ max: 1 }) @Text({ max: 2 }) name: string;
  }
  class Descends {
    @Text({ max: 1 }) @ValidateNested() name: string;
  }
  class Bare {}

  it.each<[EventClass, string]>([
    [Loose, 'Loose.name has the rule isString, which carries no schema'],
    [Twice, 'Twice.name needs exactly one field decorator, it has 2'],
    [Descends, 'Descends.name: ValidateNested belongs inside @Nested or @NestedList'],
    [Bare, 'Bare declares no fields'],
  ])('throws for %p', (type, message) => {
    expect(() => schemaOf(type)).toThrow(message);
    expect(() => check(type, {})).toThrow(message);
  });
});
