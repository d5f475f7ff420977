import { countsOf, csvHeading, csvRow } from './import-run.js';

const finding = (code: string) => ({ code, pointer: '/x', message: 'is wrong' });

describe('the counts of an import', () => {
  it('put a rejected result under the first of its errors only', () => {
    const counts = countsOf([
      { outcome: 'accepted', errors: [] },
      { outcome: 'duplicate', errors: [] },
      { outcome: 'rejected', errors: [finding('FAILING_ITEM_MISSING'), finding('PARTY_MISSING')] },
      { outcome: 'rejected', errors: [finding('PARTY_MISSING')] },
      { outcome: 'rejected', errors: [finding('PARTY_MISSING')] },
    ]);
    expect(counts).toEqual({ accepted: 1, duplicate: 1, rejected: 3, rejections: { FAILING_ITEM_MISSING: 1, PARTY_MISSING: 2 } });
  });
});

describe('the file of rejected rows', () => {
  const line = (cells: string[], headings = cells.map(() => 'x')): string =>
    csvRow({ rowNo: 7, cells, errors: [finding('PARTY_MISSING'), finding('USCC_CHECK_FAILED')] }, headings);

  it('has the columns of the file, then where and why', () => {
    expect(csvHeading(['产品'])).toBe('"产品","原文件行号","错误代码","错误位置","错误说明"\r\n');
    expect(line(['糖'])).toBe('"糖","7","PARTY_MISSING; USCC_CHECK_FAILED","/x; /x","is wrong; is wrong"\r\n');
  });

  it.each(['=1+1', '+cmd', '-2+3', '@SUM(A1)', ' =1', '\t=1', '\r=1', '＝1'])('does not let %j be run as a formula', (cell) => {
    expect(line([cell]).startsWith(`"'${cell}"`)).toBe(true);
  });

  it.each(['-18', '+0.5%', '1-2', '糖'])('leaves %j as it was printed', (cell) => {
    expect(line([cell]).startsWith(`"${cell}"`)).toBe(true);
  });

  it('keeps quotes, commas and line breaks inside their cell', () => {
    expect(line(['a "b", c\n'])).toContain('"a ""b"", c\n"');
  });

  it('keeps the reasons in their columns when a row is short', () => {
    expect(line(['糖'], ['产品', '商标'])).toMatch(/^"糖","","7"/);
  });
});
