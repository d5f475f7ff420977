import { letterFor, mailboxFor, NOTICE_REASONS, tellAgainAt } from './contact-notice.js';

const NOW = new Date('2026-11-23T01:00:00.000Z');
const HOUR = 3_600_000;

it('waits longer after each try that told nobody, and gives up after three days', () => {
  const waits: number[] = [];
  let now = NOW;
  for (let tried = 1, at = tellAgainAt(1, NOW, now); at !== null; tried += 1, at = tellAgainAt(tried, NOW, now)) {
    waits.push((at.getTime() - now.getTime()) / 60_000);
    now = at;
  }
  expect(waits).toEqual([1, 5, 30, 120, 360, 720, 720, 720, 720, 720]);
  expect(tellAgainAt(1, new Date(NOW.getTime() - 73 * HOUR), NOW)).toBeNull();
});

it('goes to the endpoint contact, then to the office whose business it is, then to any with a mailbox', () => {
  const compliance = { role: 'COMPLIANCE' as const, address: 'compliance@example.com' };
  const technical = { role: 'TECHNICAL' as const, address: 'it@example.com' };
  const phone = { role: 'TECHNICAL' as const, address: '022-10000000' };
  expect(mailboxFor('GONE', 'duty@example.com', [compliance, technical])).toBe('duty@example.com');
  expect(mailboxFor('GONE', '平台合规岗', [compliance, technical])).toBe('it@example.com');
  expect(mailboxFor('NOT_RECEIVED', null, [technical, compliance])).toBe('compliance@example.com');
  expect(mailboxFor('GIVEN_UP', null, [phone, compliance])).toBe('compliance@example.com');
  expect(mailboxFor('GIVEN_UP', null, [phone])).toBeNull();
});

it.each(['a@example.com,b@example.com', 'a@example.com\r\nBcc: b@example.com', '<a@example.com>', 'a@b@c', 'x a@example.com'])(
  'does not take %j for one mailbox',
  (address) => {
    expect(mailboxFor('GONE', address, [])).toBeNull();
  },
);

it.each(NOTICE_REASONS)('names in both languages what happened with %s, the platform, how many items wait and where to look', (reason) => {
  const { subject, text } = letterFor({ noticeId: '1', platformId: 'jd', reason, step: 2, noticedAt: NOW, items: 7 });
  expect(subject).toContain('jd');
  expect(subject).not.toMatch(/[\r\n]/);
  for (const part of ['平台：jd', '待处理：7 项', 'Platform: jd', 'Items that wait: 7', 'GET /api/exchange/']) expect(text).toContain(part);
});
