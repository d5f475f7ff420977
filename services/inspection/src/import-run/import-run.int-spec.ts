import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { samplingResults, type SamplingResultPublished } from '@jinqiao/contracts';
import { eventually, realServers, startTestService, testUscc, type Http, type Place, type TestService } from '@jinqiao/testing';
import iconv from 'iconv-lite';
import { InspectionModule } from '../inspection.module.js';
import type { ImportAnswer } from './import-run.service.js';

/*
 * Files over HTTP: the really published notices come out as the published facts say, a file is taken in whole or not at all, and the
 * rejected rows can be had back. How headings and cells are read is tested in ../import.
 */
const PATH = '/api/inspection/imports';
const NOTICES = readFileSync(join(import.meta.dirname, '../../../../data/sampling-notices.csv'));
const HEADING = '抽样编号,公告号,公告日期,被抽样单位名称,被抽样单位统一社会信用代码,产品名称,食品大类,不合格项目,实测值,标准值,检验结论';
const row = (sampleNo: string, party = '示例经营部', item = '甜蜜素'): string =>
  `${sampleNo},2026年第1号,2026-01-05,${party},${party ? testUscc(7) : ''},金桔油,调味品,${item},1.2,0.65,不合格`;
const csv = (...rows: string[]): string => [HEADING, ...rows].join('\r\n');

let place: Place;
let service: TestService;
let department: Http;

beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  service = await startTestService(InspectionModule, place);
  department = place.http(await place.token('DEPARTMENT', 'tj-amr'));
}, 60_000);
afterAll(() => service.close());

const form = (content: string | Uint8Array<ArrayBuffer>, name = 'notices.csv'): FormData => {
  const made = new FormData();
  made.append('file', new Blob([content]), name);
  return made;
};
const upload = (content: string | Uint8Array<ArrayBuffer>, name?: string) => department.post<ImportAnswer>(PATH, form(content, name));
const stored = (sampleNo: string) =>
  place.sql('SELECT status, revision, reported_revision FROM sampling_results WHERE sample_no = $1', [sampleNo]);
const counts = ({ rows, results, accepted, duplicate, rejected, rejections }: ImportAnswer) => ({
  rows,
  results,
  accepted,
  duplicate,
  rejected,
  rejections,
});

describe('the really published notices', () => {
  const facts = { rows: 321, results: 294, rejected: 21, rejections: { FAILING_ITEM_MISSING: 13, PARTY_MISSING: 8 } };

  it('come in as the published facts say, and a second time as duplicates', async () => {
    const first = await upload(NOTICES);
    expect({ status: first.status, ...counts(first.body) }).toEqual({ status: 200, ...facts, accepted: 273, duplicate: 0 });
    expect(counts((await upload(NOTICES)).body)).toEqual({ ...facts, accepted: 0, duplicate: 273 });
    expect((await department.get('/api/inspection/published/counts')).body).toEqual({ published: 273, notified: 0, withdrawn: 0 });
    await eventually(async () => expect(await place.readAll(samplingResults.topic)).toHaveLength(273), { within: 20_000 });
  });

  it('are reported by the uploader and name the printed authority as organiser', async () => {
    const bodies = (await place.readAll(samplingResults.topic)).map(({ body }) => body as unknown as SamplingResultPublished);
    expect(new Set(bodies.map(({ reporterId, finality }) => `${reporterId} ${finality}`))).toEqual(new Set(['tj-amr FINAL']));
    expect(bodies.map(({ organiser }) => organiser?.name)).toContain('国家食品药品监督管理总局');
  });
});

