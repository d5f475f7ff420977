import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NotSampledGround } from '@jinqiao/contracts';
import { testUscc } from '@jinqiao/testing';
import fc from 'fast-check';
import { sees as seesIt } from '../disclosure/disclosure.js';
import { EVIDENCE_TYPES, type EvidenceType, mayAdd } from '../evidence/evidence.js';
import { ACT_NAMES, type ActName, type State, STATES } from './sampling-sheet.acts.js';
import {
  type Act,
  type Caller,
  clockState,
  concernOf,
  decide,
  diagram,
  type PoolInspector,
  type Sheet,
  SheetActNotAllowed,
  SheetActUnacceptable,
  type Step,
} from './sampling-sheet.js';
import { resultOf } from './sampling-sheet.result.js';

/*
 * One sample between its draw and its result: every pair of state and act for everybody, what is asked of samplers, samples, purchases,
 * seals and reports, which evidence a step needs, and the clocks of each regime.
 */
const HASH = 'a'.repeat(64);
const NOW = new Date('2026-03-20T02:00:00.000Z');
const TODAY = '2026-03-20';
const ORGANISER: Caller = { id: 'tj-amr', kind: 'DEPARTMENT' };
const BODY: Caller = { id: 'tj-heping', kind: 'DEPARTMENT' };
const LABORATORY: Caller = { id: 'lab-1', kind: 'LABORATORY' };
const OTHER_LABORATORY: Caller = { id: 'lab-2', kind: 'LABORATORY' };
const COUNTY: Caller = { id: 'tj-nankai', kind: 'DEPARTMENT' };
const AUDITOR: Caller = { id: 'tj-audit', kind: 'AUDITOR' };
const isSeen = (sheet: Sheet, { id, kind }: Caller): boolean =>
  seesIt('SHEET', { id, kind: kind as 'DEPARTMENT', scopes: [], uscc: null }, concernOf(sheet));
const POOL: readonly PoolInspector[] = [
  { inspectorId: 'i-1', employerId: 'tj-heping', isRecused: false },
  { inspectorId: 'i-2', employerId: 'tj-heping', isRecused: false },
  { inspectorId: 'i-3', employerId: 'tj-heping', isRecused: true },
  { inspectorId: 'i-4', employerId: 'institute-1', isRecused: false },
  { inspectorId: 'i-5', employerId: 'tj-amr', isRecused: false },
];
const SAMPLE = {
  product: { name: '儿童水杯' },
  fromForSale: true,
  stock: 20,
  testQuantity: 3,
  backupQuantity: 2,
  unit: '个',
  testSeal: 'F-001',
  backupSeal: 'F-002',
  testPriceFen: 5_970,
  testPaidFen: 5_970,
};
const PURCHASE = {
  platformName: '京东',
  shopName: '示例商店',
  listings: [{ url: 'https://item.example.cn/1' }],
  orderNo: 'D-1',
  buyerAccount: 'buyer-7',
  paymentAccount: 'P-3',
  orderedOn: '2026-03-01',
  receivedOn: '2026-03-04',
};
const REPORT = {
  reportNo: 'J-1',
  issuedOn: '2026-03-19',
  laboratory: { name: '市质检院' },
  verdict: 'UNQUALIFIED' as const,
  items: [
    { item: '铅', measured: '0.9', limit: '0.5', unit: 'mg/kg', passed: false },
    { item: '镉', passed: true },
  ],
};
const piece = (type: EvidenceType): Sheet['evidence'][number] => ({
  type,
  sha256: HASH,
  bytes: 1,
  addedBy: 'tj-amr',
  addedAt: NOW,
  erasedAt: null,
});
const NEW: Sheet = {
  organiserId: 'tj-amr',
  sampleNo: 'S-1',
  roundId: 'r',
  roundNo: 'R-1',
  regime: 'PRODUCT',
  coverage: 'COMPLETE_ROUND',
  object: { id: 'firm-1', name: '示例商店', divisionCode: '120101' },
  drawn: { commitment: 'c', inspectorIds: ['i-1', 'i-2'], laboratoryId: 'lab-1', laboratoryEmployerId: 'institute-1' },
  state: 'DRAWN',
  mode: null,
  samplers: [],
  sample: null,
  purchase: null,
  report: null,
  handlerId: null,
  caseHandlerIds: [],
  told: [],
  resultRevision: null,
  lastOn: '2026-03-02',
  openedOn: '2026-03-02',
  clocks: [],
  evidence: EVIDENCE_TYPES.map(piece),
};
/** Of a test on the spot of which the party was told at 21:50 UTC: just over. */
const FOUR_HOURS: Sheet['clocks'][number] = {
  clock: 'RAPID_TEST_OBJECTION',
  startedOn: TODAY,
  dueOn: TODAY,
  dueAt: '2026-03-20T01:50:00.000Z',
  provisional: false,
  ruleVersion: 'RAPID_TEST_OBJECTION/FOOD@2015-10-01',
  stoppedOn: null,
};
const SAMPLERS = [{ inspectorId: 'i-1' }, { inspectorId: 'i-2' }];
const { testSeal: _test, backupSeal: _backup, backupQuantity: _quantity, ...UNSEALED } = SAMPLE;
/** What makes each act acceptable. */
const FACTS: Readonly<Record<ActName, Omit<Act, 'act' | 'on'>>> = {
  BEGIN_SAMPLING: { mode: 'ON_SITE', samplers: SAMPLERS, documentNo: '通知1号' },
  RECORD_NOT_SAMPLED: { ground: 'CLOSED', reason: '停业' },
  FIND_ILLEGAL: { departmentId: 'tj-nankai', reason: '无证' },
  SEAL_SAMPLE: { sample: SAMPLE },
  TEST_ON_SITE: {
    sample: { ...UNSEALED, product: { ...UNSEALED.product, category: '食用农产品' } },
    report: REPORT,
    toldAt: '2026-03-20T01:30:00Z',
  },
  FILE_OBJECTION: { filedAt: '2026-03-20T01:45:00Z' },
  WAIVE_REINSPECTION: { reason: '不再要求复检' },
  RECEIVE_SAMPLE: { testSeal: 'F-001', backupSeal: 'F-002', sealsIntact: true },
  REJECT_SAMPLE: { reason: '封条破损', sha256: HASH },
  BEGIN_TESTING: { licence: 'NOT_REQUIRED' },
  REPORT: { report: REPORT, sha256: HASH },
  RETURN_REPORT: { reason: '项目遗漏' },
  CONFIRM: {},
};
const anAct = (act: ActName, on = TODAY, facts: object = {}): Act => ({ ...FACTS[act], ...facts, act, on });
const steps = (sheet: Sheet, caller: Caller, act: Act): Step => decide(sheet, caller, act, { now: NOW, today: TODAY, pool: POOL });
const outcome = (sheet: Sheet, caller: Caller, act: Act): string => {
  try {
    return steps(sheet, caller, act).sheet.state;
  } catch (problem) {
    return (problem as { code: string }).code;
  }
};
function after(sheet: Sheet, caller: Caller, act: Act): Sheet {
  const step = steps(sheet, caller, act);
  const isOther = (one: Sheet['clocks'][number]): boolean => step.clocks.every(({ clock }) => clock !== one.clock);
  return { ...step.sheet, clocks: [...sheet.clocks.filter(isOther), ...step.clocks] };
}
type Told = readonly [caller: Caller, act: ActName, on?: string, facts?: object];
const play = (told: readonly Told[], sheet = NEW): Sheet =>
  told.reduce((now, [caller, act, on, facts]) => after(now, caller, anAct(act, on, facts)), sheet);
