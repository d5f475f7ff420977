import { type ChannelName, type Held, Simulator, type Stance } from '@jinqiao/simulator';
import { clientSecret } from '../secrets.js';
import type { RunningStack } from '../stack.js';
import { Http, until, verified } from './outsider.js';
import type { EvidenceChecked, SecondAct } from './report.js';

/** Who is told by what, and how it answers. The one by webhook dies in the middle. */
const CAST: readonly { readonly id: string; readonly channel: ChannelName; readonly stance: Stance }[] = [
  { id: 'jd', channel: 'KAFKA', stance: 'ACTED' },
  { id: 'tmall', channel: 'WEBHOOK', stance: 'ACTED' },
  { id: 'meituan', channel: 'PULL', stance: 'CONTESTED' },
];
/** Sells on all three; of no notice. */
const MERCHANT = { uscc: '911200001007777731', name: '天津津桥演示商贸有限公司' };
const RUN = Date.now().toString(36).toUpperCase();

interface Side {
  readonly id: string;
  readonly channel: ChannelName;
  readonly simulator: Simulator;
  readonly http: Http;
}

/** Three platforms by three channels, from one merchant's results to their withdrawal everywhere, and the proof of it. */
export class ThreePlatforms {
  private readonly department: Http;
  private readonly operator: Http;
  private readonly sides: readonly Side[];
  private readonly say: (line: string) => void;
  private readonly sampleNos: string[] = [];

  private constructor(department: Http, operator: Http, sides: readonly Side[], say: (line: string) => void) {
    this.department = department;
    this.operator = operator;
    this.sides = sides;
    this.say = say;
  }

  static async run({ origin, servers }: RunningStack, say: (line: string) => void): Promise<SecondAct> {
    const sides = await Promise.all(
      CAST.map(async ({ id, channel, stance }): Promise<Side> => {
        const http = await Http.as(origin, servers, id);
        await http.post('/api/registration/merchants', { shopId: `demo-${RUN}`, shopName: '津桥演示店', uscc: MERCHANT.uscc });
        const { issuer, seed, kafkaBrokers } = servers;
        const access = { origin, issuer, clientId: id, clientSecret: clientSecret(seed, id), brokers: kafkaBrokers.split(',') };
        return { id, channel, http, simulator: await Simulator.start({ access, channel, stance, onlyNew: true }) };
      }),
    );
    try {
      const [department, operator] = await Promise.all([Http.as(origin, servers, 'tj-amr'), Http.as(origin, servers, 'operator')]);
      return await new ThreePlatforms(department, operator, sides, say).tell();
    } finally {
      await Promise.all(sides.map(({ simulator }) => simulator.stop()));
    }
  }

  private async tell(): Promise<SecondAct> {
    for (const { id } of this.sides) await this.report(id);
    await this.everyoneHolds('a result and the merchant’s status', (held) => ofKind(held, 'SAMPLING_RESULT') && statusCounts(held, 3));
    this.say(`${this.sides.map(({ id, channel }) => `${id} by ${channel}`).join(', ')}: each is told of its result and of the merchant`);
    const caughtUp = await this.dieAndCatchUp();
    const contested = await this.contested();
    const withdrawn = await this.withdraw();
    const evidence = await this.evidence();
    const told = this.sides.map(({ id, channel, simulator }) => ({ platformId: id, channel, held: simulator.memory.feedbacks.length }));
    return { told, caughtUp, contested, withdrawn, evidence };
  }

  private async report(platformId: string): Promise<void> {
    const sampleNo = `DEMO-${RUN}-${this.sampleNos.length + 1}`;
    this.sampleNos.push(sampleNo);
    await this.department.post('/api/inspection/sampling-results', {
      sampleNo,
      regime: 'FOOD',
      finality: 'FINAL',
      verdict: 'UNQUALIFIED',
      product: { name: '演示单晶冰糖', category: '食糖' },
      failingItems: [{ item: '蔗糖分', measured: '99.3%', limit: '不低于99.6%' }],
      sampledParty: MERCHANT,
      online: { platformId, shopName: '津桥演示店' },
      notice: { no: '演示第1号', publishedOn: new Date().toISOString().slice(0, 10) },
    });
  }

  /** While one takes nothing the others go on; when it is back it has everything. */
  private async dieAndCatchUp(): Promise<SecondAct['caughtUp']> {
    const dying = this.sides.find(({ channel }) => channel === 'WEBHOOK');
    if (!dying) throw new Error('nobody is told by webhook');
    const { id, simulator, http } = dying;
    await simulator.behave({ dead: 'REFUSING' });
    await this.report(id);
    const others = this.sides.filter((side) => side !== dying);
    for (const side of others) await this.holds(side, 'the merchant’s fourth record', (held) => statusCounts(held, 4));
    const missed = await until(`what ${id} misses`, async () => {
      const { undelivered } = await http.get<{ undelivered: number }>('/api/exchange/channel');
      return undelivered >= 2 ? undelivered : null;
    });
    const began = Date.now();
    await simulator.behave({ dead: null });
    await this.holds(dying, 'everything', (held) => statusCounts(held, 4));
    const afterMs = Date.now() - began;
    this.say(`${id} was dead, missed ${missed}, and has them ${afterMs} ms after its return; the others never waited`);
    return { platformId: id, missed, afterMs };
  }