describe('a file', () => {
  it('names how its columns were read and which it did not know, and keeps those with the result', async () => {
    const { body } = await upload([`${HEADING},天气`, `${row('F-1')},晴`].join('\n'));
    expect(body).toMatchObject({ accepted: 1, unknownColumns: ['天气'] });
    expect(body.columns).toContainEqual(expect.objectContaining({ heading: '抽样编号', field: 'sampleNo' }));
    expect((await department.get('/api/inspection/sampling-results/F-1')).body).toMatchObject({
      result: { channel: 'FILE', importId: body.importId, otherColumns: { 天气: '晴' } },
    });
  });

  it('may hold revisions: the columns sampleNo, revision and revisionReason are taken as they are', async () => {
    await upload(csv(row('F-2')));
    const { body } = await upload([`revision,revisionReason,${HEADING}`, `2,CORRECTED,${row('F-2', '另一经营部')}`].join('\n'));
    expect(body).toMatchObject({ accepted: 1 });
    expect(await stored('F-2')).toEqual([{ status: 'PUBLISHED', revision: 2, reported_revision: 2 }]);
    expect((await upload(csv(row('F-2')))).body).toMatchObject({ rejected: 1, rejections: { STALE_REVISION: 1 } });
  });

  it('gives back its rejected rows with every reason, and nothing a spreadsheet would run', async () => {
    const { body } = await upload(csv(row('F-3'), row('F-4', '', ''), row('=F-5+1', '')));
    expect(counts(body)).toMatchObject({ rows: 3, accepted: 1, rejected: 2, rejections: { FAILING_ITEM_MISSING: 1, PARTY_MISSING: 1 } });
    const file = await department.get<string>(`${PATH}/${body.importId}/rejected-rows`);
    expect(file.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const [heading, ...lines] = file.body.replace('\uFEFF', '').trim().split('\r\n');
    expect(heading).toContain('"检验结论","原文件行号","错误代码","错误位置","错误说明"');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('"3","FAILING_ITEM_MISSING; PARTY_MISSING","/failingItems; /sampledParty"');
    expect(lines[1]).toMatch(/^"'=F-5\+1",/);
  });

  it('can be asked for again by its department and the operator, by nobody else', async () => {
    const { body } = await upload(csv(row('F-6')));
    const { body: again } = await department.get<ImportAnswer>(`${PATH}/${body.importId}`);
    expect(again).toEqual(body);
    const operator = place.http(await place.token('OPERATOR', 'operator'));
    expect((await operator.get(`${PATH}/${body.importId}`)).status).toBe(200);
    const other = place.http(await place.token('DEPARTMENT', 'tj-credit'));
    for (const path of [`${PATH}/${body.importId}`, `${PATH}/${body.importId}/rejected-rows`, `${PATH}/nonsense`]) {
      expect(await other.get(path)).toMatchObject({ status: 404, body: { code: 'IMPORT_UNKNOWN' } });
    }
  });

  it.each([
    ['UTF-8 with a mark', (text: string) => Buffer.from(`\uFEFF${text}`)],
    ['GB18030', (text: string) => iconv.encode(text, 'gb18030')],
    ['semicolons', (text: string) => Buffer.from(text.replaceAll(',', ';'))],
  ])('may be written in %s', async (way, encoded) => {
    expect((await upload(Uint8Array.from(encoded(csv(row(`ENC-${way}`)))))).body).toMatchObject({ accepted: 1 });
  });

  it('is taken in once for one Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'import-1' };
    const first = await department.post<ImportAnswer>(PATH, form(csv(row('F-7'))), { headers });
    const second = await department.post<ImportAnswer>(PATH, form(csv(row('F-7'))), { headers });
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
  });
});

describe('a bad file', () => {
  it('with a broken quote near its end leaves nothing of its good rows', async () => {
    const broken = csv(...Array.from({ length: 50 }, (_row, n) => row(`BROKEN-${n}`)), '"BROKEN-51,"x"y');
    expect(await upload(broken)).toMatchObject({
      status: 400,
      body: { code: 'CSV_BROKEN_QUOTE', pointer: expect.stringMatching(/^\/lines\/\d+$/) },
    });
    expect(await place.sql("SELECT 1 FROM sampling_results WHERE sample_no LIKE 'BROKEN-%'")).toEqual([]);
  });

  it.each([
    ['empty', '', 400, 'FILE_EMPTY'],
    ['without a header', 'a,b,c\n1,2,3\n', 400, 'HEADER_MISSING'],
    ['with nothing under its header', HEADING, 400, 'FILE_EMPTY'],
  ])('that is %s is a problem', async (_case, content, status, code) => {
    expect(await upload(content)).toMatchObject({ status, body: { code } });
  });

  it('of 51 MiB is refused', async () => {
    const large = new Uint8Array(51 * 1_048_576).fill(0x61);
    expect(await upload(large)).toMatchObject({ status: 413, body: { code: 'FILE_TOO_LARGE' } });
  });

  it('is missing when the form has none', async () => {
    const empty = new FormData();
    empty.append('remark', 'none');
    expect(await department.post(PATH, empty)).toMatchObject({ status: 400, body: { code: 'FILE_MISSING', pointer: '/file' } });
    expect(await department.post(PATH, { file: 'x' })).toMatchObject({ status: 400, body: { code: 'FILE_MISSING' } });
  });

  it('leaves the process alive', async () => {
    expect(service.ends).toEqual([]);
    expect((await department.get('/health/live')).status).toBe(200);
  });
});

describe('who may send a file', () => {
  it.each([
    ['PLATFORM', 'jd'],
    ['OPERATOR', 'operator'],
  ] as const)('not a %s', async (kind, id) => {
    const other = place.http(await place.token(kind, id));
    expect(await other.post(PATH, form(csv(row('WHO-1'))))).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(await stored('WHO-1')).toEqual([]);
  });
});
