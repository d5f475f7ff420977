import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Regime, ResultParty, SamplingResultPublished, StepParty } from '@jinqiao/contracts';
import { rule } from '@jinqiao/law';
import { testUscc } from '@jinqiao/testing';
import fc from 'fast-check';
import {
  ACT_NAMES,
  type ActName,
  ACTS,
  type ActRule,
  type ClockName,
  CLOCKS,
  STATES,
  type State,
  TRACKS,
  type TrackName,
} from './sampling-case.acts.js';
import {
  type Act,
  ActNotAllowed,
  ActNotCompetent,
  ActUnacceptable,
  allowedIn,
  basisOf,
  type CaseFile,
  type CaseParty,
  clockState,
  decide,
  diagramOf,
  missingIn,
  openingClocks,
  partiesOf,
  RULES,
  saleStopsIn,
  type Step,
  trackOf,
} from './sampling-case.js';
import { type ListedLaboratory, listOf } from '../reinspection-laboratory/reinspection-laboratory.js';
import { leftOf } from '../deadline/run-clock.js';
import type { HeldResult } from '../sampling-result/held-result.js';
import { publicationStep } from './publication.js';

const HASH = 'a'.repeat(64);
const ORGANISER = { id: 'tj-amr', scopes: [] };
const COUNTY = { id: 'tj-heping', scopes: [] };
const PROVINCE = { id: 'tj-province', scopes: ['level:PROVINCE'] };
const TODAY = '2026-12-31';
const partyOf = (party: ResultParty, changes: Partial<CaseParty> = {}): CaseParty => ({ party, name: party, isOutside: false, ...changes });
const NEW: CaseFile = {
  reporterId: 'tj-amr',
  sampleNo: 'S-1',
  regime: 'PRODUCT',
  verdict: 'UNQUALIFIED',
  standing: 'UNQUALIFIED',
  laboratory: { name: '市质检院', uscc: '12120000401200000X' },
  wasTestedOnSite: false,
  parties: (['SAMPLED_PARTY', 'NOMINAL_PRODUCER', 'PLATFORM'] as const).map((party) => partyOf(party)),
  tracks: [],
  clocks: [],
  history: [],
};
/** Everything an act may need; what it does not need is not looked at. */
const FACTS = {
  mode: 'DELIVERED',
  sha256: HASH,
  reason: '理由',
  documentNo: '1号',
  departmentId: 'tj-heping',
  authority: '外省局',
  ground: 'CONCLUSION',
} as const;

function after(file: CaseFile, act: Act, { from, track, clocks }: Step): CaseFile {
  const isOther = (one: { track: string; party: string }): boolean => one.track !== track.track || one.party !== track.party;
  const changed = (one: CaseFile['clocks'][number]): boolean =>
    clocks.some(({ clock, party, startedOn }) => clock === one.clock && party === one.party && startedOn === one.startedOn);
  return {
    ...file,
    tracks: [...file.tracks.filter(isOther), track],
    clocks: [...file.clocks.filter((one) => !changed(one)), ...clocks],
    history: [
      ...file.history,
      { act: act.act, party: act.party, from, to: track.state, on: act.on, facts: act, takenAt: new Date(`${act.on}T01:00:00.000Z`) },
    ],
  };
}
type Told = readonly [act: ActName, on: string, facts?: Partial<Act>];
const actorOf = (name: ActName): typeof ORGANISER | typeof PROVINCE => {
  const [first] = (ACTS[name] as ActRule).by;
  return first === 'PROVINCE' ? PROVINCE : first === 'RECEIVER' ? COUNTY : ORGANISER;
};
/** The file after one step. */
const taken = (file: CaseFile, actor: typeof ORGANISER | typeof PROVINCE, act: Act): CaseFile =>
  after(file, act, decide(file, actor, act, TODAY));
const play = (told: readonly Told[], file = NEW, party: StepParty = 'SAMPLED_PARTY'): CaseFile =>
  told.reduce((now, [act, on, facts]) => taken(now, actorOf(act), { ...FACTS, act, party, on, ...facts }), file);
const states = (file: CaseFile, party: ResultParty = 'SAMPLED_PARTY'): object =>
  Object.fromEntries(file.tracks.filter((track) => track.party === party).map(({ track, state }) => [track, state]));
const refusal = (told: readonly Told[], file = NEW, party: StepParty = 'SAMPLED_PARTY'): string[] => {
  try {
    play(told, file, party);
  } catch (problem) {
    if (problem instanceof ActUnacceptable) return problem.findings.map(({ code }) => code);
    throw problem;
  }
  return [];
};
const clocks = (file: CaseFile): object =>
  Object.fromEntries(file.clocks.map(({ clock, dueOn, stoppedOn }) => [clock, [dueOn, stoppedOn]]));

const SERVED: Told = ['SERVE', '2026-09-01'];
const OBJECTED: readonly Told[] = [SERVED, ['FILE_OBJECTION', '2026-09-10']];
const AT_LABORATORY: readonly Told[] = [
  ...OBJECTED,
  ['ADMIT_REINSPECTION', '2026-09-14'],
  ['COMPLETE_FORMALITIES', '2026-09-18'],
  ['CHOOSE_LABORATORY', '2026-09-25', { laboratory: { name: '国家质检中心' } }],
];
const CORRECTED: readonly Told[] = [
  ['HAND_OVER', '2026-03-02'],
  ['ORDER_CORRECTION', '2026-03-03'],
];
const ANNOUNCED: readonly Told[] = [...CORRECTED, ['RECORD_RECHECK', '2026-05-10', { passed: false }], ['ANNOUNCE', '2026-05-20']];

describe('service', () => {
  it('starts the time to object, which a platform does not have', () => {
    // Day 15 is 16 September; of food it is the seventh working day.
    expect(clocks(play([SERVED]))).toEqual({ OBJECTION: ['2026-09-16', null] });
    expect(clocks(play([SERVED], { ...NEW, regime: 'FOOD' }))).toEqual({ OBJECTION: ['2026-09-10', null] });
    expect(clocks(play([SERVED], NEW, 'PLATFORM'))).toEqual({});
    expect(clocks(play([SERVED], { ...NEW, regime: 'COSMETIC' }))).toEqual({});
  });

  it('by electronic means needs the signed consent, and may fail first', () => {
    expect(refusal([['SERVE', '2026-09-01', { mode: 'ELECTRONIC' }]])).toEqual(['CONFIRMATION_MISSING']);
    const later = play([
      ['REPORT_UNDELIVERABLE', '2026-09-01', { mode: 'POST' }],
      ['SERVE', '2026-09-05'],
    ]);
    expect(states(later)).toEqual({ SERVICE: 'SERVED' });
    // A Sunday, but people worked on it for the holiday in October.
    expect(clocks(later)).toEqual({ OBJECTION: ['2026-09-20', null] });
  });
});

describe('the time to tell the parties', () => {
  const began = (changes: Partial<CaseFile> = {}): CaseFile['clocks'] => openingClocks({ ...NEW, ...changes }, '2026-09-24');

  it('is five working days for each party of a product that failed, the platform too', () => {
    // A Thursday; 25 September and the first week of October are holidays: 28 to 30 September, 8 and 9 October.
    expect(began().map(({ party, dueOn }) => [party, dueOn])).toEqual(
      ['SAMPLED_PARTY', 'NOMINAL_PRODUCER', 'PLATFORM'].map((party) => [party, '2026-10-09']),
    );
    expect(began()[0]).toMatchObject({ clock: 'SERVICE', ruleVersion: 'RESULT_SERVICE/PRODUCT@2015-01-01' });
    expect([began({ verdict: 'QUALIFIED' }), began({ regime: 'FOOD' })]).toEqual([[], []]);
  });

  it('ends for whom it was served, and not because it could not be delivered', () => {
    const file = { ...NEW, clocks: began() };
    const ended = (told: readonly Told[], party: ResultParty = 'SAMPLED_PARTY'): string[] =>
      play(told, file, party).clocks.flatMap((one) => (one.stoppedOn === null || one.clock !== 'SERVICE' ? [] : one.party));
    expect(ended([['REPORT_UNDELIVERABLE', '2026-09-28']])).toEqual([]);
    expect(ended([['SERVE', '2026-09-28']])).toEqual(['SAMPLED_PARTY']);
    expect(ended([['SERVE', '2026-09-28']], 'PLATFORM')).toEqual(['PLATFORM']);
    const late = play([['SERVE', '2026-10-10']], file).clocks.filter(({ clock, stoppedOn }) => clock === 'SERVICE' && stoppedOn !== null);
    expect(late.map((clock) => clockState(clock, TODAY))).toEqual(['MET_LATE']);
  });
});

