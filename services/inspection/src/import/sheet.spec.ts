import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { crc32, deflateRawSync } from 'node:zlib';
import ExcelJS from 'exceljs';
import fc from 'fast-check';
import iconv from 'iconv-lite';
import { readSheet } from './sheet.js';
import type { Sheet } from './sheet.js';

/** Goal: every way of saving a notice reads the same, and what cannot be read is refused with a code and a place before it costs memory. */
const HEADER = ['公告号', '样品名称', '被抽样单位名称', '不合格项目'];
const ROW = ['2024年第3号', '黄桃干', '示例经营部0090', '菌落总数'];
const CSV = [HEADER, ROW].map((row) => row.join(',')).join('\r\n');

const read = (content: Buffer | string, name = 'notice.csv'): Promise<Sheet> => readSheet(Readable.from([Buffer.from(content)]), name);

/** The code and pointer of the refusal. */
async function refusalOf(content: Buffer | string): Promise<string> {
  try {
    await read(content);
    return 'nothing was refused';
  } catch (error) {
    const { code, findings } = error as { code: string; findings: { pointer: string }[] };
    return `${code} ${findings[0]?.pointer}`;
  }
}

async function workbook(build: (book: ExcelJS.Workbook) => void): Promise<Buffer> {
  const book = new ExcelJS.Workbook();
  build(book);
  return Buffer.from(await book.xlsx.writeBuffer());
}

/** A ZIP archive whose directory may claim other sizes than its parts have. */
function zip(parts: Readonly<Record<string, string | Buffer>>, claimed: Readonly<Record<string, number>> = {}): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(parts)) {
    const packed = deflateRawSync(content);
    const header = (signature: number, size: number, at: number): Buffer => {
      const bytes = Buffer.alloc(size);
      bytes.writeUInt32LE(signature);
      bytes.writeUInt16LE(8, at);
      bytes.writeUInt32LE(crc32(content), at + 6);
      bytes.writeUInt32LE(packed.length, at + 10);
      bytes.writeUInt32LE(claimed[name] ?? Buffer.byteLength(content), at + 14);
      bytes.writeUInt16LE(Buffer.byteLength(name), at + 18);
      return Buffer.concat([bytes, Buffer.from(name)]);
    };
    const entry = header(0x02014b50, 46, 10);
    entry.writeUInt32LE(offset, 42);
    directory.push(entry);
    bodies.push(header(0x04034b50, 30, 8), packed);
    offset += 30 + Buffer.byteLength(name) + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50);
  end.writeUInt16LE(directory.length, 8);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...bodies, ...directory, end]);
}

