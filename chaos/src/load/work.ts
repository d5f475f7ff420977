import type { Act, Ruling } from '../history.js';
import { COUNTY, ORGANISER } from '../stage.js';
import type { Desk, Way } from './desk.js';
import type { Speaking } from './outside.js';
import { uscc } from './uscc.js';

// What departments work on at inspection, from its beginning to its end; in some steps two that exclude each other are posted at once.

const SHA = 'c'.repeat(64);

const LISTED = '复检机构';

/** Who may test food again, as the province has published it; before anything is broken. */
export async function stateLaboratories(outside: Speaking): Promise<void> {
  const from = '2020-01-01';
  const laboratories = ['', '二', '三'].map((number, n) => ({ name: LISTED + number, uscc: uscc(91_001 + n), from }));
  const body = { documentNo: '名录1号', publishedOn: from, laboratories };
  const answer = await outside.http({ principal: ORGANISER, method: 'PUT', path: '/api/inspection/reinspection-laboratories', body });
  if (answer?.status !== 200) throw new Error(`the list was not taken: ${JSON.stringify(answer)}`);
}

/** The case of a result: served, then two of its tracks, the later of which may take the result away. */
export async function workOnCase(desk: Desk): Promise<void> {
  const { plan, random } = desk;
  const lane = plan.newResult('HTTP', ORGANISER);
  lane.closed = true;
  const reported = { ...plan.report(lane), published: random.chance(0.8), verdict: 'UNQUALIFIED' } as const;
  const regime = random.chance(0.6) ? 'PRODUCT' : 'FOOD';
  await desk.take({ ...reported, regime, producer: plan.producer() });
  const file = { matter: 'CASE', name: lane.sampleNo } as const;
  const ways: CaseWays = { ...waysOf(desk), regime };
  const { via } = ways;
  await desk.take(desk.act(file, 'OPEN', desk.day(0)), via);
  if (random.chance(0.2)) await desk.take(desk.act(file, 'REPORT_UNDELIVERABLE', desk.day(5), { ...SELLER, mode: 'POST' }), via);
  const serve = (mode: string): Act => desk.act(file, 'SERVE', desk.day(10), { ...SELLER, mode, sha256: SHA });
  await desk.race(serve('DELIVERED'), serve('POST'), ways.ofTwo());
  if (random.chance(0.2)) {
    await desk.take(desk.act(file, 'WRITE_TO_AUTHORITY', desk.day(10), { ...PRODUCER, authority: '外省局', sha256: SHA }), via);
  }
  await publish(desk, file, { ...ways, isPublic: reported.published });
  await random.pick([handle, followClue, disputeAuthorship])(desk, file, ways);
  await random.pick([objectToConclusion, objectToConclusion, objectToSampling])(desk, file, ways);
}

type File = Pick<Act, 'matter' | 'name'>;

/** Half of what is worked on goes over Kafka; of two steps at once one may come over HTTP, and both do as often: over one topic none meet. */
export interface Ways {
  readonly via: Way;
  readonly ofTwo: () => [Way, Way];
}

export function waysOf({ random }: Pick<Desk, 'random'>): Ways {
  const via: Way = random.chance(0.5) ? 'KAFKA' : 'HTTP';
  return { via, ofTwo: () => (random.chance(0.5) ? ['HTTP', 'HTTP'] : [via, random.pick([via, 'HTTP'])]) };
}

interface CaseWays extends Ways {
  readonly regime: 'PRODUCT' | 'FOOD';
}

const SELLER = { party: 'SAMPLED_PARTY' };
const PRODUCER = { party: 'NOMINAL_PRODUCER' };

/** Its organiser makes public what was not; some of what was is taken back under embargo, and may be published anew. */
async function publish(desk: Desk, file: File, { isPublic, via, ofTwo }: Ways & { readonly isPublic: boolean }): Promise<void> {
  const act = (name: string, day: number, documentNo: string): Act => desk.act(file, name, desk.day(day), { party: 'RESULT', documentNo });
  const notices = (day: number): Promise<Act> => desk.race(act('PUBLISH', day, '通告1号'), act('PUBLISH', day, '通告2号'), ofTwo());
  if (!isPublic) await notices(11);
  else if (desk.random.chance(0.3)) {
    await desk.take(act('EMBARGO', 11, '撤回1号'), via);
    if (desk.random.chance(0.5)) await notices(12);
  }
}

