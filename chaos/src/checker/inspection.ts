import type { Announced, Asked, Decided, Final, Subject } from './expected.js';
import { finalOf, UNDECIDED } from './expected.js';
import type { Findings } from './findings.js';
import type { Tables } from './tables.js';
import { type Event, eventsOn, groupedBy, type Topics } from './topics.js';

interface Row {
  readonly subject: string;
  readonly status: string;
  readonly revision: number;
  readonly reported: number;
}

/** Where every subject stands, as rows and acknowledgements agree; whatever they disagree on is a finding. */
export async function checkInspection(
  { asked, decided }: { asked: Asked; decided: ReadonlyMap<string, Decided> },
  topics: Topics,
  tables: Tables,
  findings: Findings,
): Promise<Map<string, Final>> {
  const rows = await tables.rows<Row>(
    'inspection',
    `SELECT reporter_id || ':' || sample_no AS subject, status, revision, reported_revision AS reported FROM sampling_results`,
  );
  const stored = new Map(rows.map((row) => [row.subject, row]));
  const finals = new Map<string, Final>();
  for (const subject of asked.subjects.values()) {
    const row = stored.get(subject.id);
    const final = finalOf(subject, row?.reported ?? null, decided.get(subject.id) ?? UNDECIDED);
    stored.delete(subject.id);
    if (final) finals.set(subject.id, final);
    checkRow(subject, final, row, findings);
  }
  for (const subject of stored.keys()) findings.add('ROW_UNEXPECTED', `${subject} is stored and was never sent`);
  checkRefusals(asked, findings);
  checkIntake(asked, topics, findings);
  checkEvents(finals, topics, findings);
  return finals;
}

function checkRow({ id, told }: Subject, final: Final | null, row: Row | undefined, findings: Findings): void {
  if (!final) return findings.expect(row === undefined, 'ROW_UNEXPECTED', `${id} is stored and was refused`);
  // What waits is in no event, and goes with the database.
  if (!row && final.announced.length === 0 && told.every(({ lostWithBackup }) => lostWithBackup)) return;
  if (!row) return findings.add('ROW_MISSING', `${id} was accepted as revision ${final.reportedRevision} and has no row`);
  findings.expect(
    row.reported === final.reportedRevision,
    'ROW_WRONG',
    `${id} stands at ${row.reported}, ${final.reportedRevision} was accepted`,
  );
  findings.expect(row.status === final.status, 'ROW_WRONG', `${id} is ${row.status}, not ${final.status}`);
  const last = final.announced.length;
  findings.expect(
    row.revision === last,
    'ROW_WRONG',
    `${id} has announced ${row.revision} revisions, ${last} follow from what was accepted`,
  );
}

/** What the broker has acknowledged to a department it has to hold; if not, whatever follows from it is none of the services' fault. */
function checkIntake({ told }: Asked, { records }: Topics, findings: Findings): void {
  const held = new Set<string>();
  for (const [topic, list] of records) {
    if (!topic.startsWith('intake.')) continue;
    for (const { value } of list)
      held.add(
        `${topic} ${
          /"sampleNo":"([^"]+)","revision":(\d+)/
            .exec(value ?? '')
            ?.slice(1)
            .join(' ') ?? ''
        }`,
      );
  }
  for (const { operation, via, fate } of told) {
    if (via !== 'KAFKA' || fate !== 'applied' || (operation.kind !== 'REPORT' && operation.kind !== 'RETRACTION')) continue;
    const { reporterId, sampleNo, revision } = operation;
    const isHeld = held.has(`intake.${reporterId}.sampling-result.v1 ${sampleNo} ${revision}`);
    findings.expect(isHeld, 'INTAKE_LOST', `the broker acknowledged ${sampleNo} revision ${revision} and does not hold it`);
  }
}

// Nothing that is sent breaks a rule, so every refusal has to be explained.
function checkRefusals({ told }: Asked, findings: Findings): void {
  for (const { operation, fate, code } of told) {
    if (fate !== 'refused' || (operation.kind !== 'REPORT' && operation.kind !== 'RETRACTION' && operation.kind !== 'RECEIPT')) continue;
    const name = operation.kind === 'RECEIPT' ? operation.feedbackId : operation.sampleNo;
    findings.add('REFUSED', `${operation.kind} ${name} revision ${operation.revision} was refused: ${code ?? 'no code'}`);
  }
}

function checkEvents(finals: ReadonlyMap<string, Final>, topics: Topics, findings: Findings): void {
  const events = ['inspection.sampling-result.v1', 'inspection.sampling-notice.v1'].flatMap((topic) => eventsOn(topics, topic, findings));
  const bySubject = groupedBy(events, ({ key }) => key);
  for (const [subject, { announced }] of finals) {
    const own = bySubject.get(subject) ?? [];
    bySubject.delete(subject);
    for (const expected of announced) checkEvent(subject, expected, own, findings);
    for (const event of own) {
      const isKnown = event.revision <= announced.length;
      findings.expect(isKnown, 'EVENT_UNCOMMITTED', `${subject} revision ${event.revision} was published and never accepted`);
    }
    for (const [topic, ordered] of groupedBy(own, (event) => event.topic)) {
      const revisions = ordered.map(({ revision }) => revision);
      const inOrder = revisions.every((revision, index) => index === 0 || (revisions[index - 1] ?? 0) <= revision);
      findings.expect(inOrder, 'EVENT_ORDER', `${subject} was published on ${topic} in the order ${revisions.join(', ')}`);
    }
  }
  for (const subject of bySubject.keys()) findings.add('EVENT_UNCOMMITTED', `${subject} was published and never accepted`);
}

function checkEvent(subject: string, expected: Announced, own: readonly Event[], findings: Findings): void {
  const name = `${subject} revision ${expected.revision} (${expected.type})`;
  const found = own.filter(({ revision }) => revision === expected.revision);
  if (found.length === 0) return findings.add('EVENT_LOST', `${name} was never published`);
  findings.expect(found.length === 1, 'EVENT_DOUBLED', `${name} was published as ${found.length} events`);
  const [event] = found;
  const { verdict, reportedRevision, product } = (event?.body ?? {}) as {
    verdict?: string;
    reportedRevision?: number;
    product?: { batch?: string };
  };
  const isIt =
    event?.type === expected.type &&
    event.topic === expected.topic &&
    verdict === expected.report.verdict &&
    reportedRevision === expected.reportedRevision &&
    (product?.batch === undefined || product.batch === expected.report.batch);
  findings.expect(
    isIt,
    'EVENT_WRONG',
    `${name} was published as ${event?.type ?? ''} ${JSON.stringify({ verdict, reportedRevision, product })}`,
  );
}
