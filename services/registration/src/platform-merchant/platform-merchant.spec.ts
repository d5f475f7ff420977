import { MerchantChanged, MerchantExited, MerchantOnboarded } from '@jinqiao/contracts';
import { changed, exit, type Merchant, MerchantHasExited, onboard, readOnboarding } from './platform-merchant.js';

const now = new Date('2026-11-23T08:00:00.000Z');
const shop = { shopId: 'S-1', shopName: '示例网店', uscc: '92120199MA9XXX02XM', listings: [{ itemId: '1' }] };
const selling: Merchant = { ...shop, platformId: 'jd', onboardedAt: '2026-01-02T00:00:00.000Z', revision: 2 };
const gone: Merchant = { ...selling, exitedAt: '2026-06-01T00:00:00.000Z', revision: 3 };

const read = (change: object = {}) => readOnboarding('jd', { ...shop, ...change }, now);
const sent = (change: object = {}) => {
  const { onboarding } = read(change);
  if (!onboarding) throw new Error('the test gives what can be read');
  return onboarding;
};

describe('reading an onboarding', () => {
  it('takes the platform from the caller and refuses another in the body', () => {
    expect(sent({ platformId: 'jd' }).platformId).toBe('jd');
    expect(read({ platformId: 'meituan' }).errors).toEqual([
      expect.objectContaining({ code: 'NOT_YOUR_PLATFORM', pointer: '/platformId' }),
    ]);
  });

  it('lets a shop without a code through', () => {
    expect(read({ uscc: '' })).toMatchObject({ errors: [], onboarding: { shopId: 'S-1' } });
    expect(sent({ uscc: undefined })).not.toHaveProperty('uscc');
  });

  it('refuses a wrong check digit and keeps a pilot code with a warning', () => {
    expect(read({ uscc: '92120199MA9XXX02X1' }).errors).toEqual([expect.objectContaining({ code: 'USCC_CHECK_FAILED', pointer: '/uscc' })]);
    expect(read({ uscc: '91350203M0001QAY9B' })).toMatchObject({ errors: [], warnings: [{ code: 'USCC_LEGACY_CANDIDATE' }] });
  });

  it('refuses an onboarding in the future, and forgives a clock that is minutes ahead', () => {
    expect(read({ onboardedAt: '2026-11-23T08:06:00Z' }).errors).toEqual([
      expect.objectContaining({ code: 'IN_FUTURE', pointer: '/onboardedAt' }),
    ]);
    expect(read({ onboardedAt: '2026-11-23T08:04:00Z' }).errors).toEqual([]);
  });
});

describe('the life of a shop', () => {
  it('begins with its onboarding, now unless said', () => {
    expect(onboard(null, sent(), now)).toMatchObject({
      type: MerchantOnboarded,
      state: { onboardedAt: now.toISOString(), revision: 1 },
    });
    expect(onboard(null, sent({ onboardedAt: '2026-01-02T08:00:00+08:00' }), now)).toMatchObject({ state: { ...selling, revision: 1 } });
  });

  it('takes the same again for a duplicate', () => {
    expect(onboard(selling, sent(), now)).toEqual({ outcome: 'duplicate', state: selling });
    expect(onboard(selling, sent({ onboardedAt: '2026-01-02T00:00:00Z' }), now)).toEqual({ outcome: 'duplicate', state: selling });
  });

  it('announces a change of the code with the next revision', () => {
    expect(onboard(selling, sent({ uscc: '91120199MA9XXX0111' }), now)).toMatchObject({
      type: MerchantChanged,
      state: { uscc: '91120199MA9XXX0111', onboardedAt: selling.onboardedAt, revision: 3 },
    });
  });

  it('ends with the exit, once', () => {
    expect(exit(selling, undefined, now)).toMatchObject({
      type: MerchantExited,
      state: { ...selling, exitedAt: now.toISOString(), revision: 3 },
    });
    expect(exit(gone, '2026-07-01T00:00:00Z', now)).toEqual({ outcome: 'duplicate', state: gone });
  });

  it('does not end before it began, nor in the future', () => {
    expect(exit(selling, '2025-12-31T00:00:00Z', now)).toMatchObject({
      outcome: 'rejected',
      errors: [{ code: 'EXITED_BEFORE_ONBOARDED' }],
    });
    expect(exit(selling, '2027-01-01T00:00:00Z', now)).toMatchObject({ outcome: 'rejected', errors: [{ code: 'IN_FUTURE' }] });
  });

  it('goes on when the shop comes back', () => {
    expect(onboard(gone, sent(), now)).toMatchObject({
      type: MerchantOnboarded,
      state: { onboardedAt: now.toISOString(), revision: 4 },
    });
    const back = onboard(gone, sent({ onboardedAt: '2026-07-01T00:00:00Z' }), now);
    expect(back).toMatchObject({ outcome: 'accepted', state: { revision: 4 } });
    expect(back).not.toHaveProperty('state.exitedAt');
  });

  it('is not brought back by a late repeat of what has ended', () => {
    expect(onboard(gone, sent({ onboardedAt: gone.onboardedAt }), now)).toEqual({ outcome: 'duplicate', state: gone });
    expect(onboard(gone, sent({ onboardedAt: '2026-05-01T00:00:00Z' }), now)).toMatchObject({
      outcome: 'rejected',
      errors: [{ code: 'ONBOARDED_BEFORE_EXIT' }],
    });
  });

  it('cannot change after its end', () => {
    const { revision: _revision, exitedAt: _exitedAt, ...facts } = gone;
    expect(() => changed(gone, facts)).toThrow(MerchantHasExited);
  });
});