const refusals = (sheet: Sheet, caller: Caller, act: Act): string[] => {
  try {
    steps(sheet, caller, act);
  } catch (problem) {
    if (problem instanceof SheetActUnacceptable) return problem.findings.map(({ code, pointer }) => `${code} ${pointer}`);
    throw problem;
  }
  return [];
};
const clocks = ({ clocks: all }: Sheet): object =>
  Object.fromEntries(all.map(({ clock, dueOn, stoppedOn }) => [clock, [dueOn, stoppedOn]]));

const BEGUN: readonly Told[] = [[ORGANISER, 'BEGIN_SAMPLING', '2026-03-03']];
const BOUGHT: readonly Told[] = [
  [ORGANISER, 'BEGIN_SAMPLING', '2026-03-03', { mode: 'ONLINE' }],
  [BODY, 'SEAL_SAMPLE', '2026-03-05', { sample: { ...SAMPLE, backupPaidFen: 3_980 }, purchase: PURCHASE }],
];
const SEALED: readonly Told[] = [...BEGUN, [BODY, 'SEAL_SAMPLE', '2026-03-03']];
const RECEIVED: readonly Told[] = [...SEALED, [LABORATORY, 'RECEIVE_SAMPLE', '2026-03-05']];
const TESTING: readonly Told[] = [...RECEIVED, [LABORATORY, 'BEGIN_TESTING', '2026-03-06']];
const REPORTED: readonly Told[] = [...TESTING, [LABORATORY, 'REPORT', '2026-03-19']];

