import { createHash } from 'node:crypto';
import { FeedbackIssued, SamplingResultReported } from '@jinqiao/contracts';
import { canonicalHash, contentHash } from './content-hash.js';

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
const report = (more: object = {}): SamplingResultReported => ({
  sampleNo: 'GC-1',
  regime: 'FOOD',
  finality: 'FINAL',
  verdict: 'QUALIFIED',
  product: { name: '香蕉' },
  ...more,
});
const hash = (more: object = {}): string => contentHash(SamplingResultReported, report(more));

describe('canonicalHash', () => {
  it('is SHA-256 over the RFC 8785 form: sorted keys, shortest numbers, no spaces', () => {
    expect(canonicalHash({ b: [1.0, 1e21, 0.000001], a: '€\n', A: null })).toBe(sha256('{"A":null,"a":"€\\n","b":[1,1e+21,0.000001]}'));
  });

  it('sorts keys by UTF-16 units as the RFC asks', () => {
    expect(canonicalHash({ '\ufb33': 1, '😀': 2 })).toBe(sha256('{"😀":2,"\ufb33":1}'));
  });

  it('has none for a value without a JSON form', () => {
    expect(() => canonicalHash(undefined)).toThrow('A value without a JSON form has no hash');
    expect(() => canonicalHash({ x: NaN })).toThrow('NaN is not allowed');
  });
});

describe('contentHash', () => {
  it('covers the declared fields in their canonical form', () => {
    expect(hash()).toBe(sha256('{"finality":"FINAL","product":{"name":"香蕉"},"regime":"FOOD","sampleNo":"GC-1","verdict":"QUALIFIED"}'));
  });

  it('does not depend on the order of fields', () => {
    const { sampleNo, ...rest } = report();
    expect(contentHash(SamplingResultReported, { ...rest, sampleNo })).toBe(hash());
  });

  it.each([
    ['null', { organiser: null }],
    ['""', { notTestedReason: '' }],
    ['undefined', { round: undefined }],
    ['an empty field of a nested object', { product: { name: '香蕉', brand: '' } }],
    ['an unknown field', { colour: 'yellow' }],
    ['reportedAt', { reportedAt: '2026-01-01T00:00:00Z' }],
    ['contentHash', { contentHash: 'x' }],
    ['signature', { signature: 'x' }],
  ])('is the same with %s', (_what, more) => {
    expect(hash(more)).toBe(hash());
  });

  it.each([
    ['a field', { verdict: 'UNQUALIFIED' }],
    ['a nested field', { product: { name: '苹果' } }],
    ['an entry', { failingItems: [{ item: '噻虫嗪' }] }],
    ['the revision', { revision: 2 }],
  ])('changes with %s', (_what, more) => {
    expect(hash(more)).not.toBe(hash());
  });

  it('covers free-form content, absent = null = "" there too, and leaves out only its own field', () => {
    const feedback = (content: object, contentHash = '0') => ({ feedbackId: 'f', content, contentHash }) as unknown as FeedbackIssued;
    const of = (content: object, own?: string) => contentHash(FeedbackIssued, feedback(content, own));
    expect(of({ a: 1, b: null, c: { d: '' } })).toBe(of({ a: 1, c: {} }));
    expect(of({ a: 1 }, '1')).toBe(of({ a: 1 }, '2'));
    expect(of({ a: 1 })).not.toBe(of({ a: 2 }));
    expect(of({ signature: 'x' })).not.toBe(of({}));
  });
});
