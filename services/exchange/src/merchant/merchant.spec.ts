import { FeedbackIssued, type CreditStatusChanged } from '@jinqiao/contracts';
import { check } from '@jinqiao/schema';
import fc from 'fast-check';
import type { Feedback } from '../feedback/feedback.js';
import { type Merchant, type MerchantStanding, settle } from './merchant.js';

const USCC = '91120199MA9XXX0111';
const NOW = new Date('2026-11-23T01:00:00Z');
const facts: CreditStatusChanged = {
  uscc: USCC,
  revision: 1,
  lists: [],
  publicRecords: [{ type: 'SAMPLING_RESULT', count: 1 }],
  recordNos: ['r-1'],
};
const shop = (platformId: string, changes: Partial<Merchant> = {}): Merchant => ({
  platformId,
  shopId: `${platformId}-1`,
  uscc: USCC,
  ...changes,
});
const standing = (changes: Partial<MerchantStanding> = {}): MerchantStanding => ({
  uscc: USCC,
  status: { revision: 1, facts },
  shops: [shop('jd')],
  feedbacks: [],
  agreed: new Set(['jd', 'tmall', 'meituan']),
  knownShops: new Set(),
  ...changes,
});
const summary = (told: readonly Feedback[]): unknown[] => told.map(({ status, said }) => [said.recipientId, status, said.revision]);

