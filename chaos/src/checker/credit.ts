import type { Final, Said } from './expected.js';
import type { Findings } from './findings.js';
import type { Tables } from './tables.js';
import { checkSeries, eventsOn, groupedBy, type Topics } from './topics.js';

interface RecordRow {
  readonly record_no: string;
  readonly subject: string;
  readonly uscc: string;
  readonly type: string;
  readonly standing: string;
  readonly revision: number;
  readonly source_revision: number;
}

interface Expected {
  standing: 'PUBLIC' | 'HELD' | 'CORRECTED' | 'REVOKED';
  revision: number;
}

/** Every published unqualified result holds one record against its party; what was corrected or taken back is so here, too. */
export async function checkCredit(finals: ReadonlyMap<string, Final>, topics: Topics, tables: Tables, findings: Findings): Promise<void> {
  const followed = await tables.rows<{ subject: string; revision: number }>('credit', 'SELECT subject, revision FROM followed_subjects');
  checkFollowed('credit', finals, followed, findings);
  const records = await tables.rows<RecordRow>(
    'credit',
    'SELECT record_no, subject, uscc, type, standing, revision, source_revision FROM credit_records',
  );
  const derived = records.filter(({ type }) => type === 'SAMPLING_RESULT');
  const stored = new Map(derived.map((record) => [`${record.subject} ${record.uscc}`, record]));
  for (const [subject, final] of finals) {
    for (const [uscc, expected] of recordsOf(final)) {
      const name = `the record of ${subject} against ${uscc}`;
      const row = stored.get(`${subject} ${uscc}`);
      stored.delete(`${subject} ${uscc}`);
      if (!row) findings.add('CREDIT_LOST', `${name} is missing`);
      else if (row.standing !== expected.standing || row.revision !== expected.revision) {
        findings.add('CREDIT_WRONG', `${name} is ${row.standing} at ${row.revision}, not ${expected.standing} at ${expected.revision}`);
      }
    }
  }
  for (const name of stored.keys()) findings.add('CREDIT_UNEXPECTED', `nothing accepted leads to the record ${name}`);
  const announced = groupedBy(eventsOn(topics, 'credit.credit-record.v1', findings), ({ body }) => String(body?.['recordNo']));
  for (const { record_no: recordNo, revision } of records) {
    checkSeries(announced.get(recordNo) ?? [], { name: `credit record ${recordNo}`, last: revision }, findings);
    announced.delete(recordNo);
  }
  for (const recordNo of announced.keys()) findings.add('EVENT_UNCOMMITTED', `credit record ${recordNo} was published and does not exist`);
  await checkStatuses(topics, tables, findings);
}

/** What the events on the topic of published results make of records: how often each was published or ended, and how it stands. */
function recordsOf({ announced }: Final): Map<string, Expected> {
  const records = new Map<string, Expected>();
  let rechecks = 0;
  for (const { type, topic, report } of announced) {
    if (topic !== 'inspection.sampling-result.v1') continue;
    const charged = type === 'SamplingResultPublished' && report.verdict === 'UNQUALIFIED' ? chargedBy(report) : NOBODY;
    for (const [uscc, record] of records) {
      if (!charged.has(uscc) && !isGone(record)) move(record, type === 'SamplingResultPublished' ? 'CORRECTED' : 'REVOKED');
    }
    for (const [uscc, standing] of charged) {
      const record = records.get(uscc) ?? { standing: 'REVOKED', revision: 0 };
      records.set(uscc, record);
      // A passed re-check is noted on the record of its party.
      const isNoted = uscc === report.uscc && report.rechecks > rechecks && record.standing === 'PUBLIC';
      if (isNoted) record.revision++;
      move(record, standing);
    }
    rechecks = report.rechecks;
  }
  return records;
}

const NOBODY: ReadonlyMap<string, 'PUBLIC' | 'HELD'> = new Map();

/** Whoever sold it, and the producer named on the sample, as long as it does not deny that. */
function chargedBy({ uscc, producer, authorship }: Said): Map<string, 'PUBLIC' | 'HELD'> {
  const charged = new Map<string, 'PUBLIC' | 'HELD'>();
  if (producer !== undefined && authorship !== 'NOT_ITS_PRODUCT') charged.set(producer, authorship === 'DENIED' ? 'HELD' : 'PUBLIC');
  return charged.set(uscc, 'PUBLIC');
}

const isGone = ({ standing }: Expected): boolean => standing === 'CORRECTED' || standing === 'REVOKED';

/** The revision counts what the public could see: that it begins or ends to be public. */
function move(record: Expected, standing: Expected['standing']): void {
  if ((record.standing === 'PUBLIC') !== (standing === 'PUBLIC')) record.revision++;
  record.standing = standing;
}

async function checkStatuses(topics: Topics, tables: Tables, findings: Findings): Promise<void> {
  const entities = await tables.rows<{ uscc: string; revision: number; told: string[]; counted: string[] }>(
    'credit',
    `SELECT uscc, e.revision, ARRAY(SELECT jsonb_array_elements_text(record_nos) ORDER BY 1) AS told,
            ARRAY(SELECT record_no::text FROM credit_records r WHERE r.uscc = e.uscc AND standing = 'PUBLIC' ORDER BY 1) AS counted
     FROM credit_entities e`,
  );
  const announced = groupedBy(eventsOn(topics, 'credit.credit-status.v1', findings), ({ key }) => key);
  for (const { uscc, revision, told, counted } of entities) {
    findings.expect(
      told.join() === counted.join(),
      'AGGREGATE_WRONG',
      `${uscc} has ${counted.length} public records, its status says ${told.length}`,
    );
    checkSeries(announced.get(uscc) ?? [], { name: `credit status ${uscc}`, last: revision }, findings);
  }
}

/** The highest revision of the topic of published results has to be applied, for every subject and no other. */
export function checkFollowed(
  service: string,
  finals: ReadonlyMap<string, Final>,
  rows: readonly { subject: string; revision: number }[],
  findings: Findings,
): void {
  const applied = new Map(rows.map(({ subject, revision }) => [subject, revision]));
  for (const [subject, { announced }] of finals) {
    const highest = Math.max(
      0,
      ...announced.filter(({ topic }) => topic === 'inspection.sampling-result.v1').map(({ revision }) => revision),
    );
    const found = applied.get(subject) ?? 0;
    findings.expect(found === highest, 'EFFECT_LOST', `${service} has applied revision ${found} of ${subject}, the highest is ${highest}`);
    applied.delete(subject);
  }
  for (const subject of applied.keys()) findings.add('EFFECT_UNEXPECTED', `${service} has applied ${subject}, which was never accepted`);
}
