/**
 * Platforms as outsiders, through the simulator: told by each of the three channels, answering, and behaving as badly as platforms do. What
 * they hold in the end is held against what the exchange says they were told.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SamplingResultPublished, SamplingResultWithdrawn } from '@jinqiao/contracts';
import { clientSecret } from '@jinqiao/infra-local';
import { type ChannelName, Memory, Simulator, type SimulatorOptions } from '@jinqiao/simulator';
import { aSamplingResult, eventually, type Http, type Place, realServers, startTestService, type TestService } from '@jinqiao/testing';
import { ExchangeConfig } from './config.js';
import { ExchangeModule } from './exchange.module.js';

const CHANNELS: readonly ChannelName[] = ['KAFKA', 'WEBHOOK', 'PULL'];
const running: Simulator[] = [];
let place: Place;
let service: TestService;
let operator: Http;

beforeAll(async () => {
  place = await (await realServers()).place('exchange', { env: { WEBHOOK_ALLOWED_HOSTS: '127.0.0.1' } });
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig });
  operator = place.http(await place.token('OPERATOR', 'operator'));
}, 60_000);
afterAll(() => service.close());
afterEach(async () => {
  for (const simulator of running.splice(0)) await simulator.stop();
});

interface Side {
  readonly simulator: Simulator;
  readonly lines: string[];
}

async function register(id: string): Promise<void> {
  await place.token('PLATFORM', id);
  expect((await operator.post('/api/exchange/organisations', { id, kind: 'PLATFORM', name: id })).status).toBe(201);
}

async function start(id: string, options: Omit<SimulatorOptions, 'access'>): Promise<Side> {
  const { issuer, seed, kafkaBrokers } = place.servers;
  const access = { origin: place.origin, issuer, clientId: id, clientSecret: clientSecret(seed, id) };
  const lines: string[] = [];
  const simulator = await Simulator.start({
    ...options,
    access: { ...access, brokers: kafkaBrokers.split(','), namespace: place.namespace },
    say: (line) => lines.push(line.slice(id.length + 1)),
  });
  running.push(simulator);
  return { simulator, lines };
}

/** Each step is one revision more; it is waited for until the exchange has told the platform. */
async function tell(id: string, sampleNo: string, revision: number, withdraw = false): Promise<void> {
  const result = aSamplingResult({ sampleNo, revision, product: { name: `第${revision}版` }, online: { platformName: id } });
  if (withdraw) await place.publish(SamplingResultWithdrawn, { ...result, reason: '录入错误', withdrawnAt: new Date().toISOString() });
  else await place.publish(SamplingResultPublished, result);
  await eventually(async () => {
    const rows = await place.sql('SELECT FROM deliveries WHERE subject = $1 AND revision = $2', [`tj-amr:${sampleNo}`, revision]);
    expect(rows).toHaveLength(1);
  });
}

const told = (id: string): Promise<object[]> =>
  place.sql(
    `SELECT f.subject, f.revision, r.content_hash AS hash FROM feedbacks f JOIN feedback_revisions r USING (feedback_id, revision)
     WHERE f.recipient_id = $1 ORDER BY subject`,
    [id],
  );
const answers = (id: string): Promise<object[]> =>
  place.sql(
    `SELECT a.feedback_revision AS of, a.status FROM answers a JOIN feedbacks f USING (feedback_id)
     WHERE f.recipient_id = $1 ORDER BY f.subject, a.feedback_revision, a.revision`,
    [id],
  );
const held = ({ simulator }: Side): object[] =>
  simulator.memory.feedbacks
    .map(({ told: { subject, revision, contentHash: hash } }) => ({ subject, revision, hash }))
    .sort((one, other) => (one.subject < other.subject ? -1 : 1));
const holdsAll = (side: Side, id: string): Promise<unknown> =>
  eventually(async () => expect(held(side)).toEqual(await told(id)), { within: 20_000 });

