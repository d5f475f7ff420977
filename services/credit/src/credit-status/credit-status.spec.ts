import { commitmentsOf, type EntityState, factsOf, type PublicRecords, RECORD_NOS_MAX, RECORDS_MAX, restate } from './credit-status.js';

const nothing: EntityState = {
  uscc: '91120199MA9XXX0111',
  revision: 0,
  publicRecords: [],
  recordNos: [],
  commitments: { open: 0, broken: 0 },
  records: [],
};
const ofType = (type: PublicRecords['type'], recordNos: string[], named: Partial<PublicRecords> = {}): PublicRecords => ({
  type,
  count: recordNos.length,
  open: 0,
  rules: [RULE],
  records: recordNos.map((recordNo) => ({ recordNo, revision: 1 })),
  ...named,
});
/** The brokers' own default (message.max.bytes). */
const TOPIC_TAKES_BYTES = 1_048_588;
const RULE = 'CREDIT_PUBLICATION_SAMPLING_RESULT@2015-01-01';
const records = (...recordNos: string[]): PublicRecords[] => [ofType('SAMPLING_RESULT', recordNos)];

describe('the public facts of an entity', () => {
  it('change when its first record becomes public', () => {
    const { entity, announced } = restate(nothing, records('a'));
    expect(announced).toBe('CHANGED');
    expect(factsOf(entity)).toEqual({
      uscc: nothing.uscc,
      revision: 1,
      lists: [],
      publicRecords: [{ type: 'SAMPLING_RESULT', count: 1, rules: [RULE] }],
      recordNos: ['a'],
      commitments: { open: 0, broken: 0 },
      records: [{ recordNo: 'a', revision: 1 }],
    });
  });

  it('hold facts only: no grade, and no mark where none is kept', () => {
    expect(Object.keys(factsOf(nothing)).sort()).toEqual([
      'commitments',
      'lists',
      'publicRecords',
      'recordNos',
      'records',
      'revision',
      'uscc',
    ]);
  });

  it('do not change when the same records are counted again, in whatever order', () => {
    const { entity } = restate(nothing, records('a', 'b'));
    expect(restate(entity, records('b', 'a'))).toEqual({ entity, announced: null });
  });

  it('change when one record takes the place of another', () => {
    const { entity } = restate(nothing, records('a'));
    expect(restate(entity, records('b'))).toMatchObject({ announced: 'CHANGED', entity: { revision: 2, recordNos: ['b'] } });
  });

  it.each([
    ['is contested', { contested: true }],
    ['is noted upon or corrected', {}],
    ['is public until another day', { publicUntil: '2027-05-31' }],
  ])('change when the same record %s', (_how, how) => {
    const [before, after] = [
      { recordNo: 'a', revision: 1 },
      { recordNo: 'a', revision: 2, ...how },
    ];
    const { entity } = restate(nothing, [ofType('PENALTY', ['a'], { records: [before] })]);
    const changed = restate(entity, [ofType('PENALTY', ['a'], { records: [after] })]);
    expect(changed.announced).toBe('CHANGED');
    expect(factsOf(changed.entity)).toMatchObject({ revision: 2, recordNos: ['a'], records: [after] });
  });

  it('change when a commitment was checked, although the same records are public', () => {
    const made = (open: number) => [ofType('COMMITMENT', ['a', 'b'], { open })];
    const { entity } = restate(nothing, made(2));
    expect(factsOf(entity).commitments).toEqual({ open: 2, broken: 0 });
    expect(restate(entity, made(1))).toMatchObject({ announced: 'CHANGED', entity: { revision: 2, commitments: { open: 1, broken: 0 } } });
  });

  it('count a commitment that was broken by its own record', () => {
    const held = [ofType('COMMITMENT', ['a', 'b'], { open: 1 }), ofType('COMMITMENT_BROKEN', ['c'])];
    expect(commitmentsOf(held)).toEqual({ open: 1, broken: 1 });
    expect(factsOf(restate(nothing, held).entity)).toMatchObject({ commitments: { open: 1, broken: 1 } });
  });

  it('name each rule once, in one order, and change when another row decides', () => {
    const under = (...rules: string[]) => [ofType('PENALTY', ['a', 'b'], { rules })];
    const { entity } = restate(nothing, under('B@2', 'A@1', 'B@2'));
    expect(entity.publicRecords).toEqual([{ type: 'PENALTY', count: 2, rules: ['A@1', 'B@2'] }]);
    expect(restate(entity, under('A@1', 'B@2', 'A@1')).announced).toBeNull();
    expect(restate(entity, under('A@1', 'C@3')).announced).toBe('CHANGED');
  });

  it('are told again where they were told before it was said how each record stands', () => {
    const { entity } = restate(nothing, records('a'));
    const older = { ...entity, records: null };
    expect(Object.keys(factsOf(older))).not.toContain('records');
    expect(restate(older, records('a'))).toMatchObject({ announced: 'CHANGED', entity: { ...entity, revision: 2 } });
  });

  it('are told again where they were told before commitments were counted', () => {
    const { entity } = restate(nothing, records('a'));
    const older = { ...entity, commitments: null, publicRecords: [{ type: 'SAMPLING_RESULT' as const, count: 1 }] };
    expect(Object.keys(factsOf(older))).not.toContain('commitments');
    expect(restate(older, records('a'))).toMatchObject({ announced: 'CHANGED', entity: { ...entity, revision: 2 } });
  });

  it('are cleared when nothing public remains, and the series of revisions goes on', () => {
    const { entity } = restate(nothing, records('a'));
    const cleared = restate(entity, []);
    expect(cleared).toMatchObject({ announced: 'CLEARED', entity: { revision: 2, publicRecords: [], recordNos: [] } });
    expect(restate(cleared.entity, records('a'))).toMatchObject({ announced: 'CHANGED', entity: { revision: 3 } });
  });

  it('are not cleared where nothing was ever public', () => {
    expect(restate(nothing, [])).toEqual({ entity: nothing, announced: null });
  });

  it('count every record, even beyond the numbers one event may list', () => {
    const many = Array.from({ length: RECORD_NOS_MAX + 1 }, (_, index) => `6fa459ea-ee8a-5ca4-894e-${String(index).padStart(12, '0')}`);
    const stand = { revision: 1_000, contested: true, publicUntil: '2029-05-31' };
    const all = many.map((recordNo) => ({ recordNo, ...stand }));
    const { entity } = restate(nothing, [ofType('SAMPLING_RESULT', many, { records: all })]);
    expect(entity.publicRecords).toMatchObject([{ type: 'SAMPLING_RESULT', count: RECORD_NOS_MAX + 1 }]);
    expect(entity.recordNos).toHaveLength(RECORD_NOS_MAX);
    expect(entity.records).toHaveLength(RECORDS_MAX);
    expect(JSON.stringify(factsOf(entity)).length).toBeLessThan(TOPIC_TAKES_BYTES);
  });
});
