import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CREDIT_RECORD_TYPES } from '@jinqiao/contracts';
import { allRecordTypes, publishBy, type RecordType, recordTypesOn, recordTypeTable, termOf } from './record-type.js';
import { allRules } from './rules.js';

function typeOn(type: RecordType['type'], on: string, itsClass?: RecordType['class']): RecordType {
  const found = recordTypesOn(type, on).find((one) => one.class === itsClass);
  if (!found) throw new Error(`${type} is no record on ${on}`);
  return found;
}

describe('the rows', () => {
  it('know every type of the code list, today', () => {
    expect(CREDIT_RECORD_TYPES.filter((type) => recordTypesOn(type, '2026-11-26').length === 0)).toEqual([]);
  });

  it('name rules that are law for as long as they are, and are never two for one question', () => {
    const rows = allRecordTypes();
    expect(new Set(rows.map(({ version }) => version)).size).toBe(rows.length);
    for (const one of rows) {
      const { least, most, restrictedBeyond, publishWithin, fromOutside, validFrom, validTo = '9999-12-31' } = one;
      for (const name of [least, most, restrictedBeyond, publishWithin, fromOutside?.push, fromOutside?.publish].filter(
        (each) => each !== undefined,
      )) {
        const rules = allRules().filter((rule) => rule.name === name && rule.validFrom <= validFrom);
        expect(rules.some((rule) => validTo <= (rule.validTo ?? '9999-12-31'))).toBe(true);
      }
      const inForce = recordTypesOn(one.type, validFrom);
      expect(inForce.filter((other) => other.class === one.class)).toEqual([one]);
      // Either each row of a type has a class, or its only one has none.
      expect(inForce.length === 1 || inForce.every((other) => other.class !== undefined)).toBe(true);
      expect(one.version.length).toBeLessThanOrEqual(64);
    }
  });

  it('are the table in docs/credit.md', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/credit.md'), 'utf8');
    expect(page).toContain(recordTypeTable());
  });
});

describe('a period of publication', () => {
  it('of a penalty ran from publication until 2026-03-31, and runs from the date of its document since', () => {
    expect(termOf(typeOn('PENALTY', '2026-03-31', 'GENERAL'), '2026-03-31', '2026-04-20')).toEqual({
      earliestEnd: '2029-04-20',
      latestEnd: '2029-04-20',
      legalBasis: [{ instrument: expect.stringContaining('第45号') as unknown, ruleVersion: 'PENALTY_PUBLIC_OTHER@2021-09-01' }],
    });
    expect(termOf(typeOn('PENALTY', '2026-04-01', 'GENERAL'), '2026-04-01', '2026-04-20')).toEqual({
      earliestEnd: '2026-07-01',
      latestEnd: '2027-04-01',
      legalBasis: [{ instrument: expect.stringContaining('第36号') as unknown, ruleVersion: 'DISHONESTY_PUBLIC_GENERAL_MOST@2026-04-01' }],
    });
  });

  it.each([
    ['MINOR', '2026-03-31', '2026-07-20', '2026-07-20'],
    ['SERIOUS', '2026-03-31', '2029-04-20', '2029-04-20'],
    ['MINOR', '2026-11-30', null, '2027-02-28'],
    ['SERIOUS', '2026-11-30', '2027-11-30', '2029-11-30'],
  ] as const)('of a %s penalty of %s ends from %s to %s', (itsClass, documentDate, earliestEnd, latestEnd) => {
    expect(termOf(typeOn('PENALTY', documentDate, itsClass), documentDate, '2026-04-20')).toMatchObject({ earliestEnd, latestEnd });
  });

  it.each([
    ['GENERAL', '2026-03-31', '2029-04-01', '2029-04-01 PENALTY/GENERAL@2021-09-01'],
    ['SERIOUS', '2026-03-31', '2029-03-31', '2029-04-20 PENALTY_PUBLIC_OTHER@2021-09-01'],
    ['MINOR', '2026-03-31', '2030-01-01', '2026-07-20 PENALTY_PUBLIC_SMALL_FINE@2021-09-01'],
    ['SERIOUS', '2026-04-01', '2030-01-01', '2029-04-01 DISHONESTY_PUBLIC_SERIOUS_MOST@2026-04-01'],
  ] as const)('of a %s penalty of %s that restricts until %s ends %s', (itsClass, documentDate, restrictedUntil, expected) => {
    const { latestEnd, legalBasis } = termOf(typeOn('PENALTY', documentDate, itsClass), documentDate, '2026-04-20', restrictedUntil);
    expect(`${latestEnd ?? ''} ${legalBasis[0]?.ruleVersion ?? ''}`).toBe(expected);
  });

  it('of a list ends by decision, or by its term', () => {
    expect(termOf(typeOn('ABNORMAL_OPERATION', '2026-11-01'), '2026-11-01', '2026-11-10')).toMatchObject({
      latestEnd: null,
      legalBasis: [{ article: '第十八条', ruleVersion: 'ABNORMAL_OPERATION@2024-05-01' }],
    });
    expect(termOf(typeOn('SERIOUS_DISHONESTY', '2026-11-01'), '2026-11-01', '2026-11-10')).toMatchObject({ latestEnd: '2029-11-01' });
    expect(termOf(typeOn('SERIOUS_DISHONESTY', '2025-11-01'), '2025-11-01', '2025-11-10')).toMatchObject({ latestEnd: '2028-11-10' });
  });
});

describe('a record has to be public', () => {
  const penalty = typeOn('PENALTY', '2026-03-02', 'GENERAL');

  it('within 20 working days of its document', () => {
    const handed = { documentDate: '2026-03-02', pushedOn: '2026-03-03', isFromOutside: false };
    expect(publishBy(penalty, handed)).toEqual({ pushed: null, published: '2026-03-30' });
  });

  it('of another province, 10 working days after it came, and it has to come in 10', () => {
    const handed = { documentDate: '2026-03-02', pushedOn: '2026-03-12', isFromOutside: true };
    expect(publishBy(penalty, handed)).toEqual({ pushed: '2026-03-16', published: '2026-03-26' });
  });

  it('at no set time where no rule says when', () => {
    const handed = { documentDate: '2026-03-02', pushedOn: '2026-03-12', isFromOutside: true };
    expect(publishBy(typeOn('RECALL', '2026-03-02'), handed)).toEqual({ pushed: null, published: null });
  });
});
