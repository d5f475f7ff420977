import type { FeedbackIssued, FeedbackWithdrawn } from '@jinqiao/contracts';
import { answersTo, type Held, lineOf, receptionOf } from './platform.js';

const issued = (revision = 1): FeedbackIssued => ({
  feedbackId: '1b671a64-40d5-491e-99b0-da01ff1f3341',
  recipientId: 'jd',
  revision,
  kind: 'SAMPLING_RESULT',
  subject: 'tj-amr:GC1',
  subjectRevision: revision,
  entitlement: { kind: 'STATUTORY_NOTICE', id: 'FOOD' },
  issuedAt: '2026-11-23T01:00:00.000Z',
  actionsRequired: [
    { action: 'STOP_SALE', mandatory: true, basis: '食品安全法第六十三条' },
    { action: 'DELIST', mandatory: true, basis: '食品安全法第六十三条' },
  ],
  dueAt: '2026-11-24T01:00:00.000Z',
  legalBasis: [{ instrument: '食品安全法', article: '63', ruleVersion: '1' }],
  content: { verdict: 'UNQUALIFIED' },
  contentHash: 'a'.repeat(64),
});
const withdrawn = (): FeedbackWithdrawn => {
  const { entitlement: _entitlement, content: _content, dueAt: _due, ...head } = issued(2);
  return { ...head, actionsRequired: [{ action: 'RESTORE', mandatory: true, basis: '行政处罚法第六十二条' }], reason: '录入错误' };
};
const AT = '2026-11-23T02:00:00.000Z';
const held = (told: FeedbackIssued | FeedbackWithdrawn = issued(), type: Held['type'] = 'FeedbackIssued'): Held => {
  return { id: 'one', type, position: told.revision, told, at: AT, answered: 0 };
};

describe('what arrives', () => {
  it('is applied when nothing or a lower revision is held', () => {
    expect(receptionOf(held(), undefined, false)).toBe('APPLIED');
    expect(receptionOf(held(issued(3)), held(issued(1)), false)).toBe('APPLIED');
  });

  it('is a repeat by the id of its message, and by its revision under another id', () => {
    expect(receptionOf(held(), undefined, true)).toBe('REPEATED');
    expect(receptionOf({ ...held(), id: 'another' }, held(), false)).toBe('REPEATED');
  });

  it('is applied when its revision is held in other words, also by the id of its message', () => {
    const changed = held({ ...issued(), contentHash: 'b'.repeat(64) });
    expect(receptionOf(held(), changed, true)).toBe('APPLIED');
    expect(receptionOf({ ...held(), id: 'another' }, changed, false)).toBe('APPLIED');
  });

  it('is overtaken when a higher revision is held', () => {
    expect(receptionOf(held(issued(1)), held(issued(2)), false)).toBe('OVERTAKEN');
  });
});

describe('the answers', () => {
  const common = { feedbackId: issued().feedbackId, feedbackRevision: 1, feedbackHash: 'a'.repeat(64), answeredAt: AT };
  const received = { ...common, revision: 1, status: 'RECEIVED' };

  it('say that it came, then what was done', () => {
    const actions = ['STOP_SALE', 'DELIST'].map((action) => ({ action, at: AT, result: 'DONE' }));
    expect(answersTo(held(), 'ACTED')).toEqual([received, { ...common, revision: 2, status: 'ACTED', actions }]);
  });

  it('say what was searched, or why it is disputed', () => {
    expect(answersTo(held(), 'NOTHING_FOUND')[1]).toMatchObject({ status: 'NOTHING_FOUND', searched: expect.any(String) });
    expect(answersTo(held(), 'CONTESTED')[1]).toMatchObject({ status: 'CONTESTED', reasonCode: expect.any(String) });
    expect(answersTo(held(), 'SILENT')).toEqual([]);
  });

  it('undo what was withdrawn, also where the finding was disputed', () => {
    expect(answersTo(held(withdrawn(), 'FeedbackWithdrawn'), 'CONTESTED')[1]).toMatchObject({
      status: 'ACTED',
      actions: [{ action: 'RESTORE' }],
    });
  });

  it('name another hash when the platform is wrong', () => {
    expect(answersTo(held(), 'ACTED', true).map(({ feedbackHash }) => feedbackHash)).toEqual(['0'.repeat(64), '0'.repeat(64)]);
  });
});

it('tells a person in a line', () => {
  expect(lineOf(held())).toBe('FeedbackIssued 1 of tj-amr:GC1 (STOP_SALE, DELIST by 2026-11-24T01:00:00.000Z)');
  expect(lineOf(held(withdrawn(), 'FeedbackWithdrawn'))).toBe('FeedbackWithdrawn 2 of tj-amr:GC1 (RESTORE)');
});
