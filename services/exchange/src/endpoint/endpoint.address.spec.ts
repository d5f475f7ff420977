/**
 * Server-side request forgery: every hostile URL goes through registration and through the sender itself, with a name server of our own
 * that says what a hostile one would. Node tells of each TCP connection it begins (`connectionAttempt`), to whatever address; there must
 * be none. The same way of looking sees the connection to a host that is let through.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { createServer } from 'node:http';
import { type AddressInfo, isIPv6, Socket } from 'node:net';
import ipaddr from 'ipaddr.js';
import { WebhookSender } from '../webhook/webhook.sender.js';
import {
  allowedUrl,
  assertReachable,
  checkedLookup,
  Exceptions,
  isPublicAddress,
  isRefusedLiteral,
  type Resolve,
} from './endpoint.address.js';

const PUBLIC = '93.184.216.34';

/** What the hostile name server says, in turns. */
const ZONE: Record<string, string[][]> = {
  'good.test': [[PUBLIC]],
  'internal.test': [['10.0.0.5']],
  'loopback.test': [['127.0.0.1']],
  'metadata.test': [['169.254.169.254']],
  'alibaba.test': [['100.100.100.200']],
  'azure.test': [['168.63.129.16']],
  'zero.test': [['0.0.0.0']],
  'mixed.test': [[PUBLIC, '127.0.0.1']],
  'mixed-last.test': [[PUBLIC, '8.8.8.8', '192.168.1.1']],
  'six.test': [['::1']],
  'unique-local.test': [['fd00:ec2::254']],
  'mapped.test': [['::ffff:10.0.0.1']],
  'translated.test': [['64:ff9b::a00:1']],
  'six-to-four.test': [['2002:7f00:1::1']],
  'both.test': [[PUBLIC, '::1']],
  'empty.test': [[]],
  'rebind.test': [[PUBLIC], ['127.0.0.1']],
};

/** Enough of DNS to answer A and AAAA; each question takes the next turn. */
class NameServer {
  readonly asked = new Map<string, number>();
  private readonly socket: UdpSocket = createSocket('udp4');

  async listen(): Promise<string> {
    this.socket.on('message', (question, from) => this.socket.send(this.answer(question), from.port, from.address));
    await new Promise<void>((resolve) => this.socket.bind(0, '127.0.0.1', resolve));
    return `127.0.0.1:${this.socket.address().port}`;
  }

  close(): void {
    this.socket.close();
  }

