import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningStack, startStack } from '../stack.js';
import { Http } from './outsider.js';
import { asTable, type DemoReport, type ThirdAct, type TimedCase } from './report.js';
import { TwoRounds } from './two-rounds.js';

// Goal: what the third act of the demo shows is what the services have done and derived, and it ends as it is told.
// Method: the act itself on a stack of its own; then the services are asked, past what the act has kept of their answers.

interface Listed {
  readonly subject: string;
  readonly clock: string;
  readonly startedOn: string;
  readonly dueOn: string;
  readonly provisional: boolean;
  readonly legalBasis: { readonly instrument: string; readonly article?: string };
}

interface Track {
  readonly track: string;
  readonly party: string;
  readonly state: string;
}

const CASES = '/api/inspection/sampling-cases/tj-amr';
/** One period, as the table has it. */
const PERIOD = /^ +([A-Z_]+) (\d{4}-\d\d-\d\d) to (\d{4}-\d\d-\d\d), [A-Z_]+( \(provisional\))?: (.+)$/;
/** Of the place itself: it has no article. */
const LOCAL_POLICY = '天津市数据共享系统配置（待业务主管部门确认）';
const ARTICLE = /第[一二三四五六七八九十百]+条/;

let dataDir: string;
let stack: RunningStack;
let office: Http;
let act: ThirdAct;
const said: string[] = [];

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'jinqiao-third-act-'));
  chmodSync(dataDir, 0o755); // started as root, PostgreSQL runs as another user
  stack = await startStack({ dataDir, ports: 'free' });
  act = await TwoRounds.run(stack, (line) => said.push(line));
  office = await Http.as(stack.origin, stack.servers, 'tj-amr');
}, 600_000);

afterAll(async () => {
  await stack.stop();
  rmSync(dataDir, { recursive: true, force: true });
}, 60_000);

/** The other acts, as if they had not been played. */
const NOTHING: Omit<DemoReport, 'thirdAct'> = {
  input: { file: '', rows: 0, results: 0 },
  intake: { accepted: 0, duplicate: 0, rejected: 0, rejections: {} },
  secondIntake: { accepted: 0, duplicate: 0, rejected: 0, rejections: {} },
  published: 0,
  feedback: { issued: 0, unmatched: 0, byPlatform: {} },
  credit: { records: 0, entities: 0 },
  monitoring: { results: 0, unqualified: 0 },
  receipt: null,
  refusedTopic: null,
  retraction: null,
  reinspection: null,
  latencyMs: { p50: 0, p99: 0 },
  secondAct: {
    told: [],
    caughtUp: { platformId: '', missed: 0, afterMs: 0 },
    contested: { platformId: '', subject: '' },
    withdrawn: [],
    evidence: { feedbackId: '', bytes: 0, changedByte: 0, caught: '' },
  },
  fourthAct: { platformId: '', uscc: '', ended: [], stale: { notUndone: 0, clearedAfterMs: 0 } },
  seconds: 0,
};

const periodsOf = (list: readonly Listed[], subject: string): string[] =>
  list
    .filter((one) => one.subject === subject)
    .map(({ clock, startedOn, dueOn, provisional, legalBasis: { instrument, article = '' } }) =>
      [clock, startedOn, dueOn, provisional, instrument + article].join(' '),
    );

/** The periods that the table prints between the line of a subject and the next line that is none of them. */
function printedOf(subject: string): string[] {
  const lines = asTable({ ...NOTHING, thirdAct: act }).split('\n');
  const from = lines.findIndex((line) => line.endsWith(`  ${subject}`)) + 1;
  const printed = lines.slice(from).map((line) => PERIOD.exec(line));
  const end = printed.indexOf(null);
  return printed.slice(0, end).flatMap((found) => {
    const [, clock, startedOn, dueOn, provisional, basis] = found ?? [];
    return [[clock, startedOn, dueOn, provisional !== undefined, basis].join(' ')];
  });
}

const tracksOf = async ({ subject }: TimedCase): Promise<readonly Track[]> =>
  (await office.get<{ tracks: Track[] }>(`${CASES}/${subject}`)).tracks.filter(({ party }) => party === 'SAMPLED_PARTY');
const stateOf = async (of: TimedCase, track: string): Promise<string | undefined> =>
  (await tracksOf(of)).find((one) => one.track === track)?.state;
const stepsOf = async ({ subject }: TimedCase): Promise<string[]> =>
  (await office.get<{ history: { act: string }[] }>(`${CASES}/${subject}`)).history.map(({ act: step }) => step);
