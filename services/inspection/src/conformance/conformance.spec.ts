import type { Answer } from '../sampling-result/sampling-result.js';
import { endOf, follow, type Run, statusOf } from './conformance.js';

const START = new Date('2026-11-23T01:00:00.000Z');
const LATER = new Date('2026-11-23T01:10:00.000Z');
const run: Run = { runId: 'r', departmentId: 'tj-new', startedAt: START, endsAt: endOf(START), shown: {}, finishedAt: null };
const answer = (outcome: Answer['outcome'], changes: Partial<Answer> = {}): Answer => ({
  sampleNo: 'S-1',
  outcome,
  revision: 1,
  status: 'PUBLISHED',
  warnings: [],
  errors: [],
  unknownFields: [],
  ...changes,
});
const refused = (code: string): Answer => answer('rejected', { errors: [{ code, pointer: '/verdict', message: '' }] });
const all = [answer('accepted'), answer('duplicate'), answer('accepted', { revision: 2 }), refused('NOT_IN_CODE_LIST')];
const shownBy = (...answers: Answer[]): string[] => Object.keys(follow(run, answers, LATER).shown);

describe('a run of a department', () => {
  it('is passed when a result was accepted, sent again, revised, and a bad one refused, in whatever order', () => {
    expect(follow(run, all, LATER)).toMatchObject({ finishedAt: LATER });
    expect(follow(run, all.toReversed(), LATER)).toMatchObject({ finishedAt: LATER });
    for (const missing of all.keys()) expect(follow(run, all.toSpliced(missing, 1), LATER).finishedAt).toBeNull();
  });

  it('keeps the first answer that showed it, with the code and the place of a refusal', () => {
    const followed = follow(run, all, LATER);
    expect(followed.shown.REFUSED).toEqual({ sampleNo: 'S-1', code: 'NOT_IN_CODE_LIST', pointer: '/verdict', at: LATER.toISOString() });
    const again = { ...run, shown: followed.shown };
    expect(follow(again, [answer('duplicate', { sampleNo: 'S-2' })], LATER)).toBe(again);
  });

  it('is shown nothing by a gap, a wrong revision or a retraction', () => {
    expect(shownBy(answer('accepted', { revision: 3, warnings: [{ code: 'REVISION_GAP', pointer: '/revision', message: '' }] }))).toEqual(
      [],
    );
    expect(shownBy(refused('STALE_REVISION'), refused('REVISION_CONFLICT'))).toEqual([]);
    expect(shownBy(answer('accepted', { revision: 2, status: 'WITHDRAWN' }))).toEqual([]);
  });

  it('that is over is shown nothing more', () => {
    expect(follow(run, all, run.endsAt)).toBe(run);
    expect([statusOf(run, LATER), statusOf(run, run.endsAt), statusOf({ ...run, finishedAt: LATER }, run.endsAt)]).toEqual([
      'RUNNING',
      'FAILED',
      'PASSED',
    ]);
  });
});
