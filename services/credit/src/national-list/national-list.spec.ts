import { columnsOf, readEntry } from './national-list.js';

const ENTITY = '91120199MA9XXX0111';
const read = (...row: string[]) => readEntry(row, { uscc: 0, documentNo: 1 }, 7);

describe('the header of a list', () => {
  it.each([
    [['uscc', 'documentNo'], { uscc: 0, documentNo: 1 }],
    [['序号', '决定书文号', ' 统一社会信用代码 '], { uscc: 2, documentNo: 1 }],
  ])('says which column is which: %j', (header, expected) => {
    expect(columnsOf(header)).toEqual(expected);
  });

  it.each([[['uscc', '名称']], [[]]])('that names less is refused: %j', (header) => {
    expect(() => columnsOf(header)).toThrow(expect.objectContaining({ code: 'LIST_UNREADABLE' }) as Error);
  });
});

describe('a row of a list', () => {
  it('is a code as the register writes it and a document', () => {
    expect(read(` ${ENTITY.toLowerCase()} `, ' 津市监罚〔2026〕1号 ')).toEqual({ uscc: ENTITY, documentNo: '津市监罚〔2026〕1号' });
  });

  it.each([
    [['123', 'D-1'], 'USCC_MALFORMED'],
    [['91110108551385082F', 'D-1'], 'USCC_CHECK_FAILED'],
    [[ENTITY, ' '], 'FIELD_MISSING'],
    [[ENTITY], 'FIELD_MISSING'],
    [[ENTITY, 'D'.repeat(201)], 'WRONG_FORMAT'],
    [[ENTITY, 'D\0'], 'WRONG_FORMAT'],
  ])('is told with its line when it is none: %j', (row, code) => {
    expect(read(...row)).toMatchObject({ code, pointer: '/lines/7' });
  });
});
