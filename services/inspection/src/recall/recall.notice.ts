/**
 * Recalls as notices have them: what other authorities announced, taken in as printed. Their revisions are counted as those of sampling
 * results are. What is not understood of a row stays with the recall's history, and nothing is invented.
 */
import { RecallReported } from '@jinqiao/contracts';
import { check, contentHash, DomainError, type Finding } from '@jinqiao/schema';
import { normaliseHeading } from '../import/headings.js';
import { partialDay, printed } from '../import/printed.js';
import { announced, type Announcement, contentFindings, type Recall } from './recall.js';
import { BEGINNINGS } from './recall.acts.js';

export type Reading =
  | {
      readonly ok: true;
      readonly notice: RecallReported & { readonly revision: number };
      readonly hash: string;
      readonly unknownFields: string[];
    }
  | { readonly ok: false; readonly findings: readonly Finding[]; readonly unknownFields: string[] };

export type Decision =
  | {
      readonly outcome: 'accepted';
      readonly recall: Recall;
      readonly announcement: Announcement;
      readonly warnings: readonly Finding[];
    }
  | { readonly outcome: 'duplicate' }
  | { readonly outcome: 'rejected'; readonly findings: readonly Finding[] };

/** One notice alone was refused. Nothing of it is kept; the code is that of the first finding, all of them are listed. */
export class RecallNoticeRejected extends DomainError {
  constructor(findings: readonly Finding[]) {
    const code = findings[0]?.code ?? 'RECALL_REJECTED';
    super(code, CONFLICTS.includes(code) ? 409 : 422, { zh: '召回信息未被接收', en: 'The recall was not accepted' }, findings);
  }
}

const CONFLICTS = ['REVISION_CONFLICT', 'STALE_REVISION', 'RECALL_NO_TAKEN', 'RECALL_WORKED_ON_HERE'];

export function readNotice(input: unknown): Reading {
  const { unknownFields, ...checked } = check(RecallReported, input);
  if (!checked.ok) return { ok: false, findings: checked.findings, unknownFields };
  const findings = contentFindings(checked.value, '');
  if (findings.length > 0) return { ok: false, findings, unknownFields };
  const notice = { ...checked.value, revision: checked.value.revision ?? 1 };
  return { ok: true, notice, hash: contentHash(RecallReported, notice), unknownFields };
}

interface TakingIn {
  readonly keeperId: string;
  readonly today: string;
  readonly at: string;
}

/** What follows from a notice. The caller holds the lock of its number. */
export function decideNotice(recall: Recall | null, { notice, hash }: Reading & { ok: true }, { keeperId, today, at }: TakingIn): Decision {
  const { revision, ...content } = notice;
  if (recall) {
    const refusal = refusalOf(recall, revision, keeperId);
    if (refusal) return { outcome: 'rejected', findings: [refusal] };
    if (revision === recall.reportedRevision) {
      const isSame = recall.reportedHash === null || recall.reportedHash === hash;
      const conflict = refused('REVISION_CONFLICT', '/revision', 'was sent before with another content');
      return isSame ? { outcome: 'duplicate' } : { outcome: 'rejected', findings: [conflict] };
    }
  }
  const isClosed = recall?.standing === 'CLOSED';
  const before = recall ?? { ...NOTHING, keeperId };
  const state = isClosed ? recall.state : BEGINNINGS.TAKE_IN;
  const toldUscc = content.producer.uscc ?? null;
  const after: Recall = { ...before, state, content, reportedRevision: revision, reportedHash: hash, toldUscc, lastOn: today };
  const isGap = revision > (recall?.reportedRevision ?? 0) + 1;
  return {
    outcome: 'accepted',
    ...announced(after, isClosed ? 'CLOSED' : 'PUBLISHED', { on: today, at }),
    warnings: isGap ? [refused('REVISION_GAP', '/revision', 'leaves out revisions that were never sent')] : [],
  };
}

const refused = (code: string, pointer: string, message: string): Finding => ({ code, pointer, message });