describe('whoever acts', () => {
  /** What is allowed, and to whom; every other pair of state and act is refused. O: organiser, S: whom its samplers work for, L: laboratory. */
  const ALLOWED = `
    DRAWN BEGIN_SAMPLING SAMPLING O
    DRAWN RECORD_NOT_SAMPLED NOT_SAMPLED OS
    SAMPLING RECORD_NOT_SAMPLED NOT_SAMPLED OS
    SAMPLING FIND_ILLEGAL ILLEGAL_FOUND OS
    LAB_RECEIVED FIND_ILLEGAL ILLEGAL_FOUND OS
    SAMPLING SEAL_SAMPLE SAMPLE_SEALED OS
    SAMPLING TEST_ON_SITE TESTED_ON_SITE OS
    TESTED_ON_SITE FILE_OBJECTION REINSPECTION_DUE OS
    REINSPECTION_DUE WAIVE_REINSPECTION TESTED_ON_SITE OS
    REINSPECTION_DUE SEAL_SAMPLE SAMPLE_SEALED OS
    SAMPLE_SEALED RECEIVE_SAMPLE LAB_RECEIVED L
    SAMPLE_SEALED REJECT_SAMPLE LAB_REJECTED L
    LAB_RECEIVED BEGIN_TESTING TESTING L
    TESTING REPORT REPORTED L
    REPORTED RETURN_REPORT TESTING O
    TESTED_ON_SITE CONFIRM CONFIRMED O
    REPORTED CONFIRM CONFIRMED O
    LAB_REJECTED CONFIRM CONFIRMED O`
    .trim()
    .split('\n')
    .map((line) => line.trim().split(' '));
  const callers = { O: ORGANISER, S: BODY, L: LABORATORY, other: OTHER_LABORATORY, county: COUNTY, auditor: AUDITOR } as const;
  const samplers = [{ inspectorId: 'i-1', employerId: 'tj-heping' }];
  const sample = { ...SAMPLE, takenOn: '2026-03-03', sampledParty: { name: '示例商店' } };
  const of = { regime: 'FOOD', mode: 'ON_SITE', samplers, sample, report: REPORT, clocks: [FOUR_HOURS] } as const;
  const inState = (state: State): Sheet => ({ ...NEW, ...of, state });

  it.each(STATES.flatMap((state) => ACT_NAMES.map((act) => [act, state] as const)))(
    'does %s to what is %s as the table says',
    (act, state) => {
      const [, , to, who = ''] = ALLOWED.find(([from, name]) => from === state && name === act) ?? [];
      const may = new Set(ALLOWED.filter(([, name]) => name === act).flatMap(([, , , by = '']) => [...by]));
      for (const [letter, caller] of Object.entries(callers)) {
        const expected = !may.has(letter) ? 'NOT_COMPETENT' : who.includes(letter) ? to : 'ACT_NOT_ALLOWED';
        expect(`${letter} ${outcome(inState(state), caller, anAct(act))}`).toBe(`${letter} ${expected}`);
      }
    },
  );

  it('learns from a refusal what is allowed and to whom', () => {
    try {
      steps(inState('SAMPLE_SEALED'), LABORATORY, anAct('REPORT'));
      throw new Error('was not refused');
    } catch (problem) {
      if (!(problem instanceof SheetActNotAllowed)) throw problem;
      expect(problem.extra).toEqual({
        state: 'SAMPLE_SEALED',
        allowed: [
          { act: 'RECEIVE_SAMPLE', by: ['LABORATORY'] },
          { act: 'REJECT_SAMPLE', by: ['LABORATORY'] },
        ],
      });
    }
  });

  it('as a laboratory has no part in it before there is a sealed sample, and never in that of another one', () => {
    const sees = (sheet: Sheet): boolean[] =>
      [ORGANISER, BODY, LABORATORY, OTHER_LABORATORY, COUNTY, AUDITOR].map((one) => isSeen(sheet, one));
    expect(sees(NEW)).toEqual([true, false, false, false, false, true]);
    expect(sees(play(BEGUN))).toEqual([true, true, false, false, false, true]);
    expect(sees(play(SEALED))).toEqual([true, true, true, false, false, true]);
    expect(sees({ ...play(SEALED), caseHandlerIds: ['tj-nankai'] })).toEqual([true, true, true, false, true, true]);
    // A department that is called like the laboratory is not the laboratory.
    expect(isSeen(play(SEALED), { id: 'lab-1', kind: 'DEPARTMENT' })).toBe(false);
  });
});

it('tells a merchant what was found when it was told of the result, once that is confirmed, under the code that stands on the sheet', () => {
  const uscc = testUscc(1);
  const sample = { ...SAMPLE, takenOn: '2026-03-02', sampledParty: { name: '示例商店', uscc }, nominalProducer: { name: '厂', uscc } };
  const parts = (changes: Partial<Sheet>): string[] =>
    (concernOf({ ...NEW, sample, mode: 'ONLINE', ...changes }).parties ?? []).map(({ party }) => party);
  const told = [{ party: 'SAMPLED_PARTY', uscc } as const];
  expect(parts({ mode: 'ON_SITE' })).toEqual(['SAMPLED_ON_SITE']);
  expect(parts({ state: 'CONFIRMED' })).toEqual([]);
  expect(parts({ state: 'REPORTED', told })).toEqual([]);
  expect(parts({ state: 'CONFIRMED', told })).toEqual(['SAMPLED_PARTY']);
  expect(parts({ state: 'CONFIRMED', told: [{ party: 'NOMINAL_PRODUCER', uscc: testUscc(2) }] })).toEqual([]);
});

