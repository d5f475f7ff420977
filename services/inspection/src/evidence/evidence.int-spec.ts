/*
 * Evidence over HTTP on a real database: files stream in and out, the same bytes are kept once, what is too large, not declared or broken
 * off leaves nothing, and a changed byte is noticed. Goes by sheets that are put into the database as they would stand.
 */
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { eventually, type Http, type Place, realServers, startTestService, type TestService } from '@jinqiao/testing';
import { InspectionModule } from '../inspection.module.js';
import type { Evidence } from './evidence.js';
import { EvidenceStore } from './evidence.store.js';

const SHEETS = '/api/inspection/sampling-sheets';
const ROUND = '00000000-0000-7000-8000-000000000001';
const MEBIBYTE = 1_048_576;
let place: Place;
let service: TestService;
let token: string;
let organiser: Http;
let laboratory: Http;

beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  service = await startTestService(InspectionModule, place);
  token = await place.token('DEPARTMENT', 'tj-amr');
  organiser = place.http(token);
  laboratory = place.http(await place.token('LABORATORY', 'tj-lab'));
  await place.sql(
    `INSERT INTO sampling_rounds (round_id, organiser_id, round_no, level, state, plan, planned_at)
     VALUES ($1, 'tj-amr', 'E', 'CITY', 'PLANNED', '{"regime": "PRODUCT", "coverage": "COMPLETE_ROUND"}', now())`,
    [ROUND],
  );
}, 60_000);
afterAll(() => service.close());

async function aSheet(sampleNo: string): Promise<void> {
  await place.sql(
    `INSERT INTO sampling_sheets (organiser_id, sample_no, round_id, round_no, regime, coverage, object, drawn, state, mode, samplers,
       sampler_bodies, sample, last_on, opened_on)
     VALUES ('tj-amr', $1, $2, 'E', 'PRODUCT', 'COMPLETE_ROUND', $3, '{"laboratoryId": "tj-lab", "inspectorIds": []}', 'SAMPLE_SEALED', 'ON_SITE', '[]', '{}', '{"testSeal": "F-1"}',
       '2026-03-02', '2026-03-02')`,
    [sampleNo, ROUND, JSON.stringify({ id: sampleNo, name: sampleNo })],
  );
}
const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const pathOf = (sampleNo: string, type: string): string => `${SHEETS}/tj-amr/${sampleNo}/evidence?type=${type}`;
function add(as: Http, [sampleNo, type]: readonly [string, string], bytes: Buffer, headers: Record<string, string> = {}) {
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(bytes)]), 'film.mp4');
  return as.post<Evidence & { code: string }>(pathOf(sampleNo, type), form, { headers });
}
async function bytesFrom(origin: string, sampleNo: string, sha256: string): Promise<{ status: number; headers: Headers; bytes: Buffer }> {
  const answer = await fetch(`${origin}${SHEETS}/tj-amr/${sampleNo}/evidence/${sha256}`, { headers: { authorization: `Bearer ${token}` } });
  return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) };
}
const count = async (table: string): Promise<number> =>
  Number((await place.sql<{ n: string }>(`SELECT count(*) AS n FROM ${table}`))[0]?.n);
const kept = async () => ({
  uploads: await count('evidence_uploads'),
  chunks: await count('evidence_chunks'),
  blobs: await count('evidence_blobs'),
  evidence: await count('evidence'),
});

/** A form that is made while it is sent, of a file of so many bytes. */
function streamedForm(bytes: number): RequestInit {
  const portion = Buffer.alloc(MEBIBYTE, 'a');
  function* parts(): Generator<Buffer> {
    yield Buffer.from('--x\r\ncontent-disposition: form-data; name="file"; filename="film.mp4"\r\n\r\n');
    for (let left = bytes; left > 0; left -= portion.length) yield left < portion.length ? portion.subarray(0, left) : portion;
    yield Buffer.from('\r\n--x--\r\n');
  }
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'multipart/form-data; boundary=x' };
  return { method: 'POST', headers, body: Readable.toWeb(Readable.from(parts())), duplex: 'half' };
}

