import type { PublicFacts, PublicOfType, Registration } from '../public-facts/public-facts.js';
import { answerAt, fieldFindings, monthsMax, type PredicateItem } from './predicate.js';

const NOON = new Date('2026-11-23T04:00:00.000Z');
const registration: Registration = {
  name: '示例商店',
  status: 'ACTIVE',
  divisionCode: null,
  industryCode: null,
  registeredOn: null,
  revision: 1,
};
const ofType = (type: PublicOfType['type'], ...dates: string[]): PublicOfType => {
  const count = dates.length;
  const documents = dates.map((date) => ({ date }));
  return { type, count, open: type === 'COMMITMENT' ? count : 0, kept: 0, documents, firstEnd: '2026-11-25', records: [] };
};
const known = (...held: PublicOfType[]): PublicFacts => ({ registration, permits: [], held });
const unregistered = (...held: PublicOfType[]): PublicFacts => ({ registration: null, permits: [], held });
type Asked = Omit<PredicateItem, 'uscc'>;
const asked = (question: Asked, facts: PublicFacts, now = NOON) =>
  answerAt(now)({ uscc: '91120199MA9XXX0111', usccCheck: 'VALID', ...question }, facts);
const told = (question: Asked, facts: PublicFacts): string => {
  const { answer: said, reason } = asked(question, facts);
  return `${said} ${reason}`;
};

describe('not on the list of serious dishonesty', () => {
  const question = { predicate: 'NOT_ON_SERIOUS_LIST' } as const;

  it('is true of a registered entity without a public record of it, whatever else there is', () => {
    expect(told(question, known(ofType('ABNORMAL_OPERATION', '2026-01-01')))).toBe('YES NO_PUBLIC_RECORD');
  });

  it('is false of an entity that is on it, registered here or not', () => {
    expect(told(question, known(ofType('SERIOUS_DISHONESTY', '2026-01-01')))).toBe('NO PUBLIC_RECORD');
    expect(told(question, unregistered(ofType('SERIOUS_DISHONESTY', '2026-01-01')))).toBe('NO PUBLIC_RECORD');
  });

  it('is not known of an entity that the register does not hold', () => {
    expect(told(question, unregistered())).toBe('UNKNOWN NOT_REGISTERED');
  });
});

describe('no unqualified sampling published', () => {
  const within = (months: number, regime?: PredicateItem['regime']): Asked => ({
    predicate: 'NO_PUBLISHED_UNQUALIFIED_SAMPLING',
    months,
    ...(regime && { regime }),
  });

  it('within the months counts the day on which they begin', () => {
    const sampled = known(ofType('SAMPLING_RESULT', '2026-05-23'));
    expect(told(within(6), sampled)).toBe('NO PUBLIC_RECORD');
    expect(told(within(5), sampled)).toBe('YES NO_PUBLIC_RECORD');
  });

  it('begins on the last day of a month that is too short', () => {
    const on = (date: string) => asked(within(6), known(ofType('SAMPLING_RESULT', date)), new Date('2026-08-31T04:00:00Z')).answer;
    expect([on('2026-02-27'), on('2026-02-28')]).toEqual(['YES', 'NO']);
  });

  it('is not known where a notice prints a month or a year that may lie on either side', () => {
    expect(told(within(6), known(ofType('SAMPLING_RESULT', '2026-05')))).toBe('UNKNOWN DATE_INEXACT');
    expect(told(within(6), known(ofType('SAMPLING_RESULT', '2026')))).toBe('UNKNOWN DATE_INEXACT');
    expect(told(within(6), known(ofType('SAMPLING_RESULT', '2026-04')))).toBe('YES NO_PUBLIC_RECORD');
    expect(told(within(6), known(ofType('SAMPLING_RESULT', '2026-06')))).toBe('NO PUBLIC_RECORD');
    expect(told(within(6), known(ofType('SAMPLING_RESULT', '2025')))).toBe('YES NO_PUBLIC_RECORD');
    expect(told(within(6), known(ofType('SAMPLING_RESULT', '2026', '2026-11-01')))).toBe('NO PUBLIC_RECORD');
  });

  it('of one regime is answered by what records say of theirs', () => {
    const of = (...documents: PublicOfType['documents']): PublicFacts =>
      known({ ...ofType('SAMPLING_RESULT'), count: documents.length, documents });
    const [food, product] = [{ date: '2026-11-01', regime: 'FOOD' } as const, { date: '2026-11-01', regime: 'PRODUCT' } as const];
    expect(told(within(6, 'FOOD'), of(food))).toBe('NO PUBLIC_RECORD');
    expect(told(within(6, 'FOOD'), of(product))).toBe('YES NO_PUBLIC_RECORD');
    expect(told(within(6, 'FOOD'), of(product, food))).toBe('NO PUBLIC_RECORD');
    expect(told(within(6, 'FOOD'), of({ ...food, date: '2026' }))).toBe('UNKNOWN DATE_INEXACT');
    expect(told(within(6, 'FOOD'), of({ ...food, date: '2020-01-01' }))).toBe('YES NO_PUBLIC_RECORD');
    expect(told(within(6), of(food, product))).toBe('NO PUBLIC_RECORD');
  });

  it('of one regime is not known where a record of before does not say its own, unless another is of it', () => {
    const older = { date: '2026-11-01' };
    const of = (...documents: PublicOfType['documents']): PublicFacts =>
      known({ ...ofType('SAMPLING_RESULT'), count: documents.length, documents });
    expect(told(within(6, 'FOOD'), of(older))).toBe('UNKNOWN REGIME_NOT_RECORDED');
    expect(told(within(6, 'FOOD'), of(older, { ...older, regime: 'PRODUCT' }))).toBe('UNKNOWN REGIME_NOT_RECORDED');
    expect(told(within(6, 'FOOD'), of(older, { ...older, regime: 'FOOD' }))).toBe('NO PUBLIC_RECORD');
    expect(told(within(6, 'FOOD'), known(ofType('SAMPLING_RESULT', '2024-11-01')))).toBe('YES NO_PUBLIC_RECORD');
  });

  it('is not known of an entity that the register does not hold', () => {
    expect(told(within(6), unregistered())).toBe('UNKNOWN NOT_REGISTERED');
  });
});