describe('a letter to the authority of another place', () => {
  const HOME = { divisionCode: '120101' } as const;
  const AWAY = { divisionCode: '330100', isOutside: true } as const;
  const LETTER: Told = ['WRITE_TO_AUTHORITY', '2026-09-01'];

  it('is written for whoever is outside the city, or may be', () => {
    const of = (changes: Partial<CaseParty>): string[] => refusal([LETTER], { ...NEW, parties: [partyOf('SAMPLED_PARTY', changes)] });
    expect([of(HOME), of(AWAY), of({})]).toEqual([['IN_THE_CITY'], [], []]);
  });

  it('is missing until it is written, as handing over is of whoever is here', () => {
    const file = { ...NEW, parties: [partyOf('SAMPLED_PARTY', HOME), partyOf('NOMINAL_PRODUCER', AWAY), partyOf('PLATFORM')] };
    const [handOver, letter] = [
      { act: 'HAND_OVER', party: 'SAMPLED_PARTY' },
      { act: 'WRITE_TO_AUTHORITY', party: 'NOMINAL_PRODUCER' },
    ];
    expect(missingIn(file)).toEqual([handOver, letter]);
    expect(missingIn(play([['HAND_OVER', '2026-09-01']], file))).toEqual([letter]);
    expect(missingIn(play([LETTER], file, 'NOMINAL_PRODUCER'))).toEqual([handOver]);
    expect(missingIn({ ...file, standing: 'QUALIFIED' })).toEqual([]);
    const denied: readonly Told[] = [
      ['DENY_AUTHORSHIP', '2026-09-01'],
      ['DECIDE_AUTHORSHIP', '2026-09-02', { upheld: true }],
    ];
    expect(missingIn(play(denied, file, 'NOMINAL_PRODUCER'))).toEqual([handOver]);
    // Where nobody said where it is, either will do.
    expect(missingIn(play([LETTER], { ...NEW, parties: [partyOf('SAMPLED_PARTY')] }))).toEqual([]);
  });
});