describe('a CSV file', () => {
  it.each([
    ['UTF-8', Buffer.from(CSV)],
    ['UTF-8 with a byte order mark', Buffer.from(`\uFEFF${CSV}`)],
    ['GB18030', iconv.encode(CSV, 'gb18030')],
    ['UTF-16 as Excel writes Unicode text', iconv.encode(CSV.replaceAll(',', '\t'), 'utf16le', { addBOM: true })],
    ['tabs', Buffer.from(CSV.replaceAll(',', '\t'))],
    ['semicolons', Buffer.from(CSV.replaceAll(',', ';'))],
    ['bars', Buffer.from(CSV.replaceAll(',', '|'))],
    ['mixed line ends', Buffer.from(`\n${CSV}\n`)],
    ['Unix line ends and blank lines', Buffer.from(`\n${CSV.replaceAll('\r', '')}\n\n`)],
  ])('reads the same in %s', async (_, content) => {
    const { headings, rows } = await read(content);
    expect({ headings, rows }).toEqual({ headings: HEADER, rows: [ROW] });
  });

  it('finds the header under title rows and numbers the lines of the file', async () => {
    const { headings, rows, lines } = await read(`关于不合格食品的通告,,,\r\n2024年3月,,,\r\n${CSV}\r\n"甲\n乙",丙,丁,戊\r\n己,庚,辛,壬`);
    expect(headings).toEqual(HEADER);
    expect(rows).toHaveLength(3);
    expect(lines).toEqual([4, 5, 7]);
  });

  it('gives back every text it was given', async () => {
    const cell = fc
      .string({ unit: fc.constantFrom(...'甲乙丙α,"\n；|\t a1㎎'), minLength: 1, maxLength: 8 })
      .filter((text) => text === text.trim() && text !== '');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(cell, { minLength: 4, maxLength: 4 }), { minLength: 1, maxLength: 5 }),
        fc.constantFrom('utf8', 'gb18030'),
        async (rows, encoding) => {
          const quoted = [HEADER, ...rows].map((row) => row.map((text) => `"${text.replaceAll('"', '""')}"`).join(',')).join('\r\n');
          expect((await read(iconv.encode(quoted, encoding))).rows).toEqual(rows);
        },
      ),
      { numRuns: 30 },
    );
  }, 60_000);

  it.each([
    ['an open quote', `${CSV}\r\n"甲,乙,丙,丁`, 'CSV_BROKEN_QUOTE /lines/3'],
    ['a quote inside a cell', `${CSV}\r\n甲"乙",丙,丁,戊`, 'CSV_BROKEN_QUOTE /lines/3'],
    ['no header', `${ROW.join(',')}\r\n${ROW.join(',')}`, 'HEADER_MISSING /lines/1'],
    ['another delimiter', CSV.replaceAll(',', '^'), 'HEADER_MISSING /lines/1'],
    ['nothing', '', 'FILE_EMPTY /file'],
    ['spaces only', ' \r\n \r\n', 'FILE_EMPTY /file'],
    ['a header only', HEADER.join(','), 'FILE_EMPTY /file'],
    ['UTF-8 with a broken byte', Buffer.concat([Buffer.from(CSV), Buffer.from([0xe5, 0x41])]), 'ENCODING_UNKNOWN /file'],
    ['a picture', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), 'ENCODING_UNKNOWN /file'],
    ['a workbook of before 2007', Buffer.from('d0cf11e0a1b11ae1', 'hex'), 'XLS_NOT_SUPPORTED /file'],
    [
      'an encrypted workbook',
      Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.from('EncryptedPackage', 'utf16le')]),
      'FILE_ENCRYPTED /file',
    ],
  ])('is refused with a place when it holds %s', async (_, content, refusal) => {
    expect(await refusalOf(content)).toBe(refusal);
  });

  it('is refused past 200,000 rows', async () => {
    expect(await refusalOf(`${CSV}\n${'甲,乙,丙,丁\n'.repeat(200_000)}`)).toBe('TOO_MANY_ROWS /lines/200001');
  }, 60_000);

  it('is refused past 50 MiB without being read to its end', async () => {
    let sent = 0;
    const endless = Readable.from(
      (function* () {
        for (; ; sent++) yield Buffer.alloc(1024 * 1024, 'a');
      })(),
    );
    await expect(readSheet(endless, 'large.csv')).rejects.toMatchObject({ code: 'FILE_TOO_LARGE', status: 413 });
    expect(sent).toBeLessThan(70);
  });
});

