import { once } from 'node:events';
import { createRequire } from 'node:module';
import { type AddressInfo, connect, createServer } from 'node:net';

/*
 * patches/kafkajs+2.2.4.patch: what KafkaJS writes must stay the same, byte for byte; what it does beside that must not. The expected
 * bytes are those of the released 2.2.4.
 */
const inside = createRequire(require.resolve('kafkajs'));
const encode = inside('./src/protocol/recordBatch/record/v0') as (record: object) => { buffer: Buffer };
const decode = inside('./src/protocol/recordBatch/record/v0/decoder') as (decoder: object, context: object) => { headers: object };
const Decoder = inside('./src/protocol/decoder') as new (bytes: Buffer) => { readVarInt(): number };
const RequestQueue = inside('./src/network/requestQueue') as new (options: object) => {
  checkPendingRequests(): void;
  destroy(): void;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
};

const ConsumerGroup = inside('./src/consumer/consumerGroup') as new (options: object) => {
  heartbeat(how: { interval: number }): Promise<void>;
};

interface Connection {
  connect(): Promise<boolean>;
  send(exchange: object): Promise<unknown>;
  isConnected(): boolean;
  disconnect(): Promise<boolean>;
}
const Connection = inside('./src/network/connection') as new (options: object) => Connection;

const record = {
  offsetDelta: 70,
  timestampDelta: 8_192,
  key: '键',
  value: Buffer.from('{"a":1}'),
  headers: { ce_id: 'x', many: ['1', '2'] },
};

it('writes a record as the released version does', () => {
  const released = '52008080018c0106e994ae0e7b2261223a317d060a63655f69640278086d616e790231086d616e790232';
  expect(encode(record).buffer.toString('hex')).toBe(released);
});

it('reads the headers of a record, several of one name too', () => {
  const decoder = new Decoder(encode(record).buffer);
  decoder.readVarInt();
  const { headers } = decode(decoder, { firstOffset: '0', firstTimestamp: '0' });
  expect(headers).toEqual({ ce_id: Buffer.from('x'), many: [Buffer.from('1'), Buffer.from('2')] });
});

it('sets no timer for requests that are not there', () => {
  const queue = new RequestQueue({ logger: { namespace: () => ({}) }, instrumentationEmitter: null, isConnected: () => true });
  queue.checkPendingRequests();
  expect(queue.throttleCheckTimeoutId).toBeNull();
  queue.destroy();
});

it('sums a batch up natively, to what CRC-32C says', () => {
  const crc32c = inside('./src/protocol/recordBatch/crc32C') as (bytes: Buffer) => number;
  // The check value of CRC-32C (RFC 3720 appendix B.4 has its polynomial).
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c).toBe((inside('@node-rs/crc32') as { crc32c: unknown }).crc32c);
});

it('takes no batch that was spoilt on its way', async () => {
  const { RecordBatch } = inside('./src/protocol/recordBatch/v0') as { RecordBatch(of: object): Promise<{ buffer: Buffer }> };
  const read = inside('./src/protocol/recordBatch/v0/decoder') as (decoder: object) => Promise<{ records: { value: Buffer }[] }>;
  const { buffer } = await RecordBatch({ records: [encode({ ...record, offsetDelta: 0 })] });
  expect((await read(new Decoder(buffer))).records.map(({ value }) => String(value))).toEqual(['{"a":1}']);
  buffer[buffer.indexOf('"a":1')] = 0x27;
  await expect(read(new Decoder(buffer))).rejects.toThrow(/spoilt/);
});

