import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Act, Proof, Report } from '../history.js';
import { COUNTY, LABORATORY, ORGANISER, PLATFORMS } from '../stage.js';
import { type Desk, Left } from './desk.js';
import type { Speaking } from './outside.js';
import { type Ways, waysOf } from './work.js';

const ROUNDS = '/api/inspection/sampling-rounds';
const DRAWN = 400;
/** May take the place of what was drawn and could not be sampled. */
const FURTHER = 200;
const SHA = 'b'.repeat(64);
/** The public value is named before it is known. */
const VALUE_AFTER_MS = 3_000;

const HOUR_MS = 3_600_000;

/** Who goes to one of the drawn objects. */
interface Assignment {
  readonly id: string;
  readonly name: string;
  readonly inspectorIds: readonly string[];
  /** In whose place it was drawn. */
  readonly replaces?: string;
}

export interface Round {
  readonly roundId: string;
  readonly assignments: Assignment[];
  /** How many may still take the place of another. */
  left: number;
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
    objects: Array.from({ length: DRAWN + FURTHER }, (_, n) => ({ id: `firm-${n}`, name: `示例第${n + 1}号企业`, ...stratum })),
    inspectors: Array.from({ length: 4 }, (_, n) => ({ id: `sampler-${n}`, employerId: ORGANISER })),
    laboratories: [{ id: LABORATORY, employerId: LABORATORY }],
    seedHash: createHash('sha256').update(seed).digest('hex'),
    publicValue: { source: '示例公共数值', at: new Date(at).toISOString() },
  });
  await sleep(at + 200 - Date.now());
  await say('POST', `/${roundId}/draw/revelation`, { seed, publicValue: '03 11 17 22 28 33 + 07' });
  return { roundId, assignments: await say<Assignment[]>('GET', `/${roundId}/draw/assignments`), left: FURTHER };
}

/** One sheet at a desk. */
interface Sheet extends Ways {
  readonly desk: Desk;
  readonly sampleNo: string;
  readonly drawn: Assignment;
  readonly today: string;
  readonly mode: Mode;
  /** The result that it is confirmed as. */
  readonly enters: Report;
  readonly act: (name: string, facts?: Act['facts']) => Act;
  readonly prove: (type: string, by?: string) => Promise<string>;
}

const MODES = ['ON_SITE', 'ONLINE', 'ON_THE_SPOT'] as const;
type Mode = (typeof MODES)[number];

const PROVEN: Readonly<Record<Mode, readonly string[]>> = {
  ON_SITE: ['SHEET_SCAN', 'PHOTO'],
  ON_THE_SPOT: ['SHEET_SCAN', 'PHOTO'],
  ONLINE: ['SHEET_SCAN', 'SCREENSHOT', 'ORDER', 'PAYMENT', 'UNPACKING_FILM'],
};

/** The next sheet of a round, from the draw to its result: taken on site, bought online, or tested where it is sold. */
export async function workOnSheet(desk: Desk, round: Round): Promise<void> {
  const drawn = round.assignments.shift();
  if (!drawn) throw new Left();
  const sheet = sheetOf(desk, drawn);
  const { act, mode, via, ofTwo } = sheet;
  await desk.take(act('OPEN', { roundId: round.roundId, objectId: drawn.id }), via);
  const samplers = drawn.inspectorIds.map((inspectorId) => ({ inspectorId }));
  await desk.take(act('BEGIN_SAMPLING', { mode: mode === 'ONLINE' ? mode : 'ON_SITE', samplers, documentNo: '通知书1号' }), via);
  for (const type of PROVEN[mode]) await sheet.prove(type);
  const taken = mode === 'ON_THE_SPOT' ? testOnSite(sheet) : seal(sheet);
  const done = await desk.race(
    taken,
    desk.random.chance(0.7) ? act('RECORD_NOT_SAMPLED', { ground: 'CLOSED' }) : findIllegal(sheet),
    ofTwo(),
  );
  if (done.act === 'RECORD_NOT_SAMPLED') return replace(desk, round, drawn);
  if (done.act === 'FIND_ILLEGAL') return;
  if (mode === 'ON_THE_SPOT') return object(sheet);
  if (await isReported(sheet)) await confirm(sheet);
}

function sheetOf(desk: Desk, drawn: Assignment): Sheet {
  const { plan, random } = desk;
  const lane = plan.newResult('HTTP', ORGANISER);
  lane.closed = true;
  const { sampleNo } = lane;
  // A sheet is opened on the day it is opened.
  const today = new Date().toLocaleDateString('sv', { timeZone: 'Asia/Shanghai' });
  const mode = random.pick(MODES);
  const platformId = mode === 'ONLINE' ? random.pick(PLATFORMS) : null;
  // Of all food farm produce alone may be tested where it is sold.
  const category = mode === 'ON_THE_SPOT' ? '食用农产品' : '糕点';
  return {
    ...{ desk, sampleNo, drawn, today, mode, ...waysOf(desk) },
    enters: { ...plan.report(lane), published: false, platformId, category, sampledOn: today },
    act: (name, facts = {}) => desk.act({ matter: 'SHEET', name: sampleNo }, name, today, facts),
    prove: async (type, by = ORGANISER) => {
      const text = desk.numbered(type.toLowerCase());
      await desk.take({ kind: 'PROOF', sampleNo, type, by, text } satisfies Proof);
      return createHash('sha256').update(text).digest('hex');
    },
  };
}