describe('an objection', () => {
  it('comes in time, from whoever was served, on one of two grounds', () => {
    expect(states(play(OBJECTED))).toEqual({ SERVICE: 'SERVED', OBJECTION: 'CONCLUSION_UNDER_REVIEW' });
    expect(refusal([['FILE_OBJECTION', '2026-09-10']])).toEqual(['NOT_SERVED']);
    expect(refusal([SERVED, ['FILE_OBJECTION', '2026-09-17']])).toEqual(['OBJECTION_LATE']);
    const authenticity = play([
      SERVED,
      ['FILE_OBJECTION', '2026-09-16', { ground: 'AUTHENTICITY' }],
      ['DECIDE_OBJECTION', '2026-09-20', { upheld: true }],
    ]);
    expect(states(authenticity)).toMatchObject({ OBJECTION: 'UPHELD' });
    expect(() => play([...OBJECTED, ['DECIDE_OBJECTION', '2026-09-12', { upheld: false }], ['ADMIT_REINSPECTION', '2026-09-13']])).toThrow(
      ActNotAllowed,
    );
  });

  it('is taken up within three working days, or decided at once; taking it up decides nothing', () => {
    // 10 September was a Thursday.
    const acceptance = (told: readonly Told[], file = NEW): unknown[] =>
      play([...OBJECTED, ...told], file).clocks.flatMap(({ clock, dueOn, stoppedOn }) =>
        clock === 'ACCEPTANCE' ? [dueOn, stoppedOn] : [],
      );
    expect(acceptance([])).toEqual(['2026-09-15', null]);
    const accepted: Told = ['ACCEPT_OBJECTION', '2026-09-11', { documentNo: '受理1号' }];
    const rejected: Told = ['DECIDE_OBJECTION', '2026-09-14', { upheld: false }];
    for (const [told, on] of [
      [[accepted, rejected], '2026-09-11'],
      [[rejected], '2026-09-14'],
      [[['ADMIT_REINSPECTION', '2026-09-15']], '2026-09-15'],
    ] as const)
      expect(acceptance(told)).toEqual(['2026-09-15', on]);
    expect(states(play([...OBJECTED, accepted]))).toMatchObject({ OBJECTION: 'CONCLUSION_UNDER_REVIEW' });
    const sampling: readonly Told[] = [SERVED, ['FILE_OBJECTION', '2026-09-10', { ground: 'AUTHENTICITY' }], accepted];
    expect(states(play(sampling))).toMatchObject({ OBJECTION: 'AUTHENTICITY_UNDER_REVIEW' });
    expect(refusal([...OBJECTED, accepted, ['ACCEPT_OBJECTION', '2026-09-12']])).toEqual(['ACCEPTED_BEFORE']);
    expect(refusal([...OBJECTED, ['ACCEPT_OBJECTION', '2026-09-11', { documentNo: undefined }]])).toEqual(['FIELD_MISSING']);
    // One that is not taken up is rejected, with the reason, and only so.
    expect(refusal([...OBJECTED, ['DECIDE_OBJECTION', '2026-09-14', { upheld: false, reason: undefined }]])).toEqual(['FIELD_MISSING']);
    expect(() => play([...OBJECTED, ['ADMIT_REINSPECTION', '2026-09-14'], accepted])).toThrow(ActNotAllowed);
    expect(() => play([accepted])).toThrow(ActNotAllowed);
    const act: Act = { ...FACTS, act: 'ACCEPT_OBJECTION', party: 'SAMPLED_PARTY', on: '2026-09-11' };
    expect(decide(play(OBJECTED), PROVINCE, act, TODAY).competence).toBe('PROVINCE');
    expect(() => decide(play(OBJECTED), COUNTY, act, TODAY)).toThrow(ActNotCompetent);
  });

  it('comes too late to what was tested on the spot, but for how it was sampled', () => {
    const onSite = { ...NEW, regime: 'FOOD', wasTestedOnSite: true } as const;
    const objected = (ground: 'CONCLUSION' | 'AUTHENTICITY'): string[] =>
      refusal([SERVED, ['FILE_OBJECTION', '2026-09-02', { ground }]], onSite);
    expect([objected('CONCLUSION'), objected('AUTHENTICITY')]).toEqual([['OBJECTION_LATE'], []]);
    expect(refusal([SERVED, ['FILE_OBJECTION', '2026-09-02']], onSite, 'NOMINAL_PRODUCER')).toEqual([]);
  });

  it('goes to a superior department as well, and to nobody else', () => {
    const filed: Act = { ...FACTS, act: 'FILE_OBJECTION', party: 'SAMPLED_PARTY', on: '2026-09-10' };
    expect(decide(play([SERVED]), PROVINCE, filed, TODAY).competence).toBe('PROVINCE');
    expect(() => decide(play([SERVED]), COUNTY, filed, TODAY)).toThrow(ActNotCompetent);
  });

  it('leads to a re-inspection by another laboratory, whose result is final', () => {
    const file = play(AT_LABORATORY);
    // 7 days for the formalities, 10 for the laboratory; the first ended on a Monday.
    expect(clocks(file)).toMatchObject({ FORMALITIES: ['2026-09-21', '2026-09-18'], LABORATORY: ['2026-09-28', '2026-09-25'] });
    const recorded: Act = { ...FACTS, act: 'RECORD_REINSPECTION', party: 'SAMPLED_PARTY', on: '2026-10-20', verdict: 'QUALIFIED' };
    const step = decide(file, ORGANISER, recorded, TODAY);
    expect(step.derived).toEqual({ reversed: true, feeBorneBy: 'DEPARTMENT' });
    expect(decide(file, ORGANISER, { ...recorded, verdict: 'UNQUALIFIED' }, TODAY).derived).toEqual({
      reversed: false,
      feeBorneBy: 'APPLICANT',
    });
    expect(allowedIn('OBJECTION', 'SAMPLED_PARTY', step.track.state)).toEqual([]);
  });

  it('refuses the laboratory that tested first, unless there is no other', () => {
    const until = AT_LABORATORY.slice(0, -1);
    const first = { laboratory: { name: '另一名称', uscc: '12120000401200000X' } };
    expect(refusal([...until, ['CHOOSE_LABORATORY', '2026-09-25', first]])).toEqual(['LABORATORY_TESTED_FIRST']);
    expect(refusal([...until, ['CHOOSE_LABORATORY', '2026-09-25', { ...first, onlyQualified: true }]])).toEqual([]);
    expect(refusal([...until, ['CHOOSE_LABORATORY', '2026-09-25']])).toEqual(['FIELD_MISSING']);
  });

  describe('of food', () => {
    const FIRST = { name: '市质检院', uscc: '12120000401200000X', from: '2026-01-01' };
    const OTHERS = [1, 2, 3].map((n) => ({ name: `第${n}复检机构`, uscc: testUscc(n), from: '2026-01-01' }));
    const [OTHER = FIRST] = OTHERS;
    const listed = (...laboratories: ListedLaboratory[]) => listOf({ documentNo: '1号', publishedOn: '2026-01-05', laboratories });
    const FOOD = play(
      [SERVED, ['FILE_OBJECTION', '2026-09-08'], ['ADMIT_REINSPECTION', '2026-09-14'], ['COMPLETE_FORMALITIES', '2026-09-18']],
      { ...NEW, regime: 'FOOD', laboratoryList: listed(FIRST, ...OTHERS) },
    );
    const choosing = (facts: Partial<Act> = {}): readonly Told[] => [
      ['CHOOSE_LABORATORY', '2026-09-25', { documentNo: undefined, ...facts }],
    ];
    const chosenIn = (file: CaseFile, facts: Partial<Act> = {}): Step['derived'] =>
      decide(file, ORGANISER, { act: 'CHOOSE_LABORATORY', party: 'SAMPLED_PARTY', on: '2026-09-25', ...facts }, TODAY).derived;

    it('is drawn from the list of the day: the same again, never the first, and of other formalities another one', () => {
      const once = chosenIn(FOOD);
      expect(once).toMatchObject({ laboratoryList: FOOD.laboratoryList?.hash, drawKey: expect.stringMatching(/^[0-9a-f]{64}$/) });
      expect(chosenIn(FOOD)).toEqual(once);
      const taken = (ms: number): CaseFile => ({ ...FOOD, history: FOOD.history.map((step) => ({ ...step, takenAt: new Date(ms) })) });
      const names = new Set([...Array(60).keys()].map((ms) => (chosenIn(taken(ms))['laboratory'] as { name: string }).name));
      expect([...names].sort()).toEqual(OTHERS.map(({ name }) => name).sort());
    });

    it('is the only one that is left, and nobody where none is', () => {
      const on = (...laboratories: ListedLaboratory[]): CaseFile => ({ ...FOOD, laboratoryList: listed(...laboratories) });
      expect(chosenIn(on(FIRST, OTHER))).toMatchObject({ laboratory: { name: OTHER.name, uscc: OTHER.uscc } });
      expect(refusal(choosing(), on(FIRST))).toEqual(['NO_LABORATORY_LEFT']);
      expect(refusal(choosing(), on(FIRST, { ...OTHER, until: '2026-09-24' }))).toEqual(['NO_LABORATORY_LEFT']);
      expect(refusal(choosing(), { ...FOOD, laboratoryList: null })).toEqual(['LABORATORY_LIST_MISSING']);
    });

    it('may be named with the draw of another system, and stands on the list that day', () => {
      const named = (name: string, uscc?: string): Partial<Act> => ({ laboratory: { name, ...(uscc && { uscc }) }, documentNo: '抽签1号' });
      expect(chosenIn(FOOD, named('改了名称', OTHER.uscc))).toEqual({
        laboratory: { name: OTHER.name, uscc: OTHER.uscc },
        laboratoryList: FOOD.laboratoryList?.hash,
      });
      expect(refusal(choosing(named('国家质检中心')), FOOD)).toEqual(['LABORATORY_NOT_LISTED']);
      expect(refusal(choosing(named(FIRST.name)), FOOD)).toEqual(['LABORATORY_TESTED_FIRST']);
      // The list has it under the name it has by now.
      const renamed = { ...FOOD, laboratoryList: listed({ ...FIRST, name: '市质检院（新）' }, ...OTHERS) };
      expect(refusal(choosing(named('市质检院（新）')), renamed)).toEqual(['LABORATORY_TESTED_FIRST']);
      expect(refusal(choosing({ laboratory: OTHER }), FOOD)).toEqual(['DRAW_MISSING']);
      expect(refusal(choosing(named(OTHER.name)), { ...FOOD, laboratoryList: null })).toEqual(['LABORATORY_LIST_MISSING']);
    });
  });

  it('is waived by formalities that come too late', () => {
    const admitted: readonly Told[] = [...OBJECTED, ['ADMIT_REINSPECTION', '2026-09-14']];
    expect(refusal([...admitted, ['COMPLETE_FORMALITIES', '2026-09-22']])).toEqual(['FORMALITIES_LATE']);
    expect(states(play([...admitted, ['WAIVE_REINSPECTION', '2026-09-22', { sha256: undefined }]]))).toMatchObject({ OBJECTION: 'WAIVED' });
  });

  it('is waived before that by the party’s own document alone, and in any case by one once the formalities are done', () => {
    const waived = (on: string, sha256?: string): Told => ['WAIVE_REINSPECTION', on, { sha256 }];
    const admitted: readonly Told[] = [...OBJECTED, ['ADMIT_REINSPECTION', '2026-09-14']];
    const refused = (told: readonly Told[], regime: 'PRODUCT' | 'FOOD' = 'PRODUCT'): string[] => refusal(told, { ...NEW, regime });
    expect(refused([...admitted, waived('2026-09-21')])).toEqual(['WAIVER_UNPROVEN']);
    expect(refused([...admitted, waived('2026-09-14', HASH)])).toEqual([]);
    expect(refused([...AT_LABORATORY, waived('2026-12-01')])).toEqual(['WAIVER_UNPROVEN']);
    expect(refused([...AT_LABORATORY, waived('2026-12-01', HASH)])).toEqual([]);
    // Of food no time for the formalities is known.
    expect(refused([SERVED, ['FILE_OBJECTION', '2026-09-02'], ['ADMIT_REINSPECTION', '2026-09-03'], waived('2026-12-01')], 'FOOD')).toEqual(
      ['WAIVER_UNPROVEN'],
    );
  });

  it('stops no correction', () => {
    const file = play([...OBJECTED, ['HAND_OVER', '2026-09-11'], ['ORDER_CORRECTION', '2026-09-12']]);
    expect(states(file)).toEqual({ SERVICE: 'SERVED', OBJECTION: 'CONCLUSION_UNDER_REVIEW', HANDLING: 'CORRECTION_ORDERED' });
  });
});