function refusalOf(recall: Recall, revision: number, keeperId: string): Finding | null {
  if (recall.keeperId !== keeperId) return refused('RECALL_NO_TAKEN', '/recallNo', 'belongs to another recall');
  if (recall.reportedRevision === null) return refused('RECALL_WORKED_ON_HERE', '/recallNo', 'is worked on here: it changes by acts');
  const isStale = revision < recall.reportedRevision;
  return isStale ? refused('STALE_REVISION', '/revision', 'has been followed by a later one') : null;
}

const NOTHING: Omit<Recall, 'keeperId' | 'content' | 'state' | 'lastOn'> = {
  revision: 0,
  standing: null,
  round: 1,
  said: null,
  closedOn: null,
  reportedRevision: null,
  reportedHash: null,
  toldUscc: null,
  clocks: [],
};

/** Columns of a file, under the headings they are known by. */
const COLUMNS = {
  recallNo: ['recall_id', 'recallNo', '召回编号', '编号'],
  nationalNo: ['national_no', 'nationalNo', '全国召回编号'],
  revision: ['revision', '修订号'],
  product: ['product', '产品名称'],
  category: ['category', '产品类别'],
  brand: ['brand', '品牌', '商标'],
  models: ['model', 'models', '型号', '规格型号'],
  batches: ['batch', 'batches', '批次', '批号'],
  gtins: ['gtin', 'gtins', 'barcode', '条码', '商品条码'],
  productionPeriod: ['production_period', '生产日期', '生产时间'],
  producer: ['producer', '生产者', '生产者名称', '生产企业'],
  producerUscc: ['producer_uscc', '生产者统一社会信用代码', '统一社会信用代码'],
  hazard: ['defect', 'hazard', '缺陷', '缺陷描述', '可能后果'],
  measure: ['measure', '召回措施', '补救措施'],
  quantity: ['quantity', '召回数量', '数量'],
  unit: ['unit', '单位'],
  announcedOn: ['recall_announced', '发布日期', '公告日期'],
  period: ['recall_window', '召回时间', '召回起止时间'],
  authority: ['authority', '发布机关', '发布单位'],
} as const;
type Column = keyof typeof COLUMNS;
const byHeading = new Map(
  (Object.entries(COLUMNS) as [Column, readonly string[]][]).flatMap(([column, headings]) =>
    headings.map((heading) => [normaliseHeading(heading), column] as const),
  ),
);

export const columnOf = (heading: string): Column | null => byHeading.get(normaliseHeading(heading)) ?? null;

/** A row as a notice; it is checked as every other notice is. */
export function noticeFrom(headings: readonly string[], cells: readonly string[]): object {
  const cellOf = new Map(headings.map((heading, place) => [columnOf(heading), printed(cells[place])]));
  const say = (column: Column): string | undefined => cellOf.get(column);
  const list = (column: Column): string[] | undefined =>
    say(column)
      ?.split(/\s*[、;；\n]\s*/u)
      .filter((part) => part !== '');
  return {
    recallNo: say('recallNo'),
    nationalNo: say('nationalNo'),
    revision: numberOf(say('revision')),
    product: {
      name: say('product'),
      category: say('category'),
      brand: say('brand'),
      models: list('models'),
      batches: list('batches'),
      gtins: list('gtins'),
      productionPeriod: say('productionPeriod'),
    },
    producer: { name: say('producer'), uscc: say('producerUscc') },
    hazard: say('hazard'),
    measure: say('measure'),
    quantity: numberOf(say('quantity')),
    unit: say('unit'),
    announcedOn: dayOf(say('announcedOn')),
    period: say('period'),
    authority: say('authority'),
  };
}

/** What is no number is left as it is, and refused with its pointer. */
const numberOf = (text: string | undefined): number | string | undefined =>
  text !== undefined && /^\d[\d,，]*$/u.test(text) ? Number(text.replaceAll(/[,，]/gu, '')) : text;

/** A quarter (2017Q1) is no date that a field holds: its year is. */
const dayOf = (text: string | undefined): string | undefined =>
  text && (partialDay(text) ?? /^(\d{4})\s*Q[1-4]$/iu.exec(text)?.[1] ?? text);
