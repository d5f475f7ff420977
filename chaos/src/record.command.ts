import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { kafkaOf, STACK_PRINCIPAL } from '@jinqiao/infra-local';
import { logLevel } from 'kafkajs';
import { readTopics } from './checker/topics.js';
import { Watch } from './faults/watch.js';
import { History, type Receipt, type Report, type Retraction } from './history.js';
import { Load } from './load/load.js';
import type { Speaking } from './load/outside.js';
import { uscc } from './load/uscc.js';
import { recordOf } from './load/wire.js';
import { OUR_PLAY } from './play.js';
import { Random } from './random.js';
import { repository, Stage } from './stage.js';

/*
 * `npm run chaos:record -- --root WORKTREE --to FILE`: every record that the built services of a work tree, and departments and platforms
 * beside them, leave on the topics in a few seconds without a fault. Later versions have to understand it (libs/testing/recorded).
 */
const { values } = parseArgs({ options: { root: { type: 'string', default: repository }, to: { type: 'string' } } });
if (!values.to) throw new Error('where to? --to FILE');
const CALLS_PER_SECOND = 3;
const LOAD_MS = 7_000;
const CAUGHT_UP_MS_MAX = 60_000;
const home = mkdtempSync(join(tmpdir(), 'jinqiao-record-'));
try {
  writeFileSync(resolve(values.to), (await record()).map((line) => `${JSON.stringify(line)}\n`).join(''));
} finally {
  rmSync(home, { recursive: true, force: true });
}
process.exit(0);

async function record(): Promise<object[]> {
  const { cast, views, says, outside } = OUR_PLAY;
  const report = console.log;
  const stage = await Stage.set({ dataDir: join(home, 'stage'), root: resolve(values.root), cast, brokers: 1, diskMb: 1_200, report });
  const history = new History(join(home, 'history.jsonl'));
  const watch = new Watch(stage, history, views);
  try {
    const load = new Load(outside(stage), history, new Random('recorded'), {
      callsPerSecond: CALLS_PER_SECOND,
      givingUp: 0,
      says,
      creditsToday: () => stage.today('credit'),
      run: 'r',
    });
    await load.start();
    await sleep(LOAD_MS);
    await load.stop(CAUGHT_UP_MS_MAX);
    await caughtUp(watch);
    await sayWhatTheLoadRarelySays(outside(stage), watch);
    await caughtUp(watch);
    const { records } = await readTopics(kafkaOf(stage.servers, STACK_PRINCIPAL, { logLevel: logLevel.NOTHING }), /./);
    const all = [...records.keys()].sort().flatMap((topic) => records.get(topic) ?? []);
    return all.map(({ topic, key, headers, value }) => ({ topic, key, headers, value }));
  } finally {
    await watch.stop();
    history.close();
    await stage.strike();
  }
}

async function caughtUp(watch: Watch): Promise<void> {
  const giveUpAt = Date.now() + CAUGHT_UP_MS_MAX;
  for (let behind = ['not asked yet']; behind.length > 0; behind = await watch.behind()) {
    if (Date.now() > giveUpAt) throw new Error(`not caught up: ${behind.join('; ')}`);
    await sleep(500);
  }
}

/**
 * An entity that enters the register and changes, a platform that is renamed, a notice that is taken back, a feedback that is answered and
 * then disputed, a shop with listings that leaves.
 */
async function sayWhatTheLoadRarelySays(outside: Speaking, watch: Watch): Promise<void> {
  const say = async (principal: string, method: string, path: string, body?: object): Promise<unknown> => {
    const answer = await outside.http({ principal, method, path, ...(body && { body }) });
    if (!answer || answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return answer.body;
  };
  const produce = async (operation: Report | Retraction | Receipt, id: string): Promise<void> => {
    const { principal, topic, message } = recordOf(operation, id);
    await outside.produce(principal, topic, message);
    await caughtUp(watch);
  };
  const entities = '/api/registration/market-entities';
  const entity = { uscc: uscc(0), name: '示例经营部', status: 'ACTIVE', divisionCode: '120101', registeredOn: '2020-05-06' };
  await say('tj-amr', 'POST', entities, entity);
  await say('tj-amr', 'POST', entities, { ...entity, name: '示例超市' });
  await say('tj-amr', 'PUT', `${entities}/${entity.uscc}/status`, { status: 'REVOKED' });
  await say('operator', 'PUT', '/api/exchange/organisations/jd', { name: '京东', aliases: ['京东到家'] });

  const notice = { reporterId: 'tj-amr', sampleNo: 'r-notice', revision: 1, published: false, verdict: 'UNQUALIFIED', batch: '1' } as const;
  const goods = { platformId: 'jd', uscc: uscc(1), category: '糕点', sampledOn: '2026-01-02', publishedOn: '' };
  await produce({ kind: 'REPORT', ...notice, ...goods }, 'r-notice-1');
  await produce({ kind: 'RETRACTION', ...notice, revision: 2 }, 'r-notice-2');

  const { items } = (await say('jd', 'GET', '/api/exchange/feedback?status=ISSUED&kind=SAMPLING_RESULT')) as { items: Told[] };
  const told = items.find(({ answer }) => answer === null);
  if (!told) throw new Error('jd was told nothing that it has not answered');
  const { feedbackId, revision: feedbackRevision, contentHash: feedbackHash, merchant } = told;
  const answered = { feedbackId, feedbackRevision, feedbackHash };
  await produce({ kind: 'RECEIPT', platformId: 'jd', ...answered, revision: 1 }, 'r-answer-1');
  const disputed = { ...answered, revision: 2, status: 'CONTESTED', reasonCode: 'NOT_OURS', answeredAt: new Date().toISOString() };
  await say('jd', 'POST', '/api/exchange/receipts', disputed);

  const merchants = '/api/registration/merchants';
  const shop = { shopName: '示例网店', uscc: merchant.uscc, listings: [{ itemId: 'L-1' }] };
  await say('jd', 'POST', merchants, { shopId: 'listed', ...shop });
  await caughtUp(watch);
  await say('jd', 'PUT', `${merchants}/listed`, { ...shop, shopName: '示例旗舰店' });
  await say('jd', 'POST', `${merchants}/listed/exit`, {});
  await outside.close();
}

/** What a platform sees of a feedback, as far as it matters here. */
interface Told {
  readonly feedbackId: string;
  readonly revision: number;
  readonly contentHash: string;
  readonly merchant: { readonly uscc: string };
  readonly answer: object | null;
}
