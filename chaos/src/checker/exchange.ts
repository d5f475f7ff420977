import type { MerchantChange } from '../history.js';
import type { Asked, Final, Told } from './expected.js';
import type { Findings } from './findings.js';
import type { Tables } from './tables.js';
import { checkSeries, type Event, eventsOn, groupedBy, type Topics } from './topics.js';

interface FeedbackRow {
  readonly feedback_id: string;
  readonly recipient_id: string;
  readonly kind: string;
  readonly subject: string;
  readonly revision: number;
  readonly status: string;
  readonly kept: string;
  readonly record_nos: string | null;
  readonly verdict: string | null;
  readonly batch: string | null;
}

const PLATFORM_TOPIC = /^platform\.(.+)\.feedback\.v1$/;

/** Every platform was told exactly what concerns it, in order, and nobody else. */
export async function checkExchange(
  { asked, finals }: { asked: Asked; finals: ReadonlyMap<string, Final> },
  topics: Topics,
  tables: Tables,
  findings: Findings,
): Promise<void> {
  const applied = await tables.rows<{ subject: string; revision: number }>('exchange', 'SELECT subject, revision FROM subjects');
  const byServer = new Map(applied.map(({ subject, revision }) => [subject, revision]));
  for (const [subject, { announced }] of finals) {
    const found = byServer.get(subject) ?? 0;
    findings.expect(
      found === announced.length,
      'EFFECT_LOST',
      `exchange has applied revision ${found} of ${subject}, the highest is ${announced.length}`,
    );
    byServer.delete(subject);
  }
  for (const subject of byServer.keys()) findings.add('EFFECT_UNEXPECTED', `exchange has applied ${subject}, which was never accepted`);
  const feedbacks = await tables.rows<FeedbackRow>(
    'exchange',
    `SELECT feedback_id, recipient_id, kind, subject, f.revision, status,
            (SELECT count(*) FROM feedback_revisions r WHERE r.feedback_id = f.feedback_id) AS kept,
            said -> 'content' ->> 'recordNos' AS record_nos, said -> 'content' ->> 'verdict' AS verdict,
            said #>> '{content,product,batch}' AS batch
     FROM feedbacks f LEFT JOIN feedback_revisions last USING (feedback_id, revision)`,
  );
  const events = [...topics.records.keys()]
    .filter((topic) => PLATFORM_TOPIC.test(topic))
    .flatMap((topic) => eventsOn(topics, topic, findings));
  checkTold(feedbacks, events, findings);
  checkResults(finals, feedbacks, events, findings);
  await checkMerchants(asked, topics, tables, findings);
  await checkStatuses(feedbacks, tables, findings);
  await checkAnswers(asked, topics, tables, findings);
}

function checkTold(feedbacks: readonly FeedbackRow[], events: readonly Event[], findings: Findings): void {
  const told = groupedBy(events, ({ body }) => String(body?.['feedbackId']));
  for (const { feedback_id: id, recipient_id: recipient, kind, subject, revision, status, kept } of feedbacks) {
    const name = `feedback to ${recipient} on ${kind} ${subject}`;
    const own = told.get(id) ?? [];
    told.delete(id);
    checkSeries(own, { name, last: revision }, findings);
    findings.expect(Number(kept) === revision, 'ROW_MISSING', `${name} is at ${revision} and keeps ${kept} revisions`);
    const isOwn = own.every(({ topic }) => PLATFORM_TOPIC.exec(topic)?.[1] === recipient);
    findings.expect(isOwn, 'TOLD_ANOTHER', `${name} was published on ${own.map(({ topic }) => topic).join(', ')}`);
    const last = own.find((event) => event.revision === revision);
    const type = status === 'ISSUED' ? 'FeedbackIssued' : 'FeedbackWithdrawn';
    if (last) findings.expect(last.type === type, 'EVENT_WRONG', `${name} is ${status}, its last event ${last.type}`);
    const subjectRevisions = own.map(({ body }) => Number(body?.['subjectRevision']));
    const inOrder = subjectRevisions.every((one, index) => index === 0 || (subjectRevisions[index - 1] ?? 0) <= one);
    findings.expect(inOrder, 'EVENT_ORDER', `${name} followed its subject in the order ${subjectRevisions.join(', ')}`);
  }
  for (const [id, own] of told)
    findings.add('EVENT_UNCOMMITTED', `feedback ${id} was published on ${own[0]?.topic ?? ''} and does not exist`);
}

