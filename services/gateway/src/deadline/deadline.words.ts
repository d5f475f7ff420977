/** What people read in a calendar or a table, in Chinese. */
import type { DeadlineEntry } from '@jinqiao/platform';

const MATTERS: Readonly<Record<DeadlineEntry['matter'], string>> = {
  SAMPLING_SHEET: '抽样单',
  SAMPLING_CASE: '抽检案卷',
  RECALL: '召回',
  FEEDBACK: '平台反馈',
  CORRECTION_REQUEST: '校核申请',
  GRANT_REQUEST: '共享申请',
};
const STATES: Readonly<Record<DeadlineEntry['state'], string>> = {
  RUNNING: '办理中',
  PAUSED: '已中止计算',
  OVERDUE: '已逾期',
  RUN_OUT: '已届满',
  MET: '按期办结',
  MET_LATE: '逾期办结',
};
/** A clock without a word here is read by its name. */
const CLOCKS: Readonly<Record<string, string>> = {
  SAMPLE_DELIVERY: '送检样品',
  TEST_REPORT: '出具检验报告',
  RAPID_TEST_OBJECTION: '对快速检测提出异议',
  SERVICE: '告知检验结论',
  OBJECTION: '提出异议',
  ACCEPTANCE: '受理异议',
  FORMALITIES: '办理复检手续',
  LABORATORY: '选定复检机构',
  CORRECTION: '整改',
  FIRST_RECHECK: '复查',
  SECOND_RECHECK: '第二次复查',
  HANDLING: '核查处置',
  CASE_FILING: '核查线索、决定是否立案',
  CASE_DECISION: '作出处理决定',
  FORWARDING: '转送缺陷线索',
  PRODUCER_NOTICE: '通知生产者',
  INCIDENT_REPORT: '报告事故',
  PLAN_REPORT: '报告召回计划',
  PLAN_REPORT_ORDERED: '报告召回计划（责令）',
  PUBLICATION: '发布召回信息',
  PROGRESS_SUMMARY: '提交阶段性总结',
  FINAL_SUMMARY: '提交召回总结',
  FEEDBACK_ACTION: '平台处置',
  RECALL_TAKE_DOWN: '平台下架召回商品',
  SHARING_CORRECTION: '答复校核申请',
  SHARING_ANSWER_UNCONDITIONAL: '答复共享申请',
  SHARING_ANSWER_CONDITIONAL: '答复共享申请',
  SHARING_ANSWER_EXTENSION: '答复共享申请（延期）',
};

export const matterOf = ({ matter }: DeadlineEntry): string => MATTERS[matter];
export const stateOf = ({ state }: DeadlineEntry): string => STATES[state];

/** As 「整改｜tj-amr:S-1（已逾期）」. */
export function titleOf(entry: DeadlineEntry): string {
  const left = entry.left === null ? '' : `，剩余${entry.left}日`;
  const notes = [...(entry.state === 'RUNNING' ? [] : [`${stateOf(entry)}${left}`]), ...(entry.provisional ? ['暂定'] : [])];
  return `${CLOCKS[entry.clock] ?? entry.clock}｜${entry.subject}${notes.length > 0 ? `（${notes.join('，')}）` : ''}`;
}

export const cutNotice = (most: number): string => `仅列出前 ${most} 项，其余未列出，请按到期日分段获取`;
