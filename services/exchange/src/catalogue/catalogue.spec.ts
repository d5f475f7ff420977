import { allStreams } from '@jinqiao/contracts';
import { entryOf, factsOf, NOT_OF_DEPARTMENTS, SHARED } from './catalogue.js';

const names = (streams: readonly { name: string }[]): string[] => streams.map(({ name }) => name).sort();

it('lists every declared stream, but for records of the work here', () => {
  expect(names([...SHARED.map(({ stream }) => stream), ...NOT_OF_DEPARTMENTS])).toEqual(names(allStreams()));
});

it('lists everything that departments write', () => {
  const ofDepartments = allStreams().filter(({ writer, owner }) => writer === 'owner' && owner?.kind === 'DEPARTMENT');
  expect(ofDepartments.filter(({ name }) => factsOf(name) === null)).toEqual([]);
});

it.each(SHARED.map((facts) => [facts.stream.name, facts] as const))('%s is offered by a mode exactly when it is shared', (_name, facts) => {
  expect(facts.modes.length > 0).toBe(facts.attribute !== 'NOT_SHARED');
  expect(facts.conditions !== null).toBe(facts.attribute === 'CONDITIONAL');
  // The exchange reads the topic for whoever pulls.
  if (facts.modes.includes('PULL')) expect(facts.stream.readers).toContain('exchange');
  // A topic of one organisation is nobody else's.
  if (facts.modes.includes('KAFKA')) expect(facts.stream.owner).toBeUndefined();
});

it('shows an entry with its fields, its provider and those it is shared with', () => {
  const facts = factsOf('credit.credit-status');
  if (!facts) throw new Error('credit status is not in the catalogue');
  const sharing = {
    recipientId: 'tj-housing',
    entitlementId: 'GRANT:1',
    mode: 'KAFKA' as const,
    purpose: '资格审查',
    validUntil: '2027-11-30',
  };
  const entry = entryOf(
    facts,
    ['tj-credit'],
    [
      { stream: 'credit.credit-status', ...sharing },
      { stream: 'credit.credit-record', ...sharing },
    ],
  );
  expect(entry).toMatchObject({ stream: 'credit.credit-status', topic: 'credit.credit-status.v1', providers: ['tj-credit'] });
  expect(entry.sharedWith).toEqual([sharing]);
  expect(entry.items).toEqual([
    {
      event: 'CreditStatusChanged',
      schema: '/schemas/credit.credit-status.CreditStatusChanged.v1.json',
      fields: ['uscc', 'revision', 'lists', 'mark', 'publicRecords', 'commitments', 'recordNos', 'records'],
    },
  ]);
});
