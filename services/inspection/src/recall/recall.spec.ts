import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RECALL_ACTS, RecallClosed, type RecallContent, RecallPublished, RecallWithdrawn } from '@jinqiao/contracts';
import { testUscc } from '@jinqiao/testing';
import fc from 'fast-check';
import { type ActName, ACTS, type ActRule, type ClockName, DROPPED, type State, STATES } from './recall.acts.js';
import {
  type Act,
  type Announcement,
  clockState,
  concernOf,
  decide,
  diagram,
  opened,
  type Recall,
  RecallActNotAllowed,
  RecallActNotCompetent,
  RecallUnacceptable,
} from './recall.js';
import type { Actor } from '../actor.js';
import { decideNotice, noticeFrom, readNotice } from './recall.notice.js';

const HASH = 'a'.repeat(64);
const KEEPER: Actor = { id: 'tj-amr', scopes: [] };
const PROVINCE = { id: 'tj-province', scopes: ['level:PROVINCE'] };
const OTHER = { id: 'tj-nankai', scopes: [] };
const NOW = { today: '2026-12-31', at: '2026-12-31T01:00:00.000Z' };
const CONTENT: RecallContent = {
  recallNo: 'TJ-2026-1',
  product: { name: '移动电源', models: ['A1'], gtins: ['06901234567892'] },
  producer: { name: '示例企业', uscc: testUscc(1) },
  hazard: '过热燃烧',
  measure: '退款',
};
const CLUE = opened('tj-amr', CONTENT, '2026-03-02', NOW.today);
/** Everything an act may need; what it does not need is not looked at. */
const FACTS = { reason: '理由', documentNo: '1号', sha256: HASH, authority: '总局', learnedOn: '2026-03-02', recalled: 5 };

type Told = readonly [act: ActName, on: string, facts?: Partial<Act>];
interface Played {
  readonly recall: Recall;
  readonly said: readonly Announcement[];
}

function play(told: readonly Told[], from: Recall = CLUE): Played {
  let played: Played = { recall: from, said: [] };
  for (const [act, on, facts] of told) {
    const needed = Object.fromEntries(
      (ACTS[act] as ActRule).needs.flatMap((field) => (field in FACTS ? [[field, FACTS[field as keyof typeof FACTS]]] : [])),
    );
    const step = decide(played.recall, PROVINCE, { ...needed, act, on, ...facts }, NOW);
    const isOther = (one: { clock: string; startedOn: string }): boolean =>
      !step.clocks.some(({ clock, startedOn }) => clock === one.clock && startedOn === one.startedOn);
    // As the rows of a table become: of two changes of one clock the later stays.
    const changed = new Map(step.clocks.map((clock) => [`${clock.clock} ${clock.startedOn}`, clock]));
    const clocks = [...step.recall.clocks.filter(isOther), ...changed.values()];
    played = { recall: { ...step.recall, clocks }, said: [...played.said, ...(step.announcement ? [step.announcement] : [])] };
  }
  return played;
}
const running = ({ recall }: Played): Partial<Record<ClockName, string>> =>
  Object.fromEntries(recall.clocks.filter(({ stoppedOn }) => stoppedOn === null).map(({ clock, dueOn }) => [clock, dueOn]));
const findings = (told: readonly Told[], from = CLUE): string[] => {
  try {
    play(told, from);
  } catch (problem) {
    if (problem instanceof RecallUnacceptable) return problem.findings.map(({ code, pointer }) => `${code} ${pointer}`);
    throw problem;
  }
  return [];
};

const ADMITTED: Told[] = [
  ['NOTIFY_PRODUCER', '2026-03-04'],
  ['ADMIT_DEFECT', '2026-03-10'],
];
const PUBLIC: Told[] = [...ADMITTED, ['REPORT_PLAN', '2026-03-20'], ['PUBLISH', '2026-03-23']];
const DONE: Told[] = [...PUBLIC, ['COMPLETE', '2026-06-01'], ['SUMMARISE', '2026-06-15']];

