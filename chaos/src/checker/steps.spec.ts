import type { Act, Proof } from '../history.js';
import type { Told } from './expected.js';
import { Findings } from './findings.js';
import { type Histories, judgeSteps, type StateRow, type StepRow } from './steps.js';

/*
 * A recall that was opened and whose defect was admitted, by one of two that were posted at once; each case spoils one thing.
 */
const act = (mark: string, changes: Partial<Act> = {}): Act => ({
  ...{ kind: 'ACT', matter: 'RECALL', name: 'R-1', act: 'ADMIT_DEFECT', by: 'tj-amr', on: '2026-04-02', mark, facts: {} },
  ...changes,
});
const told = (operation: Act, fate: Told['fate'] = 'applied'): Told<Act> => {
  return {
    operation,
    via: 'HTTP',
    fate,
    code: fate === 'refused' ? 'ACT_NOT_ALLOWED' : undefined,
    lostWithBackup: false,
    askedAt: 0,
    answeredAt: 0,
  };
};
const opened = told(act('m-1', { act: 'OPEN' }));
const admitted = told(act('m-2', { race: 'r' }));
const denied = told(act('m-3', { act: 'FIND_NO_DEFECT', race: 'r' }), 'refused');

const step = (no: number, changes: Partial<StepRow> = {}): StepRow => {
  return { matter: 'RECALL', name: 'R-1', no, act: 'OPEN', line: '', from: null, to: 'CLUE', mark: 'm-1', ...changes };
};
const second = step(2, { act: 'ADMIT_DEFECT', from: 'CLUE', to: 'PLAN_DUE', mark: 'm-2' });
const stands: StateRow = { matter: 'RECALL', name: 'R-1', line: '', state: 'PLAN_DUE' };

function codes(
  acts: readonly Told<Act>[],
  { steps = [step(1), second], states = [stands] }: Partial<Histories> = {},
  { proofs = [], forgotten = [] }: { proofs?: readonly Told<Proof>[]; forgotten?: readonly string[] } = {},
): string[] {
  const findings = new Findings();
  judgeSteps({ acts, proofs, forgotten: new Set(forgotten) }, { steps, states }, findings);
  return findings.violations.map(({ code }) => code);
}

