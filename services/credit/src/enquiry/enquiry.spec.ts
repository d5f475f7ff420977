import type { Principal } from '@jinqiao/platform';
import { VerificationItem } from '../verification/verification.js';
import { BudgetSpent, type StatedPurpose, purposeOf, readQuestion, refusalFor } from './enquiry.js';
import { requestOf } from './enquiry.request.js';

const platform: Principal = { id: 'jd', kind: 'PLATFORM', scopes: [] };
const department: Principal = { id: 'tj-amr', kind: 'DEPARTMENT', scopes: [] };
const USCC = '91120199MA9XXX0111';

describe('why somebody asks', () => {
  const refused = (caller: Principal, given: StatedPurpose): unknown => {
    try {
      return purposeOf(caller, given);
    } catch (error) {
      return (error as { code: string }).code;
    }
  };

  it('is, of a platform, that it has the merchant under contract, or that the merchant applies', () => {
    expect(refused(platform, { purpose: 'CONTRACTED' })).toEqual({ purpose: 'CONTRACTED' });
    expect(refused(platform, { purpose: 'ONBOARDING', applicationId: 'A-1' })).toEqual({ purpose: 'ONBOARDING', applicationId: 'A-1' });
    expect(refused(platform, { purpose: 'ONBOARDING' })).toBe('APPLICATION_ID_MISSING');
    expect(refused(platform, { purpose: 'SUPERVISION', basis: '电子商务法' })).toBe('PURPOSE_NOT_YOURS');
  });

  it('is, of a department, supervision under a law that it names', () => {
    expect(refused(department, { purpose: 'SUPERVISION', basis: '电子商务法' })).toEqual({ purpose: 'SUPERVISION', basis: '电子商务法' });
    expect(refused(department, { purpose: 'SUPERVISION' })).toBe('BASIS_MISSING');
    expect(refused(department, { purpose: 'CONTRACTED' })).toBe('PURPOSE_NOT_YOURS');
  });

  it('is nothing for anybody else', () => {
    expect(refused({ id: 'tj-audit', kind: 'AUDITOR', scopes: [] }, { purpose: 'SUPERVISION', basis: '审计法' })).toBe('PURPOSE_NOT_YOURS');
  });
});

describe('about whom', () => {
  it('is a code in whatever way it is written', () => {
    expect(readQuestion(VerificationItem, { uscc: ` ${USCC.toLowerCase()} ` })).toEqual({
      ok: true,
      question: { uscc: USCC, usccCheck: 'VALID' },
    });
  });

  it('may be a code of the pilot of 2015, which is called what it is', () => {
    expect(readQuestion(VerificationItem, { uscc: '91350203M0001QAY9B' })).toMatchObject({
      ok: true,
      question: { usccCheck: 'CHECK_FAILED_LEGACY_CANDIDATE' },
    });
  });

  it.each([
    [{ uscc: '123' }, 'USCC_MALFORMED /uscc'],
    [{ uscc: '91110108551385082F' }, 'USCC_CHECK_FAILED /uscc'],
    [{ name: '示例' }, 'FIELD_MISSING /uscc'],
    [{ uscc: USCC, name: 7 }, 'WRONG_TYPE /name'],
    ['91120199MA9XXX0111', 'WRONG_TYPE '],
    [null, 'WRONG_TYPE '],
  ])('is not %j', (item, expected) => {
    const reading = readQuestion(VerificationItem, item);
    expect(reading.ok ? [] : reading.findings.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual([expected]);
  });

  it('is a merchant under contract, or nobody: what is refused does not depend on there being such an entity', () => {
    const contracted = new Set([USCC]);
    expect(refusalFor({ purpose: 'CONTRACTED' }, USCC, contracted)).toBeNull();
    const others = ['91120199MA9XXX02XM', '91110108551385082Q'].map((uscc) => refusalFor({ purpose: 'CONTRACTED' }, uscc, contracted));
    expect(others[0]?.code).toBe('NOT_CONTRACTED');
    expect(others[1]).toEqual(others[0]);
    expect(refusalFor({ purpose: 'ONBOARDING', applicationId: 'A-1' }, '91110108551385082Q', new Set())).toBeNull();
  });
});

describe('a request', () => {
  const refused = (body: unknown): string => {
    try {
      requestOf(platform, body);
      return 'taken';
    } catch (error) {
      const { code, status, findings } = error as { code: string; status: number; findings: { code: string; pointer: string }[] };
      return [status, code, ...findings.map((finding) => `${finding.code} ${finding.pointer}`)].join(' ');
    }
  };
  const items = (count: number) => Array.from({ length: count }, () => ({ uscc: USCC }));

  it('has from 1 to 1,000 items', () => {
    expect(refused({ purpose: 'CONTRACTED', items: items(1_000) })).toBe('taken');
    expect(refused({ purpose: 'CONTRACTED', items: items(1_001) })).toBe('413 TOO_MANY_ITEMS TOO_MANY_ITEMS ');
    expect(refused({ purpose: 'CONTRACTED', items: [] })).toBe('400 VALIDATION_FAILED OUT_OF_RANGE /items');
    expect(refused({ purpose: 'CONTRACTED' })).toBe('400 VALIDATION_FAILED FIELD_MISSING /items');
    expect(refused({ purpose: 'CONTRACTED', items: { 0: {} } })).toBe('400 VALIDATION_FAILED WRONG_TYPE /items');
  });

  it('says once why it is asked', () => {
    expect(refused({ items: items(1) })).toBe('400 VALIDATION_FAILED FIELD_MISSING /purpose');
    expect(refused({ purpose: 'CURIOSITY', items: items(1) })).toBe('400 VALIDATION_FAILED NOT_IN_CODE_LIST /purpose');
    expect(refused({ purpose: 'ONBOARDING', items: items(1) })).toBe('400 APPLICATION_ID_MISSING APPLICATION_ID_MISSING /applicationId');
    expect(refused(items(1))).toBe('400 VALIDATION_FAILED WRONG_TYPE ');
  });
});

it('a budget that is spent comes back at midnight in China', () => {
  expect(new BudgetSpent(5, new Date('2026-11-23T15:59:00Z'))).toMatchObject({
    code: 'ENQUIRY_BUDGET_SPENT',
    status: 429,
    extra: { budget: 5, retryAfter: 60, resetsOn: '2026-11-24' },
  });
});