describe('samplers', () => {
  const named = (...samplers: { inspectorId: string; substituteReason?: string }[]): string[] =>
    refusals(NEW, ORGANISER, anAct('BEGIN_SAMPLING', TODAY, { samplers }));
  const stand = (inspectorId: string) => ({ inspectorId, substituteReason: '病假' });

  it('are at least two different ones', () => {
    expect(named({ inspectorId: 'i-1' })).toEqual(['SAMPLERS_TOO_FEW /samplers']);
    expect(named({ inspectorId: 'i-1' }, { inspectorId: 'i-1' })).toEqual(['SAMPLERS_TOO_FEW /samplers', 'SAMPLER_TWICE /samplers/1']);
  });

  it('are those who were drawn, or stand in for one with a reason', () => {
    const [one] = SAMPLERS;
    expect(named({ inspectorId: 'i-1' }, { inspectorId: 'i-5' })).toEqual(['SAMPLER_NOT_DRAWN /samplers/1/substituteReason']);
    expect(named({ inspectorId: 'i-1' }, stand('i-5'))).toEqual([]);
    const { samplers } = play([[ORGANISER, 'BEGIN_SAMPLING', TODAY, { samplers: [one, stand('i-5')] }]]);
    expect(samplers).toEqual([
      { inspectorId: 'i-1', employerId: 'tj-heping' },
      { inspectorId: 'i-5', employerId: 'tj-amr', substituteReason: '病假' },
    ]);
  });

  it('are of the pool of the round, not recused, and do not work for whoever tests', () => {
    expect(named({ inspectorId: 'i-1' }, stand('i-9'))).toEqual(['SAMPLER_NOT_IN_POOL /samplers/1/inspectorId']);
    expect(named({ inspectorId: 'i-1' }, stand('i-3'))).toEqual(['SAMPLER_RECUSED /samplers/1/inspectorId']);
    expect(named({ inspectorId: 'i-1' }, stand('i-4'))).toEqual(['SAMPLER_OF_LABORATORY /samplers/1/inspectorId']);
  });
});

describe('a sample', () => {
  const sealed = (changes: object, regime: Sheet['regime'] = 'PRODUCT'): string[] =>
    refusals({ ...play(BEGUN), regime }, BODY, anAct('SEAL_SAMPLE', TODAY, { sample: { ...SAMPLE, ...changes } }));

  it('is taken from what is for sale, of whoever was drawn, and no more than there is', () => {
    expect(sealed({ fromForSale: false })).toEqual(['NOT_FROM_SALE /sample/fromForSale']);
    expect(sealed({ stock: 4 })).toEqual(['QUANTITY_SHORT /sample/stock']);
    expect(sealed({ sampledParty: { name: '另一商店' } })).toEqual(['OBJECT_NOT_SAMPLED /sample/sampledParty']);
    expect(sealed({ sampledParty: { name: '另一商店' }, nominalProducer: { name: '示例商店' } })).toEqual([]);
    expect(play(SEALED).sample?.sampledParty).toEqual({ name: '示例商店', divisionCode: '120101' });
  });

  it('has two seals of its own and a backup', () => {
    expect(sealed({ backupSeal: 'F-001' })).toEqual(['SEALS_NOT_SEPARATE /sample/backupSeal']);
    expect(sealed({ testSeal: undefined, backupQuantity: undefined })).toEqual([
      'FIELD_MISSING /sample/backupQuantity',
      'FIELD_MISSING /sample/testSeal',
    ]);
  });

  it('is paid for as marked on site, and the backup of a product is free', () => {
    expect(sealed({ testPaidFen: 100 })).toEqual(['NOT_AT_MARKED_PRICE /sample/testPaidFen']);
    expect(sealed({ testPriceFen: undefined, testPaidFen: undefined })).toEqual([
      'FIELD_MISSING /sample/testPriceFen',
      'FIELD_MISSING /sample/testPaidFen',
    ]);
    expect(sealed({ backupPaidFen: 1 })).toEqual(['BACKUP_NOT_FREE /sample/backupPaidFen']);
    expect(sealed({ backupPaidFen: 1 }, 'FOOD')).toEqual([]);
    expect(refusals(play(BEGUN), BODY, anAct('SEAL_SAMPLE', TODAY, { purchase: PURCHASE }))).toContain('NOT_ONLINE /purchase');
  });

  it('is checked as a result would be, as long as it can be put right', () => {
    expect(sealed({ nominalProducer: { name: '示例企业', uscc: '91120000MA0000000A' } })).toEqual([
      'USCC_CHECK_FAILED /sample/nominalProducer/uscc',
    ]);
    expect(sealed({ sampledParty: { name: '示例商店', divisionCode: '999999' } })).toEqual([
      'DIVISION_UNKNOWN /sample/sampledParty/divisionCode',
    ]);
  });

  it('is bought online as a consumer buys, the backup too', () => {
    const online = play([[ORGANISER, 'BEGIN_SAMPLING', '2026-03-03', { mode: 'ONLINE' }]]);
    const sample = { ...SAMPLE, backupPaidFen: 3_980 };
    const bought = (changes: object, of: object = sample): string[] =>
      refusals(online, BODY, anAct('SEAL_SAMPLE', TODAY, { sample: of, purchase: { ...PURCHASE, ...changes } }));
    expect(bought({})).toEqual([]);
    expect(bought({}, SAMPLE)).toEqual(['NOT_BOUGHT /sample/backupPaidFen']);
    expect(bought({ orderNo: undefined, listings: undefined, platformName: undefined })).toEqual([
      'FIELD_MISSING /purchase/orderNo',
      'FIELD_MISSING /purchase/listings',
      'FIELD_MISSING /purchase/platformId',
    ]);
    expect(bought({ receivedOn: '2026-03-21' })).toEqual(['OUT_OF_ORDER /purchase/receivedOn']);
    expect(bought({ receivedOn: '2026-02-28' })).toEqual(['OUT_OF_ORDER /purchase/receivedOn']);
    expect(refusals(online, BODY, anAct('SEAL_SAMPLE', TODAY, { sample }))).toContain('FIELD_MISSING /purchase');
  });
});