async function objectToConclusion(desk: Desk, file: File, ways: CaseWays): Promise<void> {
  const { via, ofTwo } = ways;
  const act = (name: string, day: number, facts: object): Act => desk.act(file, name, desk.day(day), { ...SELLER, sha256: SHA, ...facts });
  await desk.take(act('FILE_OBJECTION', 12, { ground: 'CONCLUSION' }), via);
  if (desk.random.chance(0.5)) await desk.take(act('ACCEPT_OBJECTION', 13, { documentNo: '受理1号' }), via);
  const upheld = act('DECIDE_OBJECTION', 14, { upheld: true, verdict: 'QUALIFIED' });
  if ((await desk.race(upheld, act('ADMIT_REINSPECTION', 14, {}), ofTwo())).act !== 'ADMIT_REINSPECTION') return;
  if (desk.random.chance(0.2)) return desk.take(act('WAIVE_REINSPECTION', 17, {}), via);
  await desk.take(act('COMPLETE_FORMALITIES', 17, {}), via);
  desk.leaveSome(0.3);
  // One that is on the list, or of food whoever is drawn from it.
  const isDrawn = ways.regime === 'FOOD' && desk.random.chance(0.5);
  await desk.take(act('CHOOSE_LABORATORY', 20, isDrawn ? {} : { laboratory: { name: LISTED }, documentNo: '抽签1号' }), via);
  const found = (verdict: string): Act => act('RECORD_REINSPECTION', 40, { verdict });
  await desk.race(found('QUALIFIED'), found('UNQUALIFIED'), ofTwo());
}

async function objectToSampling(desk: Desk, file: File, { via, ofTwo }: Ways): Promise<void> {
  await desk.take(desk.act(file, 'FILE_OBJECTION', desk.day(12), { ...SELLER, sha256: SHA, ground: 'AUTHENTICITY' }), via);
  if (desk.random.chance(0.5)) await desk.take(desk.act(file, 'ACCEPT_OBJECTION', desk.day(13), { ...SELLER, documentNo: '受理1号' }), via);
  const decide = (upheld: boolean): Act => desk.act(file, 'DECIDE_OBJECTION', desk.day(14), { ...SELLER, sha256: SHA, upheld });
  await desk.race(decide(true), decide(false), ofTwo());
}

async function disputeAuthorship(desk: Desk, file: File, { via, ofTwo }: Ways): Promise<void> {
  await desk.take(desk.act(file, 'DENY_AUTHORSHIP', desk.day(11), { ...PRODUCER, sha256: SHA }), via);
  const decide = (upheld: boolean): Act => desk.act(file, 'DECIDE_AUTHORSHIP', desk.day(20), { ...PRODUCER, sha256: SHA, upheld });
  await desk.race(decide(true), decide(false), ofTwo());
}