describe('what is worked on', () => {
  it('is right when its history holds what was accepted, in one line', () => {
    expect(codes([opened, admitted, denied])).toEqual([]);
  });

  it('loses no step that was accepted, and takes none twice', () => {
    expect(codes([opened, admitted], { steps: [step(1)], states: [{ ...stands, state: 'CLUE' }] })).toEqual(['STEP_LOST']);
    const twice = { ...second, no: 3, from: 'PLAN_DUE' };
    expect(codes([opened, admitted], { steps: [step(1), second, twice] })).toEqual(['STEP_DOUBLED']);
  });

  it('has no step that was refused or never sent', () => {
    const beaten = { ...second, no: 3, act: 'FIND_NO_DEFECT', from: 'PLAN_DUE', to: 'NO_DEFECT', mark: 'm-3' };
    const states = [{ ...stands, state: 'NO_DEFECT' }];
    expect(codes([opened, admitted, denied], { steps: [step(1), second, beaten], states })).toEqual(['STEP_UNEXPECTED']);
    expect(codes([opened, admitted], { steps: [step(1), second, { ...beaten, mark: 'x' }], states })).toEqual(['STEP_UNEXPECTED']);
    expect(codes([])).toEqual(['STEP_UNEXPECTED']);
  });

  it('may or may not have a step whose answer was lost', () => {
    const open = { ...admitted, fate: 'open' } as const;
    expect(codes([opened, open])).toEqual([]);
    expect(codes([opened, open], { steps: [step(1)], states: [{ ...stands, state: 'CLUE' }] })).toEqual([]);
  });

  it('lets one of two that exclude each other win, and refuses nothing else', () => {
    const both = [opened, admitted, { ...denied, fate: 'applied' } as const];
    const steps = [step(1), second, { ...second, no: 3, act: 'FIND_NO_DEFECT', from: 'CLUE', to: 'NO_DEFECT', mark: 'm-3' }];
    expect(codes(both, { steps, states: [{ ...stands, state: 'NO_DEFECT' }] })).toEqual(['HISTORY_BROKEN', 'RACE_WON_TWICE']);
    expect(codes([opened, admitted, told(act('m-4', { act: 'REPORT_PLAN' }), 'refused')])).toEqual(['REFUSED']);
    const neither = [opened, { ...admitted, fate: 'refused' } as const, denied];
    expect(codes(neither, { steps: [step(1)], states: [{ ...stands, state: 'CLUE' }] })).toEqual(['REFUSED', 'REFUSED']);
  });

  it('may be beaten in a race by what is worked on elsewhere, taken or with its answer lost', () => {
    const round = (name: string, fate: Told['fate']): Told<Act> =>
      told(act(`m-${name}`, { matter: 'ROUND', name, act: 'OPEN', race: 'quota' }), fate);
    const planned: StepRow = { ...step(1), matter: 'ROUND', name: 'one', to: 'PLANNED', mark: 'm-one' };
    const state: StateRow = { matter: 'ROUND', name: 'one', line: '', state: 'PLANNED' };
    const one = { steps: [planned], states: [state] };
    expect(codes([round('one', 'applied'), round('two', 'refused')], one)).toEqual([]);
    expect(codes([round('one', 'open'), round('two', 'refused')], one)).toEqual([]);
    expect(codes([round('one', 'refused'), round('two', 'refused')], { steps: [], states: [] })).toEqual(['REFUSED', 'REFUSED']);
    const both = { steps: [planned, { ...planned, name: 'two', mark: 'm-two' }], states: [state, { ...state, name: 'two' }] };
    expect(codes([round('one', 'applied'), round('two', 'applied')], both)).toEqual(['RACE_WON_TWICE']);
  });

  it('is done once where two have said the same', () => {
    const drawn = (mark: string): Told<Act> => told(act(mark, { matter: 'DRAWN', name: 'firm-1', act: 'REPLACE' }));
    const replaced: StepRow = { ...step(1), matter: 'DRAWN', name: 'firm-1', act: 'REPLACE', to: 'REPLACED', mark: null };
    const states: StateRow[] = [{ matter: 'DRAWN', name: 'firm-1', line: '', state: 'REPLACED' }];
    const acts = [drawn('m-1'), drawn('m-2')];
    expect(codes(acts, { steps: [replaced], states })).toEqual([]);
    expect(codes(acts, { steps: [], states: [] })).toEqual(['STEP_LOST', 'STEP_LOST']);
    expect(codes(acts, { steps: [replaced, { ...replaced, no: 2 }], states })).toContain('STEP_DOUBLED');
    const twice = [{ ...states[0], state: 'replaced 2 times' } as StateRow];
    expect(codes(acts, { steps: [replaced], states: twice })).toEqual(['ROW_WRONG']);
  });

  it('is published beside its revisions, each of which begins with the one before', () => {
    const of = (no: number, changes: Partial<StepRow>): StepRow => ({ ...step(no), matter: 'PLAN', name: 'p', ...changes });
    const acts = ['OPEN', 'AMEND', 'PUBLISH'].map((name, place) => told(act(`m-${place + 1}`, { matter: 'PLAN', name: 'p', act: name })));
    const amended = of(2, { act: 'AMEND', from: '1', to: '2', mark: 'm-2' });
    const published = of(3, { act: 'PUBLISH', line: 'PUBLICATION', from: 'DRAFT', to: 'PUBLISHED', mark: null });
    const [first, plan] = [of(1, { to: '1' }), { matter: 'PLAN', name: 'p' } as const];
    const states = [
      { ...plan, line: '', state: '2' },
      { ...plan, line: 'PUBLICATION', state: 'PUBLISHED' },
    ];
    expect(codes(acts, { steps: [first, amended, published], states })).toEqual([]);
    expect(codes(acts, { steps: [first, { ...amended, from: '0' }, published], states })).toEqual(['HISTORY_BROKEN']);
    expect(codes(acts, { steps: [first, amended, published], states: states.slice(0, 1) })).toEqual(['ROW_WRONG']);
    expect(codes(acts.slice(0, 2), { steps: [first, amended], states })).toEqual(['HISTORY_BROKEN']);
  });

  it('leads where its act leads, and nowhere where that changes nothing', () => {
    const astray = { ...second, to: 'ORDERED' };
    expect(codes([opened, admitted], { steps: [step(1), astray], states: [{ ...stands, state: 'ORDERED' }] })).toEqual(['STEP_WRONG']);
    const forwarded = { ...second, act: 'FORWARD', to: 'CLUE' };
    const forward = told(act('m-2', { act: 'FORWARD' }));
    const at = (state: string): StateRow[] => [{ ...stands, state }];
    expect(codes([opened, forward], { steps: [step(1), forwarded], states: at('CLUE') })).toEqual([]);
    expect(codes([opened, forward], { steps: [step(1), { ...forwarded, to: 'PLAN_DUE' }], states: at('PLAN_DUE') })).toEqual([
      'STEP_WRONG',
    ]);
  });

  it('is numbered without gaps, each step beginning where the one before ended, up to the state', () => {
    expect(codes([opened, admitted], { steps: [step(1), { ...second, no: 3 }] })).toEqual(['HISTORY_BROKEN']);
    expect(codes([opened, admitted], { steps: [step(1), { ...second, from: 'PRODUCER_NOTIFIED' }] })).toEqual(['HISTORY_BROKEN']);
    expect(codes([opened, admitted], { states: [{ ...stands, state: 'CLUE' }] })).toEqual(['ROW_WRONG']);
  });

  it('loses nothing with a database, but for the step of a recall that was said and not kept', () => {
    const refused = told(act('m-4', { act: 'REPORT_PLAN' }), 'refused');
    const rows = { steps: [step(1)], states: [{ ...stands, state: 'IN_PROGRESS' }] };
    expect(codes([opened, admitted, refused], rows)).toEqual(['STEP_LOST', 'REFUSED', 'ROW_WRONG']);
    expect(codes([opened, admitted, refused], rows, { forgotten: ['R-1'] })).toEqual([]);
    expect(codes([opened, admitted, refused], { ...rows, steps: [step(1), step(2)] }, { forgotten: ['R-1'] })).toEqual(['STEP_DOUBLED']);
  });
});

