import { createHash } from 'node:crypto';
import fc from 'fast-check';
import {
  type Announced,
  commitmentOf,
  draw,
  DRAW_FORMAT,
  type Drawn,
  hashOf,
  replace,
  type Replacement,
  type Revealed,
  revealFindings,
  seedHashOf,
} from './draw.js';

/*
 * A draw that cannot be steered and can be repeated: what it promises as properties, and the verifier, which shares no code with it, over
 * every way to change a record.
 */
const TOOL = '../../../../tools/verify-draw.mjs';

interface Verified {
  readonly lines: string[];
  readonly problems: string[];
}
let verifyDraw: (text: string, publishedHash?: string | null) => Verified;

beforeAll(async () => {
  ({ verifyDraw } = (await import(TOOL)) as { verifyDraw: typeof verifyDraw });
});

const SEED = 'a seed that nobody guesses, 32 bytes';
const openings = (count: number) =>
  Array.from({ length: count }, (_, n) => {
    const opening = { objectId: `firm-${n}`, salt: createHash('sha256').update(`salt ${n}`).digest('hex') };
    return { ...opening, commitment: commitmentOf(opening) };
  });

function anAnnouncement(changes: Partial<Announced> = {}, count = 40): Announced {
  return {
    format: DRAW_FORMAT,
    roundId: '0199c0de-0000-7000-8000-000000000001',
    organiserId: 'tj-amr',
    roundNo: 'R-1',
    drawNo: 1,
    announcedAt: '2026-09-01T01:00:00.000Z',
    rulesHash: 'f'.repeat(64),
    quotas: [
      { stratum: 1, number: 4 },
      { stratum: 2, number: 6 },
    ],
    objects: openings(count).map(({ commitment }, n) => ({ commitment, stratum: (n % 2) + 1 })),
    inspectors: Array.from({ length: 8 }, (_, n) => ({ id: `i-${n}`, employerId: `bureau-${n % 3}` })),
    laboratories: Array.from({ length: 4 }, (_, n) => ({ id: `lab-${n}`, employerId: n === 0 ? 'bureau-0' : `institute-${n}` })),
    recusals: [],
    exclusions: [],
    samplersEach: 2,
    seedHash: seedHashOf(SEED),
    publicValue: { source: 'numbers of a lottery', at: '2026-09-02T12:00:00.000Z' },
    abandoned: [],
    ...changes,
  };
}

const REVEALED: Revealed = { seed: SEED, publicValue: '03 11 17 22 28 33 + 07', at: '2026-09-02T13:00:00.000Z' };

const recordOf = (announced: Announced, revealed = REVEALED): Record<string, unknown> => {
  const drawn = draw(announced, revealed);
  const isDrawn = new Set(drawn.map(({ commitment }) => commitment));
  const opened = openings(announced.objects.length).filter(({ commitment }) => isDrawn.has(commitment));
  return { format: DRAW_FORMAT, announced, announcementHash: hashOf(announced), revealed, drawn, opened };
};
const problemsOf = (record: unknown, hash: string | null = null): string[] => verifyDraw(JSON.stringify(record), hash).problems;

const LATER = '2026-09-10T01:00:00.000Z';
const CLOSED = { ground: 'CLOSED', at: LATER };
/** A record in which what `chosen` names of what was drawn so far could not be sampled, one after the other. */
function replacedIn(announced: Announced, chosen: readonly number[]): { replacements: Replacement[]; record: Record<string, unknown> } {
  const { drawn, ...record } = recordOf(announced) as { drawn: Drawn[] };
  const replacements: Replacement[] = [];
  for (const one of chosen) {
    const open = [...drawn, ...replacements].filter(({ commitment }) => !replacements.some(({ replaces }) => replaces === commitment));
    const { commitment: replaces = '' } = open[one % open.length] ?? {};
    const next = replace(announced, REVEALED, { drawn, replacements }, { replaces, ...CLOSED });
    if (next) replacements.push(next);
  }
  const taken = new Set([...drawn, ...replacements].map(({ commitment }) => commitment));
  const opened = openings(announced.objects.length).filter(({ commitment }) => taken.has(commitment));
  return { replacements, record: { ...record, drawn, replacements, opened, openedAt: '2026-09-11T00:00:00.000Z' } };
}