async function handle(desk: Desk, file: File, { via, ofTwo }: Ways): Promise<void> {
  const act = (name: string, day: number, facts: object = {}): Act => desk.act(file, name, desk.day(day), { ...SELLER, ...facts });
  await desk.take(act('HAND_OVER', 11, { departmentId: COUNTY }), via);
  if (desk.random.chance(0.3)) {
    await desk.take({ ...act('HAND_ON', 12, { departmentId: ORGANISER }), by: COUNTY }, via);
    await desk.take(act('HAND_ON', 13, { departmentId: COUNTY }), via);
  }
  if (desk.random.chance(0.5)) await desk.take(act('ORDER_STOP_SALE', 14, { documentNo: '停售1号' }), via);
  await desk.take(act('ORDER_CORRECTION', 15, { documentNo: '责改1号' }), via);
  if (desk.random.chance(0.5)) await desk.take(act('REPORT_CORRECTION', 50, { sha256: SHA }), via);
  desk.leaveSome(0.3);
  const recheck = (passed: boolean, day: number): Act => act('RECORD_RECHECK', day, { passed, sha256: SHA });
  const { facts } = await desk.race(recheck(true, 60), recheck(false, 60), ofTwo());
  if (facts['passed'] === false) {
    await desk.take(act('ANNOUNCE', 70, { documentNo: '公告1号' }), via);
    desk.leaveSome(0.5);
    // Two at once exclude each other no more: whoever failed again is checked again.
    const passes = desk.random.chance(0.5);
    await desk.take(recheck(passes, 145), via);
    if (!passes) {
      await desk.take(recheck(false, 146), via);
      await desk.take(act('REFER_FOR_REVOCATION', 147, { authority: '发证机关', documentNo: '移送1号' }), via);
    }
  }
  await desk.race(act('CLOSE_HANDLING', 150), act('CLOSE_HANDLING', 150), ofTwo());
}

/** What is filed may stand still, be extended, and go on. */
async function followClue(desk: Desk, file: File, { via, ofTwo }: Ways): Promise<void> {
  const act = (name: string, day: number, facts: object = {}): Act =>
    desk.act(file, name, desk.day(day), { ...SELLER, documentNo: '案1号', ...facts });
  await desk.take(act('HAND_OVER_CLUE', 16, { departmentId: COUNTY }), via);
  if ((await desk.race(act('FILE_CASE', 20), act('DECLINE_CASE', 20), ofTwo())).act !== 'FILE_CASE') return;
  desk.leaveSome(0.2);
  const pause = (notCounted: string): Act => act('PAUSE_CASE', 30, { notCounted });
  await desk.race(pause('HEARING'), pause('TESTING'), ofTwo());
  desk.leaveSome(0.3);
  await desk.race(act('RESUME_CASE', 45), act('RESUME_CASE', 45), ofTwo());
  if (desk.random.chance(0.5)) await desk.take(act('EXTEND_CASE', 60), via);
  desk.leaveSome(0.2);
  await desk.take(act('CONCLUDE_CASE', 130), via);
}

interface Pairs {
  readonly items: readonly { readonly pairId: string; readonly later: Result; readonly earlier: Result }[];
}

interface Result {
  readonly reporterId: string;
  readonly sampleNo: string;
}

const LOOKS = 20;

/** One result that two departments report, and two rulings on it. */
export async function workOnPair(desk: Desk): Promise<void> {
  const { plan, random } = desk;
  const [first, second] = [plan.newResult('HTTP', ORGANISER), plan.newResult(random.pick(['HTTP', 'KAFKA']), 'tj-credit')];
  for (const lane of [first, second]) lane.closed = true;
  const said = { ...plan.report(first), published: true };
  await desk.take(said);
  const [earlier, later] = [first, second].map(({ reporterId, sampleNo }) => `${reporterId}:${sampleNo}`);
  if (earlier === undefined || later === undefined) return;
  const { uscc, batch, verdict, sampledOn } = said;
  const twin = { ...plan.report(second), uscc, batch, verdict, sampledOn, published: true, platformId: null, twinOf: earlier };
  await desk.take(twin, second.via === 'KAFKA' ? 'KAFKA' : 'HTTP');
  for (let look = 1; look <= LOOKS; look++) {
    const { items } = await desk.ask<Pairs>('tj-credit', '/api/inspection/probable-duplicates?status=OPEN&limit=500');
    const pair = items.find((one) => one.later.sampleNo === second.sampleNo);
    if (!pair) {
      await desk.pause();
      continue;
    }
    const ruling = (survivor: string | null): Ruling => ({
      ...{ kind: 'RULING', pairId: pair.pairId, later, earlier, by: ORGANISER, mark: desk.numbered('mark') },
      ...{ ruling: survivor === null ? 'DIFFERENT' : 'SAME', survivor },
    });
    await desk.race(ruling(random.pick([later, earlier])), ruling(null));
    return;
  }
}
