/**
 * A recall and a backlog, on real servers, to a real receiver on the loopback that is slow: of several hundred webhooks that are due to it,
 * those of a recall that comes last go first. Each answer is held until the recall is told, so the order is seen and not raced for.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { RecallPublished, SamplingResultPublished } from '@jinqiao/contracts';
import {
  aRecall,
  aSamplingResult,
  eventually,
  type Http,
  type Place,
  realServers,
  startTestService,
  type TestService,
} from '@jinqiao/testing';
import { ExchangeConfig } from '../config.js';
import { ExchangeModule } from '../exchange.module.js';
import { CONCURRENCY } from './webhook.sender.js';

const BACKLOG = 400;
/** Subjects of the backlog of which a second revision waits behind the first. */
const REVISED = 20;
const ANSWER_MS = 50;
const calls: { subject: string; revision: number }[] = [];
const held: ServerResponse[] = [];
let holds = true;
let refuses = (_subject: string): boolean => false;
const receiver = createServer((request, response) => {
  void text(request).then((body) => {
    const { subject, revision } = JSON.parse(body) as (typeof calls)[number];
    calls.push({ subject, revision });
    if (holds) held.push(response);
    else setTimeout(() => response.writeHead(refuses(subject) ? 500 : 204).end(), ANSWER_MS);
  });
});
let place: Place;
let service: TestService;
let jd: Http;

beforeAll(async () => {
  place = await (await realServers()).place('exchange', { env: { WEBHOOK_ALLOWED_HOSTS: '127.0.0.1' } });
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const operator = place.http(await place.token('OPERATOR', 'operator'));
  await operator.post('/api/exchange/organisations', { id: 'jd', kind: 'PLATFORM', name: '平台jd' });
  jd = place.http(await place.token('PLATFORM', 'jd'));
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  await jd.post('/api/exchange/webhook-endpoints', { url, contact: '平台合规岗' });
  await choose('PULL');
}, 60_000);
afterAll(async () => {
  await service.close();
  receiver.closeAllConnections();
  receiver.close();
});

const choose = (channel: string) => jd.put('/api/exchange/channel', { channel });
const told = (count: number) =>
  eventually(async () => expect(await place.sql('SELECT FROM deliveries')).toHaveLength(count), { within: 30_000 });
const tell = (sampleNos: readonly string[], revision = 1) =>
  place.publishAll(
    SamplingResultPublished,
    sampleNos.map((sampleNo) => {
      const product = { name: `第${revision}版` };
      return aSamplingResult({ sampleNo, revision, product, online: { platformName: '平台jd' } });
    }),
  );
const revisionsOf = (subject: string): number[] => calls.filter((one) => one.subject === subject).map(({ revision }) => revision);
function letGo(): void {
  holds = false;
  for (const response of held.splice(0)) response.writeHead(204).end();
}

const sampleNos = Array.from({ length: BACKLOG }, (_, index) => `B-${index}`);

it('a recall goes before what waits already, its revisions in their order, and nothing of the rest is lost', async () => {
  await tell(sampleNos);
  await told(BACKLOG);
  await tell(sampleNos.slice(0, REVISED), 2);
  await told(BACKLOG + REVISED);
  await choose('WEBHOOK');
  await eventually(() => expect(calls).toHaveLength(CONCURRENCY), { within: 20_000 });
  await place.publish(RecallPublished, aRecall({ recallNo: 'R-1', revision: 1 }));
  await told(BACKLOG + REVISED + 1);
  await place.publish(RecallPublished, aRecall({ recallNo: 'R-1', revision: 2, product: { batches: ['2025-07'] } }));
  await told(BACKLOG + REVISED + 2);
  letGo();
  await eventually(() => expect(calls).toHaveLength(BACKLOG + REVISED + 2), { within: 30_000 });
  const recalls = calls.flatMap(({ subject }, index) => (subject === 'R-1' ? [index] : []));
  // Behind what was under way when it was told, and what takes its places while the first revision is under way.
  expect(recalls[0]).toBeLessThan(2 * CONCURRENCY);
  expect(recalls[1]).toBeLessThan(6 * CONCURRENCY);
  expect(revisionsOf('R-1')).toEqual([1, 2]);
  for (const sampleNo of sampleNos.slice(0, REVISED)) expect(revisionsOf(`tj-amr:${sampleNo}`)).toEqual([1, 2]);
  for (const sampleNo of sampleNos.slice(REVISED)) expect(revisionsOf(`tj-amr:${sampleNo}`)).toEqual([1]);
}, 90_000);

it('a recall that is refused again and again keeps nobody from the rest', async () => {
  refuses = (subject) => subject === 'R-2';
  await place.publish(RecallPublished, aRecall({ recallNo: 'R-2', revision: 1 }));
  await eventually(() => expect(revisionsOf('R-2')).toEqual([1]), { within: 20_000 });
  await tell(['B-after']);
  await eventually(() => expect(revisionsOf('tj-amr:B-after')).toEqual([1]), { within: 20_000 });
}, 60_000);
