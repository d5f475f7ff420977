import { FeedbackIssued, platformFeedback } from './exchange.events.js';
import { repairDecisionIntake, SamplingResultReported, samplingResultIntake } from './department.events.js';
import { samplingNotices, SamplingResultPublished, samplingResults, subjectOf } from './inspection.events.js';
import { KeptRows } from './kept-rows.js';
import { allStreams, deadLetterTopic, ownerOf, stream, streamOf, topicOf, typeOf } from './stream.js';
import './index.js';

describe('every declared stream', () => {
  const streams = allStreams().map((one) => [one.topic, one] as const);

  it.each(streams)('%s has a name with a version and a sentence', (topic, one) => {
    expect(topic).toMatch(/^[a-z]+\.(\{owner\}\.)?[a-z-]+\.v[1-9]$/);
    expect(one.about).toMatch(/\.$/);
  });

  /** What a service says to itself alone, to know it again after a restore, as rows or as events. */
  const memory = [
    'inspection.sampling-draw.v1',
    ...['contact', 'granted-key', 'conformance-run', 'channel', 'webhook-endpoint', 'signature-key'].map((name) => `exchange.${name}.v1`),
  ];

  it.each(streams)('%s is followed by somebody else than its writer, unless it is the memory of its writer', (topic, one) => {
    const isMemory = memory.includes(topic) || one.events.every((event) => event.prototype instanceof KeptRows);
    expect(one.readers.some((reader) => reader !== one.writer)).toBe(!isMemory);
  });

  it.each(streams)('%s has an owner exactly when its topic, writer or readers name one', (topic, one) => {
    expect(one.owner !== undefined).toBe(topic.includes('{owner}'));
    expect(one.owner !== undefined).toBe([one.writer, ...one.readers].includes('owner'));
  });

  // A decision that was passed on stays as it is: other content under its number is refused, and nothing wins over it.
  const decidedOnce = [repairDecisionIntake.topic];

  it.each(streams)('%s carries a revision in every event, for the higher one wins, unless what it says is said once', (topic, one) => {
    const type = decidedOnce.includes(topic) ? undefined : Number;
    for (const event of one.events) expect(Reflect.getMetadata('design:type', event.prototype as object, 'revision')).toBe(type);
  });

  it('is named by one topic only, and so is every event', () => {
    const topics = allStreams().map((one) => one.topic);
    const events = allStreams().flatMap((one) => one.events.map((event) => event.name));
    expect(new Set(topics).size).toBe(topics.length);
    expect(new Set(events).size).toBe(events.length);
  });
});

describe('stream', () => {
  it('refuses a class that another stream already declares', () => {
    const again = {
      topic: 'x.y.v1',
      about: '',
      writer: 'credit',
      readers: [],
      retention: 1,
      key: () => '',
      events: [SamplingResultPublished],
    } as const;
    expect(() => stream(again)).toThrow('SamplingResultPublished is declared in two streams');
    expect(allStreams().map((one) => one.topic)).not.toContain('x.y.v1');
  });

  it('knows the stream, the type and the key of an event', () => {
    expect(streamOf(SamplingResultPublished)).toBe(samplingResults);
    expect(typeOf(SamplingResultPublished)).toBe('inspection.sampling-result.SamplingResultPublished');
    expect(typeOf(SamplingResultReported)).toBe('intake.sampling-result.SamplingResultReported');
    expect(typeOf(FeedbackIssued)).toBe('platform.feedback.FeedbackIssued');
    expect(samplingResults.key({ reporterId: 'tj-amr', sampleNo: 'GC-1' })).toBe('tj-amr:GC-1');
  });

  it('gives a result the same key before and after publication, so that its order holds', () => {
    const result = { reporterId: 'tj-amr', sampleNo: 'GC-1' };
    expect(samplingNotices.key(result)).toBe(samplingResults.key(result));
    expect(subjectOf(result)).toBe('tj-amr:GC-1');
  });

  it('has no stream for a class nobody declared', () => {
    class Undeclared {}
    expect(() => streamOf(Undeclared)).toThrow('Undeclared is not declared in any stream');
  });
});

describe('the topic of an organisation', () => {
  it('carries its id, and gives it back', () => {
    expect(topicOf(platformFeedback, 'jd')).toBe('platform.jd.feedback.v1');
    expect(ownerOf(platformFeedback, 'platform.jd.feedback.v1')).toBe('jd');
    expect(ownerOf(samplingResultIntake, topicOf(samplingResultIntake, 'tj-amr'))).toBe('tj-amr');
  });

  it.each([
    'platform.jd.receipt.v1',
    'platform..feedback.v1',
    'platform.a.b.feedback.v1',
    'platform.feedback.v1',
    'intake.jd.sampling-result.v1',
  ])('is not %s', (topic) => {
    expect(ownerOf(platformFeedback, topic)).toBeNull();
  });

  it('does not exist where a stream has no owners', () => {
    expect(topicOf(samplingResults)).toBe('inspection.sampling-result.v1');
    expect(ownerOf(samplingResults, 'inspection.sampling-result.v1')).toBeNull();
  });

  it('goes to the recipient an event names', () => {
    expect(platformFeedback.owner?.of({ recipientId: 'jd' })).toBe('jd');
  });
});

it('names the dead letters of a consumer', () => {
  expect(deadLetterTopic('credit')).toBe('credit.dlt.v1');
});
