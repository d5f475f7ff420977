import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { addDays, dayInChina, ruleOfVersion } from '@jinqiao/law';
import type { RunningStack } from '../stack.js';
import { Http, until, verified } from './outsider.js';
import type { DrawnRound, ThirdAct, TimedCase } from './report.js';

type Regime = 'FOOD' | 'PRODUCT';

interface Timed {
  readonly clocks: readonly { clock: string; startedOn: string; dueOn: string; ruleVersion: string; state: string }[];
}

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
const RESULTS = '/api/inspection/sampling-results';
const CASES = '/api/inspection/sampling-cases';
const PLAN_NO = `DEMO-${RUN}`;
const CATEGORIES = ['食用农产品', '儿童用品'] as const;
const STRATUM = { divisionCode: '120101', riskClass: 'C' };
const DRAWN = 2;
const PLATFORM = 'jd';
const HASH = createHash('sha256').update('演示文书').digest('hex');
/** The acts are dated as if they were done then; the day that the service goes by is the real one. */
const DAYS_AGO = 215;
const RECALLED_DAYS_AGO = 150;
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
const VALUE_AFTER_MS = 1_500;

/**
 * A round of food and a round of products, from their annual plan to the end of the case: firms drawn so that anybody repeats it, results
 * served, one objection lost, one won, one re-check passed, a recall, and what follows from each at the platform that sold the goods.
 */
export class TwoRounds {
  private day = addDays(dayInChina(new Date()), -DAYS_AGO);
  private readonly year = Number(this.day.slice(0, 4));
  private readonly organiser: Http;
  private readonly county: Http;
  private readonly say: (line: string) => void;

  private constructor(organiser: Http, county: Http, say: (line: string) => void) {
    this.organiser = organiser;
    this.county = county;
    this.say = say;
  }

  static async run({ origin, servers }: RunningStack, say: (line: string) => void): Promise<ThirdAct> {
    const [organiser, county] = await Promise.all([Http.as(origin, servers, 'tj-amr'), Http.as(origin, servers, COUNTY)]);
    return new TwoRounds(organiser, county, say).tell();
  }

  private async tell(): Promise<ThirdAct> {
    await this.planned(CATEGORIES);
    const food = await this.drawn('FOOD', CATEGORIES[0]);
    const product = await this.drawn('PRODUCT', CATEGORIES[1]);
    const lost = await this.sampled(food, 1, async (sampleNo) => {
      await this.objected(sampleNo, 'UNQUALIFIED');
      await this.corrected(sampleNo);
    });
    const won = await this.sampled(product, 1, (sampleNo) => this.objected(sampleNo, 'QUALIFIED'));
    await this.isTold(won.subject, 'RESTORE');
    this.say(
      `${won.subject}: the re-inspection found it qualified, ${PLATFORM} is asked to RESTORE; ${lost.subject}: it was confirmed, corrected and closed`,
    );
    const passed = await this.sampled(product, 2, (sampleNo) => this.corrected(sampleNo));
    await this.isTold(passed.subject, 'RESUME');
    this.say(`${passed.subject}: corrected and checked again, ${PLATFORM} may sell new batches (RESUME)`);
    const recall = await this.recalled(passed.subject);
    return { rounds: [food, product], lost, won, passed, recall };
  }

  /** How much is to be sampled of what in this year, public before a round carries it out. */
  private async planned(categories: readonly string[]): Promise<void> {
    const quotas = categories.map((category) => ({ category, ...STRATUM, number: DRAWN }));
    const { planId } = await this.organiser.post<{ planId: string }>(PLANS, {
      planNo: PLAN_NO,
      year: this.year,
      title: '演示年度计划',
      quotas,
    });
    await this.organiser.post(`${PLANS}/${planId}/publication`, {});
  }