  private answer(question: Buffer): Buffer {
    const labels: string[] = [];
    let at = 12;
    for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
      labels.push(question.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const asksSix = question.readUInt16BE(at + 1) === 28;
    const section = question.subarray(12, at + 5);
    const addresses = this.next(labels.join('.'), asksSix).filter((address) => isIPv6(address) === asksSix);
    const records = addresses.map((address) => {
      const bytes = Buffer.from(ipaddr.parse(address).toByteArray());
      // A pointer to the name, type, class IN, TTL 0, length.
      const head = Buffer.from([0xc0, 12, 0, asksSix ? 28 : 1, 0, 1, 0, 0, 0, 0, 0, bytes.length]);
      return Buffer.concat([head, bytes]);
    });
    const header = Buffer.from(question.subarray(0, 12));
    header.writeUInt16BE(0x8180, 2);
    header.writeUInt16BE(records.length, 6);
    header.writeUInt32BE(0, 8);
    return Buffer.concat([header, section, ...records]);
  }

  private next(name: string, asksSix: boolean): string[] {
    const turns = ZONE[name] ?? [[]];
    const key = `${name} ${asksSix}`;
    const asked = this.asked.get(key) ?? 0;
    this.asked.set(key, asked + 1);
    return turns[asked % turns.length] ?? [];
  }
}

const INSIDE_4 = [
  '127.0.0.1',
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.254',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '0.0.0.0',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
];
const hex = (address: string): string => Buffer.from(address.split('.').map(Number)).toString('hex');
const octal = (address: string): string =>
  address
    .split('.')
    .map((part) => `0${Number(part).toString(8)}`)
    .join('.');
/** One IPv4 address in every spelling under which it can be smuggled in. */
const spellings = (address: string): string[] => {
  const digits = hex(address);
  const [high, low] = [digits.slice(0, 4), digits.slice(4)];
  return [
    address,
    `${address}.`,
    String(parseInt(digits, 16)),
    `0x${digits}`,
    octal(address),
    `[::ffff:${address}]`,
    `[::${high}:${low}]`,
    `[64:ff9b::${high}:${low}]`,
    `[2002:${high}:${low}::1]`,
  ];
};
const SPELLED_HOSTS = [
  '127.1',
  '127.0.1',
  '0x7f.1',
  '0177.0.0.01',
  '017700000001',
  '127.000.000.001',
  '１２７.０.０.１',
  '127。0。0。1',
  '①②⑦.⓪.⓪.①',
  '%31%32%37.0.0.1',
  '192.0.0.1',
  '192.0.2.1',
  '192.88.99.1',
  '198.51.100.1',
  '203.0.113.1',
  '239.255.255.250',
  '240.0.0.1',
  '100.100.100.200',
  '168.63.129.16',
  '[::]',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[0000::1]',
  '[::ffff:0:127.0.0.1]',
  '[64:ff9b:1::7f00:1]',
  '[2001:0:7f00:1::1]',
  '[fe80::1]',
  '[fc00::1]',
  '[fd00:ec2::254]',
  '[fec0::1]',
  '[ff02::1]',
  '[100::1]',
  '[2001:db8::1]',
  '[2001:10::1]',
  '[2001:20::1]',
  '[2001:2::1]',
  '[3fff::1]',
  '[5f00::1]',
  '[4000::1]',
];
const NAMES = Object.keys(ZONE).filter((name) => !['good.test', 'rebind.test'].includes(name));
const PORTS = [0, 21, 22, 25, 80, 110, 2375, 3306, 5432, 6379, 8080, 9200, 10250, 11211, 27017, 65535];
const HOSTILE = [
  ...INSIDE_4.flatMap(spellings).map((host) => `https://${host}/`),
  ...SPELLED_HOSTS.map((host) => `https://${host}/`),
  ...NAMES.map((name) => `https://${name}/`),
  ...NAMES.slice(0, 4).map((name) => `https://${name}:8443/hooks?x=1`),
  'https://unknown.test/',
  'https://INTERNAL.test/',
  ...PORTS.map((port) => `https://good.test:${port}/`),
  ...['http://good.test/', 'http://127.0.0.1/', 'http://169.254.169.254/latest/meta-data/', 'http://[::1]/', 'HTTP://10.0.0.1'],
  ...['https://user@good.test/', 'https://user:secret@good.test/', 'https://good.test@127.0.0.1/', 'https://:p@good.test/'],
  'https://good.test/#fragment',
  ...['file:///etc/passwd', 'ftp://good.test/', 'gopher://good.test/_', 'dict://good.test:11211/', 'ldap://good.test/', 'ws://good.test/'],
  ...['wss://good.test/', 'data:text/plain,x', 'javascript:alert(1)', 'blob:https://good.test/x', 'about:blank', 'unix:/run/docker.sock'],
  ...['', ' ', 'good.test', '//good.test/', 'https:', 'https://', 'https://[::1', 'https://[fe80::1%25eth0]/', 'https://256.256.256.256/'],
];
const GOOD = [
  ...['8.8.8.8', '1.1.1.1', '114.114.114.114', '223.5.5.5', '119.29.29.29', '9.9.9.9', '100.63.255.255', '100.128.0.1', '172.15.0.1'],
  ...['172.32.0.1', '11.0.0.1', '126.255.255.255', '128.0.0.1', '169.253.1.1', '192.167.1.1', '192.169.1.1', '198.17.0.1', '198.20.0.1'],
  ...['223.255.255.254', '[2606:4700::1111]', '[240e::1]', '[2408:8000::1]', '[2409:8000::1]', '[2a00:1450::1]', '[2001:4860:4860::8888]'],
  ...['good.test', 'hooks.example.com', 'xn--fiqs8s.example', '津桥.example', 'a-b.c-d.example'],
].map((host) => `https://${host}/hooks`);

const nameServer = new NameServer();
const resolver = new Resolver({ timeout: 2_000, tries: 2 });
const resolve: Resolve = async (hostname) => {
  const asked = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  return asked.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
};
const none = new Exceptions();
const clock = { now: () => new Date('2026-11-23T01:00:00.000Z') };
const senders: WebhookSender[] = [];
const senderWith = (exceptions: Exceptions): WebhookSender => {
  const sender = new WebhookSender(clock, { exceptions, resolve });
  senders.push(sender);
  return sender;
};
const send = (sender: WebhookSender, url: string) =>
  sender.send({ endpointId: url, url, headers: {}, body: '{}' }, new AbortController().signal);

/** Where connections were begun to. */
const begun: string[] = [];

beforeAll(async () => {
  resolver.setServers([await nameServer.listen()]);
  const emit = Reflect.get(Socket.prototype, 'emit') as (...all: unknown[]) => boolean;
  jest.spyOn(Socket.prototype, 'emit').mockImplementation(function (this: Socket, ...all: unknown[]) {
    if (all[0] === 'connectionAttempt') begun.push(String(all[1]));
    return Reflect.apply(emit, this, all);
  });
});
beforeEach(() => begun.splice(0));
afterAll(async () => {
  jest.restoreAllMocks();
  await Promise.all(senders.map((sender) => sender.onApplicationShutdown()));
  resolver.cancel();
  nameServer.close();
});

describe(`${HOSTILE.length} hostile URLs`, () => {
  it('are at least 150, each another one', () => {
    expect(new Set(HOSTILE).size).toBe(HOSTILE.length);
    expect(HOSTILE.length).toBeGreaterThanOrEqual(150);
  });

  it.each(HOSTILE)('%s is refused when it is registered', async (url) => {
    const registering = async (): Promise<void> => assertReachable(allowedUrl(url, none), none, resolve);
    await expect(registering()).rejects.toMatchObject({ code: 'ENDPOINT_ADDRESS_REFUSED', status: 422 });
    expect(begun).toEqual([]);
  });

  it('are refused by the sender too, without one connection', async () => {
    const sender = senderWith(none);
    for (const url of HOSTILE) expect([url, (await send(sender, url)).outcome]).toEqual([url, 'ADDRESS_REFUSED']);
    expect(begun).toEqual([]);
  });
});

it('good URLs are let through', async () => {
  expect(GOOD).toHaveLength(30);
  for (const url of GOOD) expect(allowedUrl(url, none).protocol).toBe('https:');
  await expect(assertReachable(new URL('https://good.test/'), none, resolve)).resolves.toBeUndefined();
});

it('a name server that fails is nobody’s fault: not registered, and an attempt like any other that found nobody', async () => {
  const away: Resolve = () => Promise.reject(Object.assign(new Error('getaddrinfo EAI_AGAIN good.test'), { code: 'EAI_AGAIN' }));
  const url = 'https://good.test/hooks';
  await expect(assertReachable(new URL(url), none, away)).rejects.toMatchObject({ code: 'ENDPOINT_ADDRESS_REFUSED' });
  const sender = new WebhookSender(clock, { exceptions: none, resolve: away });
  senders.push(sender);
  expect(await send(sender, url)).toMatchObject({ outcome: 'UNREACHABLE', reason: expect.stringContaining('EAI_AGAIN') as string });
  expect(begun).toEqual([]);
});

describe('a name that means something else a moment later', () => {
  it('is looked up once a connection, and gives only what was checked', async () => {
    const given: (readonly { address: string }[] | string)[] = [];
    for (let turn = 0; turn < 20; turn += 1) {
      await new Promise<void>((done) => {
        checkedLookup(resolve)('rebind.test', { all: true }, (refused, addresses) => {
          given.push(refused ? 'refused' : addresses);
          done();
        });
      });
    }
    expect(nameServer.asked.get('rebind.test false')).toBe(20);
    const public4 = [{ address: PUBLIC, family: 4 }];
    expect(given).toEqual(Array.from({ length: 20 }, (_, turn) => (turn % 2 === 0 ? public4 : 'refused')));
  });

  it('is refused by the sender although it was registered', async () => {
    const url = 'https://rebind.test/hooks';
    await expect(assertReachable(allowedUrl(url, none), none, resolve)).resolves.toBeUndefined();
    expect((await send(senderWith(none), url)).outcome).toBe('ADDRESS_REFUSED');
    expect(begun).toEqual([]);
  });
});

it('a host that is let through on a development machine is called, and the connection is seen', async () => {
  const server = createServer((_request, response) => response.writeHead(204).end());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const listed = new Exceptions(`other.test,127.0.0.1:${port}`);
  expect(await send(senderWith(listed), `http://127.0.0.1:${port}/`)).toMatchObject({ outcome: 'DELIVERED', status: 204 });
  expect(begun).toEqual(['127.0.0.1']);
  expect((await send(senderWith(listed), `http://127.0.0.1:${port === 1_024 ? 1_025 : 1_024}/`)).outcome).toBe('ADDRESS_REFUSED');
  server.closeAllConnections();
  server.close();
});

it.each([
  ['[::1]', true],
  ['::1', true],
  ['127.0.0.1', true],
  ['[2606:4700::1111]', false],
  ['2606:4700::1111', false],
  ['8.8.8.8', false],
  ['good.test', false],
])('the address %s in a URL is refused: %s', (hostname, isRefused) => {
  expect(isRefusedLiteral(hostname)).toBe(isRefused);
});

it.each(['', 'x', '127.0.0.1', '::1', 'fe80::1%eth0', '1.2.3.4.5', '::ffff:8.8.8.8.8'])('%p is no public address', (address) => {
  expect(isPublicAddress(address)).toBe(false);
});
