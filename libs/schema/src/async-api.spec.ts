import { allStreams } from '@jinqiao/contracts';
import { Parser } from '@asyncapi/parser';
import { asyncApi } from './async-api.js';

describe('the AsyncAPI document', () => {
  const source = JSON.stringify(asyncApi('https://jinqiao.example'));

  it('is accepted by the official parser without an error or a warning', async () => {
    const { document, diagnostics } = await new Parser().parse(source);
    // 0 is an error, 1 a warning; the rest is advice.
    expect(diagnostics.filter((found) => found.severity <= 1).map(({ message, path }) => `${path.join('/')}: ${message}`)).toEqual([]);
    expect(document?.version()).toBe('3.0.0');
  });

  it('has every stream with its writer, readers and messages', async () => {
    const { document } = await new Parser().parse(source);
    const channels = document?.channels().all() ?? [];
    expect(channels.map((channel) => channel.address()).sort()).toEqual(
      allStreams()
        .map((stream) => stream.topic)
        .sort(),
    );
    for (const stream of allStreams()) {
      const operations = document?.operations().filter((operation) => operation.channels().all()[0]?.address() === stream.topic) ?? [];
      expect(operations.filter((operation) => operation.isSend())).toHaveLength(1);
      expect(operations.filter((operation) => operation.isReceive())).toHaveLength(stream.readers.length);
    }
  });

  it('names the owner of a topic as a parameter', async () => {
    const { document } = await new Parser().parse(source);
    const owned = document?.channels().filter((channel) => channel.parameters().has('owner')) ?? [];
    expect(owned.map((channel) => channel.address()).sort()).toEqual(
      allStreams()
        .filter((stream) => stream.owner)
        .map((stream) => stream.topic)
        .sort(),
    );
  });

  it('fails the parser when a reference leads nowhere', async () => {
    const { diagnostics } = await new Parser().parse(source.replace('#/components/schemas/Product"', '#/components/schemas/Produkt"'));
    expect(diagnostics.some((found) => found.severity === 0)).toBe(true);
  });
});
