import { readFileSync } from 'node:fs';
import { ownerOf, type Stream } from '@jinqiao/contracts';
import { STACK_PRINCIPAL } from '@jinqiao/infra-local';
import type { OutsideRecord } from './outside.js';
import type { Place } from './place.js';
import { StandingClock } from './test-service.js';

const FILE = new URL('../recorded/73be841.ndjson', import.meta.url);

/** A record as it lay on a topic of an earlier version of the platform (recorded/README.md). */
export type RecordedEvent = Pick<OutsideRecord, 'topic' | 'key' | 'headers' | 'value'>;

/** What was recorded of these streams, each topic in its order. */
export function recordedEvents(...streams: readonly Stream[]): RecordedEvent[] {
  const all = readFileSync(FILE, 'utf8').trimEnd().split('\n');
  const events = all.map((line) => JSON.parse(line) as RecordedEvent);
  return streams.flatMap((stream) => {
    const own = events.filter(({ topic }) => topic === stream.topic || ownerOf(stream, topic) !== null);
    if (own.length === 0) throw new Error(`nothing is recorded of ${stream.topic}`);
    return own;
  });
}

/** Puts them on the topics of a place, as whoever access rules do not bind. */
export async function replay(place: Place, events: readonly RecordedEvent[]): Promise<void> {
  for (const topic of new Set(events.map((event) => event.topic))) {
    await place.outside(STACK_PRINCIPAL).produce(
      topic,
      events.filter((event) => event.topic === topic),
    );
  }
}

/** The moment the recording ended: what is public or overdue then does not change with the day on which a spec runs. */
export function clockOfTheRecording(events: readonly RecordedEvent[]): StandingClock {
  return new StandingClock(new Date(Math.max(...events.map(({ headers }) => Date.parse(headers['ce_time'] ?? '')))));
}

/** Which of them the service of the place has not taken in, and what it has set aside. */
export async function stuck(place: Place, events: readonly RecordedEvent[]): Promise<{ unread: string[]; setAside: object[] }> {
  const rows = await place.sql<{ id: string }>(`SELECT source || ' ' || event_id AS id FROM inbox`);
  const taken = new Set(rows.map(({ id }) => id));
  const ids = events.map(({ headers }) => `${headers['ce_source'] ?? ''} ${headers['ce_id'] ?? ''}`);
  return { unread: ids.filter((id) => !taken.has(id)), setAside: await place.sql('SELECT topic, key, code, reason FROM dead_letters') };
}

/** What an event says, as far as it is told without its contract. */
export interface Said {
  readonly key: string;
  /** The name of its class. */
  readonly type: string;
  readonly revision: number;
  readonly body: Readonly<Record<string, unknown>> | null;
}

/** The state with the highest revision of each key, or of each of what `by` answers, in the order of these. */
export function newest(events: readonly RecordedEvent[], by: (said: Said) => unknown = ({ key }) => key): Said[] {
  const states = new Map<string, Said>();
  for (const { key, headers, value } of events) {
    const body = value === null ? null : (JSON.parse(value) as Record<string, unknown>);
    const type = headers['ce_type']?.split('.').at(-1) ?? '';
    const said = { key: key ?? '', type, revision: Number(headers['ce_revision'] ?? body?.['revision'] ?? 1), body };
    const of = String(by(said));
    if (said.revision >= (states.get(of)?.revision ?? 0)) states.set(of, said);
  }
  return [...states].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, said]) => said);
}
