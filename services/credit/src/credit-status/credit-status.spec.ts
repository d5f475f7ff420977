import { type EntityState, factsOf, type PublicRecords, RECORD_NOS_MAX, restate } from './credit-status.js';

const nothing: EntityState = { uscc: '91120199MA9XXX0111', revision: 0, publicRecords: [], recordNos: [] };
const records = (...recordNos: string[]): PublicRecords[] => [{ type: 'SAMPLING_RESULT', count: recordNos.length, recordNos }];

describe('the public facts of an entity', () => {
  it('change when its first record becomes public', () => {
    const { entity, announced } = restate(nothing, records('a'));
    expect(announced).toBe('CHANGED');
    expect(factsOf(entity)).toEqual({
      uscc: nothing.uscc,
      revision: 1,
      lists: [],
      publicRecords: [{ type: 'SAMPLING_RESULT', count: 1 }],
      recordNos: ['a'],
    });
  });

  it('hold facts only: no grade, and no mark where none is kept', () => {
    expect(Object.keys(factsOf(nothing)).sort()).toEqual(['lists', 'publicRecords', 'recordNos', 'revision', 'uscc']);
  });

  it('do not change when the same records are counted again, in whatever order', () => {
    const { entity } = restate(nothing, records('a', 'b'));
    expect(restate(entity, records('b', 'a'))).toEqual({ entity, announced: null });
  });

  it('change when one record takes the place of another', () => {
    const { entity } = restate(nothing, records('a'));
    expect(restate(entity, records('b'))).toMatchObject({ announced: 'CHANGED', entity: { revision: 2, recordNos: ['b'] } });
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
    expect(entity.publicRecords).toEqual([{ type: 'SAMPLING_RESULT', count: RECORD_NOS_MAX + 1 }]);
    expect(entity.recordNos).toHaveLength(RECORD_NOS_MAX);
  });
});
