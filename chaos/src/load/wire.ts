import type { Request } from './outside.js';
import type {
  Act,
  CreditReport,
  CreditRetraction,
  MerchantChange,
  Operation,
  Poison,
  Proof,
  Receipt,
  Repair,
  Report,
  Retraction,
  Ruling,
} from '../history.js';
import { CREDIT_OFFICE, ORGANISER } from '../stage.js';

// How operations are written on the wire: HTTP bodies, Kafka records, rows of a file.

export interface KafkaRecord {
  readonly principal: string;
  readonly topic: string;
  readonly message: { readonly key: string; readonly value: string; readonly headers: Record<string, string> };
}

const RESULTS = '/api/inspection/sampling-results';
const RECORDS = '/api/credit/records';
const MATTERS = {
  SHEET: '/api/inspection/sampling-sheets',
  CASE: '/api/inspection/sampling-cases',
  RECALL: '/api/inspection/recalls',
  PLAN: '/api/inspection/plans',
  ROUND: '/api/inspection/sampling-rounds',
} as const;

export function requestOf(operation: Exclude<Operation, Poison>): Request {
  switch (operation.kind) {
    case 'REPORT':
      return { principal: operation.reporterId, method: 'POST', path: RESULTS, body: reportBody(operation) };
    case 'RETRACTION': {
      const { reporterId, sampleNo, revision } = operation;
      return { principal: reporterId, method: 'POST', path: `${RESULTS}/${sampleNo}/retraction`, body: { revision, reason: REASON } };
    }
    case 'RECEIPT':
      return { principal: operation.platformId, method: 'POST', path: '/api/exchange/receipts', body: receiptBody(operation) };
    case 'MERCHANT':
      return merchantRequest(operation);
    case 'ACT':
      return actRequest(operation);
    case 'PROOF':
      return proofRequest(operation);
    case 'RULING':
      return rulingRequest(operation);
    case 'RECORD':
      return { principal: operation.reporterId, method: 'POST', path: RECORDS, body: recordBody(operation) };
    case 'RECORD_RETRACTION': {
      const { reporterId, recordNo, revision, ground } = operation;
      const body = { revision, ground, reason: REASON };
      return { principal: reporterId, method: 'POST', path: `${RECORDS}/${recordNo}/retraction`, body };
    }
    case 'REPAIR':
      return repairRequest(operation);
  }
}

export const arrayRequest = (reports: readonly Report[]): Request => ({
  principal: reports[0]?.reporterId ?? '',
  method: 'POST',
  path: RESULTS,
  body: reports.map(reportBody),
});

const HEADING = '抽样编号,公告号,公告日期,被抽样单位名称,被抽样单位统一社会信用代码,产品名称,食品大类,不合格项目,实测值,标准值,检验结论';

export function fileRequest(reports: readonly Report[]): Request {
  const rows = reports.map(({ sampleNo, publishedOn, uscc, category, verdict }) => {
    const failing = verdict === 'UNQUALIFIED' ? '甜蜜素,1.2,0.65,不合格' : ',,,合格';
    return `${sampleNo},2026年第1号,${publishedOn},示例经营部,${uscc},示例产品,${category},${failing}`;
  });
  const body = new FormData();
  body.append('file', new Blob([[HEADING, ...rows].join('\r\n')]), 'chaos.csv');
  return { principal: reports[0]?.reporterId ?? '', method: 'POST', path: '/api/inspection/imports', body };
}

/** What may be said over Kafka. */
export type Sendable = Report | Retraction | Receipt | CreditReport | CreditRetraction | Act;

/** `id` is unique per source only: two departments number their events alike, and that has to be fine. */
export function recordOf(operation: Sendable, id: string): KafkaRecord {
  if (operation.kind === 'RECORD' || operation.kind === 'RECORD_RETRACTION') return creditRecord(operation, id);
  if (operation.kind === 'ACT') return stepRecord(operation, id);
  if (operation.kind === 'RECEIPT') {
    const { platformId, feedbackId } = operation;
    const headers = headersOf(id, `/platforms/${platformId}/chaos`, 'platform.receipt.FeedbackAnswered');
    const message = { key: feedbackId, value: JSON.stringify(receiptBody(operation)), headers };
    return { principal: platformId, topic: `platform.${platformId}.receipt.v1`, message };
  }
  const { reporterId, sampleNo, revision } = operation;
  const isReport = operation.kind === 'REPORT';
  const value = isReport ? reportBody(operation) : { sampleNo, revision, reason: REASON };
  const type = `intake.sampling-result.SamplingResult${isReport ? 'Reported' : 'Retracted'}`;
  const message = { key: sampleNo, value: JSON.stringify(value), headers: headersOf(id, `/departments/${reporterId}/chaos`, type) };
  return { principal: reporterId, topic: `intake.${reporterId}.sampling-result.v1`, message };
}