describe('evidence', () => {
  const missing = (sheet: Sheet, caller: Caller, act: Act): unknown => {
    try {
      steps({ ...sheet, evidence: [] }, caller, act);
    } catch (problem) {
      if (problem instanceof SheetActUnacceptable) return problem.extra['missingEvidence'] ?? [];
      throw problem;
    }
    return [];
  };

  it('of a sealed sample is the sheet and what was seen; online all of the purchase and the film of its unpacking', () => {
    expect(missing(play(BEGUN), BODY, anAct('SEAL_SAMPLE'))).toEqual([['SHEET_SCAN'], ['PHOTO', 'VIDEO']]);
    const online = play([[ORGANISER, 'BEGIN_SAMPLING', '2026-03-03', { mode: 'ONLINE' }]]);
    const facts = { sample: { ...SAMPLE, backupPaidFen: 1 }, purchase: PURCHASE };
    expect(missing(online, BODY, anAct('SEAL_SAMPLE', TODAY, facts))).toEqual([
      ['SHEET_SCAN'],
      ['SCREENSHOT'],
      ['ORDER'],
      ['PAYMENT'],
      ['UNPACKING_FILM'],
    ]);
    const filmed = { ...online, evidence: (['SHEET_SCAN', 'SCREENSHOT', 'ORDER', 'PAYMENT'] as const).map(piece) };
    expect(refusals(filmed, BODY, anAct('SEAL_SAMPLE', TODAY, facts))).toEqual(['EVIDENCE_MISSING ']);
  });

  it('of what was not sampled is asked for where it has to be proven', () => {
    const needed = (ground: NotSampledGround): unknown => missing(play(BEGUN), BODY, anAct('RECORD_NOT_SAMPLED', TODAY, { ground }));
    expect((['CLOSED', 'CHANGED_PRODUCTION', 'QUANTITY_SHORT', 'NOT_OFFERED'] as const).map(needed)).toEqual([[], [], [], []]);
    expect(needed('EXPORT_ONLY')).toEqual([['DOCUMENT', 'PHOTO']]);
    expect(needed('REFUSED')).toEqual([['PHOTO', 'VIDEO', 'DOCUMENT', 'SCREENSHOT']]);
    expect(missing(play(BEGUN), BODY, anAct('FIND_ILLEGAL'))).toEqual([['PHOTO', 'VIDEO', 'SCREENSHOT', 'DOCUMENT']]);
  });

  it('of a rejection and of a report is the document that the act names', () => {
    expect(missing(play(SEALED), LABORATORY, anAct('REJECT_SAMPLE'))).toEqual([['LAB_REJECTION']]);
    expect(missing(play(TESTING), LABORATORY, anAct('REPORT'))).toEqual([['REPORT']]);
    expect(refusals(play(TESTING), LABORATORY, anAct('REPORT', TODAY, { sha256: 'b'.repeat(64) }))).toEqual(['EVIDENCE_NOT_HERE /sha256']);
  });

  it('of the laboratory comes from the laboratory, of the sampling from those who sample', () => {
    expect(EVIDENCE_TYPES.filter((type) => mayAdd(type, 'LABORATORY'))).toEqual(['PHOTO', 'VIDEO', 'DOCUMENT', 'LAB_REJECTION', 'REPORT']);
    expect(EVIDENCE_TYPES.filter((type) => !mayAdd(type, 'SAMPLER'))).toEqual(['LAB_REJECTION', 'REPORT']);
  });
});