  /** Planned, rules published, committed to, revealed; and repeated by the tool from the public record alone. */
  private async drawn(regime: Regime, category: string): Promise<DrawnRound> {
    const roundNo = `DEMO-${regime}-${RUN}`;
    const quotas = [{ ...STRATUM, number: DRAWN }];
    const plan = { roundNo, title: `演示${category}抽查`, level: 'CITY', year: this.year, planNo: PLAN_NO, regime, category };
    const { roundId } = await this.organiser.post<{ roundId: string }>(ROUNDS, { ...plan, coverage: 'COMPLETE_ROUND', quotas });
    const rules = {
      title: `${category}抽查实施细则`,
      url: 'https://scjg.tj.gov.cn/',
      sha256: HASH,
      methods: [{ item: '铅', method: 'GB 5009.12' }],
    };
    await this.organiser.put(`${ROUNDS}/${roundId}/rules`, rules);
    const seed = randomBytes(32).toString('hex');
    const at = Date.now() + VALUE_AFTER_MS;
    const firms = Array.from({ length: 12 }, (_, n) => ({
      id: `firm-${n}`,
      name: `演示第${n + 1}号企业`,
      ...STRATUM,
    }));
    await this.organiser.post(`${ROUNDS}/${roundId}/draw`, {
      objects: firms,
      inspectors: Array.from({ length: 4 }, (_, n) => ({ id: `sampler-${n}`, employerId: 'tj-amr' })),
      laboratories: [{ id: 'tj-lab', employerId: 'tj-lab' }],
      seedHash: createHash('sha256').update(seed).digest('hex'),
      publicValue: { source: '演示公共数值', at: new Date(at).toISOString() },
    });
    await sleep(Math.max(0, at + 200 - Date.now()));
    await this.organiser.post(`${ROUNDS}/${roundId}/draw/revelation`, { seed, publicValue: '03 11 17 22 28 33 + 07' });
    const names = (await this.organiser.get<{ name: string }[]>(`${ROUNDS}/${roundId}/draw/assignments`)).map(({ name }) => name);
    await this.organiser.post(`${ROUNDS}/${roundId}/draw/opening`, {});
    repeated(await this.organiser.text(`${ROUNDS}/${roundId}/draw`));
    this.say(`${roundNo}: ${names.length} of ${firms.length} firms drawn, and drawn again from the public record by verify-draw`);
    return { regime, roundNo, pool: firms.length, drawn: names };
  }

  /** A firm that was drawn fails; its case is served and goes the way that is told. */
  private async sampled(
    { regime, roundNo, drawn }: DrawnRound,
    nth: number,
    told: (sampleNo: string) => Promise<void>,
  ): Promise<TimedCase> {
    this.day = addDays(dayInChina(new Date()), -DAYS_AGO);
    const sampleNo = `${roundNo}-${nth}`;
    await this.organiser.post(RESULTS, {
      sampleNo,
      regime,
      finality: 'PROVISIONAL',
      verdict: 'UNQUALIFIED',
      product: { name: `演示产品${nth}`, batch: `B${nth}` },
      failingItems: [{ item: '铅', measured: '0.9mg/kg', limit: '≤0.5mg/kg' }],
      sampledParty: { name: drawn[nth - 1] ?? '', divisionCode: '120101' },
      online: { platformId: PLATFORM, shopName: '演示网店' },
      laboratory: { name: '天津市产品质量监督检测技术研究院' },
      round: { no: roundNo, coverage: 'COMPLETE_ROUND' },
      sampledOn: this.day,
    });
    await this.organiser.post(CASES, { sampleNo });
    await this.act(sampleNo, 15, 'SERVE', { mode: 'DELIVERED' });
    await told(sampleNo);
    return { subject: sampleNo, deadlines: timed(await this.organiser.get<Timed>(`${CASES}/tj-amr/${sampleNo}`)) };
  }

