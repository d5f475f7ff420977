import { Flag, OneOf, Optional, Text, TextList, Whole } from '@jinqiao/contracts';
import { check, schemaOf } from '@jinqiao/schema';
import { typedQuery } from './checked.js';

class ListThingsQuery {
  @Optional() @Whole({ min: 1, max: 200 }) limit?: number;
  @Optional() @Flag() open?: boolean;
  @Optional() @TextList({ max: 20, items: 5 }) groupBy?: string[];
  @Optional() @Text({ max: 20 }) code?: string;
  @Optional() @OneOf(['A', 'B']) kind?: string;
}

const answerTo = (query: Record<string, string | string[]>) =>
  check(ListThingsQuery, typedQuery(schemaOf(ListThingsQuery).properties, query));

describe('a query', () => {
  it('is read as its class declares', () => {
    const answer = answerTo({ limit: '20', open: 'true', groupBy: 'period,regime', code: '007' });
    expect(answer).toMatchObject({ ok: true, value: { limit: 20, open: true, groupBy: ['period', 'regime'], code: '007' } });
  });

  it('takes a repeated parameter for a list', () => {
    expect(answerTo({ groupBy: ['period', 'regime'] })).toMatchObject({ ok: true, value: { groupBy: ['period', 'regime'] } });
  });

  it.each([
    [{ limit: '20x' }, 'WRONG_TYPE', '/limit'],
    [{ limit: '201' }, 'OUT_OF_RANGE', '/limit'],
    [{ open: 'yes' }, 'WRONG_TYPE', '/open'],
    [{ kind: 'C' }, 'NOT_IN_CODE_LIST', '/kind'],
    [{ code: ['1', '2'] }, 'WRONG_TYPE', '/code'],
  ])('is refused with a pointer: %j', (query, code, pointer) => {
    expect(answerTo(query)).toMatchObject({ ok: false, findings: [{ code, pointer }] });
  });
});