describe('what could not be sampled', () => {
  it('is replaced by the next lots of its stratum, the same as if they had been drawn at first', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 8 }), (chosen) => {
        const announced = anAnnouncement();
        const { replacements, record } = replacedIn(announced, chosen);
        const drawn = draw(announced, REVEALED);
        const all = [...drawn, ...replacements];
        expect(new Set(all.map(({ commitment }) => commitment)).size).toBe(all.length);
        // Whoever could not be sampled: a stratum gives up its objects in one order.
        const order = (stratum: number): string[] => all.flatMap((one) => (one.stratum === stratum ? [one.commitment] : []));
        for (const stratum of [1, 2]) {
          const first = all.find((one) => one.stratum === stratum)?.commitment ?? '';
          let before: readonly Replacement[] = [];
          for (const next of order(stratum).slice(drawn.filter((one) => one.stratum === stratum).length)) {
            const one = replace(
              announced,
              REVEALED,
              { drawn, replacements: before },
              { replaces: before.at(-1)?.commitment ?? first, ...CLOSED },
            );
            expect(one?.commitment).toBe(next);
            before = one ? [...before, one] : before;
          }
        }
        expect(problemsOf(record, hashOf(announced))).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  it('is replaced by nothing when its stratum is exhausted', () => {
    const small = anAnnouncement({ quotas: [{ stratum: 1, number: 2 }], objects: anAnnouncement().objects.slice(0, 6) });
    expect(replacedIn(small, [0, 0, 0]).replacements).toHaveLength(1);
  });
});

describe('a draw', () => {
  it('fills every quota from its own stratum, each object once, with samplers and a laboratory that may', () => {
    const recusals = openings(40).flatMap(({ commitment }) => [{ inspectorId: 'i-1', commitment }]);
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), (seed, publicValue) => {
        const announced = anAnnouncement({ recusals });
        const drawn = draw(announced, { seed, publicValue });
        const strata = new Map(announced.objects.map(({ commitment, stratum }) => [commitment, stratum]));
        expect(new Set(drawn.map(({ commitment }) => commitment)).size).toBe(10);
        expect(drawn.map(({ stratum }) => stratum)).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 2, 2]);
        for (const { commitment, stratum, inspectorIds, laboratoryId } of drawn) {
          expect(strata.get(commitment)).toBe(stratum);
          expect(new Set(inspectorIds).size).toBe(2);
          expect(inspectorIds).not.toContain('i-1');
          const employers = announced.inspectors.filter(({ id }) => inspectorIds.includes(id)).map(({ employerId }) => employerId);
          expect(employers).not.toContain(announced.laboratories.find(({ id }) => id === laboratoryId)?.employerId);
        }
      }),
    );
  });

  it('depends on every seed and on the public value, and on no order of the pools', () => {
    const announced = anAnnouncement();
    const first = draw(announced, REVEALED);
    expect(draw(announced, REVEALED)).toEqual(first);
    expect(draw(announced, { ...REVEALED, publicValue: 'other' })).not.toEqual(first);
    expect(draw(announced, { ...REVEALED, seed: 'other' })).not.toEqual(first);
    expect(draw(announced, { ...REVEALED, witnessSeed: 'of a witness' })).not.toEqual(first);
  });

  it('gives every object of a stratum the same chance', () => {
    const announced = anAnnouncement({ quotas: [{ stratum: 1, number: 4 }] });
    const times = new Map<string, number>();
    const draws = 1_000;
    for (let n = 0; n < draws; n += 1)
      for (const { commitment } of draw(announced, { seed: SEED, publicValue: String(n) }))
        times.set(commitment, (times.get(commitment) ?? 0) + 1);
    // 20 objects, 4 drawn of them: each is expected in a fifth of the draws. Chi-square with 19 degrees of freedom, 0.1 %: 43.8.
    const expected = draws / 5;
    const chiSquare = [...times.values()].reduce((sum, seen) => sum + (seen - expected) ** 2 / expected, 0);
    expect(times.size).toBe(20);
    expect(chiSquare).toBeLessThan(43.8);
  });

  it('leaves out what was sampled too lately, unless the round is exempt', () => {
    const out = openings(40)
      .slice(0, 20)
      .map(({ commitment }) => ({
        commitment,
        reason: 'SAMPLED_BEFORE' as const,
        ruleVersion: 'NO_REPEAT_SAMPLING@2020-01-01',
        exempt: false,
      }));
    const drawn = draw(anAnnouncement({ exclusions: out }), REVEALED).map(({ commitment }) => commitment);
    expect(out.filter(({ commitment }) => drawn.includes(commitment))).toEqual([]);
    const exempt = out.map((one) => ({ ...one, exempt: true }));
    const all = draw(anAnnouncement({ exclusions: exempt }, 40), REVEALED).map(({ commitment }) => commitment);
    expect(out.some(({ commitment }) => all.includes(commitment))).toBe(true);
  });

  it('takes no other seed than the one that was committed to, from the organiser or the witness', () => {
    const witness = { departmentId: 'tj-audit', seedHash: seedHashOf('of a witness') };
    const codes = (announced: Announced, revealed: Omit<Revealed, 'at'>): string[] =>
      revealFindings(announced, revealed).map(({ code, pointer }) => `${code} ${pointer}`);
    expect(codes(anAnnouncement(), { ...REVEALED, seed: 'other' })).toEqual(['DRAW_SEED_WRONG /seed']);
    expect(codes(anAnnouncement(), { ...REVEALED, witnessSeed: 'x' })).toEqual(['DRAW_WITNESS_UNKNOWN /witnessSeed']);
    expect(codes(anAnnouncement({ witness }), REVEALED)).toEqual(['DRAW_SEED_WRONG /witnessSeed']);
    expect(codes(anAnnouncement({ witness }), { ...REVEALED, witnessSeed: 'of a witness' })).toEqual([]);
  });
});