describe('the credit status of a merchant', () => {
  it('is told to every platform on which it is onboarded', () => {
    const told = settle(standing({ shops: [shop('jd'), shop('tmall'), shop('tmall', { shopId: 'tmall-2' })] }), NOW);
    expect(summary(told)).toEqual([
      ['jd', 'ISSUED', 1],
      ['tmall', 'ISSUED', 1],
    ]);
    for (const { said } of told) expect(check(FeedbackIssued, said)).toMatchObject({ ok: true, unknownFields: [] });
  });

  it('is told to nobody while nothing is known or no shop is open', () => {
    expect(settle(standing({ status: null }), NOW)).toEqual([]);
    expect(settle(standing({ shops: [] }), NOW)).toEqual([]);
    expect(settle(standing({ shops: [shop('jd', { exitedAt: '2026-01-01T00:00:00Z' })] }), NOW)).toEqual([]);
  });

  it('is told only to a platform whose agreement is in force, and still withdrawn from one whose agreement is not', () => {
    const both = [shop('jd'), shop('tmall')];
    const feedbacks = settle(standing({ shops: both }), NOW);
    const more = { revision: 2, facts: { ...facts, revision: 2, recordNos: ['r-1', 'r-2'] } };
    const agreed = new Set(['tmall']);
    expect(summary(settle(standing({ shops: both, feedbacks, status: more, agreed }), NOW))).toEqual([['tmall', 'ISSUED', 2]]);
    const gone = { revision: 2, facts: null };
    expect(summary(settle(standing({ shops: both, feedbacks, status: gone, agreed }), NOW))).toEqual([
      ['jd', 'WITHDRAWN', 2],
      ['tmall', 'WITHDRAWN', 2],
    ]);
  });

  it('is told again only when it has changed', () => {
    const feedbacks = settle(standing(), NOW);
    expect(settle(standing({ feedbacks }), NOW)).toEqual([]);
    const more = { revision: 2, facts: { ...facts, revision: 2, recordNos: ['r-1', 'r-2'] } };
    expect(summary(settle(standing({ feedbacks, status: more }), NOW))).toEqual([['jd', 'ISSUED', 2]]);
  });

  it('is not told in an earlier state to whoever was told of a later one, when it is read again after a restore', () => {
    const more = { revision: 2, facts: { ...facts, revision: 2, recordNos: ['r-1', 'r-2'] } };
    const feedbacks = settle(standing({ status: more }), NOW);
    expect(settle(standing({ feedbacks }), NOW)).toEqual([]);
    expect(settle(standing({ feedbacks, status: { revision: 1, facts: null } }), NOW)).toEqual([]);
  });

  it('is withdrawn when nothing public remains, also from a platform the merchant has left', () => {
    const feedbacks = settle(standing(), NOW);
    const gone = { status: { revision: 2, facts: null }, shops: [shop('jd', { exitedAt: '2026-11-23T00:00:00Z' })], feedbacks };
    expect(summary(settle(standing(gone), NOW))).toEqual([['jd', 'WITHDRAWN', 2]]);
  });

  it('asks to undo what was done for a record that has ended, until that is done', () => {
    const asks = (told: readonly Feedback[]): unknown[] => told.flatMap(({ said }) => said.actionsRequired.map(({ action }) => action));
    const next = (revision: number, recordNos: string[], feedbacks: readonly Feedback[]): Feedback[] =>
      settle(standing({ feedbacks, status: { revision, facts: { ...facts, revision, recordNos } } }), NOW);
    const first = next(1, ['r-1', 'r-2'], []);
    expect(asks(first)).toEqual(['NONE']);
    expect(asks(next(2, ['r-1', 'r-2', 'r-3'], first))).toEqual(['NONE']);
    const ended = next(2, ['r-2'], first);
    expect(asks(ended)).toEqual(['RESTORE']);
    expect(asks(next(3, ['r-2', 'r-3'], ended))).toEqual(['RESTORE']);
    const done = ended.map((feedback) => ({ ...feedback, closedAt: '2026-11-23T02:00:00Z' }));
    expect(asks(next(3, ['r-2', 'r-3'], done))).toEqual(['NONE']);
    expect(asks(settle(standing({ feedbacks: done, status: { revision: 3, facts: null } }), NOW))).toEqual(['RESTORE']);
  });

  it('is no longer told after the exit, and what was told stays as long as it holds', () => {
    const feedbacks = settle(standing(), NOW);
    const more = { revision: 2, facts: { ...facts, revision: 2, recordNos: ['r-1', 'r-2'] } };
    expect(settle(standing({ status: more, shops: [shop('jd', { exitedAt: '2026-11-23T00:00:00Z' })], feedbacks }), NOW)).toEqual([]);
  });

  it.each([
    ['which the merchant has left', { shops: [shop('jd', { exitedAt: '2026-11-23T00:00:00Z' })] }],
    ['whose agreement is not in force', { agreed: new Set<string>() }],
  ])('is taken back from a platform %s when one of its records ends, and comes anew when it is told again', (_which, shut) => {
    const two = { revision: 1, facts: { ...facts, recordNos: ['r-1', 'r-2'] } };
    const one = { revision: 2, facts: { ...facts, revision: 2, recordNos: ['r-2'] } };
    const taken = settle(standing({ ...shut, status: one, feedbacks: settle(standing({ status: two }), NOW) }), NOW);
    expect(summary(taken)).toEqual([['jd', 'WITHDRAWN', 2]]);
    expect(taken[0]?.said.actionsRequired).toMatchObject([{ action: 'RESTORE', mandatory: true }]);
    expect(JSON.stringify(taken)).not.toContain('r-2');
    expect(settle(standing({ ...shut, status: one, feedbacks: taken }), NOW)).toEqual([]);
    expect(summary(settle(standing({ status: one, feedbacks: taken }), NOW))).toEqual([['jd', 'ISSUED', 3]]);
  });

  it('is taken back from a platform whose shop turned out to be another merchant’s', () => {
    const feedbacks = settle(standing(), NOW);
    const knownShops = new Set(['jd:jd-1']);
    expect(summary(settle(standing({ shops: [], feedbacks, knownShops }), NOW))).toEqual([['jd', 'WITHDRAWN', 2]]);
  });

  it('is not taken back while the shop it was told of is not known: after a restore it has still to be read again', () => {
    const feedbacks = settle(standing(), NOW);
    expect(settle(standing({ shops: [], feedbacks }), NOW)).toEqual([]);
    expect(settle(standing({ shops: [shop('tmall')], feedbacks }), NOW).map(({ status, said }) => [said.recipientId, status])).toEqual([
      ['tmall', 'ISSUED'],
    ]);
  });

  it('never shows a platform the shops, names or listings of another one', () => {
    const shops = fc.uniqueArray(
      fc.record({
        platformId: fc.constantFrom('jd', 'tmall', 'meituan'),
        shopId: fc.uuid(),
        shopName: fc.uuid(),
        uscc: fc.constant(USCC),
        listings: fc.array(fc.record({ itemId: fc.uuid(), url: fc.uuid() }), { maxLength: 2 }),
        exitedAt: fc.option(fc.constant('2026-01-01T00:00:00Z'), { nil: undefined }),
      }),
      { selector: ({ shopId }) => shopId, maxLength: 6 },
    );
    fc.assert(
      fc.property(shops, (all) => {
        for (const { said } of settle(standing({ shops: all }), NOW)) {
          const leaves = JSON.stringify(said);
          for (const foreign of all.filter(({ platformId }) => platformId !== said.recipientId)) {
            const secrets = [
              foreign.platformId,
              foreign.shopId,
              foreign.shopName,
              ...foreign.listings.flatMap(({ itemId, url }) => [itemId, url]),
            ];
            for (const secret of secrets) expect(leaves).not.toContain(secret);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