describe('a sheet', () => {
  const of = { matter: 'SHEET', name: 'c-9' } as const;
  const begun = told(act('m-1', { ...of, act: 'OPEN' }));
  const sealed = told(act('m-2', { ...of, act: 'SEAL_SAMPLE' }), 'refused');
  const rows = { steps: [step(1, { ...of, to: 'DRAWN', mark: null })], states: [{ ...of, line: '', state: 'DRAWN' }] };

  it('proves nothing any more where its evidence went with a database', () => {
    const operation: Proof = { kind: 'PROOF', sampleNo: 'c-9', type: 'PHOTO', by: 'tj-amr', text: 'x' };
    const proof = { operation, via: 'HTTP', fate: 'applied', code: undefined, askedAt: 0, answeredAt: 0 } as const;
    expect(codes([begun, sealed], rows, { proofs: [{ ...proof, lostWithBackup: false }] })).toEqual(['REFUSED']);
    expect(codes([begun, sealed], rows, { proofs: [{ ...proof, lostWithBackup: true }] })).toEqual([]);
  });
});

describe('a case', () => {
  const of = { matter: 'CASE', name: 'c-1' } as const;
  const served = told(act('m-2', { ...of, act: 'SERVE' }));
  const line = 'SERVICE SAMPLED_PARTY';
  const steps = [
    step(0, { ...of, to: 'OPEN', mark: null }),
    step(1, { ...of, act: 'SERVE', line, from: 'UNSERVED', to: 'SERVED', mark: 'm-2' }),
  ];

  it('begins each track of a party where the law begins it', () => {
    const begun = told(act('m-1', { ...of, act: 'OPEN' }));
    const states = [{ ...of, line, state: 'SERVED' }];
    expect(codes([begun, served], { steps, states })).toEqual([]);
    const from = steps.map((one) => (one.no === 1 ? { ...one, from: 'SERVED' } : one));
    expect(codes([begun, served], { steps: from, states })).toEqual(['HISTORY_BROKEN']);
    expect(codes([begun, served], { steps, states: [...states, { ...of, line: 'CLUE SAMPLED_PARTY', state: 'HANDED_OVER' }] })).toEqual([
      'HISTORY_BROKEN',
    ]);
  });

  it('says what a report made of its result from where that stood, in one line up to where it stands', () => {
    const begun = told(act('m-1', { ...of, act: 'OPEN' }));
    const result = { ...of, line: 'PUBLICATION RESULT', mark: null } as const;
    const published = step(2, { ...result, act: 'PUBLISH', from: 'FINAL', to: 'PUBLISHED' });
    const withdrawn = step(3, { ...result, act: 'WITHDRAW', from: 'PUBLISHED', to: 'WITHDRAWN' });
    const states = [
      { ...of, line, state: 'SERVED' },
      { ...of, line: result.line, state: 'WITHDRAWN' },
    ];
    expect(codes([begun, served], { steps: [...steps, published, withdrawn], states })).toEqual([]);
    expect(codes([begun, served], { steps: [...steps, published, { ...withdrawn, from: 'FINAL' }], states })).toEqual(['HISTORY_BROKEN']);
    expect(codes([begun, served], { steps: [...steps, published], states })).toEqual(['ROW_WRONG']);
    expect(codes([begun, served], { steps: [...steps, { ...published, mark: 'x' }, withdrawn], states })).toEqual(['STEP_UNEXPECTED']);
  });
});