describe('the laboratory', () => {
  it('receives what is sealed as the sheet says, and nothing else', () => {
    const received = (changes: object): string[] => refusals(play(SEALED), LABORATORY, anAct('RECEIVE_SAMPLE', TODAY, changes));
    expect(received({ testSeal: 'F-009' })).toEqual(['SEAL_MISMATCH /testSeal']);
    expect(received({ sealsIntact: false })).toEqual(['SEAL_BROKEN /sealsIntact']);
    expect(received({ backupSeal: undefined })).toEqual(['FIELD_MISSING /backupSeal']);
  });

  it('does not test what lacks its licence: the organiser hands it over', () => {
    expect(refusals(play(RECEIVED), LABORATORY, anAct('BEGIN_TESTING', TODAY, { licence: 'MISSING' }))).toEqual([
      'LICENCE_MISSING /licence',
    ]);
    const found = play([...RECEIVED, [ORGANISER, 'FIND_ILLEGAL', TODAY]]);
    expect(found).toMatchObject({ state: 'ILLEGAL_FOUND', handlerId: 'tj-nankai' });
    expect(isSeen(found, COUNTY)).toBe(true);
  });

  it('reports what it tested, with a verdict that its items bear out', () => {
    const reported = (changes: object): string[] =>
      refusals(play(TESTING), LABORATORY, anAct('REPORT', TODAY, { report: { ...REPORT, ...changes } }));
    expect(reported({ verdict: 'QUALIFIED' })).toEqual(['VERDICT_CONTRADICTS_ITEMS /report/verdict']);
    expect(reported({ items: [{ item: '铅', passed: true }] })).toEqual(['FAILING_ITEM_MISSING /report/items']);
    expect(reported({ verdict: 'UNDETERMINED', items: [] })).toEqual(['NOTHING_TESTED /report/items']);
    expect(reported({ verdict: 'NOT_TESTED', items: [] })).toEqual(['NOT_TESTED_REASON_MISSING /report/notTestedReason']);
    expect(reported({ laboratory: undefined })).toEqual(['FIELD_MISSING /report/laboratory']);
    expect(reported({ issuedOn: '2026-03-21' })).toEqual(['OUT_OF_ORDER /report/issuedOn']);
  });

  it('gets a report back that the organiser does not confirm', () => {
    expect(play([...REPORTED, [ORGANISER, 'RETURN_REPORT']])).toMatchObject({ state: 'TESTING', report: null });
  });
});