describe('publication', () => {
  const standingAt = (state: State): CaseFile => ({
    ...NEW,
    tracks: [{ track: 'PUBLICATION', party: 'RESULT', state, departmentId: null, lastOn: '' }],
  });
  const outcome = (state: State, act: ActName, actor: typeof ORGANISER | typeof PROVINCE = ORGANISER): string => {
    try {
      return decide(standingAt(state), actor, { ...FACTS, act, party: 'RESULT', on: '2026-09-30' }, TODAY).track.state;
    } catch (problem) {
      if (problem instanceof ActNotAllowed || problem instanceof ActNotCompetent) return problem.code;
      throw problem;
    }
  };
  const OF_RESULT = ['FINALISE', 'PUBLISH', 'EMBARGO'] as const;
  const no = 'ACT_NOT_ALLOWED';

  it.each([
    ['PROVISIONAL', ['FINAL', no, no]],
    ['FINAL', [no, 'PUBLISHED', no]],
    ['PUBLISHED', [no, no, 'FINAL']],
    ['WITHDRAWN', [no, no, no]],
  ] as const)('of what is %s', (state, outcomes) => {
    expect(OF_RESULT.map((act) => outcome(state, act))).toEqual(outcomes);
  });

  it('is the organiser’s alone', () => {
    for (const other of [COUNTY, PROVINCE])
      expect([
        outcome('PROVISIONAL', 'FINALISE', other),
        outcome('FINAL', 'PUBLISH', other),
        outcome('PUBLISHED', 'EMBARGO', other),
      ]).toEqual(Array.from({ length: 3 }, () => 'NOT_COMPETENT'));
  });

  it('is of the result, and nothing else is', () => {
    for (const act of OF_RESULT)
      expect(refusal([[act, '2026-09-30']], standingAt('FINAL'), 'SAMPLED_PARTY')).toEqual(['PARTY_NOT_CONCERNED']);
    for (const act of ['SERVE', 'FILE_OBJECTION', 'HAND_OVER', 'HAND_OVER_CLUE'] as const)
      expect(refusal([[act, '2026-09-30']], NEW, 'RESULT')).toEqual(['PARTY_NOT_CONCERNED']);
  });

  it('waits for what may still be objected to; what is public may be taken back', () => {
    const open = (state: State): CaseFile => ({ ...standingAt(state), isOpenToObjections: true });
    expect(refusal([['FINALISE', '2026-09-30']], open('PROVISIONAL'), 'RESULT')).toEqual(['OBJECTION_OPEN']);
    expect(refusal([['PUBLISH', '2026-09-30']], open('FINAL'), 'RESULT')).toEqual(['OBJECTION_OPEN']);
    expect(refusal([['EMBARGO', '2026-09-30']], open('PUBLISHED'), 'RESULT')).toEqual([]);
  });

  it('names the notice, the embargo its reason as well', () => {
    const without = { documentNo: undefined, reason: undefined };
    expect(refusal([['PUBLISH', '2026-09-30', without]], standingAt('FINAL'), 'RESULT')).toEqual(['FIELD_MISSING']);
    expect(refusal([['EMBARGO', '2026-09-30', without]], standingAt('PUBLISHED'), 'RESULT')).toEqual(['FIELD_MISSING', 'FIELD_MISSING']);
  });

  const held = (status: HeldResult['status'], finality: 'PROVISIONAL' | 'FINAL' = 'FINAL'): HeldResult =>
    ({ status, sampleNo: 'S-1', state: { finality, regime: 'FOOD' } }) as HeldResult;
  const BY = { actorId: 'tj-amr', competence: 'ORGANISER', on: '2026-09-30', reportedRevision: 2 } as const;

  it.each([
    ['FINALISE', held('NOTIFIED', 'PROVISIONAL'), held('NOTIFIED')],
    ['PUBLISH', held('NOTIFIED', 'PROVISIONAL'), held('PUBLISHED')],
    ['PUBLISH', held('WITHDRAWN'), held('PUBLISHED')],
    ['EMBARGO', held('PUBLISHED'), held('NOTIFIED', 'PROVISIONAL')],
    ['WITHDRAW', held('NOTIFIED'), held('WITHDRAWN')],
    ['REPORT', held('NOTIFIED'), held('NOTIFIED', 'PROVISIONAL')],
    ['REPORT', held('WITHDRAWN'), held('NOTIFIED')],
    [undefined, held('PUBLISHED'), held('PUBLISHED')],
    [undefined, held('WITHDRAWN'), held('WAITING')],
  ] as const)('is a step of the history, %s, whatever else changes the result', (act, before, after) => {
    expect(publicationStep(before, after, BY)?.act).toBe(act);
  });
});

describe('handling', () => {
  it('is for what failed alone', () => {
    expect(refusal([['HAND_OVER', '2026-09-01']], { ...NEW, standing: 'QUALIFIED' })).toEqual(['NOTHING_TO_HANDLE']);
  });

  it('ends with the verdict, and else not before it was corrected', () => {
    const closed: Told = ['CLOSE_HANDLING', '2026-03-10'];
    expect(refusal([...CORRECTED, closed])).toEqual(['NOT_CORRECTED']);
    expect(refusal([...CORRECTED.slice(0, 1), closed])).toEqual(['NOT_CORRECTED']);
    const reversed = play([closed], { ...play(CORRECTED), standing: 'QUALIFIED' });
    expect(states(reversed)).toEqual({ HANDLING: 'CLOSED' });
    expect(reversed.clocks.every(({ stoppedOn }) => stoppedOn === '2026-03-10')).toBe(true);
    expect(refusal(CORRECTED, { ...NEW, standing: null })).toEqual(['NOTHING_TO_HANDLE']);
    const failed = play(ANNOUNCED.slice(0, -1));
    expect(refusal([['ANNOUNCE', '2026-05-20']], { ...failed, standing: 'QUALIFIED' })).toEqual(['NOTHING_TO_HANDLE']);
  });

  it('gives 60 days to correct and 75 to check again', () => {
    // 2 May is a holiday and runs on; 17 May was a Sunday.
    expect(clocks(play(CORRECTED))).toEqual({ CORRECTION: ['2026-05-06', null], FIRST_RECHECK: ['2026-05-18', null] });
    const passed = play([...CORRECTED, ['RECORD_RECHECK', '2026-05-10', { passed: true }], ['CLOSE_HANDLING', '2026-05-12']]);
    expect(states(passed)).toEqual({ HANDLING: 'CLOSED' });
    expect(passed.clocks.map((clock) => clockState(clock, TODAY))).toEqual(['MET_LATE', 'MET']);
  });

  it('has corrected in time who says so in time, however late the department checks it', () => {
    const reported: readonly Told[] = [...CORRECTED, ['REPORT_CORRECTION', '2026-04-22']];
    expect(states(play(reported))).toEqual({ HANDLING: 'CORRECTED' });
    const recheck = (passed: boolean): CaseFile => play([...reported, ['RECORD_RECHECK', '2026-05-12', { passed }]]);
    expect(clocks(recheck(true))).toEqual({ CORRECTION: ['2026-05-06', '2026-04-22'], FIRST_RECHECK: ['2026-05-18', '2026-05-12'] });
    expect(recheck(true).clocks.map((clock) => clockState(clock, TODAY))).toEqual(['MET', 'MET']);
    expect([true, false].map((passed) => states(recheck(passed)))).toEqual([
      { HANDLING: 'RECHECK_PASSED' },
      { HANDLING: 'RECHECK_FAILED' },
    ]);
    expect(refusal([...CORRECTED, ['REPORT_CORRECTION', '2026-04-22', { sha256: undefined }]])).toEqual(['FIELD_MISSING']);
    expect(refusal([...reported, ['CLOSE_HANDLING', '2026-04-23']])).toEqual(['NOT_CORRECTED']);
  });

  it('is announced by the province when it fails, and checked again in its window', () => {
    const file = play(ANNOUNCED);
    expect(states(file)).toEqual({ HANDLING: 'ANNOUNCED' });
    const act: Act = { ...FACTS, act: 'ANNOUNCE', party: 'SAMPLED_PARTY', on: '2026-05-20' };
    expect(() => decide(play(ANNOUNCED.slice(0, -1)), COUNTY, act, TODAY)).toThrow(ActNotCompetent);
    // From 20 May day 60 is 19 July, which is too early; day 90 is 18 August.
    const on = (day: string): string[] => refusal([['RECORD_RECHECK', day, { passed: true }]], file);
    expect(['2026-07-19', '2026-07-20', '2026-08-17'].map(on)).toEqual([['OUTSIDE_RECHECK_WINDOW'], [], []]);
  });

  it('is checked again after its window too, late: a firm that has corrected is not kept shut', () => {
    const late = play([['RECORD_RECHECK', '2026-08-19', { passed: true }]], play(ANNOUNCED));
    expect(states(late)).toEqual({ HANDLING: 'RECHECK_PASSED' });
    expect(late.clocks.filter(({ clock }) => clock === 'SECOND_RECHECK').map((clock) => clockState(clock, TODAY))).toEqual(['MET_LATE']);
  });

  it('ends at another department when it fails for good', () => {
    const failed: readonly Told[] = [
      ['RECORD_RECHECK', '2026-08-01', { passed: false }],
      ['RECORD_RECHECK', '2026-09-01', { passed: false }],
    ];
    const file = play(failed, play(ANNOUNCED));
    expect(states(file)).toEqual({ HANDLING: 'REVOCATION_DUE' });
    expect(
      states(
        play(
          [
            ['REFER_FOR_REVOCATION', '2026-09-02'],
            ['CLOSE_HANDLING', '2026-09-03'],
          ],
          file,
        ),
      ),
    ).toEqual({ HANDLING: 'CLOSED' });
  });
});

