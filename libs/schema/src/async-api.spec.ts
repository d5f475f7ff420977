import { allStreams } from '@jinqiao/contracts';
import { Parser } from '@asyncapi/parser';
import { asyncApi } from './async-api.js';

describe('the AsyncAPI document', () => {
  const source = JSON.stringify(asyncApi('https://jinqiao.example'));
  const parse = (text: string) => new Parser().parse(text);
  let parsed: Awaited<ReturnType<typeof parse>>;

  beforeAll(async () => {
    parsed = await parse(source);
  }, 120_000);

  it('is accepted by the official parser without an error or a warning', () => {
    // 0 is an error, 1 a warning; the rest is advice.
    expect(parsed.diagnostics.filter((found) => found.severity <= 1).map(({ message, path }) => `${path.join('/')}: ${message}`)).toEqual(
      [],
    );
    expect(parsed.document?.version()).toBe('3.0.0');
  });

  it('has every stream with its writer, readers and messages', () => {
    const channels = parsed.document?.channels().all() ?? [];
    expect(channels.map((channel) => channel.address()).sort()).toEqual(
      allStreams()
        .map((stream) => stream.topic)
        .sort(),
    );
    for (const stream of allStreams()) {
      const operations =
        parsed.document?.operations().filter((operation) => operation.channels().all()[0]?.address() === stream.topic) ?? [];
      expect(operations.filter((operation) => operation.isSend())).toHaveLength(1);
      expect(operations.filter((operation) => operation.isReceive())).toHaveLength(stream.readers.length);
      const sent =
        operations
          .find((operation) => operation.isSend())
          ?.messages()
          .all() ?? [];
      expect(sent.map((message) => message.title())).toEqual(stream.events.map((event) => event.name));
    }
  });

  it('describes the CloudEvents headers of every message', () => {
    for (const message of parsed.document?.messages().all() ?? []) {
      const headers = message.headers()?.json() as { required: string[]; properties: Record<string, { const?: string }> };
      expect(headers.required).toEqual(
        expect.arrayContaining(['ce_specversion', 'ce_id', 'ce_source', 'ce_type', 'ce_time', 'ce_dataschema']),
      );
      expect(headers.properties['ce_type']?.const).toBe(message.name());
    }
  });

  it('names the owner of a topic as a parameter', () => {
    const owned = parsed.document?.channels().filter((channel) => channel.parameters().has('owner')) ?? [];
    expect(owned.map((channel) => channel.address()).sort()).toEqual(
      allStreams()
        .filter((stream) => stream.owner)
        .map((stream) => stream.topic)
        .sort(),
    );
  });

  it('asks for a token at the broker', () => {
    expect(parsed.document?.servers().all()[0]?.security()).toHaveLength(1);
  });

  it('fails the parser when a reference leads nowhere', async () => {
    const { diagnostics } = await parse(source.replace('#/components/schemas/Product"', '#/components/schemas/Produkt"'));
    expect(diagnostics.some((found) => found.severity === 0)).toBe(true);
  }, 120_000);
});