  private async objected(sampleNo: string, verdict: 'QUALIFIED' | 'UNQUALIFIED'): Promise<void> {
    await this.act(sampleNo, 4, 'FILE_OBJECTION', { ground: 'CONCLUSION' });
    await this.act(sampleNo, 2, 'ADMIT_REINSPECTION');
    await this.act(sampleNo, 3, 'COMPLETE_FORMALITIES');
    await this.act(sampleNo, 5, 'CHOOSE_LABORATORY', { laboratory: { name: '国家产品质量检验检测中心' }, documentNo: '演示抽签1号' });
    await this.act(sampleNo, 20, 'RECORD_REINSPECTION', { verdict });
  }

  private async corrected(sampleNo: string): Promise<void> {
    await this.act(sampleNo, 3, 'HAND_OVER', { departmentId: COUNTY });
    await this.act(sampleNo, 4, 'ORDER_CORRECTION', { documentNo: '演示责改1号' });
    await this.act(sampleNo, 40, 'RECORD_RECHECK', { passed: true });
    await this.act(sampleNo, 2, 'CLOSE_HANDLING');
  }

  /** The next step, so many days after the last one; what is ordered and checked is the county’s. */
  private async act(sampleNo: string, daysLater: number, act: string, facts: object = {}): Promise<void> {
    this.day = addDays(this.day, daysLater);
    const said = { act, party: 'SAMPLED_PARTY', on: this.day, sha256: HASH, reason: '演示', ...facts };
    const by = OF_THE_COUNTY.includes(act) ? this.county : this.organiser;
    await by.post(`${CASES}/tj-amr/${sampleNo}/acts`, said);
  }

  /** The same goods are recalled, from the clue to the end: off sale at once, and kept from coming back when it is over. */
  private async recalled(sampleNo: string): Promise<TimedCase> {
    this.day = addDays(dayInChina(new Date()), -RECALLED_DAYS_AGO);
    const recallNo = `DEMO-RECALL-${RUN}`;
    const product = { name: '演示产品2', brand: '演示', batches: ['B2'], gtins: ['06901234567892'] };
    const clue = { on: this.day, clue: '抽查发现铅超标', subject: `tj-amr:${sampleNo}`, hazard: '铅超标' };
    await this.organiser.post(RECALLS, { ...clue, recallNo, product, producer: { name: '演示生产企业' }, measure: '退货退款' });
    for (const [act, daysLater, recalled] of RECALL_STEPS) {
      this.day = addDays(this.day, daysLater);
      const said = { act, on: this.day, sha256: HASH, reason: '演示', ...(recalled !== undefined && { recalled }) };
      await this.organiser.post(`${RECALLS}/${recallNo}/acts`, said);
      if (act === 'PUBLISH') await this.isAsked(recallNo, ['STOP_SALE', 'DELIST', 'BLOCK_RELISTING', 'INFORM_MERCHANT']);
    }
    await this.isAsked(recallNo, ['BLOCK_RELISTING']);
    this.say(`${recallNo}: recalled and closed; ${PLATFORM} had to take the goods off sale, and has still to keep them off`);
    return { subject: recallNo, deadlines: timed(await this.organiser.get<Timed>(`${RECALLS}/${recallNo}`)) };
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
      const { items } = await this.organiser.get<{ items: Told[] }>(`/api/exchange/feedback?subject=${subject}&platform=${PLATFORM}`);
      return items.some(({ actionsRequired }) => fits(actionsRequired)) || null;
    });
  }
}

/** The county’s bureau of the development stack. */
const COUNTY = 'tj-heping-amr';
const OF_THE_COUNTY = ['ORDER_CORRECTION', 'RECORD_RECHECK', 'CLOSE_HANDLING'];

const timed = ({ clocks }: Timed): TimedCase['deadlines'] => clocks.map((clock) => ({ ...clock, basis: basisOf(clock.ruleVersion) }));

function basisOf(version: string): string {
  const { instrument, article = '' } = ruleOfVersion(version).legalBasis;
  return `${instrument}${article}`;
}

function repeated(record: string): void {
  const { announcementHash } = JSON.parse(record) as { announcementHash: string };
  const { holds, stdout } = verified('verify-draw', record, '--announcement', announcementHash);
  if (!holds) throw new Error(`the draw cannot be repeated: ${stdout}`);
}