describe('a stop of sale', () => {
  const STOPPED: readonly Told[] = [
    ['HAND_OVER', '2026-03-02'],
    ['ORDER_STOP_SALE', '2026-03-02', { documentNo: '停售1号' }],
  ];
  const ordered: Told = ['ORDER_CORRECTION', '2026-03-03'];
  const ended = (told: readonly Told[], file = play(STOPPED)): unknown => saleStopsIn(play(told, file)).map(({ endedOn }) => endedOn);

  it('is ordered by the county beside the correction, before or after it, once, and changes no state and no clock', () => {
    const stop = { party: 'SAMPLED_PARTY', since: '2026-03-02', documentNo: '停售1号', endedOn: null };
    expect(saleStopsIn(play(STOPPED))).toEqual([stop]);
    expect(states(play(STOPPED))).toEqual({ HANDLING: 'HANDED_OVER' });
    expect(play([...STOPPED, ordered]).clocks).toEqual(play(CORRECTED).clocks);
    // The law has stopped the party already: nobody has to order it first.
    const later = play([...CORRECTED, ['ORDER_STOP_SALE', '2026-03-04']]);
    expect(states(later)).toEqual({ HANDLING: 'CORRECTION_ORDERED' });
    expect(saleStopsIn(later)).toMatchObject([{ since: '2026-03-04' }]);
    expect(refusal([...STOPPED, ordered, ['ORDER_STOP_SALE', '2026-03-05']])).toEqual(['STOPPED_BEFORE']);
    expect(saleStopsIn(play(CORRECTED))).toEqual([]);
  });

  it('is nobody else’s to order, of nobody but who sold or made what still fails, and not once new batches may be sold', () => {
    const act: Act = { ...FACTS, act: 'ORDER_STOP_SALE', party: 'SAMPLED_PARTY', on: '2026-03-03' };
    for (const actor of [ORGANISER, PROVINCE])
      expect(() => decide(play(CORRECTED.slice(0, 1)), actor, act, TODAY)).toThrow(ActNotCompetent);
    expect(refusal([['ORDER_STOP_SALE', '2026-03-03']], NEW, 'PLATFORM')).toEqual(['PARTY_NOT_CONCERNED']);
    expect(refusal([['ORDER_STOP_SALE', '2026-03-03', { documentNo: undefined }]], play(CORRECTED.slice(0, 1)))).toEqual(['FIELD_MISSING']);
    expect(refusal([['ORDER_STOP_SALE', '2026-03-04']], { ...play(CORRECTED), standing: 'QUALIFIED' })).toEqual(['NOTHING_TO_HANDLE']);
    const allowed = STATES.HANDLING.filter((state) =>
      allowedIn('HANDLING', 'SAMPLED_PARTY', state).some((one) => one.act === 'ORDER_STOP_SALE'),
    );
    expect(allowed).toEqual(['HANDED_OVER', 'CORRECTION_ORDERED', 'CORRECTED', 'RECHECK_FAILED', 'ANNOUNCED']);
  });

  it('holds until its re-check is passed or there is nothing to handle, and for whoever is to lose its licence', () => {
    const recheck = (on: string, passed: boolean): Told => ['RECORD_RECHECK', on, { passed }];
    const closed: Told = ['CLOSE_HANDLING', '2026-09-03'];
    expect(ended([ordered])).toEqual([null]);
    expect(ended([ordered, recheck('2026-05-10', true), closed])).toEqual(['2026-05-10']);
    const failed = [ordered, recheck('2026-05-10', false), ['ANNOUNCE', '2026-05-20'] as Told, recheck('2026-08-01', false)];
    expect(ended(failed)).toEqual([null]);
    expect(ended([...failed, recheck('2026-09-01', true)])).toEqual(['2026-09-01']);
    expect(ended([...failed, recheck('2026-09-01', false), ['REFER_FOR_REVOCATION', '2026-09-02'], closed])).toEqual([null]);
    expect(ended([closed], { ...play(STOPPED), standing: 'QUALIFIED' })).toEqual(['2026-09-03']);
    // What the producer did ends nothing of the seller's.
    expect(saleStopsIn(play([...CORRECTED, recheck('2026-05-10', true)], play(STOPPED), 'NOMINAL_PRODUCER'))).toMatchObject([
      { party: 'SAMPLED_PARTY', endedOn: null },
    ]);
  });
});