function creditRecord(operation: CreditReport | CreditRetraction, id: string): KafkaRecord {
  const { reporterId, recordNo, revision } = operation;
  const isReport = operation.kind === 'RECORD';
  const value = isReport ? recordBody(operation) : { recordNo, revision, ground: operation.ground, reason: REASON };
  const type = `intake.credit-record.CreditRecord${isReport ? 'Reported' : 'Retracted'}`;
  const message = { key: recordNo, value: JSON.stringify(value), headers: headersOf(id, `/departments/${reporterId}/chaos`, type) };
  return { principal: reporterId, topic: `intake.${reporterId}.credit-record.v1`, message };
}

/** Its mark is the number by which its sender knows it, too. */
function stepRecord({ matter, name, act, by, on, mark, facts }: Act, id: string): KafkaRecord {
  if (!hasSteps(matter)) throw new Error(`${matter} is worked on over HTTP alone`);
  const [type, said] = stepOf[matter](name, act === 'OPEN', { act, on, reason: mark, ...facts });
  const message = {
    key: name,
    value: JSON.stringify({ stepId: mark, ...said }),
    headers: headersOf(id, `/departments/${by}/chaos`, `intake.sampling-step.${type}`),
  };
  return { principal: by, topic: `intake.${by}.sampling-step.v1`, message };
}

type Facts = Act['facts'];
type Stepped = 'SHEET' | 'CASE' | 'RECALL';
/** What departments may work on over Kafka. */
export const hasSteps = (matter: Act['matter']): matter is Stepped => matter in stepOf;

/** Of each matter the type of its events, and what is in them. */
const stepOf: Readonly<Record<Stepped, (name: string, isOpening: boolean, facts: Facts) => [type: string, said: object]>> = {
  SHEET: (sampleNo, isOpening, { act, on, reason, ...facts }) =>
    isOpening
      ? ['SamplingSheetOpened', { sampleNo, ...facts }]
      : ['SamplingSheetStepTaken', { organiserId: ORGANISER, sampleNo, act, on, reason, ...facts }],
  CASE: (sampleNo, isOpening, facts) =>
    isOpening ? ['SamplingCaseOpened', { sampleNo }] : ['SamplingCaseStepTaken', { reporterId: ORGANISER, sampleNo, ...facts }],
  RECALL: (recallNo, isOpening, { act, on, reason, ...facts }) =>
    isOpening ? ['RecallOpened', { recallNo, on, clue: reason, ...facts }] : ['RecallStepTaken', { recallNo, act, on, reason, ...facts }],
};

export function poisonRecord({ topic, marker }: Poison): KafkaRecord {
  const [first = '', owner = ''] = topic.split('.');
  const [principal, source, type] =
    first === 'inspection'
      ? ['service.inspection', '/services/inspection', 'inspection.sampling-result.SamplingResultPublished']
      : first === 'intake'
        ? [owner, `/departments/${owner}/chaos`, 'intake.sampling-result.SamplingResultReported']
        : [owner, `/platforms/${owner}/chaos`, 'platform.receipt.FeedbackAnswered'];
  const headers = { ...headersOf(marker, source, type), 'x-chaos-marker': marker };
  return { principal, topic, message: { key: marker, value: '{ this is no JSON', headers } };
}

const REASON = '录入错误';

const headersOf = (id: string, source: string, type: string): Record<string, string> => ({
  ce_specversion: '1.0',
  ce_id: id,
  ce_source: source,
  ce_type: type,
  ce_time: new Date().toISOString(),
  'content-type': 'application/json',
});

const reportBody = ({
  sampleNo,
  revision,
  verdict,
  batch,
  category,
  uscc,
  platformId,
  published,
  publishedOn,
  sampledOn,
  regime = 'FOOD',
  producer,
}: Report): object => ({
  sampleNo,
  revision,
  ...(revision > 1 && { revisionReason: 'CORRECTED' }),
  regime,
  finality: 'FINAL',
  verdict,
  product: { name: '示例产品', category, batch },
  ...(verdict === 'UNQUALIFIED' && { failingItems: [{ item: '甜蜜素', measured: '1.2', limit: '0.65' }] }),
  sampledParty: { name: '示例经营部', uscc, divisionCode: '120101' },
  ...(producer && { nominalProducer: { name: '示例生产企业', uscc: producer } }),
  ...(platformId && { online: { platformId, shopId: `shop-${sampleNo}`, shopName: '示例网店' } }),
  ...(published && { notice: { no: '2026年第1号', publishedOn } }),
  ...(sampledOn && { sampledOn }),
});

