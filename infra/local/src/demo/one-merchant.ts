import type { CreditStatusChanged } from '@jinqiao/contracts';
import { addDays, addMonths, dayInChina } from '@jinqiao/law';
import { Simulator } from '@jinqiao/simulator';
import { clientSecret } from '../secrets.js';
import type { RunningStack } from '../stack.js';
import { Http, until } from './outsider.js';
import type { FourthAct } from './report.js';

const PLATFORM = 'jd';
/** Of no notice. */
const MERCHANT = { uscc: '91120000100777749G', name: '天津津桥信用商贸有限公司' };
const RUN = Date.now().toString(36).toUpperCase();
const RECORDS = '/api/credit/records';
/** The record whose period ends by itself is public for so many days yet. */
const DAYS_LEFT = 2;
/** credit lets periods end once a minute. */
const SWEPT_WITHIN_MS = 120_000;

type People = Readonly<Record<'department' | 'office' | 'operator' | 'platform', Http>>;

interface Verified {
  readonly records: readonly {
    readonly recordNo: string;
    readonly digest: { readonly documentNo: string };
    readonly contested?: boolean;
  }[];
}

/**
 * Three credit records of one merchant, public and known to its platform: one is contested and revoked, one repaired by the credit office,
 * one expires when the clock moves. The platform is dead meanwhile; when it is back it undoes what it holds, and the report of stale
 * penalties is empty.
 */
export class OneMerchant {
  private readonly stack: RunningStack;
  private readonly people: People;
  private readonly simulator: Simulator;
  private readonly say: (line: string) => void;

  private constructor(stack: RunningStack, people: People, simulator: Simulator, say: (line: string) => void) {
    this.stack = stack;
    this.people = people;
    this.simulator = simulator;
    this.say = say;
  }

  static async run(stack: RunningStack, say: (line: string) => void): Promise<FourthAct> {
    const { origin, servers } = stack;
    const as = (id: string): Promise<Http> => Http.as(origin, servers, id);
    const [department, office, operator, platform] = await Promise.all([as('tj-amr'), as('tj-credit'), as('operator'), as(PLATFORM)]);
    await platform.post('/api/registration/merchants', { shopId: `credit-${RUN}`, shopName: '津桥信用店', uscc: MERCHANT.uscc });
    const { issuer, seed, kafkaBrokers } = servers;
    const access = { origin, issuer, clientId: PLATFORM, clientSecret: clientSecret(seed, PLATFORM), brokers: kafkaBrokers.split(',') };
    const simulator = await Simulator.start({ access, channel: 'KAFKA', stance: 'ACTED', onlyNew: true });
    try {
      return await new OneMerchant(stack, { department, office, operator, platform }, simulator, say).tell();
    } finally {
      await simulator.stop();
    }
  }

  private async tell(): Promise<FourthAct> {
    const { department, platform } = this.people;
    const today = dayInChina(new Date());
    const [revoked, repaired, expired] = [
      { ...aRecord(1), type: 'PENALTY', class: 'GENERAL', documentDate: addDays(today, -20) },
      { ...aRecord(2), type: 'PENALTY', class: 'SERIOUS', documentDate: addMonths(today, -14) },
      { ...aRecord(3), type: 'SPOT_CHECK', documentDate: addDays(addMonths(today, -36), DAYS_LEFT) },
    ] as const;
    await department.post(RECORDS, [revoked, repaired, expired]);
    await this.holds('three public records', (recordNos) => recordNos.length === 3);
    await department.post(RECORDS, { ...revoked, revision: 2, contested: true });
    await until(`${PLATFORM} to see that ${revoked.recordNo} is contested`, async () => {
      const { records } = await platform.get<Verified>(`/api/credit/verifications/${MERCHANT.uscc}?purpose=CONTRACTED`);
      const one = records.find(({ digest, contested }) => digest.documentNo === revoked.digest.documentNo && contested);
      return (one && this.hasHeardOfContest(one.recordNo)) || null;
    });
    this.say(`${PLATFORM} knows of three public records of its merchant, and that ${revoked.recordNo} is contested`);
    await this.simulator.behave({ dead: 'REFUSING' });
    await this.end(revoked.recordNo, repaired.digest.documentNo);
    await this.expire(expired.recordNo);
    const notUndone = await until('the report of stale penalties to name them', async () => (await this.notUndone()) || null);
    this.say(`all three have ended: revoked, repaired, expired; ${PLATFORM} is dead and still holds them`);
    const began = Date.now();
    await this.simulator.behave({ dead: null });
    await this.holds('none of them', (recordNos) => recordNos.length === 0);
    await until('the report of stale penalties to be empty', async () => (await this.notUndone()) === 0 || null);
    const clearedAfterMs = Date.now() - began;
    this.say(`${PLATFORM} is back and has undone what it held; the report of stale penalties is empty`);
    const ended = await Promise.all([
      this.ended(revoked.recordNo, 'by its department, as the objection was right'),
      this.ended(repaired.recordNo, 'by a decision of the national credit site'),
      this.ended(expired.recordNo, `by the clock, ${DAYS_LEFT + 1} days later`),
    ]);
    return { platformId: PLATFORM, uscc: MERCHANT.uscc, ended, stale: { notUndone, clearedAfterMs } };
  }