describe('a decision about the result', () => {
  const decided = (told: readonly Told[], [act, on, facts]: Told, file = NEW, party: StepParty = 'SAMPLED_PARTY') =>
    decide(play(told, file, party), actorOf(act), { ...FACTS, act, party, on, ...facts }, TODAY).decision;

  it('follows from a re-inspection, an objection that holds, a denial, a passed re-check, and from nothing else', () => {
    const made = { party: 'SAMPLED_PARTY', by: 'ORGANISER' };
    expect(decided(AT_LABORATORY, ['RECORD_REINSPECTION', '2026-10-20', { verdict: 'QUALIFIED' }])).toEqual({
      ...made,
      kind: 'REINSPECTION',
      on: '2026-10-20',
      verdict: 'QUALIFIED',
    });
    const upheld: Told = ['DECIDE_OBJECTION', '2026-09-20', { upheld: true, verdict: 'UNDETERMINED' }];
    expect(decided(OBJECTED, upheld)).toMatchObject({ kind: 'OBJECTION', verdict: 'UNDETERMINED' });
    expect(decided(OBJECTED, ['DECIDE_OBJECTION', '2026-09-20', { upheld: false }])).toBeNull();
    const sampled: readonly Told[] = [SERVED, ['FILE_OBJECTION', '2026-09-10', { ground: 'AUTHENTICITY' }]];
    expect(decided(sampled, ['DECIDE_OBJECTION', '2026-09-20', { upheld: true }])).toEqual({
      ...made,
      kind: 'ANNULMENT',
      on: '2026-09-20',
    });
    const denied: Told = ['DENY_AUTHORSHIP', '2026-09-01'];
    expect(decided([], denied, NEW, 'NOMINAL_PRODUCER')).toMatchObject({ authorship: 'DENIED_UNVERIFIED' });
    const isIts: Told = ['DECIDE_AUTHORSHIP', '2026-09-20', { upheld: false }];
    expect(decided([denied], isIts, NEW, 'NOMINAL_PRODUCER')).toMatchObject({ authorship: 'UNDISPUTED' });
    expect(decided([], SERVED)).toBeNull();
    const public_: Told = ['PUBLISH', '2026-09-30', { documentNo: '2026年第30号' }];
    expect(decided([], ['FINALISE', '2026-09-29'], NEW, 'RESULT')).toEqual({
      ...made,
      party: 'RESULT',
      kind: 'FINALISATION',
      on: '2026-09-29',
    });
    const notice = { no: '2026年第30号', publishedOn: '2026-09-30' };
    expect(decided([['FINALISE', '2026-09-29']], public_, NEW, 'RESULT')).toMatchObject({ kind: 'PUBLICATION', notice });
    expect(decided([['FINALISE', '2026-09-29'], public_], ['EMBARGO', '2026-10-08'], NEW, 'RESULT')).toMatchObject({ kind: 'EMBARGO' });
  });

  const PASSED: Told = ['RECORD_RECHECK', '2026-05-10', { passed: true }];
  const FAILED_TWICE: readonly Told[] = [
    ...ANNOUNCED,
    ['RECORD_RECHECK', '2026-08-01', { passed: false }],
    ['RECORD_RECHECK', '2026-09-01', { passed: false }],
    ['REFER_FOR_REVOCATION', '2026-09-02'],
  ];

  it('resumes sale when whoever sold and whoever made it has passed, not when one was never handed over or is to lose its licence', () => {
    const resumes = (file: CaseFile): unknown => decided(CORRECTED, PASSED, file)?.resumes;
    expect(decided(CORRECTED, PASSED)).toMatchObject({ kind: 'RECHECK', by: 'RECEIVER', resumes: false });
    expect(decided(CORRECTED, ['RECORD_RECHECK', '2026-05-10', { passed: false }])).toBeNull();
    const producer = (told: readonly Told[]): CaseFile => play(told, NEW, 'NOMINAL_PRODUCER');
    const closed: Told = ['CLOSE_HANDLING', '2026-09-03'];
    expect([CORRECTED, FAILED_TWICE, [...FAILED_TWICE, closed]].map((told) => resumes(producer(told)))).toEqual([false, false, false]);
    expect(
      [
        [...CORRECTED, PASSED],
        [...CORRECTED, PASSED, closed],
      ].map((told) => resumes(producer(told))),
    ).toEqual([true, true]);
  });

  it('resumes sale without a producer of another place, once one that was sampled at its own place has passed', () => {
    const among = (...parties: readonly CaseParty[]): CaseFile => ({ ...NEW, parties });
    const resumes = (file: CaseFile): unknown => decided(CORRECTED, PASSED, file)?.resumes;
    const [seller, producer] = [partyOf('SAMPLED_PARTY'), partyOf('NOMINAL_PRODUCER')];
    expect(resumes(among(seller))).toBe(true);
    const outside = among(seller, { ...producer, isOutside: true, divisionCode: '330100' });
    expect(resumes(outside)).toBe(true);
    expect(resumes(play(CORRECTED, outside, 'NOMINAL_PRODUCER'))).toBe(false);
    expect(resumes(among(seller, { ...producer, name: seller.name }))).toBe(true);
    expect(resumes(play([['WRITE_TO_AUTHORITY', '2026-03-01']], among(seller, producer), 'NOMINAL_PRODUCER'))).toBe(true);
  });

  it('resumes sale with the producer that turns out not to have made it', () => {
    const denied: Told = ['DENY_AUTHORSHIP', '2026-09-01'];
    const upheld: Told = ['DECIDE_AUTHORSHIP', '2026-09-20', { upheld: true }];
    const passed = play([...CORRECTED, PASSED]);
    expect(decided([denied], upheld, passed, 'NOMINAL_PRODUCER')).toMatchObject({ authorship: 'DENIED_CONFIRMED', resumes: true });
    expect(decided([denied], upheld, NEW, 'NOMINAL_PRODUCER')).not.toHaveProperty('resumes');
    expect(decided(CORRECTED, PASSED, play([denied], NEW, 'NOMINAL_PRODUCER'))).toMatchObject({ resumes: false });
    expect(decided(CORRECTED, PASSED, play([denied, upheld], NEW, 'NOMINAL_PRODUCER'))).toMatchObject({ resumes: true });
  });

  it('says what holds instead of what was objected to, and a re-inspection what it found', () => {
    const upheld = (verdict?: 'QUALIFIED' | 'UNQUALIFIED'): string[] =>
      refusal([...OBJECTED, ['DECIDE_OBJECTION', '2026-09-20', { upheld: true, ...(verdict && { verdict }) }]]);
    expect([upheld(), upheld('UNQUALIFIED'), upheld('QUALIFIED')]).toEqual([['FIELD_MISSING'], ['VERDICT_UNCHANGED'], []]);
    expect(refusal([...AT_LABORATORY, ['RECORD_REINSPECTION', '2026-10-20', { verdict: 'NOT_TESTED' }]])).toEqual(['NOTHING_FOUND']);
  });
});

describe('a clue', () => {
  it('is filed or declined by whom it was handed to, and may go to another one then', () => {
    const declined = play([
      ['HAND_OVER_CLUE', '2026-09-01'],
      ['DECLINE_CASE', '2026-09-02'],
      ['HAND_OVER_CLUE', '2026-09-03', { departmentId: 'tj-nankai' }],
    ]);
    expect(trackOf(declined, 'CLUE', 'SAMPLED_PARTY')).toMatchObject({ state: 'HANDED_OVER', departmentId: 'tj-nankai' });
    const filed: Act = { ...FACTS, act: 'FILE_CASE', party: 'SAMPLED_PARTY', on: '2026-09-04' };
    expect(() => decide(declined, COUNTY, filed, TODAY)).toThrow(ActNotCompetent);
    expect(decide(declined, { id: 'tj-nankai', scopes: [] }, filed, TODAY).track.state).toBe('CASE_FILED');
  });
});

const FILED: readonly Told[] = [
  ['HAND_OVER_CLUE', '2026-03-02'],
  ['FILE_CASE', '2026-03-10'],
];
const HELD: readonly Told[] = [...FILED, ['PAUSE_CASE', '2026-03-20', { notCounted: 'HEARING' }]];

