import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Act, Proof } from '../history.js';
import { LABORATORY, ORGANISER } from '../stage.js';
import { type Desk, Left } from './desk.js';
import type { Speaking } from './outside.js';
import { waysOf } from './work.js';

const ROUNDS = '/api/inspection/sampling-rounds';
const DRAWN = 400;
const SHA = 'b'.repeat(64);
/** The public value is named before it is known. */
const VALUE_AFTER_MS = 3_000;

/** Whom one of the drawn objects is. */
interface Assignment {
  readonly id: string;
  readonly name: string;
  readonly inspectorIds: readonly string[];
}

export interface Round {
  readonly roundId: string;
  readonly assignments: Assignment[];
}

/** A round of food with so many objects drawn that sheets can be opened all the time; before anything is broken. */
export async function drawRound(outside: Speaking, run: string): Promise<Round> {
  const say = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const answer = await outside.http({ principal: ORGANISER, method, path: ROUNDS + path, ...(body && { body }) });
    if (!answer || answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return answer.body as T;
  };
  const stratum = { divisionCode: '120101', riskClass: 'C' };
  const plan = { roundNo: `${run}-round`, title: '示例抽查', level: 'CITY', year: new Date().getFullYear(), regime: 'FOOD' };
  const quotas = [{ ...stratum, number: DRAWN }];
  const { roundId } = await say<Round>('POST', '', { ...plan, category: '糕点', coverage: 'COMPLETE_ROUND', quotas });
  const methods = [{ item: '甜蜜素', method: 'GB 5009.97' }];
  await say('PUT', `/${roundId}/rules`, { title: '细则', url: 'https://scjg.tj.gov.cn/', sha256: SHA, methods });
  const seed = randomBytes(32).toString('hex');
  const at = Date.now() + VALUE_AFTER_MS;
  await say('POST', `/${roundId}/draw`, {
    objects: Array.from({ length: DRAWN }, (_, n) => ({ id: `firm-${n}`, name: `示例第${n + 1}号企业`, ...stratum })),
    inspectors: Array.from({ length: 4 }, (_, n) => ({ id: `sampler-${n}`, employerId: ORGANISER })),
    laboratories: [{ id: LABORATORY, employerId: LABORATORY }],
    seedHash: createHash('sha256').update(seed).digest('hex'),
    publicValue: { source: '示例公共数值', at: new Date(at).toISOString() },
  });
  await sleep(at + 200 - Date.now());
  await say('POST', `/${roundId}/draw/revelation`, { seed, publicValue: '03 11 17 22 28 33 + 07' });
  return { roundId, assignments: await say<Assignment[]>('GET', `/${roundId}/draw/assignments`) };
}

/** The next sheet of a round, from the draw to its result. */
export async function workOnSheet(desk: Desk, { roundId, assignments }: Round): Promise<void> {
  const { plan, random } = desk;
  const drawn = assignments.shift();
  if (!drawn) throw new Left();
  const lane = plan.newResult('HTTP', ORGANISER);
  lane.closed = true;
  const sheet = { matter: 'SHEET', name: lane.sampleNo } as const;
  // A sheet is opened on the day it is opened.
  const today = new Date().toLocaleDateString('sv', { timeZone: 'Asia/Shanghai' });
  const { via, ofTwo } = waysOf(desk);
  const act = (name: string, facts: Act['facts'] = {}): Act => desk.act(sheet, name, today, facts);
  await desk.take(act('OPEN', { roundId, objectId: drawn.id }), via);
  const samplers = drawn.inspectorIds.map((inspectorId) => ({ inspectorId }));
  await desk.take(act('BEGIN_SAMPLING', { mode: 'ON_SITE', samplers, documentNo: '通知书1号' }), via);
  const prove = async (type: string, by: string): Promise<string> => {
    const text = desk.numbered(type.toLowerCase());
    await desk.take({ kind: 'PROOF', sampleNo: sheet.name, type, by, text } satisfies Proof);
    return createHash('sha256').update(text).digest('hex');
  };
  await prove('SHEET_SCAN', ORGANISER);
  await prove('PHOTO', ORGANISER);
  const enters = { ...plan.report(lane), published: false, platformId: null, category: '糕点', sampledOn: today };
  const seals = { testSeal: `${sheet.name}-1`, backupSeal: `${sheet.name}-2` };
  const product = { name: '示例产品', category: enters.category, batch: enters.batch };
  const sampledParty = { name: drawn.name, uscc: enters.uscc, divisionCode: '120101' };
  const taken = { fromForSale: true, stock: 20, testQuantity: 2, backupQuantity: 1, unit: '盒', testPriceFen: 2_000, testPaidFen: 2_000 };
  const sealed = act('SEAL_SAMPLE', { sample: { product, sampledParty, ...taken, ...seals } });
  const { act: done } = await desk.race(sealed, act('RECORD_NOT_SAMPLED', { ground: 'CLOSED' }), ofTwo());
  if (done !== 'SEAL_SAMPLE') return;
  const rejection = await prove('LAB_REJECTION', LABORATORY);
  const received = await desk.race(act('RECEIVE_SAMPLE', { ...seals, sealsIntact: true }), act('REJECT_SAMPLE', { sha256: rejection }));
  if (received.act !== 'RECEIVE_SAMPLE') return;
  await desk.take(act('BEGIN_TESTING', { licence: 'NOT_REQUIRED' }));
  const sha256 = await prove('REPORT', LABORATORY);
  const passed = enters.verdict === 'QUALIFIED';
  const found = { verdict: enters.verdict, items: [{ item: '甜蜜素', measured: '1.2', limit: '0.65', passed }] };
  const report = { reportNo: sheet.name, issuedOn: today, laboratory: { name: '示例检验机构' }, ...found };
  await desk.take(act('REPORT', { report, sha256 }));
  const confirm = (): Act => ({ ...act('CONFIRM'), enters });
  if (random.chance(0.5)) return desk.take(confirm());
  await desk.race(confirm(), act('RETURN_REPORT'), ['HTTP', via]);
}
