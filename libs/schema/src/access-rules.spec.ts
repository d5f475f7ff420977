import {
  keptCases,
  keptDraws,
  keptLaboratoryLists,
  keptPairs,
  keptPlans,
  keptPlanSteps,
  keptRecalls,
  keptRepairDecisions,
  keptRounds,
  keptSheets,
  samplingResults,
} from '@jinqiao/contracts';
import { accessRules, grantRules, organisationRules, type AccessRule } from './access-rules.js';
import { organisationTopics, sharedTopics, topicSettings } from './topics.js';

const line = ({ principal, resourceType, name, pattern, operation }: AccessRule): string =>
  `${principal} ${operation} ${resourceType} ${name}${pattern === 'PREFIXED' ? '*' : ''}`;
const lines = (rules: readonly AccessRule[], start: string): string[] =>
  rules
    .map(line)
    .filter((one) => one.startsWith(`${start} `))
    .map((one) => one.slice(start.length + 1))
    .sort();

describe('the access rules of the services', () => {
  it('let credit read what it follows, write and read what it states, and nothing else', () => {
    expect(lines(accessRules(), 'User:service.credit')).toEqual([
      'DESCRIBE GROUP credit',
      'DESCRIBE GROUP credit.intake',
      'DESCRIBE GROUP credit.own.*',
      'DESCRIBE TOPIC credit.credit-record.v1',
      'DESCRIBE TOPIC credit.credit-status.v1',
      'DESCRIBE TOPIC credit.dlt.v1',
      'DESCRIBE TOPIC credit.repair-decision.v1',
      'DESCRIBE TOPIC exchange.organisation.v1',
      'DESCRIBE TOPIC inspection.sampling-result.v1',
      'DESCRIBE TOPIC registration.market-entity.v1',
      'DESCRIBE TOPIC registration.permit.v1',
      'DESCRIBE TOPIC registration.platform-merchant.v1',
      'IDEMPOTENT_WRITE CLUSTER kafka-cluster',
      'READ GROUP credit',
      'READ GROUP credit.intake',
      'READ GROUP credit.own.*',
      'READ TOPIC credit.credit-record.v1',
      'READ TOPIC credit.credit-status.v1',
      'READ TOPIC credit.repair-decision.v1',
      'READ TOPIC exchange.organisation.v1',
      'READ TOPIC inspection.sampling-result.v1',
      'READ TOPIC registration.market-entity.v1',
      'READ TOPIC registration.permit.v1',
      'READ TOPIC registration.platform-merchant.v1',
      'WRITE TOPIC credit.credit-record.v1',
      'WRITE TOPIC credit.credit-status.v1',
      'WRITE TOPIC credit.dlt.v1',
      'WRITE TOPIC credit.repair-decision.v1',
    ]);
  });

  it('keep notices before publication from everybody but their writer and the exchange', () => {
    const readers = accessRules().filter((rule) => rule.name === 'inspection.sampling-notice.v1' && rule.operation === 'READ');
    expect(readers.map((rule) => rule.principal).sort()).toEqual(['User:service.exchange', 'User:service.inspection']);
  });

  it('let nobody but inspection read the rows that it keeps', () => {
    const kept = [keptSheets, keptCases, keptPairs, keptRecalls, keptRounds, keptDraws, keptPlans, keptPlanSteps, keptLaboratoryLists].map(
      ({ topic }) => topic,
    );
    const rules = accessRules().filter((rule) => kept.includes(rule.name));
    expect([...new Set(rules.map((rule) => rule.principal))]).toEqual(['User:service.inspection']);
    expect(rules.map(({ name, operation }) => `${operation} ${name}`).sort()).toEqual(
      kept.flatMap((topic) => [`DESCRIBE ${topic}`, `READ ${topic}`, `WRITE ${topic}`]).sort(),
    );
  });

  it('let nobody but credit read the decisions that it keeps', () => {
    const rules = accessRules().filter((rule) => rule.name === keptRepairDecisions.topic);
    expect([...new Set(rules.map((rule) => rule.principal))]).toEqual(['User:service.credit']);
  });

  it('let anyone read the heads of the ledger, and nothing else', () => {
    expect(lines(accessRules(), 'User:*')).toEqual(['DESCRIBE TOPIC exchange.ledger-head.v1', 'READ TOPIC exchange.ledger-head.v1']);
  });

  it('give each topic one writer', () => {
    const writes = accessRules().filter((rule) => rule.operation === 'WRITE');
    expect(new Set(writes.map((rule) => rule.name)).size).toBe(writes.length);
  });

  it('let only the exchange make topics and rules', () => {
    const power = accessRules().filter((rule) => rule.operation === 'CREATE' || rule.operation === 'ALTER');
    expect(power.map(line)).toEqual([
      'User:service.exchange CREATE CLUSTER kafka-cluster',
      'User:service.exchange ALTER CLUSTER kafka-cluster',
    ]);
  });

  it('give readers of organisations a group of its own for that', () => {
    const groups = accessRules().filter(
      (rule) => rule.resourceType === 'GROUP' && rule.name.endsWith('.intake') && rule.operation === 'READ',
    );
    expect(groups.map((rule) => rule.name).sort()).toEqual(['credit.intake', 'exchange.intake', 'inspection.intake']);
  });

  it('hold no prefix under which anything may be read or written', () => {
    const topics = accessRules().filter((rule) => rule.resourceType === 'TOPIC');
    expect(topics.filter((rule) => rule.pattern === 'PREFIXED' && rule.operation !== 'DESCRIBE')).toEqual([]);
  });

  it('say nothing twice', () => {
    const all = accessRules().map(line);
    expect(new Set(all).size).toBe(all.length);
  });

  it('put a namespace before every topic and group', () => {
    const names = accessRules('t1.')
      .filter((rule) => rule.resourceType !== 'CLUSTER')
      .map((rule) => rule.name);
    expect(names.filter((name) => !name.startsWith('t1.'))).toEqual([]);
  });
});