describe('the time to check a clue and to decide a case', () => {
  const of = (told: readonly Told[], name: string, today = TODAY): unknown[] => {
    const [one] = play(told).clocks.filter(({ clock }) => clock === name);
    return one ? [one.dueOn, clockState(one, today), leftOf(one)] : [];
  };

  it('is fifteen working days, then ninety days, and ends with what is decided', () => {
    expect(clocks(play(FILED))).toEqual({ CASE_FILING: ['2026-03-23', '2026-03-10'], CASE_DECISION: ['2026-06-08', null] });
    expect(clocks(play([...FILED, ['CONCLUDE_CASE', '2026-06-09']]))).toMatchObject({ CASE_DECISION: ['2026-06-08', '2026-06-09'] });
    const declined = play([
      ['HAND_OVER_CLUE', '2026-03-02'],
      ['DECLINE_CASE', '2026-03-03'],
    ]);
    expect(clocks(declined)).toEqual({ CASE_FILING: ['2026-03-23', '2026-03-03'] });
    expect(play(FILED, { ...NEW, regime: 'DRUG' }).clocks).toEqual([]);
  });

  it('keeps while it is paused what it had left, is never overdue then, and goes on with it', () => {
    expect(of(HELD, 'CASE_DECISION')).toEqual(['2026-06-08', 'PAUSED', 80]);
    expect(states(play(HELD))).toMatchObject({ CLUE: 'CASE_PAUSED' });
    expect(() => play([...HELD, ['CONCLUDE_CASE', '2026-03-21']])).toThrow(ActNotAllowed);
    const resumed: readonly Told[] = [...HELD, ['RESUME_CASE', '2026-05-06']];
    // The eightieth day is a Saturday.
    expect(of(resumed, 'CASE_DECISION', '2026-07-27')).toEqual(['2026-07-27', 'RUNNING', null]);
    expect(of(resumed, 'CASE_DECISION', '2026-07-28')).toEqual(['2026-07-27', 'OVERDUE', null]);
    const again: readonly Told[] = [...resumed, ['PAUSE_CASE', '2026-05-06', { notCounted: 'TESTING' }]];
    expect(of([...again, ['RESUME_CASE', '2026-05-16']], 'CASE_DECISION', '2026-05-16')).toEqual(['2026-08-04', 'RUNNING', null]);
  });

  it('of a clue stands still for tests alone, in working days', () => {
    const clue: Told = ['HAND_OVER_CLUE', '2026-03-02'];
    expect(refusal([clue, ['PAUSE_CASE', '2026-03-06', { notCounted: 'HEARING' }]])).toEqual(['COUNTED_IN']);
    const tested: readonly Told[] = [clue, ['PAUSE_CASE', '2026-03-06', { notCounted: 'TESTING' }]];
    expect(of(tested, 'CASE_FILING')).toEqual(['2026-03-23', 'PAUSED', 11]);
    expect(of([...tested, ['RESUME_CASE', '2026-04-13']], 'CASE_FILING', '2026-04-13')).toEqual(['2026-04-28', 'RUNNING', null]);
  });

  it('is in each step by the version of the row', () => {
    const stamped = (told: readonly Told[]): unknown => {
      const last = told.at(-1);
      if (!last) return null;
      const [name, on, facts] = last;
      return decide(play(told.slice(0, -1)), actorOf(name), { ...FACTS, act: name, party: 'SAMPLED_PARTY', on, ...facts }, TODAY).derived;
    };
    expect(stamped(FILED)).toEqual({ ruleVersions: ['CASE_FILING@2021-07-15', 'CASE_DECISION@2021-07-15'] });
    expect(stamped([...FILED, ['EXTEND_CASE', '2026-04-01']])).toEqual({
      ruleVersions: ['CASE_DECISION@2021-07-15', 'CASE_DECISION_EXTENSION@2021-07-15'],
    });
    const window = 'SECOND_RECHECK_NOT_BEFORE/PRODUCT@2020-01-01';
    expect(stamped([...ANNOUNCED, ['RECORD_RECHECK', '2026-08-01', { passed: true }]])).toEqual({
      ruleVersions: ['SECOND_RECHECK_BEFORE/PRODUCT@2020-01-01', window],
    });
    expect(stamped(ANNOUNCED)).not.toMatchObject({ ruleVersions: expect.arrayContaining([window]) as string[] });
  });

  it('that is over is not paused', () => {
    const late: readonly Told[] = [...FILED, ['PAUSE_CASE', '2026-06-09', { notCounted: 'SUSPENSION' }]];
    expect(of(late, 'CASE_DECISION')).toEqual(['2026-06-08', 'OVERDUE', null]);
    expect(of([...late, ['RESUME_CASE', '2026-07-09']], 'CASE_DECISION')).toEqual(['2026-06-08', 'OVERDUE', null]);
  });

  it('is extended before it is over: a check once, a decision again for as long as was fixed', () => {
    const extended: readonly Told[] = [...HELD, ['EXTEND_CASE', '2026-04-01'], ['RESUME_CASE', '2026-05-06']];
    expect(of(extended, 'CASE_DECISION', '2026-05-06')).toEqual(['2026-08-24', 'RUNNING', null]);
    expect(refusal([...extended, ['EXTEND_CASE', '2026-08-01']])).toEqual(['FIELD_MISSING']);
    expect(of([...extended, ['EXTEND_CASE', '2026-08-01', { days: 15 }]], 'CASE_DECISION', '2026-08-24')).toEqual([
      '2026-09-08',
      'RUNNING',
      null,
    ]);
    expect(refusal([...extended, ['EXTEND_CASE', '2026-08-25', { days: 15 }]])).toEqual(['EXTENSION_LATE']);
    const clue: readonly Told[] = [
      ['HAND_OVER_CLUE', '2026-03-02'],
      ['EXTEND_CASE', '2026-03-10'],
    ];
    expect(of(clue, 'CASE_FILING', '2026-03-10')[0]).toBe('2026-04-14');
    expect(refusal([...clue, ['EXTEND_CASE', '2026-03-11']])).toEqual(['EXTENDED_BEFORE']);
  });
});

describe('what was handed to the wrong department', () => {
  const NANKAI = { id: 'tj-nankai', scopes: [] };
  const handedOn = (name: ActName, on: string): Act => ({ ...FACTS, act: name, party: 'SAMPLED_PARTY', on, departmentId: 'tj-nankai' });

  it('is handed on, and the time to handle it runs on', () => {
    const handed = play([['HAND_OVER', '2026-03-02']], { ...NEW, regime: 'FOOD' });
    const file = taken(handed, COUNTY, handedOn('HAND_ON', '2026-03-05'));
    expect(trackOf(file, 'HANDLING', 'SAMPLED_PARTY')).toMatchObject({ state: 'HANDED_OVER', departmentId: 'tj-nankai' });
    expect(file.clocks).toEqual(handed.clocks);
    const order: Act = { ...handedOn('ORDER_CORRECTION', '2026-03-06'), departmentId: 'tj-heping' };
    expect(() => decide(file, COUNTY, order, TODAY)).toThrow(ActNotCompetent);
    // Only what hands it over says whose it is.
    expect(decide(file, NANKAI, order, TODAY).track.departmentId).toBe('tj-nankai');
    expect(() => decide(file, NANKAI, handedOn('HAND_ON', '2026-03-06'), TODAY)).toThrow(ActUnacceptable);
    const back = decide(file, NANKAI, { ...handedOn('HAND_ON', '2026-03-06'), departmentId: 'tj-amr' }, TODAY);
    expect(back.track.departmentId).toBe('tj-amr');
  });

  it('as a clue begins its time anew, also on the same day', () => {
    const handed = play([['HAND_OVER_CLUE', '2026-03-02']]);
    for (const [on, expected] of [
      ['2026-03-02', [['2026-03-02', '2026-03-23', null]]],
      [
        '2026-03-03',
        [
          ['2026-03-02', '2026-03-23', '2026-03-03'],
          ['2026-03-03', '2026-03-24', null],
        ],
      ],
    ] as const) {
      const file = taken(handed, COUNTY, handedOn('HAND_OVER_CLUE', on));
      expect(file.clocks.map(({ startedOn, dueOn, stoppedOn }) => [startedOn, dueOn, stoppedOn])).toEqual(expected);
    }
  });
});

describe('denied authorship', () => {
  it('is the producer’s alone, and is decided', () => {
    const file = play(
      [
        ['DENY_AUTHORSHIP', '2026-09-01'],
        ['DECIDE_AUTHORSHIP', '2026-09-20', { upheld: true }],
      ],
      NEW,
      'NOMINAL_PRODUCER',
    );
    expect(states(file, 'NOMINAL_PRODUCER')).toEqual({ AUTHORSHIP: 'NOT_ITS_PRODUCT' });
    expect(refusal([['DENY_AUTHORSHIP', '2026-09-01']])).toEqual(['PARTY_NOT_CONCERNED']);
  });

  it('that is upheld ends its handling, and lets none begin; one that is not changes nothing', () => {
    const ordered = play(CORRECTED, NEW, 'NOMINAL_PRODUCER');
    const denial = (upheld: boolean): readonly Told[] => [
      ['DENY_AUTHORSHIP', '2026-03-04'],
      ['DECIDE_AUTHORSHIP', '2026-03-09', { upheld }],
    ];
    const producer = (told: readonly Told[], file = NEW): string[] => refusal(told, file, 'NOMINAL_PRODUCER');
    const closed: Told = ['CLOSE_HANDLING', '2026-03-10'];
    expect(producer([...denial(true), ['HAND_OVER', '2026-03-10']])).toEqual(['NOTHING_TO_HANDLE']);
    const handed = play(CORRECTED.slice(0, 1), NEW, 'NOMINAL_PRODUCER');
    expect(producer([...denial(true), ['ORDER_CORRECTION', '2026-03-10']], handed)).toEqual(['NOTHING_TO_HANDLE']);
    expect(producer([...denial(true), closed], ordered)).toEqual([]);
    expect(producer([...denial(false), closed], ordered)).toEqual(['NOT_CORRECTED']);
    expect(refusal([closed], play(CORRECTED, play(denial(true), NEW, 'NOMINAL_PRODUCER')))).toEqual(['NOT_CORRECTED']);
  });
});

