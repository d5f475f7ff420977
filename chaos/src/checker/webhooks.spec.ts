import { createHash } from 'node:crypto';
import type { Entry, WebhookEntry } from '../history.js';
import { Findings } from './findings.js';
import type { Topics } from './topics.js';
import { type DeliveryRow, judgeWebhooks } from './webhooks.js';

const VALUE = (revision: number): string => JSON.stringify({ feedbackId: 'f', revision });
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

const call = (at: number, changes: Partial<WebhookEntry> = {}): Entry => {
  return { entry: 'webhook', at, platformId: 'jd', path: '/jd/1', id: 'f_1', hash: hashOf(VALUE(1)), did: 'taken', ...changes };
};
const registered: Entry = { entry: 'endpoint', at: 0, platformId: 'jd', path: '/jd/1', phase: 'registered' };
const ended = (at: number): Entry => ({ entry: 'endpoint', at, platformId: 'jd', path: '/jd/1', phase: 'ended' });
const fault = (at: number, target: string, phase: 'begins' | 'recovered'): Entry => ({
  entry: 'fault',
  at,
  number: 1,
  kind: 'kill',
  target,
  phase,
});
const row = (changes: Partial<DeliveryRow> = {}): DeliveryRow => {
  return { platform: 'jd', name: 'f_1', position: 1, attempts: 1, due: false, delivered: true, logged: '1', successes: '1', ...changes };
};
const second = row({ name: 'f_2', position: 2 });
const secondCall = (at: number): Entry => call(at, { id: 'f_2', hash: hashOf(VALUE(2)) });

function topicsOf(revisions: readonly number[]): Topics {
  const topic = 'platform.jd.feedback.v1';
  const records = revisions.map((revision) => ({
    ...{ topic, partition: 0, offset: revision, at: 0, key: 's', value: VALUE(revision) },
    headers: { ce_id: String(revision), ce_source: 'x', ce_type: 'platform.feedback.FeedbackIssued', ce_revision: String(revision) },
  }));
  return { records: new Map([[topic, records]]), ends: new Map() };
}

function codes(history: readonly Entry[], rows: readonly DeliveryRow[], revisions: readonly number[] = [1]): string[] {
  const findings = new Findings();
  judgeWebhooks({ history: [registered, ...history], rows }, topicsOf(revisions), findings);
  return findings.violations.map(({ code }) => code);
}

describe('a webhook', () => {
  it('is right when it was taken, or is due, or was given up after every attempt', () => {
    expect(codes([call(1)], [row()])).toEqual([]);
    expect(codes([], [row({ delivered: false, due: true, successes: '0' })])).toEqual([]);
    expect(codes([], [row({ delivered: false, attempts: 8, logged: '8', successes: '0' })])).toEqual([]);
  });

  it('is lost when it is neither delivered nor due, or stands on the topic alone', () => {
    expect(codes([], [row({ delivered: false, successes: '0' })])).toEqual(['WEBHOOK_LOST']);
    expect(codes([], [])).toEqual(['WEBHOOK_LOST']);
  });

  it('has to be known to the endpoint and to the log when it is delivered', () => {
    expect(codes([call(1, { did: 'failed' })], [row()])).toEqual(['WEBHOOK_NOT_TAKEN']);
    expect(codes([call(1)], [row({ successes: '0' })])).toEqual(['WEBHOOK_UNLOGGED']);
    expect(codes([call(1)], [row({ attempts: 3 })])).toEqual(['WEBHOOK_UNLOGGED']);
  });

  it('has the bytes of the topic and a right signature', () => {
    expect(codes([call(1, { hash: hashOf('other') })], [row()])).toEqual(['WEBHOOK_WRONG']);
    expect(codes([call(1), call(2, { did: 'unsigned' })], [row()])).toEqual(['WEBHOOK_UNSIGNED']);
  });

  it('comes behind the revision before it, whatever is repeated later', () => {
    expect(codes([call(1), secondCall(2), call(3)], [row(), second], [1, 2])).toEqual([]);
    expect(codes([secondCall(1), call(2)], [row(), second], [1, 2])).toEqual(['WEBHOOK_ORDER']);
  });
});

describe('an endpoint that has ended', () => {
  it('gets what was under way, and nothing later', () => {
    expect(codes([call(1), ended(10), call(2_000, { did: 'gone' })], [row()])).toEqual([]);
    expect(codes([call(1), ended(10), call(9_000, { did: 'gone' })], [row()])).toEqual(['WEBHOOK_AFTER_THE_END']);
  });

  it('may get later what a fault held up at the sender', () => {
    const held = [fault(5, 'exchange', 'begins'), ended(10), call(9_000, { did: 'gone' }), fault(10_000, 'exchange', 'recovered')];
    expect(codes([call(1), ...held], [row()])).toEqual([]);
    expect(codes([call(1), ...held, call(20_000, { did: 'gone' })], [row()])).toEqual(['WEBHOOK_AFTER_THE_END']);
  });

  it('is not called again by a database that was set back either', () => {
    const setBack: Entry = { entry: 'phase', at: 20, phase: 'database set back', what: 'exchange' };
    expect(codes([call(1), ended(10), setBack, call(9_000, { did: 'gone' })], [row()])).toEqual(['WEBHOOK_AFTER_THE_END']);
  });
});
