import type { Report } from '../history.js';
import type { Evidence, Verdict } from './checker.js';
import { askedIn, type Subject } from './expected.js';
import { readHistory } from '../history.js';
import { Findings } from './findings.js';
import { Tables } from './tables.js';
import { checkHistory, recoveriesIn } from './timing.js';
import { groupedBy, isPoison, readTopics, type Topics } from './topics.js';

/*
 * Judges a run of the stock pipeline by the same history and the same questions, as far as it has an answer: it promises less (no ids on
 * events, no dead letters, no withdrawals), and what it does not promise is not asked. Its own rules are worked out here, not ours: a
 * revision that names another merchant or platform leaves the earlier one as it was.
 */
type Reports = ReadonlyMap<string, readonly Report[]>;

/** What a consumer has of one subject, under names of its own. */
type Effects = ReadonlyMap<string, number | string>;

export async function checkStock({ history: file, kafka, databaseUrl, patience }: Evidence): Promise<Verdict> {
  const findings = new Findings();
  const history = readHistory(file);
  const asked = askedIn(history);
  const topics = await readTopics(kafka);
  const tables = new Tables(databaseUrl);
  checkHistory(history, { findings, patience });
  const accepted = await checkRows([...asked.subjects.values()], tables, findings);
  const repeats = [
    checkTopic('stock.sampling-result', eventsOf(accepted, resultEvent), topics, findings),
    ...(await checkCredit(accepted, topics, tables, findings)),
    ...(await checkExchange(accepted, topics, tables, findings)),
  ];
  await checkMonitoring(accepted, tables, findings);
  const { violations, slow } = findings;
  return {
    ...{ violations, slow, sent: asked.sent, accepted: asked.accepted, recoveries: recoveriesIn(history) },
    repeats: repeats.reduce((sum, count) => sum + count, 0),
  };
}

/** What was accepted of each subject, in order. The table alone can say what became of a report whose sender was not answered. */
async function checkRows(subjects: readonly Subject[], tables: Tables, findings: Findings): Promise<Reports> {
  const rows = await tables.rows<{ subject: string; revision: number }>(
    'inspection',
    `SELECT "reporterId" || ':' || "sampleNo" AS subject, revision FROM sampling_result`,
  );
  const stored = new Map(rows.map(({ subject, revision }) => [subject, revision]));
  const accepted = new Map<string, Report[]>();
  for (const { id, told } of subjects) {
    const reports = told.flatMap(({ operation, fate }) =>
      operation.kind === 'REPORT' && (fate === 'applied' || (fate === 'open' && operation.revision === stored.get(id))) ? [operation] : [],
    );
    for (const { operation, fate, code } of told)
      if (fate === 'refused') findings.add('REFUSED', `${id} revision ${operation.revision} was refused: ${code ?? 'no code'}`);
    const last = reports.at(-1)?.revision;
    if (last === undefined) continue;
    accepted.set(id, reports);
    const row = stored.get(id);
    if (row === undefined) findings.add('ROW_MISSING', `${id} was accepted as revision ${last} and has no row`);
    else findings.expect(row === last, 'ROW_WRONG', `${id} stands at ${row}, ${last} was accepted`);
  }
  return accepted;
}

interface ExpectedEvent {
  /** Events that have to keep their order have the same. */
  readonly series: string;
  readonly name: string;
}

const resultEvent = ({ reporterId, sampleNo, batch }: Report): ExpectedEvent => ({ series: `${reporterId}:${sampleNo}`, name: batch });

const eventsOf = (accepted: Reports, event: (report: Report) => ExpectedEvent): ExpectedEvent[] => [...accepted.values()].flat().map(event);

/** Every event once, in order. Without an id on it, whoever reads an event twice can only guess that it is the same. Counts repeats. */
function checkTopic(topic: string, expected: readonly ExpectedEvent[], { records }: Topics, findings: Findings): number {
  const read = (records.get(topic) ?? []).filter((record) => !isPoison(record)).map(({ value }) => nameOf(topic, value ?? '{}'));
  const seen = groupedBy(read, (name) => name);
  const first = new Map([...seen.keys()].map((name, index) => [name, index]));
  for (const [series, events] of groupedBy(expected, (event) => event.series)) {
    const places = events.flatMap(({ name }) => {
      const place = first.get(name);
      findings.expect(place !== undefined, 'EVENT_LOST', `${topic} never held ${name}`);
      return place ?? [];
    });
    const inOrder = places.every((place, index) => index === 0 || (places[index - 1] ?? 0) < place);
    findings.expect(inOrder, 'EVENT_ORDER', `${topic} holds the events of ${series} in another order than they were committed`);
  }
  let repeats = 0;
  for (const [name, copies] of seen) {
    repeats += copies.length - 1;
    findings.expect(copies.length === 1, 'EVENT_DOUBLED', `${topic} holds ${name} ${copies.length} times`);
  }
  const known = new Set(expected.map(({ name }) => name));
  for (const name of seen.keys()) findings.expect(known.has(name), 'EVENT_UNCOMMITTED', `${topic} holds ${name}, which was never accepted`);
  return repeats;
}