describe('every step', () => {
  it('says what is missing, and is neither in the future nor before the last one', () => {
    expect(refusal([['SERVE', '2026-09-01', { mode: undefined, sha256: undefined }]])).toEqual(['FIELD_MISSING', 'FIELD_MISSING']);
    expect(refusal([['SERVE', '2027-01-01']])).toEqual(['IN_FUTURE']);
    expect(
      refusal([
        ['REPORT_UNDELIVERABLE', '2026-09-05'],
        ['SERVE', '2026-09-01'],
      ]),
    ).toEqual(['OUT_OF_ORDER']);
  });

  it('names its article: of food only what was read, of a regime of which no measure was read none', () => {
    const basis = (regime: CaseFile['regime'], name: ActName): string => basisOf(regime, ACTS[name]);
    const regimes = ['PRODUCT', 'FOOD', 'DRUG', 'COSMETIC', 'MEDICAL_DEVICE'] as const;
    expect(regimes.map((regime) => basis(regime, 'FILE_OBJECTION'))).toEqual([
      '产品质量监督抽查管理暂行办法（市场监管总局令第18号）第三十六条',
      '中华人民共和国食品安全法第八十八条',
      ...['NO_RULE', 'NO_RULE', 'NO_RULE'],
    ]);
    expect(basis('FOOD', 'RECORD_REINSPECTION')).toBe('中华人民共和国食品安全法第八十八条');
    expect(basis('FOOD', 'SERVE')).toBe('食品安全抽样检验管理办法（市场监管总局令第15号）');
    expect(basis('DRUG', 'FILE_CASE')).toContain('第十八条');
  });

  it('that is not done now is refused with what is, and by whom', () => {
    try {
      play([['ANNOUNCE', '2026-09-01']]);
      throw new Error('was not refused');
    } catch (problem) {
      if (!(problem instanceof ActNotAllowed)) throw problem;
      expect(problem.extra).toMatchObject({ track: 'HANDLING', state: 'NONE', allowed: [{ act: 'HAND_OVER', by: ['ORGANISER'] }] });
    }
  });

  const tellings = fc.array(
    fc.record({
      act: fc.constantFrom(...ACT_NAMES),
      party: fc.constantFrom<StepParty>('SAMPLED_PARTY', 'NOMINAL_PRODUCER', 'PLATFORM', 'RESULT'),
      days: fc.integer({ min: 0, max: 70 }),
      actor: fc.constantFrom(ORGANISER, COUNTY, PROVINCE),
      ground: fc.constantFrom('AUTHENTICITY', 'CONCLUSION'),
      upheld: fc.boolean(),
      passed: fc.boolean(),
      verdict: fc.constantFrom('QUALIFIED', 'UNQUALIFIED'),
      laboratory: fc.constantFrom({ name: '国家质检中心' }, { name: '市质检院' }),
      notCounted: fc.constantFrom('TESTING', 'HEARING'),
      departmentId: fc.constantFrom('tj-heping', 'tj-amr'),
    }),
    { maxLength: 40 },
  );

  it('whatever is tried in whatever order: tracks stay in their states, histories connect, clocks start once and stop once', () => {
    fc.assert(
      fc.property(tellings, fc.constantFrom('PRODUCT' as const, 'FOOD' as const, 'DRUG' as const), (told, regime) => {
        let file: CaseFile = { ...NEW, regime };
        let day = Date.parse('2024-01-02');
        const seen = new Map<string, State>();
        for (const { days, actor, ...rest } of told) {
          day += days * 86_400_000;
          const act: Act = { ...FACTS, ...rest, on: new Date(day).toISOString().slice(0, 10) };
          let step: Step;
          try {
            step = decide(file, actor, act, '2035-01-01');
          } catch (problem) {
            expect(problem).toHaveProperty('code');
            continue;
          }
          const { track, from, clocks: changed } = step;
          const name = `${track.track} ${track.party}`;
          expect(from).toBe(seen.get(name) ?? STATES[track.track][0]);
          expect(STATES[track.track] as readonly State[]).toContain(track.state);
          expect((ACTS[act.act] as ActRule).leads[from]).toContain(track.state);
          for (const clock of changed) expect(clock.stoppedOn === null || clock.stoppedOn === act.on).toBe(true);
          seen.set(name, track.state);
          file = after(file, act, step);
        }
        const open = file.clocks.filter(({ stoppedOn }) => stoppedOn === null).map(({ clock, party }) => `${clock} ${party}`);
        expect(new Set(open).size).toBe(open.length);
        if (regime === 'DRUG') expect(file.clocks).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('reaches every state of every track', () => {
    for (const track of TRACKS) {
      // Only what is said of the result elsewhere takes it back.
      const reached = new Set<State>([STATES[track][0], ...(track === 'PUBLICATION' ? (['WITHDRAWN'] as const) : [])]);
      const arrows = (Object.values(ACTS) as ActRule[])
        .filter((given) => given.track === track)
        .flatMap(({ leads }) => Object.entries(leads) as [State, readonly State[]][]);
      // As often as there are states: a way has no more steps.
      for (const _state of STATES[track])
        arrows.filter(([from]) => reached.has(from)).forEach(([, tos]) => tos.forEach((to) => reached.add(to)));
      expect([...reached].sort()).toEqual([...STATES[track]].sort());
    }
  });
});

describe('the parties of a result', () => {
  it('are those it names; one outside the city is marked', () => {
    const result = {
      online: { platformName: '京东', shopName: '网店' },
      nominalProducer: { name: '外地厂', divisionCode: '330100' },
    } as unknown as SamplingResultPublished;
    expect(partiesOf(result)).toEqual([
      { party: 'SAMPLED_PARTY', name: '网店', isOutside: false },
      { party: 'NOMINAL_PRODUCER', name: '外地厂', isOutside: true, divisionCode: '330100' },
      { party: 'PLATFORM', name: '京东', isOutside: false },
    ]);
  });
});

it('docs/inspection.md draws the tracks as they are', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/inspection.md'), 'utf8');
  const [cases = ''] = page.split('\n## Recall\n');
  const drawn = [...cases.matchAll(/```mermaid\n([\s\S]*?)\n```/g)].map(([, diagram]) => diagram);
  expect(drawn).toEqual((Object.keys(STATES) as TrackName[]).map(diagramOf));
});

const WHOSE: Readonly<Record<ClockName, string>> = {
  SERVICE: 'organiser',
  OBJECTION: 'party',
  FORMALITIES: 'party',
  ACCEPTANCE: 'organiser',
  LABORATORY: 'organiser',
  CORRECTION: 'party',
  FIRST_RECHECK: 'receiver',
  SECOND_RECHECK: 'receiver',
  HANDLING: 'receiver',
  CASE_FILING: 'receiver',
  CASE_DECISION: 'receiver',
};

it('docs/inspection.md lists the clocks as they are', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/inspection.md'), 'utf8');
  const [, table = ''] = /## Clocks of a case\n[^]*?(\| clock[^]*?)\n\n/.exec(page) ?? [];
  const acts = (key: 'starts' | 'stops', clock: ClockName): string =>
    ACT_NAMES.filter((name) => ((ACTS[name] as ActRule)[key] ?? []).includes(clock)).join(', ') || 'the report of what failed';
  const lines = (Object.keys(CLOCKS) as ClockName[]).flatMap((clock) => {
    const named = Object.entries(RULES[clock]).map(([regime, name]) => ({
      regime: regime as Regime,
      row: rule(name, { regime: regime as Regime, on: TODAY }),
    }));
    const rows = named.flatMap(({ regime, row }) => (row === 'NO_RULE' ? [] : [{ regime, row }]));
    // A row of every regime is said once.
    return [...new Set(rows.map(({ row }) => row))].map((row) => {
      const regimes = rows.filter((one) => one.row === row).map(({ regime }) => regime.toLowerCase());
      const { value, unit, legalBasis, confidence } = row;
      const length = `${value} ${unit === 'WORKING_DAYS' ? 'working days' : 'days'}`;
      const name = `${clock}, ${regimes.join(' and ')}, ${length}${CLOCKS[clock] === 'RIGHT' ? ', a right' : ''}`;
      const source = `${legalBasis.instrument}${legalBasis.article ?? ''}, ${confidence.toLowerCase()}`;
      return `| ${[name, WHOSE[clock], acts('starts', clock), acts('stops', clock), source].join(' | ')} |`;
    });
  });
  expect(table.split('\n')).toEqual(['| clock | of | starts with | ends with | rests on |', '|---|---|---|---|---|', ...lines]);
});