describe('the access rules of an organisation', () => {
  it('let a platform read its feedback in groups of its own and write its answers', () => {
    expect(lines(organisationRules('PLATFORM', 'jd'), 'User:jd')).toEqual([
      'DESCRIBE GROUP jd.*',
      'DESCRIBE TOPIC platform.jd.feedback.v1',
      'DESCRIBE TOPIC platform.jd.receipt.v1',
      'IDEMPOTENT_WRITE CLUSTER kafka-cluster',
      'READ GROUP jd.*',
      'READ TOPIC platform.jd.feedback.v1',
      'WRITE TOPIC platform.jd.receipt.v1',
    ]);
  });

  it('let the exchange write that feedback and read those answers, which it cannot write', () => {
    expect(lines(organisationRules('PLATFORM', 'jd'), 'User:service.exchange')).toEqual([
      'DESCRIBE TOPIC platform.jd.feedback.v1',
      'DESCRIBE TOPIC platform.jd.receipt.v1',
      'READ TOPIC platform.jd.feedback.v1',
      'READ TOPIC platform.jd.receipt.v1',
      'WRITE TOPIC platform.jd.feedback.v1',
    ]);
  });

  it('let a department write its intake and read its answers, and inspection and credit read theirs of it', () => {
    expect(organisationRules('DEPARTMENT', 'tj-amr').map(line).sort()).toEqual([
      'User:service.credit DESCRIBE TOPIC intake.tj-amr.credit-record.v1',
      'User:service.credit DESCRIBE TOPIC intake.tj-amr.repair-decision.v1',
      'User:service.credit READ TOPIC intake.tj-amr.credit-record.v1',
      'User:service.credit READ TOPIC intake.tj-amr.repair-decision.v1',
      'User:service.inspection DESCRIBE TOPIC department.tj-amr.sampling-step-answer.v1',
      'User:service.inspection DESCRIBE TOPIC intake.tj-amr.recall.v1',
      'User:service.inspection DESCRIBE TOPIC intake.tj-amr.sampling-result.v1',
      'User:service.inspection DESCRIBE TOPIC intake.tj-amr.sampling-step.v1',
      'User:service.inspection READ TOPIC department.tj-amr.sampling-step-answer.v1',
      'User:service.inspection READ TOPIC intake.tj-amr.recall.v1',
      'User:service.inspection READ TOPIC intake.tj-amr.sampling-result.v1',
      'User:service.inspection READ TOPIC intake.tj-amr.sampling-step.v1',
      'User:service.inspection WRITE TOPIC department.tj-amr.sampling-step-answer.v1',
      'User:tj-amr DESCRIBE GROUP tj-amr.*',
      'User:tj-amr DESCRIBE TOPIC department.tj-amr.sampling-step-answer.v1',
      'User:tj-amr DESCRIBE TOPIC intake.tj-amr.credit-record.v1',
      'User:tj-amr DESCRIBE TOPIC intake.tj-amr.recall.v1',
      'User:tj-amr DESCRIBE TOPIC intake.tj-amr.repair-decision.v1',
      'User:tj-amr DESCRIBE TOPIC intake.tj-amr.sampling-result.v1',
      'User:tj-amr DESCRIBE TOPIC intake.tj-amr.sampling-step.v1',
      'User:tj-amr IDEMPOTENT_WRITE CLUSTER kafka-cluster',
      'User:tj-amr READ GROUP tj-amr.*',
      'User:tj-amr READ TOPIC department.tj-amr.sampling-step-answer.v1',
      'User:tj-amr WRITE TOPIC intake.tj-amr.credit-record.v1',
      'User:tj-amr WRITE TOPIC intake.tj-amr.recall.v1',
      'User:tj-amr WRITE TOPIC intake.tj-amr.repair-decision.v1',
      'User:tj-amr WRITE TOPIC intake.tj-amr.sampling-result.v1',
      'User:tj-amr WRITE TOPIC intake.tj-amr.sampling-step.v1',
    ]);
  });

  it('give an auditor groups of its own, and no topic', () => {
    expect(organisationRules('AUDITOR', 'tj-audit').map(line).sort()).toEqual([
      'User:tj-audit DESCRIBE GROUP tj-audit.*',
      'User:tj-audit READ GROUP tj-audit.*',
    ]);
  });
});

