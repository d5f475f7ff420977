import type { LedgerHeadSigned } from '@jinqiao/contracts';
import { dayToClose, hashOfHead, nextHead } from './ledger.js';

const ROOT = Buffer.alloc(32, 7);
const head = (changes: Partial<LedgerHeadSigned>): LedgerHeadSigned => ({
  date: '2026-11-23',
  revision: 1,
  size: 4,
  rootHash: ROOT.toString('hex'),
  signedAt: '2026-11-23T04:00:00.000Z',
  signature: 'a..b',
  ...changes,
});

describe('a day of the ledger', () => {
  it('is closed after its midnight in China, not before', () => {
    expect(dayToClose(head({}), new Date('2026-11-23T15:59:59.999Z'))).toBeNull();
    expect(dayToClose(head({}), new Date('2026-11-23T16:00:00.000Z'))).toBe('2026-11-23');
  });

  it('is closed once', () => {
    const closing = head({ revision: 2, signedAt: '2026-11-23T16:00:00.000Z' });
    expect(dayToClose(closing, new Date('2026-11-24T03:00:00Z'))).toBeNull();
    expect(dayToClose(closing, new Date('2026-11-24T16:00:01Z'))).toBe('2026-11-24');
  });

  it('is closed late when nobody looked, and stands for the days before it', () => {
    expect(dayToClose(head({}), new Date('2026-11-27T03:00:00Z'))).toBe('2026-11-26');
  });

  it('before the first head is closed too', () => expect(dayToClose(null, new Date('2026-11-24T03:00:00Z'))).toBe('2026-11-23'));
});

describe('the next head', () => {
  const now = new Date('2026-11-24T03:00:00Z');
  it('names the one before it and counts within its date', () => {
    const before = head({ date: '2026-11-24', revision: 3 });
    expect(nextHead(before, { size: 9, root: ROOT }, '2026-11-24', now)).toEqual({
      date: '2026-11-24',
      revision: 4,
      size: 9,
      rootHash: '07'.repeat(32),
      previousHash: hashOfHead(before),
      signedAt: now.toISOString(),
    });
    expect(nextHead(before, { size: 9, root: ROOT }, '2026-11-25', now).revision).toBe(1);
  });
  it('is the first without one before it', () => {
    expect(nextHead(null, { size: 1, root: ROOT }, '2026-11-24', now)).not.toHaveProperty('previousHash');
  });
});