const receiptBody = ({ feedbackId, feedbackRevision, feedbackHash, revision }: Receipt): object => ({
  ...{ feedbackId, feedbackRevision, feedbackHash, revision, status: 'ACTED', answeredAt: '2026-01-02T08:05:00+08:00' },
});

function merchantRequest({ action, platformId: principal, shopId, shopName, uscc }: MerchantChange): Request {
  const path = '/api/registration/merchants';
  switch (action) {
    case 'ONBOARD':
      return { principal, method: 'POST', path, body: { shopId, shopName, uscc } };
    case 'CHANGE':
      return { principal, method: 'PUT', path: `${path}/${shopId}`, body: { shopName, uscc } };
    case 'EXIT':
      return { principal, method: 'POST', path: `${path}/${shopId}/exit`, body: {} };
  }
}

function actRequest(operation: Act): Request {
  const { matter, name, act, by: principal, on, mark, facts } = operation;
  if (matter === 'PLAN' || matter === 'ROUND' || matter === 'DRAWN') return planningRequest(operation);
  const path = MATTERS[matter];
  const ask = (under: string, body: object): Request => ({ principal, method: 'POST', path: path + under, body });
  if (act !== 'OPEN') return ask(matter === 'RECALL' ? `/${name}/acts` : `/${ORGANISER}/${name}/acts`, { act, on, reason: mark, ...facts });
  return ask('', matter === 'RECALL' ? { recallNo: name, on, clue: mark, ...facts } : { sampleNo: name, ...facts });
}

/** Plans and draws know no acts: each step is a request of its own. */
function planningRequest({ matter, name, act, by: principal, mark, facts }: Act): Request {
  const ask = (method: string, path: string, body: object): Request => ({ principal, method, path, body });
  const { planId, roundId, ...said } = facts as { planId?: string; roundId?: string };
  if (matter === 'DRAWN') return ask('POST', `${MATTERS.ROUND}/${roundId}/draw/replacements`, { objectId: name });
  if (matter === 'ROUND') return ask('POST', MATTERS.ROUND, { roundNo: name, title: mark, ...said });
  if (act === 'OPEN') return ask('POST', MATTERS.PLAN, { planNo: name, title: mark, ...said });
  if (act === 'AMEND') return ask('PUT', `${MATTERS.PLAN}/${planId}`, { title: mark, reason: mark, ...said });
  return ask('POST', `${MATTERS.PLAN}/${planId}/publication`, {});
}

function proofRequest({ sampleNo, type, by: principal, text }: Proof): Request {
  const body = new FormData();
  body.append('file', new Blob([text]), 'proof');
  return { principal, method: 'POST', path: `${MATTERS.SHEET}/${ORGANISER}/${sampleNo}/evidence?type=${type}`, body };
}

function rulingRequest({ pairId, by: principal, ruling, survivor, mark }: Ruling): Request {
  const body = { ruling, ...(survivor !== null && { survivor }), reason: mark };
  return { principal, method: 'POST', path: `/api/inspection/probable-duplicates/${pairId}/decision`, body };
}

const recordBody = ({ recordNo, revision, uscc, type, documentDate, publishFrom, publicUntil, ...said }: CreditReport): object => ({
  ...{ recordNo, revision, uscc, type, documentDate },
  ...(publishFrom !== undefined && { publishFrom }),
  ...(publicUntil !== undefined && { publicUntil }),
  ...(type === 'PENALTY' && { class: 'GENERAL' }),
  digest: { documentNo: recordNo, matter: said.matter, decision: '罚款', authority: '示例部门' },
  ...(type === 'COMMITMENT' && {
    commitment: { kind: 'VOLUNTARY', madeTo: '示例部门', ...(said.outcome && { outcome: said.outcome, checkedOn: documentDate }) },
  }),
  ...(said.contested && { contested: true }),
});

function repairRequest({ decisionNo, uscc, documentNo, on, mark }: Repair): Request {
  const decided = { decidedOn: on, decidedBy: '信用中国', reason: mark };
  return {
    principal: CREDIT_OFFICE,
    method: 'POST',
    path: '/api/credit/repair-decisions',
    body: { decisionNo, uscc, documentNo, ...decided },
  };
}