describe('whoever repeats a draw from its record', () => {
  const record = (): Record<string, unknown> => recordOf(anAnnouncement());
  const changed = (change: (record: { announced: Announced; revealed: Revealed; drawn: ReturnType<typeof draw> }) => object) => {
    const made = record() as unknown as Parameters<typeof change>[0];
    return { ...made, ...change(made) };
  };

  it('comes to the same, with a witness too', () => {
    expect(problemsOf(record(), hashOf(anAnnouncement()))).toEqual([]);
    const witness = { departmentId: 'tj-audit', seedHash: seedHashOf('of a witness') };
    const witnessed = recordOf(anAnnouncement({ witness }), { ...REVEALED, witnessSeed: 'of a witness' });
    expect(problemsOf(witnessed)).toEqual([]);
  });

  it('names a seed that was not revealed', () => {
    const { revealed: _revealed, drawn: _drawn, opened: _opened, ...silent } = record();
    expect(problemsOf(silent)).toEqual([expect.stringContaining('the seed was not revealed')]);
  });

  it('names a pool that was changed after the commitment, also where the hash was changed with it', () => {
    const smaller = changed(({ announced }) => ({ announced: { ...announced, objects: announced.objects.slice(1) } }));
    expect(problemsOf(smaller)[0]).toContain('not those that were announced');
    const announced = anAnnouncement({ objects: anAnnouncement().objects.slice(1) });
    expect(problemsOf(recordOf(announced), hashOf(anAnnouncement()))[0]).toContain('not the one that was published');
  });

  it.each<[string, Partial<Announced>, string]>([
    [
      'an empty stratum',
      {
        quotas: [
          { stratum: 1, number: 4 },
          { stratum: 3, number: 4 },
        ],
      },
      'stratum 3 is empty',
    ],
    ['a stratum smaller than its quota', { quotas: [{ stratum: 1, number: 21 }] }, 'stratum 1 is too small: 20 of 21'],
    ['a round without strata', { quotas: [] }, 'nothing was to be drawn'],
    ['one sampler alone', { samplersEach: 1, quotas: [{ stratum: 1, number: 1 }] }, 'at least two go together'],
    ['too few inspectors', { inspectors: anAnnouncement().inspectors.slice(0, 1), quotas: [{ stratum: 1, number: 1 }] }, 'go 1 samplers'],
    [
      'a laboratory that is missing',
      {
        laboratories: [{ id: 'lab-0', employerId: 'bureau-0' }],
        inspectors: anAnnouncement().inspectors.filter(({ employerId }) => employerId === 'bureau-0'),
        quotas: [{ stratum: 1, number: 1 }],
      },
      'no laboratory is left',
    ],
  ])('names %s, though everything in the record fits', (_case, changes, problem) => {
    expect(problemsOf(recordOf(anAnnouncement(changes)))).toEqual([expect.stringContaining(problem)]);
  });

  it('names an object, a sampler and a laboratory that were put in by hand', () => {
    const drawn = draw(anAnnouncement(), REVEALED);
    const undrawn = openings(40).find(({ commitment }) => !drawn.some((one) => one.commitment === commitment))?.commitment ?? '';
    const swapped = changed(() => ({ drawn: drawn.map((one, n) => (n === 0 ? { ...one, commitment: undrawn } : one)), opened: undefined }));
    expect(problemsOf(swapped)).toEqual([
      expect.stringContaining(`${undrawn} was not drawn`),
      expect.stringContaining(`${drawn[0]?.commitment} was drawn in stratum 1, and is missing`),
    ]);
    const other = changed(() => ({
      drawn: drawn.map((one, n) => (n === 0 ? { ...one, inspectorIds: ['i-0', 'i-9'], laboratoryId: 'lab-9' } : one)),
    }));
    expect(problemsOf(other)).toEqual([expect.stringContaining('not i-0 and i-9'), expect.stringContaining('not by lab-9')]);
  });

  it('names a replacement that is without a reason, out of order, of another one, after the end, or changed', () => {
    const { replacements, record } = replacedIn(anAnnouncement(), [0, 3, 7]);
    const [first, second, third] = replacements as [Replacement, Replacement, Replacement];
    const withAll = (changed: readonly object[], changes: object = {}): string[] =>
      problemsOf({ ...record, replacements: changed, ...changes });
    const named = (entry: Omit<Replacement, 'hash'> & { hash?: string }): Replacement => {
      const { hash: _hash, ...said } = entry;
      return { ...said, hash: hashOf(said as unknown as Announced) };
    };
    expect(withAll([first, second, third])).toEqual([]);
    expect(withAll([named({ ...first, ground: '' })], { opened: undefined })).toEqual([expect.stringContaining('without a reason')]);
    expect(withAll([named({ ...first, ground: 'REFUSED' })], { opened: undefined })).toEqual([expect.stringContaining('REFUSED is none')]);
    const other = openings(40).find(({ commitment }) => commitment !== first.commitment)?.commitment ?? '';
    expect(withAll([named({ ...first, commitment: other })], { opened: undefined })).toContainEqual(
      expect.stringContaining('out of order'),
    );
    expect(withAll([named({ ...first, replaces: other })], { opened: undefined })).toContainEqual(expect.stringContaining('was not drawn'));
    expect(withAll([named({ ...first, laboratoryId: 'lab-9' })], { opened: undefined })).toEqual([expect.stringContaining('not by lab-9')]);
    const early = { openedAt: '2026-09-09T00:00:00.000Z', opened: undefined };
    expect(withAll([first], early)).toEqual([expect.stringContaining('after the round was closed')]);
    expect(withAll([{ ...first, ground: 'NOT_OFFERED' }], { opened: undefined })).toEqual([
      expect.stringContaining('not what its hash names'),
    ]);
    expect(withAll([first, third], { opened: undefined })).toContainEqual(expect.stringContaining('does not follow the entry before it'));
    const again = replace(anAnnouncement(), REVEALED, { drawn: draw(anAnnouncement(), REVEALED), replacements: [first] }, first);
    expect(withAll([first, again ?? {}], { opened: undefined })).toEqual([expect.stringContaining('was replaced twice')]);
    const before = named({ ...first, at: '2026-09-01T00:00:00.000Z' });
    expect(withAll([before], { opened: undefined })).toEqual([expect.stringContaining('before what it follows')]);
  });

  it('notices any character that was changed, but in the time and the public value, which everybody can look up', () => {
    const small = anAnnouncement({ quotas: [{ stratum: 1, number: 2 }], objects: anAnnouncement().objects.slice(0, 12) });
    const revealed = JSON.stringify(REVEALED);
    const { openedAt: _openedAt, ...whole } = replacedIn(small, [1, 0]).record;
    const text = JSON.stringify({ ...whole, revealed: 'REVEALED' });
    const places = [...text.matchAll(/[0-9a-zA-Z]/g)].map(({ index }) => index);
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.constantFrom(...'0123456789abcdef'), (place, character) => {
        fc.pre(text[place] !== character);
        const edited = (text.slice(0, place) + character + text.slice(place + 1)).replace('"REVEALED"', revealed);
        expect(verifyDraw(edited, hashOf(small)).problems).not.toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  it('never fails on what is no record', () => {
    for (const text of ['', '{}', '[]', 'null', '{"announced":{}}']) expect(verifyDraw(text).problems).not.toEqual([]);
  });
});
