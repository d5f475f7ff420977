import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { addDays, dayInChina } from '@jinqiao/law';
import type { LaterProcess, RunningStack } from '../stack.js';
import { Http, until, verified } from './outsider.js';
import type { DrawnRound, ThirdAct, TimedCase } from './report.js';

type Regime = 'FOOD' | 'PRODUCT';

/** A period as the service lists it. */
interface Listed extends Omit<TimedCase['deadlines'][number], 'basis' | 'ruleVersion'> {
  readonly subject: string;
  readonly legalBasis: { readonly instrument: string; readonly article?: string; readonly ruleVersion: string };
}

interface Assignment {
  readonly id: string;
  readonly name: string;
  readonly inspectorIds: readonly string[];
}

type Sampling = DrawnRound & { readonly roundId: string; readonly assignments: readonly Assignment[] };

interface Told {
  readonly actionsRequired: readonly Asked[];
}

interface Asked {
  readonly action: string;
  readonly mandatory: boolean;
}

const RUN = Date.now().toString(36).toUpperCase();
const PLANS = '/api/inspection/plans';
const ROUNDS = '/api/inspection/sampling-rounds';
const RECALLS = '/api/inspection/recalls';
const SHEETS = '/api/inspection/sampling-sheets';
const CASES = '/api/inspection/sampling-cases';
const LABORATORIES = '/api/inspection/reinspection-laboratories';
/** Three codes with right check digits, in the unassigned division 120199. */
const USCCS = ['92120199MA9910015C', '92120199MA99100237', '92120199MA99100312'];
const PLAN_NO = `DEMO-${RUN}`;
const CATEGORIES = ['食用农产品', '儿童用品'] as const;
const STRATUM = { divisionCode: '120101', riskClass: 'C' };
const DRAWN = 2;
const PLATFORM = 'jd';
const HASH = createHash('sha256').update('演示文书').digest('hex');
/** Each with the days since the one before and, where that is asked, how much is back. */
const RECALL_STEPS: readonly (readonly [act: string, daysLater: number, recalled?: number])[] = [
  ['NOTIFY_PRODUCER', 1],
  ['ADMIT_DEFECT', 4],
  ['REPORT_PLAN', 8],
  ['PUBLISH', 1],
  ['RECORD_PROGRESS', 80, 900],
  ['COMPLETE', 20, 1_000],
  ['SUMMARISE', 10, 1_000],
  ['CLOSE', 5],
];
/** The public value is named before it is known. */
const VALUE_AFTER_MS = 3_000;

interface People {
  readonly organiser: Http;
  readonly county: Http;
  readonly laboratory: Http;
  /** The organiser, as it asks the exchange. */
  readonly office: Http;
}

/**
 * A round of food and a round of products, from their annual plan to the end of the case, at a process of inspection whose clock this moves:
 * firms drawn so that anybody repeats it, samples bought, sealed and tested, results served, one objection lost, one won, one re-check
 * passed, a case that stood still, a recall, and what follows from each at the platform that sold the goods.
 */
export class TwoRounds {
  private readonly began = dayInChina(new Date());
  private readonly year = Number(this.began.slice(0, 4));
  private daysLater = 0;
  private readonly people: People;
  private readonly inspection: LaterProcess;
  private readonly say: (line: string) => void;

  private constructor(people: People, inspection: LaterProcess, say: (line: string) => void) {
    this.people = people;
    this.inspection = inspection;
    this.say = say;
  }

  static async run(stack: RunningStack, say: (line: string) => void): Promise<ThirdAct> {
    const inspection = await stack.later('inspection', 0);
    try {
      const as = (principal: string, origin = inspection.origin): Promise<Http> => Http.as(origin, stack.servers, principal);
      const [organiser, county, laboratory, office] = await Promise.all([
        as('tj-amr'),
        as(COUNTY),
        as('tj-lab'),
        as('tj-amr', stack.origin),
      ]);
      return await new TwoRounds({ organiser, county, laboratory, office }, inspection, say).tell();
    } finally {
      await inspection.stop();
    }
  }