describe('a recall', () => {
  it('goes from a clue to its effect, and says in public what is public', () => {
    const { recall, said } = play([...DONE, ['CLOSE', '2026-07-01']]);
    expect(recall).toMatchObject({ state: 'CLOSED', standing: 'CLOSED', revision: 2, round: 1, closedOn: '2026-07-01' });
    expect(said.map(({ type, data }) => [type, data.revision])).toEqual([
      [RecallPublished, 1],
      [RecallClosed, 2],
    ]);
    expect(said[0]?.data).toEqual({
      ...CONTENT,
      announcedOn: '2026-03-23',
      keeperId: 'tj-amr',
      revision: 1,
      round: 1,
      publishedAt: NOW.at,
    });
  });

  it.each<[string, Told[], State]>([
    [
      'ends when there is no defect',
      [
        ['NOTIFY_PRODUCER', '2026-03-04'],
        ['DENY_DEFECT', '2026-03-05'],
        ['FIND_NO_DEFECT', '2026-03-06'],
      ],
      'NO_DEFECT',
    ],
    [
      'is investigated when the producer denies',
      [
        ['NOTIFY_PRODUCER', '2026-03-04'],
        ['DENY_DEFECT', '2026-03-05'],
        ['INVESTIGATE', '2026-03-06'],
      ],
      'UNDER_INVESTIGATION',
    ],
    [
      'is ordered when the objection is no good',
      [
        ['INVESTIGATE', '2026-03-04'],
        ['GIVE_NOTICE', '2026-03-05'],
        ['FILE_OBJECTION', '2026-03-06'],
        ['ORDER_RECALL', '2026-03-09'],
      ],
      'ORDERED',
    ],
    [
      'ends when the objection is right',
      [
        ['INVESTIGATE', '2026-03-04'],
        ['GIVE_NOTICE', '2026-03-05'],
        ['FILE_OBJECTION', '2026-03-06'],
        ['FIND_NO_DEFECT', '2026-03-09'],
      ],
      'NO_DEFECT',
    ],
  ])('%s', (_case, told, state) => {
    const { recall, said } = play(told);
    expect({ state: recall.state, said }).toEqual({ state, said: [] });
  });

  it('is amended by the next revision, also when it is closed, and stays how it stands', () => {
    const closed = play([...DONE, ['CLOSE', '2026-07-01']]).recall;
    const { recall, said } = play([['AMEND', '2026-07-02', { content: { product: { name: '移动电源', models: ['A1', 'A2'] } } }]], closed);
    expect(recall).toMatchObject({ state: 'CLOSED', revision: 3 });
    expect(said).toMatchObject([{ type: RecallClosed, data: { revision: 3, closedOn: '2026-07-01', product: { models: ['A1', 'A2'] } } }]);
  });

  it('keeps its numbers when the goods are recalled again, and tells nothing of it before the new plan is published', () => {
    const numbered = play([...DONE, ['AMEND', '2026-06-16', { content: { nationalNo: 'SAMR-7' } }]]).recall;
    const again = play(
      [
        ['RECALL_AGAIN', '2026-06-17'],
        ['REPORT_PLAN', '2026-06-24', { content: { measure: '换货' } }],
      ],
      numbered,
    );
    expect(again.said).toEqual([]);
    expect(again.recall).toMatchObject({ standing: 'PUBLISHED', revision: 2, said: { measure: '退款' } });
    const { said } = play([['PUBLISH', '2026-06-25']], again.recall);
    expect(said).toMatchObject([
      {
        type: RecallPublished,
        data: { recallNo: 'TJ-2026-1', nationalNo: 'SAMR-7', round: 2, revision: 3, measure: '换货', announcedOn: '2026-06-25' },
      },
    ]);
  });

  it.each<[string, Told[], boolean]>([
    ['is not known to its producer with the clue', [], false],
    ['nor while it is investigated and nobody was notified', [['INVESTIGATE', '2026-03-04']], false],
    ['is known to it when it is notified', [['NOTIFY_PRODUCER', '2026-03-04']], true],
    [
      'is known to it when it is given notice',
      [
        ['INVESTIGATE', '2026-03-04'],
        ['GIVE_NOTICE', '2026-03-05'],
      ],
      true,
    ],
    ['is known to it when it admits the defect itself', [['ADMIT_DEFECT', '2026-03-04']], true],
    ['stays known to it when it is withdrawn', [...PUBLIC, ['WITHDRAW', '2026-04-01']], true],
  ])('%s', (_case, told, isKnown) => {
    const { parties } = concernOf(play(told).recall);
    expect(parties).toEqual(isKnown ? [{ party: 'PRODUCER', uscc: testUscc(1) }] : []);
  });

  it('is not known to another producer that is named, until that one is told or it is public', () => {
    const producer = { name: '另一企业', uscc: testUscc(2) };
    const named = play([...PUBLIC, ['RECORD_PROGRESS', '2026-04-01', { content: { producer } }]]).recall;
    expect(concernOf(named).parties).toEqual([]);
    const said = play([['AMEND', '2026-04-02', { content: { measure: '换货' } }]], named).recall;
    expect(concernOf(said).parties).toEqual([{ party: 'PRODUCER', uscc: testUscc(2) }]);
  });

  it('that is withdrawn says what was public, and why', () => {
    const { recall, said } = play([...PUBLIC, ['WITHDRAW', '2026-04-01', { reason: '误报' }]]);
    expect(recall).toMatchObject({ state: 'WITHDRAWN', standing: 'WITHDRAWN', revision: 2 });
    expect(said.at(-1)).toMatchObject({ type: RecallWithdrawn, data: { ...CONTENT, revision: 2, reason: '误报', withdrawnAt: NOW.at } });
  });

  it('has an act for what its state has and none for anything else, whoever asks', () => {
    for (const state of STATES)
      for (const act of RECALL_ACTS) {
        const { leads, by } = ACTS[act] as ActRule;
        const recall: Recall = { ...CLUE, state };
        const attempt = (actor: Actor): unknown => decide(recall, actor, { ...FACTS, act, on: '2026-12-30', content: { unit: '台' } }, NOW);
        expect(() => attempt(OTHER)).toThrow(RecallActNotCompetent);
        if (!by.includes('KEEPER')) expect(() => attempt(KEEPER)).toThrow(RecallActNotCompetent);
        if (leads[state] === undefined) expect(() => attempt(PROVINCE)).toThrow(RecallActNotAllowed);
        else expect(attempt(PROVINCE)).toMatchObject({ from: state, recall: { state: leads[state] } });
      }
  });

  it('counts one revision for each thing said, whatever is done in whatever order', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...RECALL_ACTS), { maxLength: 40 }), (acts) => {
        let played: Played = { recall: CLUE, said: [] };
        acts.forEach((act, place) => {
          const content = act === 'AMEND' ? { quantity: place } : undefined;
          try {
            const next = play([[act, '2026-12-30', { ...(content && { content }) }]], played.recall);
            played = { recall: next.recall, said: [...played.said, ...next.said] };
          } catch (problem) {
            if (!(problem instanceof RecallActNotAllowed)) throw problem;
          }
        });
        expect(played.said.map(({ data }) => data.revision)).toEqual(played.said.map((_, index) => index + 1));
        expect(played.recall.standing === null).toBe(played.said.length === 0);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the clocks', () => {
  it.each<[string, Told[], object]>([
    ['give three working days to notify the producer', [], { PRODUCER_NOTICE: '2026-03-05' }],
    [
      'give two to report an incident, from the day it was learned of',
      [['NOTE_INCIDENT', '2026-03-05', { learnedOn: '2026-03-04' }]],
      { INCIDENT_REPORT: '2026-03-06', PRODUCER_NOTICE: '2026-03-05' },
    ],
    ['give ten for a plan', ADMITTED, { PLAN_REPORT: '2026-03-24' }],
    [
      'give ten to object to a notice',
      [
        ['INVESTIGATE', '2026-03-04'],
        ['GIVE_NOTICE', '2026-03-10'],
      ],
      { OBJECTION: '2026-03-24', PLAN_REPORT: '2026-03-24' },
    ],
    ['give five for a plan that is ordered', [...ADMITTED, ['ORDER_RECALL', '2026-03-12']], { PLAN_REPORT_ORDERED: '2026-03-19' }],
    ['give three to publish a plan', [...ADMITTED, ['REPORT_PLAN', '2026-03-20']], { PUBLICATION: '2026-03-25' }],
    ['ask for progress after three months', PUBLIC, { PROGRESS_SUMMARY: '2026-06-23' }],
    ['and again three months after that', [...PUBLIC, ['RECORD_PROGRESS', '2026-06-20']], { PROGRESS_SUMMARY: '2026-09-20' }],
    ['ask for the summary within fifteen working days', [...PUBLIC, ['COMPLETE', '2026-06-01']], { FINAL_SUMMARY: '2026-06-23' }],
    ['end with what they wait for', DONE, {}],
    ['end with a withdrawal', [...PUBLIC, ['WITHDRAW', '2026-04-01']], {}],
  ])('%s', (_case, told, expected) => expect(running(play(told))).toEqual(expected));

  it('run for the authority of another province only', () => {
    const elsewhere = opened('tj-amr', { ...CONTENT, producer: { name: '外省企业', divisionCode: '440300' } }, '2026-03-02', NOW.today);
    expect(running({ recall: elsewhere, said: [] })).toEqual({ PRODUCER_NOTICE: '2026-03-05', FORWARDING: '2026-03-04' });
    expect(running(play([['FORWARD', '2026-03-03']], elsewhere))).toEqual({ PRODUCER_NOTICE: '2026-03-05' });
  });

  it('of an incident run whatever the recall has come to, and one report ends one of them', () => {
    const twice: Told[] = [
      ...PUBLIC,
      ['NOTE_INCIDENT', '2026-04-01', { learnedOn: '2026-03-30' }],
      ['NOTE_INCIDENT', '2026-04-01', { learnedOn: '2026-03-31' }],
    ];
    const incidents = (told: readonly Told[]): number =>
      play(told).recall.clocks.filter(({ clock, stoppedOn }) => clock === 'INCIDENT_REPORT' && stoppedOn === null).length;
    expect(incidents(twice)).toBe(2);
    expect(incidents([...twice, ['RECORD_INCIDENT_REPORT', '2026-04-02']])).toBe(1);
    expect(incidents([...twice, ['WITHDRAW', '2026-04-02']])).toBe(0);
  });

  it('can all be stopped: without dropping the recall, and none outlives one that is dropped', () => {
    const elsewhere = opened('tj-amr', { ...CONTENT, producer: { name: '外省企业', divisionCode: '440300' } }, '2026-03-02', NOW.today);
    const entries = Object.entries(ACTS) as [ActName, ActRule][];
    const key = (state: State, open: Iterable<ClockName>): string => [state, ...[...open].sort()].join(' ');
    const places = new Map<string, { state: State; open: ReadonlySet<ClockName>; next: string[] }>();
    const reach = (state: State, open: ReadonlySet<ClockName>): string => {
      const name = key(state, open);
      if (places.has(name)) return name;
      const place = { state, open, next: [] as string[] };
      places.set(name, place);
      for (const [, { leads, starts = [], stops = [] }] of entries) {
        const to = leads[state];
        if (to) place.next.push(reach(to, new Set([...[...open].filter((one) => !stops.includes(one)), ...starts])));
      }
      return name;
    };
    reach('CLUE', new Set(elsewhere.clocks.map(({ clock }) => clock)));
    reach('ANNOUNCED', new Set());
    const canEnd = (from: string, clock: ClockName): boolean => {
      const seen = new Set([from]);
      for (const name of seen) {
        const place = places.get(name);
        if (place && !place.open.has(clock)) return true;
        for (const next of place?.next ?? []) if (!DROPPED.some((state) => next.startsWith(state))) seen.add(next);
      }
      return false;
    };
    const stuck = [...places].flatMap(([name, { open }]) =>
      [...open].filter((clock) => !canEnd(name, clock)).map((clock) => `${clock}: ${name}`),
    );
    expect(stuck).toEqual([]);
  });

  it.each([
    ['a duty', 'PUBLICATION', '2026-03-11', 'OVERDUE'],
    ['a right', 'OBJECTION', '2026-03-11', 'RUN_OUT'],
    ['a duty on its last day', 'PUBLICATION', '2026-03-10', 'RUNNING'],
  ] as const)('of %s: %s is on %s %s', (_case, clock, today, state) => {
    expect(clockState({ clock, dueOn: '2026-03-10', stoppedOn: null }, today)).toBe(state);
  });
});