describe.each(CHANNELS)('a platform told by %s', (channel) => {
  const id = `side-${channel.toLowerCase()}`;
  const name = (n: number): string => `${channel}-${n}`;
  beforeAll(() => register(id));

  it('holds the last of everything, and each revision it applied is answered twice', async () => {
    const side = await start(id, { channel });
    await tell(id, name(1), 1);
    await tell(id, name(2), 1);
    await holdsAll(side, id);
    await tell(id, name(1), 2, true);
    await holdsAll(side, id);
    const twice = (of: number) => ['RECEIVED', 'ACTED'].map((status) => ({ of, status }));
    await eventually(async () => expect(await answers(id)).toEqual([...twice(1), ...twice(2), ...twice(1)]));
    expect(side.lines).toContainEqual(expect.stringMatching(`^FeedbackWithdrawn 2 of tj-amr:${name(1)} \\(RESTORE .*: applied$`));
  });

  it('dies in the middle, and has everything when it is back', async () => {
    const side = await start(id, { channel, onlyNew: true, memory: new Memory() });
    await tell(id, name(3), 1);
    await eventually(() => expect(held(side)).toHaveLength(1), { within: 20_000 });
    await side.simulator.behave({ dead: 'REFUSING' });
    await tell(id, name(3), 2);
    await tell(id, name(4), 1);
    expect(held(side)).toHaveLength(1);
    await side.simulator.behave({ dead: null });
    const all = (await told(id)).filter((row) => /-[34]$/.test((row as { subject: string }).subject));
    await eventually(() => expect(held(side)).toEqual(all), { within: 20_000 });
  });

  it('is wrong about hashes until it is not', async () => {
    const side = await start(id, { channel, onlyNew: true, stance: 'NOTHING_FOUND', behaviour: { wrong: channel !== 'WEBHOOK' } });
    await tell(id, name(5), 1);
    const said = channel === 'KAFKA' ? 'on the topic' : 'FEEDBACK_HASH_MISMATCH';
    if (channel !== 'WEBHOOK')
      await eventually(() => expect(side.lines).toContain(`answered tj-amr:${name(5)} with NOTHING_FOUND: ${said}`));
    await side.simulator.behave({ wrong: false });
    await eventually(async () =>
      expect((await answers(id)).slice(-2)).toEqual(['RECEIVED', 'NOTHING_FOUND'].map((status) => ({ of: 1, status }))),
    );
  });
});

describe.each(CHANNELS)('a platform told by %s that has lost some of it', (channel) => {
  const id = `lost-${channel.toLowerCase()}`;
  const name = (n: number): string => `LOST-${channel}-${n}`;
  const file = join(mkdtempSync(join(tmpdir(), 'jinqiao-simulator-')), 'held.ndjson');
  beforeAll(() => register(id));
  afterAll(() => rmSync(dirname(file), { recursive: true }));

  it('or holds it in other words finds it by reconciliation and is told that again, and nothing else', async () => {
    const whole = await start(id, { channel, memory: new Memory(file) });
    for (const n of [1, 2, 3, 4]) await tell(id, name(n), 1);
    await tell(id, name(2), 2);
    await holdsAll(whole, id);
    expect(await whole.simulator.reconcile(new Date())).toMatchObject({ differingBuckets: [], redelivered: 0 });
    await whole.simulator.stop();

    // One was never kept, another only in its first revision, of a third the hash is another one.
    const isLost = (line: string): boolean =>
      line.includes('"what":"arrived"') &&
      (line.includes(`"tj-amr:${name(1)}"`) || (line.includes(`"tj-amr:${name(2)}"`) && line.includes('"revision":2')));
    const lines = readFileSync(file, 'utf8').split('\n');
    const other = (line: string): string => line.replace(/"contentHash":"[0-9a-f]{64}"/, `"contentHash":"${'0'.repeat(64)}"`);
    const kept = lines.filter((line) => !isLost(line)).map((line) => (line.includes(`"tj-amr:${name(4)}"`) ? other(line) : line));
    writeFileSync(file, kept.join('\n'));
    const side = await start(id, { channel, memory: new Memory(file) });
    const before = held(side);
    expect(before.map((one) => (one as { revision: number }).revision)).toEqual([1, 1, 1]);
    const { differences, redelivered } = await side.simulator.reconcile(new Date());
    expect([differences.map(({ kind }) => kind).sort(), redelivered]).toEqual([['BEHIND', 'CHANGED', 'MISSING'], 3]);
    await holdsAll(side, id);
    expect(side.lines.filter((line) => line.endsWith(': applied'))).toHaveLength(3);
    expect(await side.simulator.reconcile(new Date())).toMatchObject({ differingBuckets: [], redelivered: 0 });
  });
});

