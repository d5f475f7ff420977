import type { DeadlineEntry } from '@jinqiao/platform';

/** A period with nothing remarkable; a spec names what it is about. */
export const aDeadline = (changes: Partial<DeadlineEntry> = {}): DeadlineEntry => ({
  deadlineId: 'SAMPLING_CASE/tj-amr:S-1/CORRECTION/SAMPLED_PARTY/2026-03-02',
  matter: 'SAMPLING_CASE',
  subject: 'tj-amr:S-1',
  clock: 'CORRECTION',
  kind: 'DUTY',
  party: 'SAMPLED_PARTY',
  startedOn: '2026-03-02',
  startedAt: null,
  dueOn: '2026-05-06',
  dueAt: '2026-05-06T15:59:59.000Z',
  pauses: [],
  extensions: [],
  left: null,
  stoppedOn: null,
  stoppedAt: null,
  state: 'RUNNING',
  provisional: false,
  firstDueOn: null,
  legalBasis: {
    instrument: '产品质量监督抽查管理暂行办法（市场监管总局令第18号）',
    article: '第四十六条',
    ruleVersion: 'CORRECTION/PRODUCT@2020-01-01',
  },
  department: 'tj-amr',
  handler: 'tj-heping',
  overdueRaisedAt: null,
  ...changes,
});