/** The batch of a result differs in every revision. */
function nameOf(topic: string, value: string): string {
  const body = JSON.parse(value) as { product?: { batch?: string }; subject?: string; uscc?: string; revision?: number };
  return topic === 'stock.credit-record' ? recordName(body) : (body.product?.batch ?? '');
}

const recordName = ({ subject = '', uscc = '', revision = 0 }: { subject?: string; uscc?: string; revision?: number }): string =>
  `${subject} ${uscc} ${revision}`;

function checkEffects(service: string, expected: Effects, found: Effects, findings: Findings): void {
  for (const [name, right] of expected) {
    const own = found.get(name);
    if (own === undefined) findings.add('EFFECT_LOST', `${service} has nothing of ${name}, it should be at ${right}`);
    else findings.expect(own === right, 'EFFECT_WRONG', `${service} has ${name} at ${own}, not at ${right}`);
  }
  for (const name of found.keys()) findings.expect(expected.has(name), 'EFFECT_UNEXPECTED', `${service} has ${name} for no reason`);
}

const highest = (accepted: Reports): Effects =>
  new Map([...accepted].map(([subject, reports]) => [subject, reports.at(-1)?.revision ?? 0]));

async function effectsIn(tables: Tables, service: string, sql: string): Promise<Effects> {
  const rows = await tables.rows<{ name: string; value: number | string }>(service, sql);
  return new Map(rows.map(({ name, value }) => [name, value]));
}

async function checkCredit(accepted: Reports, topics: Topics, tables: Tables, findings: Findings): Promise<number[]> {
  const followed = await effectsIn(tables, 'credit', 'SELECT subject AS name, revision AS value FROM followed_result');
  checkEffects('credit', highest(accepted), followed, findings);
  const expected = new Map<string, { revision: number; standing: string }>();
  const events: ExpectedEvent[] = [];
  for (const [subject, reports] of accepted) {
    for (const { uscc, verdict } of reports) {
      const before = expected.get(`${subject} ${uscc}`);
      const standing = verdict === 'UNQUALIFIED' ? 'PUBLIC' : 'CORRECTED';
      if (before ? before.standing === standing : standing === 'CORRECTED') continue;
      const revision = (before?.revision ?? 0) + 1;
      expected.set(`${subject} ${uscc}`, { revision, standing });
      events.push({ series: `${subject} ${uscc}`, name: recordName({ subject, uscc, revision }) });
    }
  }
  const right = new Map([...expected].map(([name, { revision, standing }]) => [name, `${standing} ${revision}`]));
  const records = `SELECT subject || ' ' || uscc AS name, standing || ' ' || revision AS value FROM credit_record`;
  checkEffects('credit', right, await effectsIn(tables, 'credit', records), findings);
  const wrong = await tables.rows<{ uscc: string }>(
    'credit',
    `SELECT uscc FROM credit_status s
     WHERE "publicRecords" <> (SELECT count(*) FROM credit_record r WHERE r.uscc = s.uscc AND standing = 'PUBLIC')`,
  );
  for (const { uscc } of wrong) findings.add('AGGREGATE_WRONG', `the status of ${uscc} counts other public records than there are`);
  return [checkTopic('stock.credit-record', events, topics, findings)];
}

async function checkExchange(accepted: Reports, topics: Topics, tables: Tables, findings: Findings): Promise<number[]> {
  const reports = [...accepted.values()].flat();
  const told = groupedBy(
    reports.filter(({ platformId }) => platformId !== null),
    ({ reporterId, sampleNo, platformId }) => `${reporterId}:${sampleNo} ${platformId ?? ''}`,
  );
  const right = new Map([...told].map(([name, list]) => [name, `${list.length} of ${list.at(-1)?.revision ?? 0}`]));
  const feedback = `SELECT subject || ' ' || platform AS name, revision || ' of ' || "subjectRevision" AS value FROM feedback`;
  checkEffects('exchange', right, await effectsIn(tables, 'exchange', feedback), findings);
  return [...groupedBy(reports, ({ platformId }) => platformId ?? '')].flatMap(([platform, list]) =>
    platform === '' ? [] : [checkTopic(`stock.feedback.${platform}`, list.map(resultEvent), topics, findings)],
  );
}

async function checkMonitoring(accepted: Reports, tables: Tables, findings: Findings): Promise<void> {
  const counted = await effectsIn(tables, 'monitoring', 'SELECT subject AS name, revision AS value FROM contribution');
  checkEffects('monitoring', highest(accepted), counted, findings);
  const wrong = await tables.rows<{ bucket: string }>(
    'monitoring',
    `SELECT bucket FROM rollup r LEFT JOIN (
       SELECT bucket, count(*) AS results, count(*) FILTER (WHERE verdict = 'UNQUALIFIED') AS unqualified FROM contribution GROUP BY bucket
     ) c USING (bucket)
     WHERE (r.results, r.unqualified) IS DISTINCT FROM (coalesce(c.results, 0), coalesce(c.unqualified, 0))`,
  );
  for (const { bucket } of wrong) findings.add('AGGREGATE_WRONG', `${bucket} is another sum than a recount of its rows`);
}