  private async tell(): Promise<ThirdAct> {
    await this.planned(CATEGORIES);
    await this.listed();
    const food = await this.drawn('FOOD', CATEGORIES[0]);
    const product = await this.drawn('PRODUCT', CATEGORIES[1]);
    const lost = await this.sampled(food, 1, async (sampleNo) => {
      await this.objected(sampleNo, 'FOOD', 'UNQUALIFIED');
      await this.prosecuted(sampleNo);
      await this.corrected(sampleNo);
    });
    const won = await this.sampled(product, 1, (sampleNo) => this.objected(sampleNo, 'PRODUCT', 'QUALIFIED'));
    await this.isTold(won.subject, 'RESTORE');
    this.say(
      `${won.subject}: the re-inspection found it qualified, ${PLATFORM} is asked to RESTORE; ${lost.subject}: it was confirmed, corrected and closed`,
    );
    const passed = await this.sampled(product, 2, (sampleNo) => this.corrected(sampleNo));
    await this.isTold(passed.subject, 'RESUME');
    this.say(`${passed.subject}: corrected and checked again, ${PLATFORM} may sell new batches (RESUME)`);
    await this.closed(food, 2);
    for (const round of [food, product]) await this.opened(round);
    const recall = await this.recalled(passed.subject);
    return { rounds: [food, product], lost, won, passed, recall };
  }

  /** How much is to be sampled of what in this year, public before a round carries it out. */
  private async planned(categories: readonly string[]): Promise<void> {
    const quotas = categories.map((category) => ({ category, ...STRATUM, number: DRAWN }));
    const { planId } = await this.people.organiser.post<{ planId: string }>(PLANS, {
      planNo: PLAN_NO,
      year: this.year,
      title: '演示年度计划',
      quotas,
    });
    await this.people.organiser.post(`${PLANS}/${planId}/publication`, {});
  }

  /** Who may test food again, as it is published. */
  private async listed(): Promise<void> {
    const laboratories = USCCS.map((uscc, n) => ({ name: `演示第${n + 1}复检机构`, uscc, from: this.began }));
    await this.people.organiser.put(LABORATORIES, { documentNo: '演示名录1号', publishedOn: this.began, laboratories });
    this.say(`${laboratories.length} laboratories may test food again: one of them is drawn when an objection leads to it`);
  }

  /** Planned, rules published, committed to, revealed; and repeated by the tool from the public record alone. */
  private async drawn(regime: Regime, category: string): Promise<Sampling> {
    const { organiser } = this.people;
    const roundNo = `DEMO-${regime}-${RUN}`;
    const quotas = [{ ...STRATUM, number: DRAWN }];
    const plan = { roundNo, title: `演示${category}抽查`, level: 'CITY', year: this.year, planNo: PLAN_NO, regime, category };
    const { roundId } = await organiser.post<{ roundId: string }>(ROUNDS, { ...plan, coverage: 'COMPLETE_ROUND', quotas });
    const rules = {
      title: `${category}抽查实施细则`,
      url: 'https://scjg.tj.gov.cn/',
      sha256: HASH,
      methods: [{ item: '铅', method: 'GB 5009.12' }],
    };
    await organiser.put(`${ROUNDS}/${roundId}/rules`, rules);
    const seed = randomBytes(32).toString('hex');
    const at = Date.now() + VALUE_AFTER_MS;
    const firms = Array.from({ length: 12 }, (_, n) => ({
      id: `firm-${n}`,
      name: `演示第${n + 1}号企业`,
      ...STRATUM,
    }));
    await organiser.post(`${ROUNDS}/${roundId}/draw`, {
      objects: firms,
      inspectors: Array.from({ length: 4 }, (_, n) => ({ id: `sampler-${n}`, employerId: 'tj-amr' })),
      laboratories: [{ id: 'tj-lab', employerId: 'tj-lab' }],
      seedHash: createHash('sha256').update(seed).digest('hex'),
      publicValue: { source: '演示公共数值', at: new Date(at).toISOString() },
    });
    await sleep(Math.max(0, at + 200 - Date.now()));
    await organiser.post(`${ROUNDS}/${roundId}/draw/revelation`, { seed, publicValue: '03 11 17 22 28 33 + 07' });
    const assignments = await organiser.get<Assignment[]>(`${ROUNDS}/${roundId}/draw/assignments`);
    repeated(await organiser.text(`${ROUNDS}/${roundId}/draw`));
    this.say(`${roundNo}: ${assignments.length} of ${firms.length} firms drawn, and drawn again from the public record by verify-draw`);
    return { regime, roundNo, pool: firms.length, drawn: assignments.map(({ name }) => name), roundId, assignments };
  }