describe('commitment kept', () => {
  const question = { predicate: 'COMMITMENT_KEPT' } as const;

  it('is false once a department has published that one was broken', () => {
    expect(told(question, known(ofType('COMMITMENT', '2026-01-01'), ofType('COMMITMENT_BROKEN', '2026-06-01')))).toBe('NO PUBLIC_RECORD');
  });

  it('is true when every one was, and false when one was kept in part', () => {
    const made = (open: number, kept: number) => known({ ...ofType('COMMITMENT', '2026-01-01'), count: 2, open, kept });
    expect(told(question, made(0, 2))).toBe('YES PUBLIC_RECORD');
    expect(told(question, made(1, 1))).toBe('UNKNOWN COMMITMENT_NOT_CHECKED');
    expect(told(question, made(0, 1))).toBe('NO PUBLIC_RECORD');
  });

  it('is not known while nothing says that it was', () => {
    expect(told(question, known(ofType('COMMITMENT', '2026-01-01')))).toBe('UNKNOWN COMMITMENT_NOT_CHECKED');
    expect(told(question, known())).toBe('UNKNOWN NO_COMMITMENT');
    expect(told(question, unregistered())).toBe('UNKNOWN NOT_REGISTERED');
  });
});

describe('what an answer holds', () => {
  it('is the question, the answer and its class of reason: no record, and not when one ends', () => {
    expect(asked({ predicate: 'NOT_ON_SERIOUS_LIST' }, known(ofType('SERIOUS_DISHONESTY', '2026-01-01')))).toEqual({
      uscc: '91120199MA9XXX0111',
      usccCheck: 'VALID',
      predicate: 'NOT_ON_SERIOUS_LIST',
      answer: 'NO',
      reason: 'PUBLIC_RECORD',
      asOf: '2026-11-23T04:00:00.000Z',
      validUntil: '2026-11-23T16:00:00.000Z',
    });
  });
});

describe('what goes with a predicate', () => {
  const found = (item: Asked) => fieldFindings({ uscc: '', ...item }, '2026-11-23').map(({ code, pointer }) => `${code} ${pointer}`);

  it('is a number of months, as many as results are public for', () => {
    expect(monthsMax('2026-11-23')).toBe(36);
    const predicate = 'NO_PUBLISHED_UNQUALIFIED_SAMPLING';
    expect(found({ predicate, months: 36 })).toEqual([]);
    expect(found({ predicate, months: 37 })).toEqual(['OUT_OF_RANGE /months']);
    expect(found({ predicate, regime: 'FOOD' })).toEqual(['FIELD_MISSING /months']);
  });

  it('is nothing for the others: months that would not count are refused', () => {
    expect(found({ predicate: 'NOT_ON_SERIOUS_LIST', months: 6 })).toEqual(['FIELD_UNEXPECTED /months']);
    expect(found({ predicate: 'COMMITMENT_KEPT', regime: 'FOOD' })).toEqual(['FIELD_UNEXPECTED /regime']);
    expect(found({ predicate: 'COMMITMENT_KEPT' })).toEqual([]);
  });
});