describe('a test on the spot', () => {
  it('is of food, where it is sold, without seals for a laboratory', () => {
    const tested = (sheet: Sheet, changes: object = {}): string[] => refusals(sheet, BODY, anAct('TEST_ON_SITE', TODAY, changes));
    const food = { ...play(BEGUN), regime: 'FOOD' } as const;
    expect(tested(food)).toEqual([]);
    expect(tested(play(BEGUN))).toEqual(['NO_RAPID_TEST /act']);
    expect(tested({ ...food, mode: 'ONLINE' })).toEqual(['NO_RAPID_TEST /act']);
    expect(tested(food, { sample: { ...SAMPLE, product: { ...SAMPLE.product, category: '食用农产品' } } })).toEqual([
      'SEALED_FOR_LABORATORY /sample',
    ]);
    expect(tested(food, { sample: UNSEALED })).toEqual(['NO_RAPID_TEST /sample/product/category']);
    expect(tested(food, { toldAt: '2026-03-20T03:00:00Z' })).toEqual(['IN_FUTURE /toldAt']);
  });

  it('gives the party four hours from when it was told', () => {
    const { clocks: running } = play([...BEGUN, [BODY, 'TEST_ON_SITE']], { ...NEW, regime: 'FOOD' });
    expect(running).toEqual([
      expect.objectContaining({
        clock: 'RAPID_TEST_OBJECTION',
        dueAt: '2026-03-20T05:30:00.000Z',
        ruleVersion: 'RAPID_TEST_OBJECTION/FOOD@2015-10-01',
      }),
    ]);
    const at = (time: string): string[] => running.map((clock) => clockState(clock, new Date(time)));
    expect([at('2026-03-20T05:30:00Z'), at('2026-03-20T05:30:01Z')]).toEqual([['RUNNING'], ['RUN_OUT']]);
  });

  const told = (toldAt: string): Sheet => play([...BEGUN, [BODY, 'TEST_ON_SITE', TODAY, { toldAt }]], { ...NEW, regime: 'FOOD' });
  const OBJECTED: readonly Told[] = [[BODY, 'FILE_OBJECTION']];

  it('that is objected to in time goes to a laboratory, which alone tests again, and whose result is final', () => {
    const sheet = told('2026-03-20T01:30:00Z');
    const { basis, clocks: stopped } = steps(sheet, BODY, anAct('FILE_OBJECTION'));
    expect([basis, stopped]).toEqual(['中华人民共和国食品安全法第八十八条', [expect.objectContaining({ stoppedOn: TODAY })]]);
    expect(outcome(play(OBJECTED, sheet), BODY, anAct('TEST_ON_SITE'))).toBe('ACT_NOT_ALLOWED');
    const again: readonly Told[] = [
      ...OBJECTED,
      [BODY, 'SEAL_SAMPLE'],
      [LABORATORY, 'RECEIVE_SAMPLE'],
      [LABORATORY, 'BEGIN_TESTING'],
      [LABORATORY, 'REPORT', TODAY, { report: { ...REPORT, verdict: 'QUALIFIED', items: [{ item: '铅', passed: true }] } }],
    ];
    expect(resultOf(play(again, sheet), 1)).toMatchObject({ finality: 'FINAL', verdict: 'QUALIFIED' });
    expect(resultOf(sheet, 1)).toMatchObject({ finality: 'PROVISIONAL', verdict: 'UNQUALIFIED' });
  });

  it('is objected to within the four hours, once, and is no result before they are over', () => {
    const objected = (sheet: Sheet, filedAt: string): string[] => refusals(sheet, BODY, anAct('FILE_OBJECTION', TODAY, { filedAt }));
    const long = told('2026-03-19T21:00:00Z');
    expect([objected(long, '2026-03-20T01:00:00Z'), objected(long, '2026-03-20T01:00:01Z')]).toEqual([[], ['OBJECTION_LATE /filedAt']]);
    expect(objected(long, '2026-03-20T02:00:01Z')).toEqual(['IN_FUTURE /filedAt', 'OBJECTION_LATE /filedAt']);
    const waived = play([...OBJECTED, [BODY, 'WAIVE_REINSPECTION']], told('2026-03-20T01:30:00Z'));
    expect(objected(waived, '2026-03-20T01:45:00Z')).toEqual(['OBJECTION_LATE /filedAt']);
    const confirmed = (sheet: Sheet): string[] => refusals(sheet, ORGANISER, anAct('CONFIRM'));
    expect([told('2026-03-20T01:30:00Z'), long, waived].map(confirmed)).toEqual([['OBJECTION_OPEN /act'], [], []]);
    expect(resultOf(waived, 1)).toMatchObject({ finality: 'PROVISIONAL', verdict: 'UNQUALIFIED' });
  });
});

describe('clocks', () => {
  it('of food: five working days to the laboratory, twenty to the report', () => {
    const food = play(REPORTED, { ...NEW, regime: 'FOOD' });
    // From Tuesday the 3rd to Tuesday the 10th; from Thursday the 5th to Thursday the 2nd of April.
    expect(clocks(food)).toEqual({ SAMPLE_DELIVERY: ['2026-03-10', '2026-03-05'], TEST_REPORT: ['2026-04-02', '2026-03-19'] });
    expect(clocks(play([...SEALED, [LABORATORY, 'REJECT_SAMPLE', '2026-03-12']], { ...NEW, regime: 'FOOD' }))).toEqual({
      SAMPLE_DELIVERY: ['2026-03-10', '2026-03-12'],
    });
    const found = play([...RECEIVED, [ORGANISER, 'FIND_ILLEGAL', '2026-03-06']], { ...NEW, regime: 'FOOD' });
    expect(clocks(found)).toMatchObject({ TEST_REPORT: ['2026-04-02', '2026-03-06'] });
  });

  it('runs on when a report goes back to the laboratory: the law knows no longer time for it', () => {
    const returned = play([...REPORTED, [ORGANISER, 'RETURN_REPORT', '2026-03-20']], { ...NEW, regime: 'FOOD' });
    expect(clocks(returned)).toMatchObject({ TEST_REPORT: ['2026-04-02', null] });
    const again = play([[LABORATORY, 'REPORT', '2026-03-20']], returned);
    expect(clocks(again)).toMatchObject({ TEST_REPORT: ['2026-04-02', '2026-03-20'] });
  });

  it.each(['PRODUCT', 'DRUG', 'COSMETIC', 'MEDICAL_DEVICE'] as const)('of %s: no rule', (regime) => {
    expect(play(REPORTED, { ...NEW, regime }).clocks).toEqual([]);
  });
});