describe('the access rules of a grant', () => {
  it('let a department read that topic, in groups of its own, and nothing else', () => {
    expect(grantRules('tj-housing', samplingResults, 't1.').map(line)).toEqual([
      'User:tj-housing READ TOPIC t1.inspection.sampling-result.v1',
      'User:tj-housing DESCRIBE TOPIC t1.inspection.sampling-result.v1',
      'User:tj-housing READ GROUP t1.tj-housing.*',
      'User:tj-housing DESCRIBE GROUP t1.tj-housing.*',
    ]);
  });
});

describe('topics', () => {
  const NINETY_DAYS = String(90 * 24 * 60 * 60 * 1000);

  it('keep the last state compacted, with earlier revisions and tombstones for 90 days', () => {
    expect(topicSettings({ retention: 'LAST_STATE' })).toEqual({
      'message.timestamp.type': 'LogAppendTime',
      'cleanup.policy': 'compact',
      'min.compaction.lag.ms': NINETY_DAYS,
      'delete.retention.ms': NINETY_DAYS,
    });
  });

  it('delete the rest after its days', () => {
    expect(topicSettings({ retention: 90 })).toEqual({
      'message.timestamp.type': 'LogAppendTime',
      'cleanup.policy': 'delete',
      'retention.ms': NINETY_DAYS,
    });
  });

  it('are all there before any organisation registers, dead letters included', () => {
    const names = sharedTopics({ namespace: 't1.', partitions: 3 }).map((topic) => topic.name);
    expect(names).toEqual(expect.arrayContaining(['t1.inspection.sampling-result.v1', 't1.credit.dlt.v1', 't1.exchange.dlt.v1']));
    expect(names.filter((name) => name.includes('{'))).toEqual([]);
  });

  it('of an organisation have one partition', () => {
    expect(organisationTopics('PLATFORM', 'jd').map(({ name, partitions }) => `${name} ${partitions}`)).toEqual([
      'platform.jd.feedback.v1 1',
      'platform.jd.receipt.v1 1',
    ]);
    expect(organisationTopics('AUDITOR', 'tj-audit')).toEqual([]);
  });
});