  private async contested(): Promise<SecondAct['contested']> {
    const side = this.sides[CAST.findIndex(({ stance }) => stance === 'CONTESTED')];
    const disputed = side?.simulator.memory.feedbacks.find(({ told }) => told.kind === 'SAMPLING_RESULT');
    if (!side || !disputed) throw new Error('nobody disputes anything');
    const { feedbackId, subject } = disputed.told;
    await until(`the dispute of ${side.id}`, async () => {
      const { answer } = await this.department.get<{ answer: { status: string } | null }>(`/api/exchange/feedback/${feedbackId}`);
      return answer?.status === 'CONTESTED' || null;
    });
    this.say(`${side.id} disputes ${subject}; the department sees it`);
    return { platformId: side.id, subject };
  }

  private async withdraw(): Promise<string[]> {
    for (const sampleNo of this.sampleNos) {
      await this.department.post(`/api/inspection/sampling-results/${sampleNo}/retraction`, {
        revision: 2,
        reason: '演示：检验有误，予以撤回',
      });
    }
    await this.everyoneHolds('every withdrawal', (held) => held.every(({ type }) => type === 'FeedbackWithdrawn'));
    const ids = this.sides.map(({ id }) => id);
    this.say(`the results are taken back, and with them the merchant’s status, at ${ids.join(', ')}`);
    return ids;
  }

  /** Of the feedback that died and came back: checked by the tool as anybody runs it, before and after a byte of it is changed. */
  private async evidence(): Promise<EvidenceChecked> {
    const side = this.sides.find(({ channel }) => channel === 'WEBHOOK');
    const told = side?.simulator.memory.feedbacks.find(({ told: { subject } }) => subject === `tj-amr:${this.sampleNos.at(-1)}`)?.told;
    if (!told) throw new Error('there is nothing to prove');
    const { feedbackId } = told;
    const answered = `both answers to revision ${told.revision}`;
    const pack = await until(answered, async () => {
      const text = await this.operator.text(`/api/exchange/feedback/${feedbackId}/evidence`);
      const { answers } = JSON.parse(text) as { answers: { feedbackRevision: number }[] };
      return answers.filter(({ feedbackRevision }) => feedbackRevision === told.revision).length === 2 ? text : null;
    });
    const { keys } = await this.operator.get<{ keys: { kid: string }[] }>('/api/exchange/ledger/keys');
    const kid = keys[0]?.kid ?? '';
    const check = (text: string) => verified('verify-evidence', text, '--key', kid);
    const whole = check(pack);
    if (!whole.holds) throw new Error(`the evidence does not hold: ${wrongIn(whole)}`);
    const changed = withOneByteChanged(pack);
    const caught = check(changed.text);
    if (caught.holds) throw new Error(`a changed byte (at ${changed.at}) was not caught`);
    this.say(`evidence of ${feedbackId} holds; with byte ${changed.at} changed it does not`);
    return { feedbackId, bytes: Buffer.byteLength(pack), changedByte: changed.at, caught: wrongIn(caught) };
  }

  private async everyoneHolds(what: string, holds: (held: readonly Held[]) => boolean): Promise<void> {
    for (const side of this.sides) await this.holds(side, what, holds);
  }

  private async holds({ id, simulator }: Side, what: string, holds: (held: readonly Held[]) => boolean): Promise<void> {
    await until(`${id} to hold ${what}`, () => Promise.resolve(holds(simulator.memory.feedbacks) || null));
  }
}

const ofKind = (held: readonly Held[], kind: Held['told']['kind']): boolean => held.some(({ told }) => told.kind === kind);

/** Is the merchant known to have so many public records? */
function statusCounts(held: readonly Held[], records: number): boolean {
  const status = held.find(({ told }) => told.kind === 'CREDIT_STATUS' && told.subject === MERCHANT.uscc)?.told;
  const content = status && 'content' in status ? (status.content as { recordNos?: readonly string[] }) : null;
  return content?.recordNos?.length === records;
}

/** One digit inside the platform’s feedback, where nobody would see it. */
function withOneByteChanged(text: string): { text: string; at: number } {
  const found = /"issuedAt":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d(\d)/.exec(text);
  if (!found) throw new Error('the evidence names no time');
  const at = found.index + found[0].length - 1;
  const digit = (Number(found[1]) + 1) % 10;
  return { text: `${text.slice(0, at)}${digit}${text.slice(at + 1)}`, at: Buffer.byteLength(text.slice(0, at)) };
}

/** The first thing that the verifier found wrong. */
function wrongIn({ stdout, stderr }: ReturnType<typeof verified>): string {
  const said = stdout.split('\n').find((line) => line.startsWith('WRONG')) ?? stderr;
  return said.replace('WRONG: ', '');
}