  private async end(recordNo: string, documentNo: string): Promise<void> {
    const { department, office } = this.people;
    const decidedOn = dayInChina(new Date());
    const retraction = { revision: 3, ground: 'REVOKED', reason: '演示：异议成立，决定撤销', decidedOn };
    await department.post(`${RECORDS}/${recordNo}/retraction`, retraction);
    const decision = { decisionNo: `演示信修${RUN}`, uscc: MERCHANT.uscc, documentNo, decidedOn, decidedBy: '信用中国', reason: '演示' };
    await office.post('/api/credit/repair-decisions', decision);
  }

  /** A second process of credit, for which it is some days later, ends what has come to its last day; the first goes on undisturbed. */
  private async expire(recordNo: string): Promise<void> {
    this.say(`credit's clock moves ${DAYS_LEFT + 1} days; it looks once a minute`);
    const later = await this.stack.later('credit', DAYS_LEFT + 1);
    try {
      await until(`${recordNo} to expire`, async () => (await this.standing(recordNo)) === 'EXPIRED' || null, SWEPT_WITHIN_MS);
    } finally {
      await later.stop();
    }
  }

  private async ended(recordNo: string, by: string): Promise<FourthAct['ended'][number]> {
    return { recordNo, standing: await this.standing(recordNo), by };
  }

  private async standing(recordNo: string): Promise<string> {
    const { records } = await this.people.department.get<{ records: { standing: string }[] }>(`${RECORDS}/${recordNo}`);
    return records[0]?.standing ?? '';
  }

  private async notUndone(): Promise<number> {
    const items = await this.people.operator.all<{ subject: string }>(`/api/exchange/feedback/not-undone?platform=${PLATFORM}`);
    return items.filter(({ subject }) => subject === MERCHANT.uscc).length;
  }

  private async holds(what: string, fits: (recordNos: readonly string[]) => boolean): Promise<void> {
    await until(`${PLATFORM} to hold ${what}`, () => Promise.resolve(fits(this.held()) || null));
  }

  private held(): readonly string[] {
    return this.heard().recordNos ?? [];
  }

  /** The platform has been told so, without asking. */
  private hasHeardOfContest(recordNo: string): boolean {
    return (this.heard().records ?? []).some((one) => one.recordNo === recordNo && one.contested === true);
  }

  private heard(): Partial<CreditStatusChanged> {
    const told = this.simulator.memory.feedbacks.find(
      ({ told: { kind, subject } }) => kind === 'CREDIT_STATUS' && subject === MERCHANT.uscc,
    )?.told;
    return told && 'content' in told ? told.content : {};
  }
}

const aRecord = (nth: number) => ({
  recordNo: `DEMO-${RUN}-${nth}`,
  uscc: MERCHANT.uscc,
  revision: 1,
  digest: { documentNo: `演示文书${RUN}-${nth}`, matter: '演示事项', authority: '天津市市场监督管理委员会' },
});