const findIllegal = ({ act }: Sheet): Act => act('FIND_ILLEGAL', { departmentId: COUNTY });

const sealsOf = ({ sampleNo }: Sheet): object => ({ testSeal: `${sampleNo}-1`, backupSeal: `${sampleNo}-2` });

const sampleOf = ({ drawn, enters }: Sheet): object => ({
  product: { name: '示例产品', category: enters.category, batch: enters.batch },
  sampledParty: { name: drawn.name, uscc: enters.uscc, divisionCode: '120101' },
  ...{ fromForSale: true, stock: 20, testQuantity: 2, unit: '盒', testPriceFen: 2_000, testPaidFen: 2_000 },
});

function seal(sheet: Sheet): Act {
  const { act, enters, mode, sampleNo, today } = sheet;
  const shop = { platformId: enters.platformId, shopId: `shop-${sampleNo}`, shopName: '示例网店' };
  const order = { orderNo: sampleNo, listings: [{ url: 'https://item.example.cn/1' }], orderedOn: today, receivedOn: today };
  return act('SEAL_SAMPLE', {
    sample: { ...sampleOf(sheet), backupQuantity: 1, ...sealsOf(sheet), ...(mode === 'ONLINE' && { backupPaidFen: 1_000 }) },
    ...(mode === 'ONLINE' && { purchase: { ...shop, ...order, buyerAccount: '示例买家', paymentAccount: '示例账户' } }),
  });
}

function found({ enters, sampleNo, today }: Sheet): object {
  const { verdict } = enters;
  const items = [{ item: '甜蜜素', measured: '1.2', limit: '0.65', passed: verdict === 'QUALIFIED' }];
  return { reportNo: sampleNo, issuedOn: today, verdict, items };
}

/** So long ago that nobody may object any more by now. */
const told = (hoursLater: number): string => new Date(Date.now() + (hoursLater - 5) * HOUR_MS).toISOString();

const testOnSite = (sheet: Sheet): Act => sheet.act('TEST_ON_SITE', { sample: sampleOf(sheet), report: found(sheet), toldAt: told(0) });

/** Some object to what was found on the spot, as it is confirmed or before; then a laboratory tests another sample, or they leave it at that. */
async function object(sheet: Sheet): Promise<void> {
  const { desk, act, enters, via, ofTwo } = sheet;
  const { random } = desk;
  const confirmation = (): Act => ({ ...act('CONFIRM'), enters });
  const objection = (): Act => act('FILE_OBJECTION', { filedAt: told(1) });
  if (random.chance(0.3)) return desk.take(confirmation());
  // Of a result one confirmation alone is ever sent: of two whose answers were lost nobody could tell which it was.
  const isConfirmedLater = random.chance(0.5);
  const first = await (isConfirmedLater
    ? desk.race(objection(), objection(), ofTwo())
    : desk.race(confirmation(), objection(), ['HTTP', via]));
  if (first.act === 'CONFIRM') return;
  const { act: done } = await desk.race(seal(sheet), act('WAIVE_REINSPECTION'), ofTwo());
  if (done === 'SEAL_SAMPLE' && !(await isReported(sheet))) return;
  if (isConfirmedLater && done === 'SEAL_SAMPLE') return confirm(sheet);
  if (isConfirmedLater) return desk.take(confirmation());
  if (done === 'SEAL_SAMPLE') await desk.take(act('RETURN_REPORT'), via);
}

/** From the seal to the laboratory's report. */
async function isReported(sheet: Sheet): Promise<boolean> {
  const { desk, act, via } = sheet;
  const rejection = await sheet.prove('LAB_REJECTION', LABORATORY);
  const received = act('RECEIVE_SAMPLE', { ...sealsOf(sheet), sealsIntact: true });
  if ((await desk.race(received, act('REJECT_SAMPLE', { sha256: rejection }))).act !== 'RECEIVE_SAMPLE') return false;
  const begin = act('BEGIN_TESTING', { licence: 'NOT_REQUIRED' });
  if (desk.random.chance(0.7)) await desk.take(begin);
  else if ((await desk.race(begin, findIllegal(sheet), ['HTTP', via])).act !== 'BEGIN_TESTING') return false;
  const sha256 = await sheet.prove('REPORT', LABORATORY);
  await desk.take(act('REPORT', { report: { ...found(sheet), laboratory: { name: '示例检验机构' } }, sha256 }));
  return true;
}

async function confirm({ desk, act, enters, via }: Sheet): Promise<void> {
  const confirmation: Act = { ...act('CONFIRM'), enters };
  if (desk.random.chance(0.5)) return desk.take(confirmation);
  await desk.race(confirmation, act('RETURN_REPORT'), ['HTTP', via]);
}

/** Two want it at once; whoever comes second is told the same. What was drawn in its place is sampled as everything that was drawn. */
async function replace(desk: Desk, round: Round, { id }: Assignment): Promise<void> {
  if (round.left === 0) return;
  round.left--;
  const { roundId } = round;
  const ask = (): Act => desk.act({ matter: 'DRAWN', name: id }, 'REPLACE', desk.day(0), { roundId });
  await Promise.all([desk.take(ask()), desk.take(ask())]);
  const all = await desk.ask<Assignment[]>(ORGANISER, `${ROUNDS}/${roundId}/draw/assignments`);
  round.assignments.unshift(...all.filter(({ replaces }) => replaces === id));
}