it.each([
  // From the Java client's own test, UtilsTest.testMurmur2.
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('finds the partition of %s as the Java client does', (key, hash) => {
  const murmur2 = inside('./src/producer/partitioners/default/murmur2') as (key: string) => number;
  expect(murmur2(key)).toBe(hash);
});

const quiet = (): object => ({ namespace: quiet, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} });
afterEach(() => jest.restoreAllMocks());

// With the released version a member is silent for as long as its clock went back: it is expelled, and does not learn of it.
it('asks again for the coordinator of a group when no broker has answered', async () => {
  const Cluster = inside('./src/cluster') as { prototype: { findGroupCoordinatorMetadata(this: object, of: object): Promise<unknown> } };
  const silent = { brokerPool: { withBroker: () => Promise.resolve(null) } };
  await expect(Cluster.prototype.findGroupCoordinatorMetadata.call(silent, { groupId: 'credit' })).rejects.toMatchObject({
    name: 'KafkaJSGroupCoordinatorNotFound',
    retriable: true,
  });
});

it('heartbeats go on when a clock that was ahead is set back', async () => {
  const group = new ConsumerGroup({ logger: quiet(), instrumentationEmitter: { emit: () => undefined } });
  let heartbeats = 0;
  Object.assign(group, { memberId: 'm', coordinator: { heartbeat: () => Promise.resolve(++heartbeats) } });
  const beat = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    await group.heartbeat({ interval: 10 });
  };
  const ahead = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000);
  await beat();
  ahead.mockRestore();
  await beat();
  expect(heartbeats).toBe(2);
});

describe('a connection', () => {
  const Encoder = inside('./src/protocol/encoder') as new () => object;
  const request = { apiKey: 18, apiVersion: 0, apiName: 'ApiVersions', encode: () => Promise.resolve(new Encoder()) };

  /** Asks a broker that answers the first request with these bytes and, where there is a second one, that one with an empty response. */
  async function ask(answer: readonly number[], again = false): Promise<{ readonly said: string; readonly isConnected: boolean }> {
    let answers = [Buffer.from(answer), Buffer.from([0, 0, 0, 4, 0, 0, 0, 1])];
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => {
        const [next = Buffer.alloc(0), ...rest] = answers;
        answers = rest;
        if (again && rest.length > 0) socket.end(next);
        else socket.write(next);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const connection = new Connection({
      port,
      logger: quiet(),
      socketFactory: ({ onConnect }: { onConnect: () => void }) => connect({ port }, onConnect),
      requestTimeout: 300,
      connectionTimeout: 1_000,
    });
    const response = { decode: (bytes: Buffer) => Promise.resolve(bytes), parse: () => Promise.resolve('answered') };
    const asked = async (): Promise<unknown> => {
      await connection.connect();
      return connection.send({ request, response }).catch((error: unknown) => error);
    };
    const said = again ? [await asked(), await asked()].at(-1) : await asked();
    // The socket's end is told a moment later.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const isConnected = connection.isConnected();
    await connection.disconnect();
    server.close();
    return { said: String(said), isConnected };
  }

  // The released version waits for the rest of 1.5 GB and takes everything that comes later for a part of it.
  it.each([
    ['longer than any response', [0x5e, 0x70, 0x01, 0x21]],
    ['shorter than any response', [0, 0, 0, 2, 0, 0]],
    ['negative', [0xff, 0xff, 0xff, 0xff]],
  ])('whose next frame is %s is given up at once', async (_size, answer) => {
    const { said, isConnected } = await ask(answer);
    expect(said).toMatch(/no response has a size of/);
    expect(isConnected).toBe(false);
  });

  it('on which a request has timed out is given up', async () => {
    const { said, isConnected } = await ask([]);
    expect(said).toMatch(/timed out/);
    expect(isConnected).toBe(false);
  });

  // The released version waits for as long as the clock went back.
  it('on which a request has timed out is given up also when the clock was set back meanwhile', async () => {
    const asked = ask([]);
    setTimeout(() => jest.spyOn(Date, 'now').mockReturnValue(0), 100);
    expect((await asked).said).toMatch(/timed out/);
  });

  // The released version takes the next response for the end of the half one, for as long as its process lives.
  it('that broke in the middle of a response begins anew', async () => {
    expect((await ask([0, 0, 0, 100, 0, 0, 0, 0, 1, 2, 3], true)).said).toBe('answered');
  });
});