function checkResults(
  finals: ReadonlyMap<string, Final>,
  feedbacks: readonly FeedbackRow[],
  events: readonly Event[],
  findings: Findings,
): void {
  const rows = groupedBy(
    feedbacks.filter(({ kind }) => kind === 'SAMPLING_RESULT'),
    ({ subject }) => subject,
  );
  const told = groupedBy(events, ({ body }) => `${String(body?.['recipientId'])} ${String(body?.['subject'])}`);
  for (const [subject, final] of finals) {
    const last = final.announced.at(-1);
    const stands = last && final.status !== 'WITHDRAWN' ? last.report.platformId : null;
    const own = rows.get(subject) ?? [];
    rows.delete(subject);
    for (const { recipient_id: recipient, status, verdict, batch } of own) {
      const right = recipient === stands ? 'ISSUED' : 'WITHDRAWN';
      findings.expect(status === right, 'FEEDBACK_WRONG', `${recipient} was told of ${subject}: ${status}, not ${right}`);
      const isNewest = status !== 'ISSUED' || (verdict === last?.report.verdict && batch === last.report.batch);
      findings.expect(isNewest, 'FEEDBACK_STALE', `${recipient} was told last that ${batch ?? ''} of ${subject} is ${verdict ?? ''}`);
    }
    const isTold = stands === null || own.some(({ recipient_id: recipient }) => recipient === stands);
    findings.expect(isTold, 'FEEDBACK_LOST', `${stands ?? ''} was never told of ${subject}`);
    if (!isOnOneTopic(final)) continue;
    for (const [platform, types] of historyOf(final)) {
      const heard = (told.get(`${platform} ${subject}`) ?? []).map(({ type }) => type);
      const isSame = heard.join() === types.join();
      findings.expect(isSame, 'FEEDBACK_WRONG', `${platform} heard of ${subject}: ${heard.join(', ')}; it should be ${types.join(', ')}`);
    }
  }
  for (const subject of rows.keys()) findings.add('FEEDBACK_UNEXPECTED', `platforms were told of ${subject}, which was never accepted`);
}

// Between two topics there is no order, so a platform may miss a state that was already over; on one topic it may miss nothing.
const isOnOneTopic = ({ announced }: Final): boolean => new Set(announced.map(({ topic }) => topic)).size === 1;

/** What each platform has to hear of one result, event by event: every revision says something new. */
function historyOf({ announced }: Final): Map<string, string[]> {
  const heard = new Map<string, string[]>();
  for (const { type, report } of announced) {
    const ended = type === 'SamplingResultWithdrawn' || type === 'SamplingNoticeWithdrawn';
    const recipient = ended ? null : report.platformId;
    for (const [platform, types] of heard) if (platform !== recipient && types.at(-1) === 'FeedbackIssued') types.push('FeedbackWithdrawn');
    if (recipient !== null) heard.set(recipient, [...(heard.get(recipient) ?? []), 'FeedbackIssued']);
  }
  return heard;
}

interface MerchantRow {
  readonly name: string;
  readonly revision: number;
  readonly uscc: string | null;
  readonly shop: string | null;
  readonly open: boolean;
}

async function checkMerchants({ shops }: Asked, topics: Topics, tables: Tables, findings: Findings): Promise<void> {
  const registered = await tables.rows<MerchantRow>(
    'registration',
    `SELECT platform_id || ':' || shop_id AS name, revision, uscc, state ->> 'shopName' AS shop, exited_at IS NULL AS open FROM platform_merchants`,
  );
  const followed = await tables.rows<MerchantRow>(
    'exchange',
    `SELECT platform_id || ':' || shop_id AS name, revision, uscc, shop_name AS shop, exited_at IS NULL AS open FROM platform_merchants`,
  );
  const known = new Map(followed.map((row) => [row.name, row]));
  const announced = groupedBy(eventsOn(topics, 'registration.platform-merchant.v1', findings), ({ key }) => key);
  for (const row of registered.filter(({ revision }) => revision > 0)) {
    const { name, revision } = row;
    checkSeries(announced.get(name) ?? [], { name: `shop ${name}`, last: revision }, findings);
    findings.expect(
      same(row, known.get(name)),
      'EFFECT_LOST',
      `exchange knows shop ${name} as ${JSON.stringify(known.get(name) ?? null)}, registration as ${JSON.stringify(row)}`,
    );
    const told = shops.get(name) ?? [];
    const possible = told.some(({ fate }) => fate === 'open') ? [shopAfter(told, true), shopAfter(told, false)] : [shopAfter(told, false)];
    const isRight = possible.some((shop) => same(row, { ...row, ...shop }));
    findings.expect(
      isRight,
      'ROW_WRONG',
      `shop ${name} is ${JSON.stringify(row)}, not ${possible.map((one) => JSON.stringify(one)).join(' or ')}`,
    );
  }
  for (const name of shops.keys()) {
    const isMissing = !registered.some((row) => row.name === name) && (shops.get(name) ?? []).some(({ fate }) => fate === 'applied');
    findings.expect(!isMissing, 'ROW_MISSING', `shop ${name} was accepted and has no row`);
  }
}

