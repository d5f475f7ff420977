/** Contacts are told by e-mail, through a real mail server: once, tried again when it refuses, and what became of it stands in the notice. */
import type { AddressInfo } from 'node:net';
import { RecallPublished } from '@jinqiao/contracts';
import {
  aRecall,
  eventually,
  type Http,
  type Place,
  realServers,
  StandingClock,
  startTestService,
  type TestService,
} from '@jinqiao/testing';
import { SMTPServer } from 'smtp-server';
import { ExchangeConfig } from '../config.js';
import { Escalations } from '../escalation/escalation.service.js';
import { ExchangeModule } from '../exchange.module.js';
import { ContactTeller } from './contact-notice.teller.js';

interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly raw: string;
}

const NOW = new Date('2026-11-23T01:00:00.000Z');
const [MINUTE, HOUR] = [60_000, 3_600_000];
const clock = new StandingClock(NOW);
const mails: Mail[] = [];
let refuses = false;
let server: SMTPServer;
let place: Place;
let service: TestService;
let operator: Http;

beforeAll(async () => {
  server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo: (_address, _session, answer) =>
      answer(refuses ? Object.assign(new Error('greylisted jd-office@example.com'), { responseCode: 451 }) : undefined),
    onData: (stream, session, answer) => {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          raw: Buffer.concat(parts).toString(),
        });
        answer();
      });
    },
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.server.address() as AddressInfo;
  const env = { SMTP_URL: `smtp://127.0.0.1:${port}`, SMTP_FROM: 'jinqiao@example.gov.cn' };
  place = await (await realServers()).place('exchange', { env });
  service = await startTestService(ExchangeModule, place, { clock, config: ExchangeConfig });
  operator = place.http(await place.token('OPERATOR', 'operator'));
}, 60_000);
afterAll(async () => {
  await service.close();
  await new Promise<void>((closed) => server.close(closed));
});

/** A platform that pulls, and has not pulled a recall for two hours. */
async function missing(id: string, contacts: readonly object[]): Promise<void> {
  expect((await operator.post('/api/exchange/organisations', { id, kind: 'PLATFORM', name: id, sectors: [id] })).status).toBe(201);
  const http = place.http(await place.token('PLATFORM', id));
  await http.put('/api/exchange/channel', { channel: 'PULL' });
  if (contacts.length > 0) expect((await http.put('/api/exchange/contacts', { contacts })).status).toBe(200);
  await place.publish(RecallPublished, aRecall({ recallNo: `R-${id}`, revision: 1, sectors: [id] }));
  await eventually(async () => expect(await place.sql('SELECT FROM deliveries WHERE recipient_id = $1', [id])).toHaveLength(1));
  clock.advance(2 * HOUR);
  await service.get(Escalations).escalate();
}
/** As several processes would. */
async function tell(): Promise<void> {
  const teller = service.get(ContactTeller);
  await Promise.all([teller.tell(), teller.tell(), teller.tell()]);
}
const notices = async (platform: string): Promise<object[]> =>
  (await operator.get<{ items: object[] }>(`/api/exchange/contact-notices?platform=${platform}`)).body.items;
const sentTo = (address: string): Mail[] => mails.filter(({ to }) => to.includes(address));
const metric = async (): Promise<string> => (await place.http().get<string>('/metrics')).body;

function textOf({ raw }: Mail): string {
  const body = raw.slice(raw.indexOf('\r\n\r\n') + 4);
  if (/transfer-encoding: base64/i.test(raw)) return Buffer.from(body, 'base64').toString();
  const bytes = body.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}

it('tells the office once, in both languages, what happened, where, how many wait and where to look', async () => {
  await missing('jd', [
    { role: 'TECHNICAL', address: '022-10000000' },
    { role: 'COMPLIANCE', address: 'jd-office@example.com' },
  ]);
  await tell();
  await eventually(async () =>
    expect(await notices('jd')).toMatchObject([{ telling: 'TOLD', toldAt: clock.now().toISOString(), tried: 1 }]),
  );
  await tell();
  const [mail] = sentTo('jd-office@example.com');
  expect(sentTo('jd-office@example.com')).toHaveLength(1);
  expect(mail?.from).toBe('jinqiao@example.gov.cn');
  expect(mail?.raw).toMatch(/^Message-ID: <contact-notice-\d+-\d+@example\.gov\.cn>\r$/im);
  for (const part of ['平台：jd', '待处理：1 项', 'Platform: jd', 'Items that wait: 1', 'GET /api/exchange/feedback/not-received'])
    expect(textOf(mail as Mail)).toContain(part);
  expect(textOf(mail as Mail)).not.toContain('R-jd');
});

it('tries again while the mail server refuses, and says meanwhile why, without the address', async () => {
  refuses = true;
  await missing('tmall', [{ role: 'COMPLIANCE', address: 'tmall-office@example.com' }]);
  await tell();
  await eventually(async () =>
    expect(await notices('tmall')).toMatchObject([{ telling: 'WAITING', problem: 'EENVELOPE 451', tried: 1, toldAt: null }]),
  );
  expect(await metric()).toMatch(/^contact_notices_untold(\{[^}]*\})? 1$/m);
  refuses = false;
  await tell();
  expect(sentTo('tmall-office@example.com')).toEqual([]);
  clock.advance(2 * MINUTE);
  await tell();
  await eventually(async () => expect(await notices('tmall')).toMatchObject([{ telling: 'TOLD', problem: null, tried: 2 }]));
  expect(sentTo('tmall-office@example.com')).toHaveLength(1);
  expect(await metric()).toMatch(/^contact_notices_untold(\{[^}]*\})? 0$/m);
});

it('gives up after three days where no office has a mailbox, and the notice stays listed', async () => {
  await missing('vip', []);
  await tell();
  await eventually(async () => expect(await notices('vip')).toMatchObject([{ telling: 'WAITING', problem: 'NO_MAILBOX' }]));
  clock.advance(72 * HOUR);
  await tell();
  await eventually(async () =>
    expect(await notices('vip')).toContainEqual(expect.objectContaining({ step: 1, telling: 'GIVEN_UP', tried: 2 })),
  );
});