  /** What a firm sells online is bought, tested and fails; its case is served and goes the way that is told. */
  private async sampled(round: Sampling, nth: number, told: (sampleNo: string) => Promise<void>): Promise<TimedCase> {
    const sampleNo = `${round.roundNo}-${nth}`;
    await this.bought(round, sampleNo, nth);
    await this.tested(sampleNo);
    const { organiser } = this.people;
    await organiser.post(CASES, { sampleNo });
    await this.act(sampleNo, 2, 'SERVE', { mode: 'DELIVERED' });
    await this.act(sampleNo, 0, 'SERVE', { party: 'PLATFORM', mode: 'DELIVERED' });
    await told(sampleNo);
    return this.timed(sampleNo, `tj-amr:${sampleNo}`);
  }

  /** Nobody is there any more: the sheet says why nothing was sampled. */
  private async closed(round: Sampling, nth: number): Promise<void> {
    const sampleNo = `${round.roundNo}-${nth}`;
    const objectId = round.assignments[nth - 1]?.id;
    await this.people.organiser.post(SHEETS, { sampleNo, roundId: round.roundId, objectId });
    await this.step(this.people.organiser, sampleNo, 'RECORD_NOT_SAMPLED', { ground: 'CLOSED', reason: '演示：已停业' });
  }

  /** Everything that was drawn has its sheet: now everybody may know who it was, and repeats the draw with it. */
  private async opened({ roundId, roundNo }: Sampling): Promise<void> {
    await this.people.organiser.post(`${ROUNDS}/${roundId}/draw/opening`, {});
    repeated(await this.people.organiser.text(`${ROUNDS}/${roundId}/draw`));
    this.say(`${roundNo}: opened, since all that was drawn has its sheet`);
  }

  private async bought({ roundId, assignments }: Sampling, sampleNo: string, nth: number): Promise<void> {
    const { organiser } = this.people;
    const firm = assignments[nth - 1];
    if (!firm) throw new Error(`only ${assignments.length} firms were drawn`);
    await organiser.post(SHEETS, { sampleNo, roundId, objectId: firm.id });
    const samplers = firm.inspectorIds.map((inspectorId) => ({ inspectorId }));
    await this.step(organiser, sampleNo, 'BEGIN_SAMPLING', { mode: 'ONLINE', samplers, documentNo: '演示通知书1号' });
    const orderedOn = this.today;
    this.later(3);
    for (const type of ['SHEET_SCAN', 'SCREENSHOT', 'ORDER', 'PAYMENT', 'UNPACKING_FILM']) await this.prove(organiser, sampleNo, type);
    const taken = { fromForSale: true, stock: 40, testQuantity: 2, backupQuantity: 1, unit: '件' };
    const paid = { testPriceFen: 3_980, testPaidFen: 7_960, backupPaidFen: 3_980 };
    await this.step(organiser, sampleNo, 'SEAL_SAMPLE', {
      sample: {
        product: { name: `演示产品${nth}`, batch: `B${nth}` },
        sampledParty: { name: firm.name, divisionCode: '120101' },
        ...{ ...taken, ...paid, ...sealsOf(sampleNo) },
      },
      purchase: {
        ...{ platformId: PLATFORM, shopName: '演示网店', listings: [{ url: 'https://item.example.cn/1' }], orderNo: sampleNo },
        ...{ buyerAccount: '演示买家', paymentAccount: '演示账户', orderedOn, receivedOn: this.today },
      },
    });
  }

