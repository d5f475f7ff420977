import { commitmentsOf, type EntityState, factsOf, type PublicRecords, RECORD_NOS_MAX, restate } from './credit-status.js';

const nothing: EntityState = {
  uscc: '91120199MA9XXX0111',
  revision: 0,
  publicRecords: [],
  recordNos: [],
  commitments: { open: 0, broken: 0 },
};
const ofType = (type: PublicRecords['type'], recordNos: string[], named: Partial<PublicRecords> = {}): PublicRecords => ({
  type,
  count: recordNos.length,
  open: 0,
  rules: [RULE],
  recordNos,
  ...named,
});
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
    });
  });

  it('hold facts only: no grade, and no mark where none is kept', () => {
    expect(Object.keys(factsOf(nothing)).sort()).toEqual(['commitments', 'lists', 'publicRecords', 'recordNos', 'revision', 'uscc']);
  });

  it('do not change when the same records are counted again, in whatever order', () => {
    const { entity } = restate(nothing, records('a', 'b'));
    expect(restate(entity, records('b', 'a'))).toEqual({ entity, announced: null });
  });

  it('change when one record takes the place of another', () => {
    const { entity } = restate(nothing, records('a'));
    expect(restate(entity, records('b'))).toMatchObject({ announced: 'CHANGED', entity: { revision: 2, recordNos: ['b'] } });
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
    const many = Array.from({ length: RECORD_NOS_MAX + 1 }, (_, index) => String(index).padStart(6, '0'));
    const { entity } = restate(nothing, records(...many));
    expect(entity.publicRecords).toMatchObject([{ type: 'SAMPLING_RESULT', count: RECORD_NOS_MAX + 1 }]);
    expect(entity.recordNos).toHaveLength(RECORD_NOS_MAX);
  });
});