describe('a platform by webhook', () => {
  const id = 'side-hooks';
  beforeAll(() => register(id));

  it('that answers 500 is tried again; what it disputes goes to the publisher', async () => {
    const side = await start(id, { channel: 'WEBHOOK', stance: 'CONTESTED', behaviour: { wrong: true } });
    await tell(id, 'HOOK-1', 1);
    await eventually(() => expect(side.lines.some((line) => /^answered webhook .* with 500$/.test(line))).toBe(true));
    await side.simulator.behave({ wrong: false });
    await holdsAll(side, id);
    await eventually(async () => {
      const outcomes = await place.readAll('exchange.feedback-outcome.v1');
      expect(outcomes.filter(({ body }) => body?.['recipientId'] === id).map(({ headers }) => headers['ce_type'])).toEqual([
        'exchange.feedback-outcome.FeedbackAnswerAccepted',
        'exchange.feedback-outcome.FeedbackContested',
      ]);
    });
  });

  it('that hangs takes nothing, and takes it when it is back under the same secret', async () => {
    const side = await start(id, { channel: 'WEBHOOK', onlyNew: true });
    await side.simulator.behave({ dead: 'HANGING' });
    await tell(id, 'HOOK-2', 1);
    await eventually(async () => {
      expect(await place.sql(`SELECT FROM deliveries WHERE subject = 'tj-amr:HOOK-2' AND leased_until > clock_timestamp()`)).toHaveLength(
        1,
      );
    });
    expect(held(side)).toEqual([]);
    await side.simulator.behave({ dead: null });
    await eventually(() => expect(held(side)).toHaveLength(1), { within: 20_000 });
  });

  it('takes a test of its endpoint for one: it holds nothing of it and answers nothing', async () => {
    const [well, wrong] = ['side-tested', 'side-tested-wrong'] as const;
    const test = async (platform: string): Promise<Record<string, unknown>> => {
      const http = place.http(await place.token('PLATFORM', platform));
      const { body } = await http.get<{ items: { endpointId: string }[] }>('/api/exchange/webhook-endpoints');
      return (await http.post(`/api/exchange/webhook-endpoints/${body.items[0]?.endpointId}/tests`)).body;
    };
    await register(well);
    const side = await start(well, { channel: 'WEBHOOK' });
    expect(await test(well)).toMatchObject({ outcome: 'DELIVERED', status: 204 });
    expect(side.lines).toContain('took a test message');
    await register(wrong);
    await start(wrong, { channel: 'WEBHOOK', behaviour: { wrong: true } });
    expect(await test(wrong)).toMatchObject({ outcome: 'FAILED', status: 500 });
    expect([held(side), await answers(well)]).toEqual([[], []]);
  });

  it('refuses what somebody else signed', async () => {
    const side = await start(id, { channel: 'WEBHOOK', onlyNew: true });
    const [{ url }] = (await place.sql<{ url: string }>(
      `SELECT url FROM webhook_endpoints WHERE organisation_id = '${id}' AND status = 'ACTIVE'`,
    )) as [{ url: string }];
    const headers = { 'webhook-id': 'x_1', 'webhook-timestamp': String(Math.floor(Date.now() / 1_000)), 'webhook-signature': 'v1,AAAA' };
    const answer = await fetch(url, { method: 'POST', headers, body: '{}' });
    expect([answer.status, held(side)]).toEqual([400, []]);
  });

  it('that is slow holds up nobody but itself', async () => {
    const quick = 'side-quick';
    await register(quick);
    const slow = await start(id, { channel: 'WEBHOOK', onlyNew: true, behaviour: { slowMs: 10_000 } });
    const other = await start(quick, { channel: 'WEBHOOK' });
    await tell(id, 'HOOK-3', 1);
    await tell(quick, 'HOOK-4', 1);
    await eventually(() => expect(held(other)).toHaveLength(1));
    expect(held(slow)).toEqual([]);
    await eventually(() => expect(held(slow)).toHaveLength(1), { within: 25_000 });
  });
});
