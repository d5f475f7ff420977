import type { Act } from '../history.js';
import { type Answers, judgeAnswers } from './answers.js';
import type { Told } from './expected.js';
import { Findings } from './findings.js';
import type { StepRow } from './steps.js';
import type { Event, TopicRecord } from './topics.js';

/*
 * Two steps of a recall that a department sent over Kafka, of which one was accepted and the other refused; each case spoils one thing.
 */
const act = (mark: string, name: string): Told<Act> => ({
  operation: { kind: 'ACT', matter: 'RECALL', name: 'R-1', act: name, by: 'tj-amr', on: '2026-04-02', mark, facts: {}, race: 'r' },
  ...{ via: 'KAFKA', fate: 'applied', code: undefined, lostWithBackup: false, askedAt: 0, answeredAt: 0 },
});
const acts = [act('m-1', 'ADMIT_DEFECT'), act('m-2', 'FIND_NO_DEFECT')];
const record = (mark: string, offset: number): TopicRecord => ({
  ...{ topic: 'intake.tj-amr.sampling-step.v1', partition: 0, offset, at: 0, key: 'R-1', value: JSON.stringify({ stepId: mark }) },
  headers: { ce_source: '/departments/tj-amr/chaos', ce_id: mark },
});
const sent = [record('m-1', 0), record('m-2', 1)];
const answer = (mark: string, outcome: string, changes: object = {}): Event => ({
  ...{ topic: 'department.tj-amr.sampling-step-answer.v1', partition: 0, offset: 0, at: 0, key: 'R-1', headers: {}, value: '', id: '' },
  ...{ type: 'RecallStepAnswered', revision: 1 },
  body: {
    stepId: mark,
    subject: 'R-1',
    outcome,
    state: 'PLAN_DUE',
    ...(outcome === 'rejected' && { code: 'ACT_NOT_ALLOWED' }),
    ...changes,
  },
});
const [accepted, rejected] = [answer('m-1', 'accepted'), answer('m-2', 'rejected')];
const steps: StepRow[] = [
  { matter: 'RECALL', name: 'R-1', no: 2, act: 'ADMIT_DEFECT', line: '', from: 'PRODUCER_NOTIFIED', to: 'PLAN_DUE', mark: 'm-1' },
];

function judged(spoilt: Partial<Answers> = {}) {
  const findings = new Findings();
  const { acts: known, refused } = judgeAnswers({ acts, sent, answers: [accepted, rejected], steps, setBacks: 0, ...spoilt }, findings);
  const fates = known.map(({ fate, code }) => `${fate} ${code ?? ''}`.trim());
  return { codes: findings.violations.map(({ code }) => code), fates, inTheEnd: [...refused.inTheEnd], ever: [...refused.ever] };
}
const codes = (spoilt: Partial<Answers>): string[] => judged(spoilt).codes;

describe('the answers to steps over Kafka', () => {
  it('say what became of each', () => {
    const refused = ['/departments/tj-amr/chaos m-2'];
    expect(judged()).toEqual({ codes: [], fates: ['applied', 'refused ACT_NOT_ALLOWED'], inTheEnd: refused, ever: refused });
  });

  it('come to every step that the broker holds, and to no other', () => {
    expect(judged({ answers: [rejected] })).toMatchObject({ codes: ['ANSWER_LOST'], fates: ['open', 'refused ACT_NOT_ALLOWED'] });
    expect(codes({ answers: [accepted, rejected, answer('m-3', 'accepted')] })).toEqual(['ANSWER_UNEXPECTED']);
    expect(codes({ sent: sent.slice(0, 1) })).toEqual(['INTAKE_LOST', 'ANSWER_UNEXPECTED']);
    const givenUp = acts.map((one) => ({ ...one, fate: 'open' as const }));
    expect(judged({ acts: givenUp, sent: [], answers: [] })).toMatchObject({ codes: [], fates: ['open', 'open'] });
  });

  it('come once, but to what is refused as often as the broker holds it', () => {
    expect(codes({ answers: [accepted, accepted, rejected] })).toEqual(['ANSWER_DOUBLED']);
    expect(codes({ answers: [accepted, rejected, rejected] })).toEqual(['ANSWER_DOUBLED']);
    const twice = [...sent, record('m-1', 2), record('m-2', 3)];
    expect(codes({ sent: twice, answers: [accepted, rejected, rejected] })).toEqual([]);
    expect(codes({ sent: twice, answers: [accepted, accepted, rejected] })).toEqual(['ANSWER_DOUBLED']);
  });

  it('come again to what is read again from a backup, and the last one holds', () => {
    const again = {
      setBacks: 1,
      answers: [accepted, rejected, answer('m-1', 'duplicate'), answer('m-2', 'accepted', { state: 'NO_DEFECT' })],
    };
    expect(judged(again)).toEqual({ codes: [], fates: ['applied', 'applied'], inTheEnd: [], ever: ['/departments/tj-amr/chaos m-2'] });
    expect(codes({ ...again, setBacks: 0 })).toEqual(['ANSWER_DOUBLED', 'ANSWER_DOUBLED']);
    expect(codes({ answers: [answer('m-1', 'duplicate'), rejected] })).toEqual(['ANSWER_WRONG']);
    expect(codes({ answers: [answer('m-1', 'duplicate'), rejected], setBacks: 1 })).toEqual([]);
  });

  it('name the sheet or the case by whose it is', () => {
    const ofCase = { matter: 'CASE', name: 'S-1' } as const;
    const [first] = acts;
    const own = first ? [{ ...first, operation: { ...first.operation, ...ofCase, act: 'SERVE' } }] : [];
    const row: StepRow = { ...ofCase, no: 1, act: 'SERVE', line: 'SERVICE SAMPLED_PARTY', from: 'UNSERVED', to: 'SERVED', mark: 'm-1' };
    const said = (changes: object = {}): Event => ({
      ...answer('m-1', 'accepted', { subject: 'tj-amr:S-1', matter: 'CASE', state: 'SERVED', ...changes }),
      ...{ type: 'SamplingStepAnswered', key: 'tj-amr:S-1' },
    });
    const of = (one: Event): string[] => codes({ acts: own, sent: sent.slice(0, 1), answers: [one], steps: [row] });
    expect(of(said())).toEqual([]);
    expect(of(said({ matter: 'SHEET' }))).toEqual(['ANSWER_WRONG']);
    expect(of(said({ subject: 'tj-amr:S-2' }))).toEqual(['ANSWER_WRONG']);
    expect(of(said({ state: 'UNSERVED' }))).toEqual(['ANSWER_WRONG']);
  });

  it('name the recall, how it stands, and why a step was refused', () => {
    expect(codes({ answers: [answer('m-1', 'accepted', { subject: 'R-2' }), rejected] })).toEqual(['ANSWER_WRONG']);
    expect(codes({ answers: [{ ...accepted, type: 'SamplingStepAnswered' }, rejected] })).toEqual(['ANSWER_WRONG']);
    expect(codes({ answers: [answer('m-1', 'accepted', { state: 'CLUE' }), rejected] })).toEqual(['ANSWER_WRONG']);
    expect(codes({ answers: [accepted, answer('m-2', 'rejected', { code: undefined })] })).toEqual(['ANSWER_WRONG']);
  });
});