const same = (one: MerchantRow, other: MerchantRow | undefined): boolean =>
  one.revision === other?.revision && one.uscc === other.uscc && one.shop === other.shop && one.open === other.open;

function shopAfter(told: readonly Told<MerchantChange>[], withOpen: boolean): Partial<MerchantRow> {
  const shop = { revision: 0, uscc: null as string | null, shop: null as string | null, open: false };
  for (const { operation, fate } of told) {
    if (fate === 'refused' || (fate === 'open' && !withOpen)) continue;
    shop.revision++;
    shop.open = operation.action !== 'EXIT';
    if (operation.action !== 'EXIT') Object.assign(shop, { uscc: operation.uscc, shop: operation.shopName });
  }
  return shop;
}

/** Whoever has a merchant with public records among its open shops was told, and what it was told is what stands. */
async function checkStatuses(feedbacks: readonly FeedbackRow[], tables: Tables, findings: Findings): Promise<void> {
  const entities = await tables.rows<{ uscc: string; revision: number; record_nos: string[] }>(
    'credit',
    'SELECT uscc, revision, ARRAY(SELECT jsonb_array_elements_text(record_nos) ORDER BY 1) AS record_nos FROM credit_entities WHERE revision > 0',
  );
  const followed = await tables.rows<{ uscc: string; revision: number }>('exchange', 'SELECT uscc, revision FROM credit_statuses');
  const shops = await tables.rows<{ platform: string; uscc: string }>(
    'exchange',
    'SELECT DISTINCT platform_id AS platform, uscc FROM platform_merchants WHERE uscc IS NOT NULL AND exited_at IS NULL',
  );
  const known = new Map(followed.map(({ uscc, revision }) => [uscc, revision]));
  const told = new Map(feedbacks.filter(({ kind }) => kind === 'CREDIT_STATUS').map((row) => [`${row.recipient_id} ${row.subject}`, row]));
  for (const { uscc, revision, record_nos: recordNos } of entities) {
    findings.expect(
      known.get(uscc) === revision,
      'EFFECT_LOST',
      `exchange knows status ${known.get(uscc) ?? 0} of ${uscc}, the highest is ${revision}`,
    );
    for (const { platform } of shops.filter((shop) => shop.uscc === uscc)) {
      const row = told.get(`${platform} ${uscc}`);
      if (recordNos.length === 0) {
        findings.expect(row?.status !== 'ISSUED', 'FEEDBACK_WRONG', `${platform} still believes in public records of ${uscc}`);
        continue;
      }
      const heard = row?.status === 'ISSUED' ? (JSON.parse(row.record_nos ?? '[]') as string[]).sort().join() : null;
      findings.expect(
        heard === recordNos.join(),
        'FEEDBACK_WRONG',
        `${platform} was told other public records of ${uscc} than there are (${row?.status ?? 'nothing'})`,
      );
    }
  }
}

async function checkAnswers({ receipts }: Asked, topics: Topics, tables: Tables, findings: Findings): Promise<void> {
  const rows = await tables.rows<{ name: string }>(
    'exchange',
    `SELECT feedback_id || ' ' || feedback_revision || ' ' || revision AS name FROM answers`,
  );
  const stored = new Set(rows.map(({ name }) => name));
  const unexpected = new Set(stored);
  const outcomes = groupedBy(eventsOn(topics, 'exchange.feedback-outcome.v1', findings), ({ body }) =>
    [body?.['feedbackId'], body?.['feedbackRevision'], body?.['revision']].join(' '),
  );
  for (const { operation, fate, code } of receipts) {
    const name = `${operation.feedbackId} ${operation.feedbackRevision} ${operation.revision}`;
    if (fate === 'refused') findings.add('RECEIPT_REFUSED', `the answer ${name} was refused: ${code ?? ''}`);
    if (fate === 'applied') findings.expect(stored.has(name), 'RECEIPT_LOST', `the answer ${name} was accepted and is not kept`);
    // A platform gives the same answer again as long as it does not see that it was kept.
    if (!unexpected.delete(name)) continue;
    const announced = outcomes.get(name) ?? [];
    findings.expect(announced.length > 0, 'EVENT_LOST', `the answer ${name} was kept and never announced`);
    findings.expect(announced.length < 2, 'EVENT_DOUBLED', `the answer ${name} was announced ${announced.length} times`);
  }
  for (const name of unexpected) findings.add('RECEIPT_UNEXPECTED', `the answer ${name} is kept and nobody gave it`);
}