describe('evidence', () => {
  it('comes back as it came, byte for byte, from every process', async () => {
    await aSheet('E-1');
    const bytes = randomBytes(3 * MEBIBYTE + 17);
    const sha256 = sha256Of(bytes);
    const { status, body } = await add(organiser, ['E-1', 'VIDEO'], bytes);
    expect({ status, body }).toMatchObject({ status: 201, body: { type: 'VIDEO', sha256, bytes: bytes.length, addedBy: 'tj-amr' } });
    const second = await startTestService(InspectionModule, place, { isSecond: true });
    try {
      for (const at of [place.origin, second.url]) {
        const read = await bytesFrom(at, 'E-1', sha256);
        expect(read.status).toBe(200);
        expect(read.headers.get('content-length')).toBe(String(bytes.length));
        expect(sha256Of(read.bytes)).toBe(sha256);
      }
    } finally {
      await second.close();
    }
  }, 60_000);

  it('of the same bytes is kept once, whatever it proves and however many send it at once', async () => {
    await aSheet('E-2');
    await aSheet('E-3');
    const before = await kept();
    const bytes = randomBytes(MEBIBYTE);
    const answers = await Promise.all(
      [
        ['E-2', 'PHOTO'],
        ['E-2', 'PHOTO'],
        ['E-2', 'SCREENSHOT'],
        ['E-3', 'PHOTO'],
      ].map(([sampleNo = '', type = '']) => add(organiser, [sampleNo, type], bytes)),
    );
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect(await kept()).toEqual({
      uploads: 0,
      chunks: before.chunks + 2,
      blobs: before.blobs + 1,
      evidence: before.evidence + 3,
    });
  });

  it('is added with an idempotency key once, and other bytes under that key are refused', async () => {
    await aSheet('E-4');
    const bytes = randomBytes(100);
    const headers = { 'idempotency-key': 'evidence-1' };
    const first = await add(organiser, ['E-4', 'PHOTO'], bytes, headers);
    expect((await add(organiser, ['E-4', 'PHOTO'], bytes, headers)).body).toEqual(first.body);
    expect((await add(organiser, ['E-4', 'PHOTO'], randomBytes(100), headers)).body).toMatchObject({
      status: 422,
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
  });

  it('comes from whoever it is of', async () => {
    await aSheet('E-5');
    expect((await add(laboratory, ['E-5', 'PAYMENT'], randomBytes(10))).body).toMatchObject({ status: 403, code: 'NOT_COMPETENT' });
    expect((await add(organiser, ['E-5', 'REPORT'], randomBytes(10))).body).toMatchObject({
      status: 403,
      code: 'NOT_COMPETENT',
      by: ['LABORATORY'],
    });
    expect((await add(laboratory, ['E-5', 'REPORT'], randomBytes(10))).status).toBe(201);
    const stranger = place.http(await place.token('DEPARTMENT', 'tj-heping'));
    expect((await add(stranger, ['E-5', 'PHOTO'], randomBytes(10))).body).toMatchObject({ status: 404, code: 'SHEET_UNKNOWN' });
    const unknown = await bytesFrom(place.origin, 'E-5', 'a'.repeat(64));
    expect(unknown.status).toBe(404);
  });
});

describe('nothing is left', () => {
  let before: Awaited<ReturnType<typeof kept>>;
  beforeAll(async () => {
    await aSheet('N-1');
    before = await kept();
  });
  afterEach(async () => eventually(async () => expect(await kept()).toEqual(before)));

  it('of what is of no declared kind, or of nothing', async () => {
    expect((await add(organiser, ['N-1', 'PAINTING'], randomBytes(2 * MEBIBYTE))).body).toMatchObject({
      status: 400,
      code: 'VALIDATION_FAILED',
      errors: [{ code: 'NOT_IN_CODE_LIST', pointer: '/type' }],
    });
    expect((await add(organiser, ['N-1', 'PHOTO'], Buffer.alloc(0))).body).toMatchObject({ status: 422, code: 'EVIDENCE_EMPTY' });
    expect((await organiser.post(pathOf('N-1', 'PHOTO'), { file: 'x' })).body).toMatchObject({ status: 400, code: 'FILE_MISSING' });
  });

  it('of what is larger than 200 MiB', async () => {
    const answer = await fetch(`${place.origin}${pathOf('N-1', 'VIDEO')}`, streamedForm(200 * MEBIBYTE + 1));
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ code: 'FILE_TOO_LARGE', detail: 'The file is larger than 200 MiB.' });
  }, 120_000);

  it('of what breaks off', async () => {
    const { port } = new URL(place.origin);
    const socket = connect(Number(port), '127.0.0.1');
    const head = [`POST ${pathOf('N-1', 'VIDEO')} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${token}`, 'Content-Length: 9000000'];
    socket.write([...head, 'Content-Type: multipart/form-data; boundary=x', '', ''].join('\r\n'));
    socket.write('--x\r\ncontent-disposition: form-data; name="file"; filename="film.mp4"\r\n\r\n');
    socket.write(randomBytes(2 * MEBIBYTE));
    await eventually(async () => expect((await kept()).chunks).toBeGreaterThan(before.chunks));
    socket.destroy();
    await eventually(async () => expect(await kept()).toEqual(before));
  });

  it('of what a process that died has left behind', async () => {
    const upload = '00000000-0000-7000-8000-00000000000d';
    await place.sql(`INSERT INTO evidence_uploads (upload_id, started_at) VALUES ($1, now() - interval '1 hour')`, [upload]);
    await place.sql(`INSERT INTO evidence_chunks (upload_id, chunk_no, content) VALUES ($1, 1, 'abc')`, [upload]);
    await service.get(EvidenceStore).sweep();
  });
});