  private async tested(sampleNo: string): Promise<void> {
    const { organiser, laboratory } = this.people;
    this.later(2);
    await this.step(laboratory, sampleNo, 'RECEIVE_SAMPLE', { ...sealsOf(sampleNo), sealsIntact: true });
    await this.step(laboratory, sampleNo, 'BEGIN_TESTING', { licence: 'NOT_REQUIRED' });
    this.later(12);
    const sha256 = await this.prove(laboratory, sampleNo, 'REPORT');
    const found = { verdict: 'UNQUALIFIED', items: [{ item: '铅', measured: '0.9mg/kg', limit: '≤0.5mg/kg', passed: false }] };
    const report = { reportNo: sampleNo, issuedOn: this.today, laboratory: { name: '天津市产品质量监督检测技术研究院' }, ...found };
    await this.step(laboratory, sampleNo, 'REPORT', { report, sha256 });
    await this.step(organiser, sampleNo, 'CONFIRM');
  }

  private async step(by: Http, sampleNo: string, act: string, facts: object = {}): Promise<void> {
    await by.post(`${SHEETS}/tj-amr/${sampleNo}/acts`, { act, on: this.today, ...facts });
  }

  private async prove(by: Http, sampleNo: string, type: string): Promise<string> {
    const form = new FormData();
    form.append('file', new Blob([`演示 ${sampleNo} ${type}`]), 'file');
    return (await by.post<{ sha256: string }>(`${SHEETS}/tj-amr/${sampleNo}/evidence?type=${type}`, form)).sha256;
  }

  private async objected(sampleNo: string, regime: Regime, verdict: 'QUALIFIED' | 'UNQUALIFIED'): Promise<void> {
    await this.act(sampleNo, 4, 'FILE_OBJECTION', { ground: 'CONCLUSION' });
    await this.act(sampleNo, 1, 'ACCEPT_OBJECTION', { documentNo: '演示受理1号' });
    await this.act(sampleNo, 1, 'ADMIT_REINSPECTION');
    await this.act(sampleNo, 3, 'COMPLETE_FORMALITIES');
    // Of food the service draws it from the list.
    await this.act(sampleNo, 5, 'CHOOSE_LABORATORY', regime === 'FOOD' ? {} : { laboratory: { name: '国家产品质量检验检测中心' } });
    await this.act(sampleNo, 20, 'RECORD_REINSPECTION', { verdict });
  }

  private async corrected(sampleNo: string): Promise<void> {
    await this.act(sampleNo, 3, 'HAND_OVER', { departmentId: COUNTY });
    await this.act(sampleNo, 1, 'ORDER_STOP_SALE', { documentNo: '演示停售1号' });
    await this.act(sampleNo, 3, 'ORDER_CORRECTION', { documentNo: '演示责改1号' });
    await this.act(sampleNo, 40, 'RECORD_RECHECK', { passed: true });
    await this.act(sampleNo, 2, 'CLOSE_HANDLING');
  }

  /** The clue becomes a case, whose time stands still for a hearing. */
  private async prosecuted(sampleNo: string): Promise<void> {
    await this.act(sampleNo, 1, 'HAND_OVER_CLUE', { departmentId: COUNTY });
    await this.act(sampleNo, 5, 'FILE_CASE', { documentNo: '演示立案1号' });
    await this.act(sampleNo, 20, 'PAUSE_CASE', { documentNo: '演示听证1号', notCounted: 'HEARING' });
    await this.act(sampleNo, 15, 'RESUME_CASE', { documentNo: '演示听证1号' });
    await this.act(sampleNo, 5, 'CONCLUDE_CASE', { documentNo: '演示处罚1号' });
  }

  /** The next step, so many days after the last one; what is ordered, checked and prosecuted is the county’s. */
  private async act(sampleNo: string, daysLater: number, act: string, facts: object = {}): Promise<void> {
    this.later(daysLater);
    const said = { act, party: 'SAMPLED_PARTY', on: this.today, sha256: HASH, reason: '演示', ...facts };
    const by = OF_THE_COUNTY.includes(act) ? this.people.county : this.people.organiser;
    await by.post(`${CASES}/tj-amr/${sampleNo}/acts`, said);
  }