describe('what is wrong with a step', () => {
  it.each<[string, Told[], string[]]>([
    ['something it needs is missing', [['NOTIFY_PRODUCER', '2026-03-04', { sha256: undefined }]], ['FIELD_MISSING /sha256']],
    ['it lies in the future', [['NOTIFY_PRODUCER', '2027-01-01']], ['IN_FUTURE /on']],
    ['it is before the last one', [['NOTIFY_PRODUCER', '2026-03-01']], ['OUT_OF_ORDER /on']],
    [
      'an objection is late',
      [
        ['INVESTIGATE', '2026-03-04'],
        ['GIVE_NOTICE', '2026-03-10'],
        ['FILE_OBJECTION', '2026-03-25'],
      ],
      ['OBJECTION_LATE /on'],
    ],
    ['an amendment amends nothing', [...PUBLIC, ['AMEND', '2026-04-01', { content: { measure: '退款' } }]], ['NOTHING_AMENDED /content']],
    [
      'a code is wrong',
      [...PUBLIC, ['AMEND', '2026-04-01', { content: { producer: { name: 'x', uscc: '1', divisionCode: '990000' } } }]],
      ['USCC_CHECK_FAILED /content/producer/uscc', 'DIVISION_UNKNOWN /content/producer/divisionCode'],
    ],
    [
      'a plan has no bar code and no reason why',
      [...ADMITTED, ['REPORT_PLAN', '2026-03-20', { content: { product: { name: '移动电源' } } }]],
      ['GTIN_MISSING /content/product/gtins'],
    ],
  ])('%s', (_case, told, expected) => expect(findings(told)).toEqual(expected));

  it('all of it is said at once', () => {
    const bare = opened('tj-amr', { recallNo: 'X', product: { name: '灯' }, producer: { name: '厂' } }, '2026-03-02', NOW.today);
    const plan: Told[] = [...ADMITTED, ['REPORT_PLAN', '2027-03-20', { sha256: undefined }]];
    expect(findings(plan, bare)).toEqual([
      'FIELD_MISSING /sha256',
      'IN_FUTURE /on',
      'FIELD_MISSING /content/hazard',
      'FIELD_MISSING /content/measure',
      'GTIN_MISSING /content/product/gtins',
    ]);
  });
});