describe('a file without a header', () => {
  const rows = readFileSync(new URL('../../../../data/sampling-notices.csv', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .slice(1);

  it('is never read with its first row for the header, whichever that is', async () => {
    const taken: string[] = [];
    for (let at = 0; at < rows.length - 25; at += 7) {
      if (!(await refusalOf(rows.slice(at).join('\n'))).startsWith('HEADER_MISSING')) taken.push(rows[at] ?? '');
    }
    expect(taken).toEqual([]);
  });
});

describe('a workbook', () => {
  it('fills merged cells, reads hidden rows and columns, and shows dates and percentages as the sheet does', async () => {
    const { headings, rows, lines, notes } = await read(
      await workbook((book) => {
        const sheet = book.addWorksheet('附件1');
        sheet.addRow(['不合格产品信息']);
        sheet.mergeCells('A1:F1');
        sheet.addRow(['公告号', '样品名称', '生产日期', '不合格项目', '检验结果', '公告日期']);
        sheet.addRow(['3号', '黄桃干', new Date(Date.UTC(2021, 1, 24)), '菌落总数', 0.0032, new Date(Date.UTC(2021, 5, 1))]);
        sheet.addRow(['', '', '', '霉菌', 0.1 + 0.2, '']);
        for (const column of ['A', 'B', 'C', 'F']) sheet.mergeCells(`${column}3:${column}4`);
        sheet.getCell('C3').numFmt = 'yyyy/m/d';
        sheet.getCell('F3').numFmt = 'yyyy"年"m"月"';
        sheet.getCell('E3').numFmt = '0.00%';
        sheet.getRow(4).hidden = true;
        sheet.getColumn(1).hidden = true;
      }),
    );
    expect(headings).toEqual(['公告号', '样品名称', '生产日期', '不合格项目', '检验结果', '公告日期']);
    expect(rows).toEqual([
      ['3号', '黄桃干', '2021-02-24', '菌落总数', '0.32%', '2021-06'],
      ['3号', '黄桃干', '2021-02-24', '霉菌', '0.3', '2021-06'],
    ]);
    expect(lines).toEqual([3, 4]);
    expect(notes.join()).toMatch(/1 hidden rows were read.*1 hidden column/u);
  });

  it('takes the cached value of a formula and never evaluates one', async () => {
    const { rows, notes } = await read(
      await workbook((book) => {
        const sheet = book.addWorksheet('附件');
        sheet.addRow(HEADER);
        sheet.addRow([
          { formula: 'CONCATENATE("a","b")', result: '缓存值' },
          '黄桃干',
          { formula: '1+1' },
          { formula: 'A1', result: { error: '#N/A' } },
        ]);
      }),
    );
    expect(rows).toEqual([['缓存值', '黄桃干', '', '']]);
    expect(notes.join()).toContain('have no cached value');
  });

  it('reads the first visible sheet that has a header and names the others', async () => {
    const { rows, notes } = await read(
      await workbook((book) => {
        book.addWorksheet('说明').addRow(['本附件由检验机构提供', '如有疑问请联系']);
        const hidden = book.addWorksheet('底稿', { state: 'hidden' });
        hidden.addRows([HEADER, ['x', 'x', 'x', 'x']]);
        book.addWorksheet('不合格').addRows([HEADER, ROW]);
        book.addWorksheet('合格').addRows([HEADER, ['y', 'y', 'y', 'y']]);
      }),
    );
    expect(rows).toEqual([ROW]);
    expect(notes.join()).toMatch(/“说明”未读取.*“底稿”为隐藏.*“合格”未读取/u);
  });

  it('joins a header of two rows', async () => {
    const { headings, rows } = await read(
      await workbook((book) => {
        const sheet = book.addWorksheet('附件');
        sheet.addRows([
          ['样品名称', '被抽样单位', '', '不合格项目', '', ''],
          ['', '名称', '地址', '项目', '检验结果', '标准值'],
          ['黄桃干', '示例', '某路', '霉菌', '5', '1'],
        ]);
        for (const range of ['A1:A2', 'B1:C1', 'D1:F1']) sheet.mergeCells(range);
      }),
    );
    expect(headings).toEqual(['样品名称', '被抽样单位名称', '被抽样单位地址', '项目', '检验结果', '标准值']);
    expect(rows).toEqual([['黄桃干', '示例', '某路', '霉菌', '5', '1']]);
  });

  const bomb = Buffer.alloc(20 * 1024 * 1024, ' ');
  it.each([
    ['a bomb by its directory', zip({ 'xl/workbook.xml': '<workbook/>', 'xl/worksheets/sheet1.xml': bomb }), 'ZIP_BOMB /file'],
    ['a bomb whose directory lies', zip({ 'xl/workbook.xml': bomb }, { 'xl/workbook.xml': 1000 }), 'XLSX_BROKEN /file'],
    ['another kind of archive', zip({ 'word/document.xml': '<document/>' }), 'XLSX_BROKEN /file'],
    ['broken XML', zip({ 'xl/workbook.xml': '<workbook><sheets>' }), 'XLSX_BROKEN /file'],
    [
      'an entity that expands',
      zip({ 'xl/workbook.xml': '<!DOCTYPE w [<!ENTITY a "aaaa">]><workbook>&a;</workbook>' }),
      'XLSX_BROKEN /file',
    ],
    ['half an archive', zip({ 'xl/workbook.xml': '<workbook/>' }).subarray(0, 40), 'XLSX_BROKEN /file'],
  ])('is refused when it is %s', async (_, content, refusal) => {
    expect(await refusalOf(content)).toBe(refusal);
  });

  it('is refused without a header, naming the sheet', async () => {
    expect(await refusalOf(await workbook((book) => void book.addWorksheet('表').addRow(['甲', '乙'])))).toBe('HEADER_MISSING /sheets/表');
    expect(await refusalOf(await workbook((book) => void book.addWorksheet('表')))).toBe('FILE_EMPTY /file');
  });
});