describe('every step', () => {
  it('says what is missing, and is neither in the future nor before the last one', () => {
    const bare = (act: ActName, on: string): Act => ({ act, on });
    expect(refusals(NEW, ORGANISER, bare('RECORD_NOT_SAMPLED', TODAY))).toEqual(['FIELD_MISSING /ground', 'FIELD_MISSING /reason']);
    expect(refusals(NEW, ORGANISER, anAct('RECORD_NOT_SAMPLED', '2026-03-21'))).toEqual(['IN_FUTURE /on']);
    expect(refusals(NEW, ORGANISER, anAct('RECORD_NOT_SAMPLED', '2026-03-01'))).toEqual(['OUT_OF_ORDER /on']);
  });

  it('leads on from the draw to every state', () => {
    const sample = { ...SAMPLE, takenOn: TODAY, sampledParty: { name: '示例商店' } };
    const next = (state: State): string[] =>
      ACT_NAMES.flatMap((act) =>
        [ORGANISER, LABORATORY].map((caller) =>
          outcome({ ...NEW, regime: 'FOOD', mode: 'ON_SITE', sample, clocks: [FOUR_HOURS], state }, caller, anAct(act)),
        ),
      );
    const reached = new Set<State>(['DRAWN']);
    // A set goes through what is added on the way.
    for (const from of reached) STATES.filter((state) => next(from).includes(state)).forEach((state) => reached.add(state));
    expect([...reached].sort()).toEqual([...STATES].sort());
  });

  const tellings = fc.array(
    fc.record({
      act: fc.constantFrom(...ACT_NAMES),
      caller: fc.constantFrom(ORGANISER, BODY, LABORATORY, OTHER_LABORATORY, COUNTY),
      mode: fc.constantFrom('ON_SITE', 'ONLINE'),
      evidence: fc.subarray([...EVIDENCE_TYPES]),
    }),
    { maxLength: 60 },
  );

  it('whatever is tried in whatever order: histories connect, clocks run once, and nobody reports on what it has not received', () => {
    fc.assert(
      fc.property(tellings, fc.constantFrom('FOOD' as const, 'PRODUCT' as const), (told, regime) => {
        let sheet: Sheet = { ...NEW, regime };
        const done: string[] = [];
        for (const { act, caller, mode, evidence } of told) {
          const facts = { mode, ...(mode === 'ONLINE' && { sample: { ...SAMPLE, backupPaidFen: 1 }, purchase: PURCHASE }) };
          let step: Step;
          try {
            step = steps({ ...sheet, evidence: evidence.map(piece) }, caller, anAct(act, TODAY, facts));
          } catch (problem) {
            expect(problem).toHaveProperty('code');
            continue;
          }
          expect(step.from).toBe(sheet.state);
          const changed = new Set(step.clocks.map(({ clock }) => clock));
          sheet = { ...step.sheet, clocks: [...sheet.clocks.filter(({ clock }) => !changed.has(clock)), ...step.clocks] };
          done.push(act);
          if (act === 'REPORT') expect(done).toEqual(expect.arrayContaining(['SEAL_SAMPLE', 'RECEIVE_SAMPLE', 'BEGIN_TESTING']));
          if (act === 'CONFIRM') expect(resultOf(sheet, 1)).toMatchObject({ sampleNo: 'S-1', finality: 'PROVISIONAL' });
        }
        const running = sheet.clocks.filter(({ stoppedOn }) => stoppedOn === null).map(({ clock }) => clock);
        expect(new Set(running).size).toBe(running.length);
        if (regime === 'PRODUCT') expect(sheet.clocks).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the result', () => {
  it('is provisional and says of a test what failed, of a purchase nothing of the accounts', () => {
    const online = play([...BOUGHT, [LABORATORY, 'RECEIVE_SAMPLE'], [LABORATORY, 'BEGIN_TESTING'], [LABORATORY, 'REPORT']]);
    expect(resultOf(online, 1)).toEqual({
      sampleNo: 'S-1',
      revision: 1,
      regime: 'PRODUCT',
      finality: 'PROVISIONAL',
      verdict: 'UNQUALIFIED',
      product: { name: '儿童水杯' },
      failingItems: [{ item: '铅', measured: '0.9', limit: '0.5', unit: 'mg/kg' }],
      online: { platformName: '京东', shopName: '示例商店', listings: PURCHASE.listings, orderNo: 'D-1' },
      laboratory: { name: '市质检院' },
      sampledOn: '2026-03-05',
      round: { no: 'R-1', coverage: 'COMPLETE_ROUND' },
    });
  });

  it('of a rejected sample is that it was not tested; after an earlier one it is a correction', () => {
    const rejected = play([...SEALED, [LABORATORY, 'REJECT_SAMPLE']]);
    expect(resultOf(rejected, 3)).toMatchObject({
      revision: 3,
      revisionReason: 'CORRECTED',
      verdict: 'NOT_TESTED',
      notTestedReason: 'LAB_REJECTED',
      sampledParty: { name: '示例商店' },
    });
  });
});

it('docs/inspection.md draws the states as they are', () => {
  expect(readFileSync(join(import.meta.dirname, '../../../../docs/inspection.md'), 'utf8')).toContain(diagram());
});