describe('a notice', () => {
  const taking = { keeperId: 'tj-amr', today: '2026-03-02', at: NOW.at };
  const reading = (changes: object = {}): ReturnType<typeof readNotice> & { ok: true } => {
    const read = readNotice({ ...CONTENT, ...changes });
    if (!read.ok) throw new Error(JSON.stringify(read.findings));
    return read;
  };
  const taken = (from: Recall | null, changes: object = {}, by = taking): Recall => {
    const decision = decideNotice(from, reading(changes), by);
    if (decision.outcome !== 'accepted') throw new Error(JSON.stringify(decision));
    return decision.recall;
  };
  const first = taken(null);

  it('is public at once, and nobody here has to do anything about it in time', () => {
    expect(first).toMatchObject({ state: 'ANNOUNCED', standing: 'PUBLISHED', revision: 1, reportedRevision: 1, clocks: [] });
  });

  it.each<[string, Recall, object, object]>([
    ['the same again is a duplicate', first, {}, { outcome: 'duplicate' }],
    ['the same revision with another content conflicts', first, { measure: '换货' }, { findings: [{ code: 'REVISION_CONFLICT' }] }],
    ['an earlier one is stale', { ...first, reportedRevision: 3 }, { revision: 2 }, { findings: [{ code: 'STALE_REVISION' }] }],
    ['one after a gap is taken with a warning', first, { revision: 3 }, { outcome: 'accepted', warnings: [{ code: 'REVISION_GAP' }] }],
    ["another department's number is taken", { ...first, keeperId: 'tj-other' }, {}, { findings: [{ code: 'RECALL_NO_TAKEN' }] }],
    ['what is worked on here changes by acts', CLUE, {}, { findings: [{ code: 'RECALL_WORKED_ON_HERE' }] }],
    ['after a restore the same revision is a duplicate', { ...first, reportedHash: null }, { measure: '换货' }, { outcome: 'duplicate' }],
  ])('%s', (_case, recall, changes, expected) => expect(decideNotice(recall, reading(changes), taking)).toMatchObject(expected));

  it('leaves what is closed closed, and brings back what was withdrawn', () => {
    const closed = play([['CLOSE', '2026-03-03']], first).recall;
    expect(taken(closed, { revision: 2 })).toMatchObject({ state: 'CLOSED', standing: 'CLOSED', revision: 3, closedOn: '2026-03-03' });
    const withdrawn = play([['WITHDRAW', '2026-03-03']], first).recall;
    expect(taken(withdrawn, { revision: 2 })).toMatchObject({ state: 'ANNOUNCED', standing: 'PUBLISHED', revision: 3 });
  });

  it('is read from a row as it is printed', () => {
    const headings = ['recall_id', '产品名称', '型号', '条码', '生产者', '召回数量', '发布日期', '备注'];
    expect(noticeFrom(headings, ['R1', '灯', 'A1、A2；A3', '6901234567892', '厂', '1,200', '2017Q1', '无'])).toMatchObject({
      recallNo: 'R1',
      product: { name: '灯', models: ['A1', 'A2', 'A3'], gtins: ['6901234567892'] },
      producer: { name: '厂' },
      quantity: 1200,
      announcedOn: '2017',
    });
    expect(readNotice(noticeFrom(headings, ['R1', '', '', '', '厂', '约十台', '去年']))).toMatchObject({
      ok: false,
      findings: [
        { code: 'FIELD_MISSING', pointer: '/product/name' },
        { code: 'WRONG_TYPE', pointer: '/quantity' },
        { code: 'WRONG_FORMAT', pointer: '/announcedOn' },
      ],
    });
  });
});

it('is drawn in the documents as it is', () => {
  const document = readFileSync(join(__dirname, '../../../../docs/inspection.md'), 'utf8');
  expect(document).toContain(diagram());
});