  private later(days: number): void {
    this.daysLater += days;
    this.inspection.moveTo(this.daysLater);
  }

  /** The day that the service goes by. */
  private get today(): string {
    return addDays(dayInChina(new Date()), this.daysLater);
  }

  /** The periods as the service has derived them, each with its article. */
  private async timed(subject: string, listedAs: string): Promise<TimedCase> {
    const all = await this.people.organiser.all<Listed>('/api/inspection/deadlines?state=all');
    const own = all.filter((one) => one.subject === listedAs).sort((one, other) => (one.startedOn < other.startedOn ? -1 : 1));
    const deadlines = own.map(({ clock, startedOn, dueOn, state, provisional, legalBasis }) => {
      const { instrument, article = '', ruleVersion } = legalBasis;
      return { clock, startedOn, dueOn, state, provisional, ruleVersion, basis: `${instrument}${article}` };
    });
    return { subject, deadlines };
  }

  /** The same goods are recalled, from the clue to the end: off sale at once, and kept from coming back when it is over. */
  private async recalled(sampleNo: string): Promise<TimedCase> {
    const recallNo = `DEMO-RECALL-${RUN}`;
    const product = { name: '演示产品2', brand: '演示', batches: ['B2'], gtins: ['06901234567892'] };
    const clue = { on: this.today, clue: '抽查发现铅超标', subject: `tj-amr:${sampleNo}`, hazard: '铅超标' };
    await this.people.organiser.post(RECALLS, { ...clue, recallNo, product, producer: { name: '演示生产企业' }, measure: '退货退款' });
    for (const [act, daysLater, recalled] of RECALL_STEPS) {
      this.later(daysLater);
      const said = { act, on: this.today, sha256: HASH, reason: '演示', ...(recalled !== undefined && { recalled }) };
      await this.people.organiser.post(`${RECALLS}/${recallNo}/acts`, said);
      if (act === 'PUBLISH') await this.isAsked(recallNo, ['STOP_SALE', 'DELIST', 'BLOCK_RELISTING', 'INFORM_MERCHANT']);
    }
    await this.isAsked(recallNo, ['BLOCK_RELISTING']);
    this.say(`${recallNo}: recalled and closed; ${PLATFORM} had to take the goods off sale, and has still to keep them off`);
    return this.timed(recallNo, recallNo);
  }

  private async isTold(sampleNo: string, action: string): Promise<void> {
    await this.told(`tj-amr:${sampleNo}`, action, (actions) => actions.some((one) => one.action === action));
  }

  private async isAsked(recallNo: string, actions: readonly string[]): Promise<void> {
    const are = (asked: readonly Asked[]): string => asked.flatMap(({ action, mandatory }) => (mandatory ? action : [])).join();
    await this.told(recallNo, actions.join(), (asked) => are(asked) === actions.join());
  }

  private async told(subject: string, what: string, fits: (actions: readonly Asked[]) => boolean): Promise<void> {
    await until(`${PLATFORM} to be told ${what} of ${subject}`, async () => {
      const { items } = await this.people.office.get<{ items: Told[] }>(`/api/exchange/feedback?subject=${subject}&platform=${PLATFORM}`);
      return items.some(({ actionsRequired }) => fits(actionsRequired)) || null;
    });
  }
}

/** The county’s bureau of the development stack. */
const COUNTY = 'tj-heping-amr';
const OF_THE_COUNTY = [
  ...['ORDER_STOP_SALE', 'ORDER_CORRECTION', 'RECORD_RECHECK', 'CLOSE_HANDLING'],
  ...['FILE_CASE', 'PAUSE_CASE', 'RESUME_CASE', 'CONCLUDE_CASE'],
];

const sealsOf = (sampleNo: string) => ({ testSeal: `${sampleNo}-1`, backupSeal: `${sampleNo}-2` });

function repeated(record: string): void {
  const { announcementHash } = JSON.parse(record) as { announcementHash: string };
  const { holds, stdout } = verified('verify-draw', record, '--announcement', announcementHash);
  if (!holds) throw new Error(`the draw cannot be repeated: ${stdout}`);
}