const verdictOf = async ({ subject }: TimedCase): Promise<string | undefined> => {
  const { result } = await office.get<{ result: { state: { verdict: string } } }>(`/api/inspection/sampling-results/${subject}`);
  return result.state.verdict;
};

describe('the third act of the demo', () => {
  it('prints the periods of each case and of the recall as the service lists them, and no other', async () => {
    const all = await office.all<Listed>('/api/inspection/deadlines?state=all');
    for (const [timed, subject] of [
      ...[act.lost, act.won, act.passed].map((one) => [one, `tj-amr:${one.subject}`] as const),
      [act.recall, act.recall.subject] as const,
    ]) {
      const listed = periodsOf(all, subject);
      expect(listed.length).toBeGreaterThan(1);
      expect([...printedOf(timed.subject)].sort()).toEqual([...listed].sort());
    }
  });

  it('names the article of every period of a case whose rule has one, and the instrument of all', () => {
    const withoutArticleIn = ({ subject }: TimedCase): string[] =>
      printedOf(subject).filter((period) => !ARTICLE.test(period) && !period.endsWith(LOCAL_POLICY));
    expect([act.won, act.passed].flatMap(withoutArticleIn)).toEqual([]);
    // The articles of these were not read: the instrument alone is named.
    const withoutArticle = withoutArticleIn(act.lost);
    expect(withoutArticle.map((period) => period.split(' ')[0]).sort()).toEqual(['HANDLING', 'SAMPLE_DELIVERY', 'TEST_REPORT']);
    for (const period of [...withoutArticle, ...printedOf(act.recall.subject)]) expect(period).toMatch(/（.*令第\d+号）$/);
  });

  it('ends a round of food and one of products opened to everybody, with who was drawn', async () => {
    const rounds = await office.all<{ roundNo: string; roundId: string; state: string; regime: string }>('/api/inspection/sampling-rounds');
    expect(rounds.map(({ regime, state }) => `${regime} ${state}`).sort()).toEqual(['FOOD OPENED', 'PRODUCT OPENED']);
    for (const { roundNo, roundId } of rounds) {
      const told = act.rounds.find((one) => one.roundNo === roundNo);
      const { opened } = await office.get<{ opened: unknown[] }>(`/api/inspection/sampling-rounds/${roundId}/draw`);
      expect(told?.drawn).toHaveLength(opened.length);
    }
  });

  it('has one objection lost, one won, and one re-check passed, and closes what was handed over', async () => {
    expect(await verdictOf(act.lost)).toBe('UNQUALIFIED');
    expect(await stateOf(act.lost, 'OBJECTION')).toBe('REINSPECTED');
    expect(await verdictOf(act.won)).toBe('QUALIFIED');
    expect(await stateOf(act.won, 'OBJECTION')).toBe('REINSPECTED');
    expect(await stateOf(act.passed, 'OBJECTION')).toBe('NONE');
    for (const one of [act.lost, act.passed]) {
      expect(await stepsOf(one)).toContain('RECORD_RECHECK');
      expect(await stateOf(one, 'HANDLING')).toBe('CLOSED');
    }
    expect(await stateOf(act.lost, 'CLUE')).toBe('CONCLUDED');
  });

  it('has the laboratory that tested the food again drawn from the list', async () => {
    const { history } = await office.get<{ history: { act: string; facts: { laboratory?: { uscc: string }; drawKey?: string } }[] }>(
      `${CASES}/${act.lost.subject}`,
    );
    const { items } = await office.get<{ items: { laboratories: { uscc: string }[] }[] }>('/api/inspection/reinspection-laboratories');
    const { laboratory, drawKey } = history.find((step) => step.act === 'CHOOSE_LABORATORY')?.facts ?? {};
    expect(drawKey).toBeDefined();
    expect(items.flatMap(({ laboratories }) => laboratories.map(({ uscc }) => uscc))).toContain(laboratory?.uscc);
  });

  it('has one recall, which is closed', async () => {
    const recalls = await office.all<{ recallNo: string; state: string; standing: string }>('/api/inspection/recalls');
    expect(recalls).toMatchObject([{ recallNo: act.recall.subject, state: 'CLOSED', standing: 'CLOSED' }]);
  });

  it('says what it has done as it is done', () => {
    for (const { subject } of [act.won, act.passed, act.recall]) expect(said.some((line) => line.startsWith(`${subject}: `))).toBe(true);
  });
});
