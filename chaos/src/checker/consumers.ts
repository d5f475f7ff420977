import type { Refused } from './answers.js';
import type { Findings } from './findings.js';
import type { Tables } from './tables.js';
import { groupedBy, identityOf, isPoison, type TopicRecord, type Topics } from './topics.js';

/** Every service but its writer. */
const DIRECTORY = /^exchange\.organisation\.v1$/;

/** Which topics each service reads. */
const READS: Readonly<Record<string, readonly RegExp[]>> = {
  inspection: [/^intake\..+\.(sampling-(result|step)|recall)\.v1$/, DIRECTORY],
  registration: [DIRECTORY],
  exchange: [
    /^inspection\.(sampling-(result|notice)|recall|conformance)\.v1$/,
    /^registration\.platform-merchant\.v1$/,
    /^credit\.credit-status\.v1$/,
    /^platform\..+\.(receipt|feedback)\.v1$/,
  ],
  credit: [
    /^inspection\.sampling-result\.v1$/,
    /^registration\.(market-entity|platform-merchant|permit)\.v1$/,
    /^intake\..+\.(credit-record|repair-decision)\.v1$/,
    DIRECTORY,
  ],
  monitoring: [/^inspection\.sampling-result\.v1$/, DIRECTORY],
};

interface Letter {
  readonly place: string;
  readonly code: string;
  readonly reason: string;
}

/** What has to be a dead letter, and what may be one. */
interface Bad {
  readonly poisoned: readonly string[];
  /** Of each step that was refused: wherever the broker holds it. */
  readonly refused: readonly (readonly string[])[];
  readonly mayBe: readonly string[];
}

const placeOf = ({ topic, partition, offset }: TopicRecord): string => `${topic}[${partition}]@${offset}`;

/**
 * Every record that was read is in the inbox once, or it was poison or a step that was refused and is among the dead letters once; and every
 * offset is at the end.
 */
export async function checkConsumers(refused: Refused, topics: Topics, tables: Tables, findings: Findings): Promise<void> {
  for (const [service, patterns] of Object.entries(READS)) {
    const read = [...topics.records].filter(([topic]) => patterns.some((pattern) => pattern.test(topic))).flatMap(([, records]) => records);
    const inbox = await tables.rows<{ name: string }>(service, `SELECT source || ' ' || event_id AS name FROM inbox`);
    const handled = new Set(inbox.map(({ name }) => name));
    const good = new Set(read.filter((record) => !isPoison(record) && !refused.inTheEnd.has(identityOf(record))).map(identityOf));
    for (const name of good) findings.expect(handled.delete(name), 'INBOX_MISSING', `${service} has not noted ${name}`);
    for (const name of handled) findings.add('INBOX_UNEXPECTED', `${service} has noted ${name}, which was never sent`);
    const ever = groupedBy(
      read.filter((record) => refused.ever.has(identityOf(record))),
      identityOf,
    );
    const bad = {
      poisoned: read.filter(isPoison).map(placeOf),
      refused: [...ever].flatMap(([name, records]) => (refused.inTheEnd.has(name) ? [records.map(placeOf)] : [])),
      mayBe: [...ever.values()].flat().map(placeOf),
    };
    await checkDeadLetters(service, bad, { topics, tables }, findings);
    await checkOffsets(service, topics, tables, findings);
  }
}

async function checkDeadLetters(
  service: string,
  { poisoned, refused, mayBe }: Bad,
  { topics, tables }: { topics: Topics; tables: Tables },
  findings: Findings,
): Promise<void> {
  const letters = await tables.rows<Letter>(
    service,
    `SELECT topic || '[' || partition || ']@' || "offset" AS place, code, reason FROM dead_letters`,
  );
  const kept = groupedBy(letters, ({ place }) => place);
  const told = new Set(
    (topics.records.get(`${service}.dlt.v1`) ?? []).map(
      ({ headers }) => `${headers['dlt-topic'] ?? ''}[${headers['dlt-partition'] ?? ''}]@${headers['dlt-offset'] ?? ''}`,
    ),
  );
  for (const place of poisoned) {
    const own = kept.get(place) ?? [];
    kept.delete(place);
    findings.expect(own.length > 0, 'DEAD_LETTER_MISSING', `${service} has passed over the poison at ${place} without a word`);
    findings.expect(own.length < 2, 'DEAD_LETTER_DOUBLED', `${service} keeps the poison at ${place} ${own.length} times`);
    findings.expect(own.length === 0 || told.has(place), 'EVENT_LOST', `${service} has not published the dead letter of ${place}`);
    told.delete(place);
  }
  for (const places of refused) {
    const isKept = places.some((place) => kept.has(place));
    findings.expect(isKept, 'DEAD_LETTER_MISSING', `${service} has refused the step at ${places.join(', ')} without a dead letter`);
  }
  for (const place of mayBe) {
    const own = kept.get(place) ?? [];
    kept.delete(place);
    findings.expect(own.length < 2, 'DEAD_LETTER_DOUBLED', `${service} keeps the refused step at ${place} ${own.length} times`);
    findings.expect(own.length === 0 || told.has(place), 'EVENT_LOST', `${service} has not published the dead letter of ${place}`);
    told.delete(place);
  }
  for (const letter of [...kept.values()].flat()) {
    findings.add('DEAD_LETTER_UNEXPECTED', `${service} set ${letter.place} aside: ${letter.code} ${letter.reason.slice(0, 120)}`);
    told.delete(letter.place);
  }
  for (const place of told) findings.add('EVENT_UNCOMMITTED', `${service} has published a dead letter of ${place} that it does not keep`);
}

async function checkOffsets(service: string, { ends, records }: Topics, tables: Tables, findings: Findings): Promise<void> {
  const rows = await tables.rows<{ place: string; next: string }>(
    service,
    `SELECT topic || '[' || partition || ']' AS place, next_offset AS next FROM consumer_offsets WHERE next_offset IS NOT NULL`,
  );
  const stored = new Map(rows.map(({ place, next }) => [place, Number(next)]));
  const read = [...records].filter(([topic]) => (READS[service] ?? []).some((pattern) => pattern.test(topic)));
  for (const place of new Set(read.flatMap(([, list]) => list.map(({ topic, partition }) => `${topic}[${partition}]`)))) {
    const end = ends.get(place) ?? 0;
    const next = stored.get(place) ?? 0;
    findings.expect(next === end, 'OFFSET_BEHIND', `${service} has stored ${next} for ${place}, which ends at ${end}`);
  }
}