describe('a film of 200 MiB', () => {
  it('is taken', async () => {
    await aSheet('G-1');
    const answer = await fetch(`${place.origin}${pathOf('G-1', 'VIDEO')}`, streamedForm(200 * MEBIBYTE));
    expect(answer.status).toBe(201);
    expect(await answer.json()).toMatchObject({ bytes: 200 * MEBIBYTE });
  }, 120_000);
});

describe('what was kept', () => {
  it('is changed by nobody, and a byte that is changed all the same is noticed before the first one leaves', async () => {
    await aSheet('T-1');
    const bytes = randomBytes(2 * MEBIBYTE);
    const sha256 = sha256Of(bytes);
    await add(organiser, ['T-1', 'VIDEO'], bytes);
    const ofFilm = `upload_id = (SELECT upload_id FROM evidence_blobs WHERE sha256 = '${sha256}')`;
    const change = `UPDATE evidence_chunks SET content = set_byte(content, 5, get_byte(content, 5) # 1) WHERE chunk_no = 3 AND ${ofFilm}`;
    for (const attempt of [
      change,
      `DELETE FROM evidence_chunks WHERE ${ofFilm}`,
      'DELETE FROM evidence_blobs',
      `UPDATE evidence SET type = 'ORDER'`,
    ])
      await expect(place.sql(attempt)).rejects.toThrow(/is kept as it came|are evidence/);
    expect((await bytesFrom(place.origin, 'T-1', sha256)).status).toBe(200);

    await place.sql('ALTER TABLE evidence_chunks DISABLE TRIGGER USER');
    await place.sql(change);
    expect((await organiser.get(`${SHEETS}/tj-amr/T-1/evidence/${sha256}`)).body).toMatchObject({
      status: 500,
      code: 'EVIDENCE_CHANGED',
      sha256,
    });
    await place.sql(`DELETE FROM evidence_chunks WHERE chunk_no = 4 AND ${ofFilm}`);
    expect((await organiser.get(`${SHEETS}/tj-amr/T-1/evidence/${sha256}`)).body).toMatchObject({ code: 'EVIDENCE_CHANGED' });
    await place.sql('ALTER TABLE evidence_chunks ENABLE TRIGGER USER');
  });
});
