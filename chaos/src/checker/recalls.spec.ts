import { Findings } from './findings.js';
import { forgottenRecalls, judgeRecalls, type RecallRow, type Recalls, type ToldRow } from './recalls.js';
import type { StepRow } from './steps.js';
import type { Event, TopicRecord } from './topics.js';

const row: RecallRow = { recall: 'R-1', revision: 2, standing: 'CLOSED', round: 1, measure: '退货' };
const told: ToldRow = { recall: 'R-1', platform: 'jd', status: 'ISSUED', subject_revision: 2, measure: '退货' };
const steps = ['OPEN', 'PUBLISH', 'COMPLETE', 'CLOSE'].map((act, place): StepRow => {
  return { matter: 'RECALL', name: 'R-1', no: place + 1, act, line: '', from: null, to: '', mark: null };
});
const event = (revision: number, type: string): Event => ({
  ...{ topic: 'inspection.recall.v1', partition: 0, offset: revision, at: 0, key: 'R-1', headers: {}, value: '', id: String(revision) },
  ...{ type, revision, body: {} },
});
const events = [event(1, 'RecallPublished'), event(2, 'RecallClosed')];

function codes(spoilt: Partial<Recalls> = {}): string[] {
  const findings = new Findings();
  judgeRecalls({ forgotten: new Set(), steps, rows: [row], followed: [row], told: [told], events, platforms: ['jd'], ...spoilt }, findings);
  return findings.violations.map(({ code }) => code);
}

describe('a recall', () => {
  it('is right when every platform was told its last revision', () => {
    expect(codes()).toEqual([]);
  });

  it('is told to every platform that may sell the goods while it goes on', () => {
    const going: RecallRow = { ...row, revision: 1, standing: 'PUBLISHED' };
    const published = { rows: [going], followed: [going], events: events.slice(0, 1), steps: steps.slice(0, 2) };
    expect(codes({ ...published, told: [{ ...told, subject_revision: 1 }] })).toEqual([]);
    expect(codes({ ...published, told: [] })).toEqual(['FEEDBACK_LOST']);
    expect(codes({ told: [] })).toEqual([]);
  });

  it('leaves no platform with what was said before', () => {
    expect(codes({ told: [{ ...told, subject_revision: 1 }] })).toEqual(['FEEDBACK_STALE']);
    expect(codes({ told: [{ ...told, measure: '换货' }] })).toEqual(['FEEDBACK_STALE']);
    expect(codes({ told: [{ ...told, status: 'WITHDRAWN' }] })).toEqual(['FEEDBACK_WRONG']);
  });

  it('is public as its history has made it, in one series', () => {
    expect(codes({ steps: steps.slice(0, 3) })).toEqual(['ROW_WRONG']);
    expect(codes({ events: events.slice(0, 1) })).toEqual(['EVENT_LOST']);
    expect(codes({ events: [events[0] ?? event(1, ''), event(2, 'RecallPublished')] })).toEqual(['EVENT_WRONG']);
    expect(codes({ events: [...events, { ...event(1, 'RecallPublished'), key: 'R-2' }] })).toEqual(['EVENT_UNCOMMITTED']);
    expect(codes({ followed: [{ ...row, revision: 1 }] })).toEqual(['EFFECT_LOST']);
  });

  it('is in the round that its history has begun', () => {
    const again: StepRow = {
      matter: 'RECALL',
      name: 'R-1',
      no: 5,
      act: 'RECALL_AGAIN',
      line: '',
      from: 'CLOSED',
      to: 'PLAN_DUE',
      mark: null,
    };
    expect(codes({ steps: [...steps, again], rows: [{ ...row, round: 2 }] })).toEqual([]);
    expect(codes({ steps: [...steps, again] })).toEqual(['ROW_WRONG']);
    expect(codes({ rows: [{ ...row, round: 2 }] })).toEqual(['ROW_WRONG']);
  });

  it('is public beyond its history only where its database was lost before the rows of what was said were kept', () => {
    const unkept = { steps: steps.slice(0, 2) };
    expect(codes(unkept)).toEqual(['ROW_WRONG']);
    expect(codes({ ...unkept, forgotten: new Set(['R-1']) })).toEqual([]);

    const record = (topic: string, revision: number, type: string, body: object): TopicRecord => ({
      ...{ topic, partition: 0, offset: revision, at: 0, key: 'R-1', value: JSON.stringify(body) },
      headers: { ce_id: `${topic} ${revision}`, ce_source: '/services/inspection', ce_type: type, ce_revision: String(revision) },
    });
    const said = [record('inspection.recall.v1', 1, 'RecallPublished', {}), record('inspection.recall.v1', 2, 'RecallClosed', {})];
    const rowsOf = (revisions: number[]) => ({ rows: { recall_steps: revisions.map((revision) => ({ revision })) } });
    const forgotten = (revisions: number[], setBacks = 1): string[] => {
      const kept = [record('inspection.recall-file.v1', 1, 'RecallKept', rowsOf(revisions))];
      const records = new Map([['inspection.recall.v1', said] as const, ['inspection.recall-file.v1', kept] as const]);
      return [...forgottenRecalls({ records, ends: new Map() }, setBacks, new Findings())];
    };
    expect(forgotten([0, 1, 1, 2])).toEqual([]);
    expect(forgotten([0, 1, 1])).toEqual(['R-1']);
    expect(forgotten([0, 1, 1], 0)).toEqual([]);
  });
});
