import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Viewer } from '../actor.js';
import { type Concern, disclosed, DISCLOSED, type Matter, type Relation, relationsOf, sees, sightTable } from './disclosure.js';

/*
 * The table of who sees what, without a server: what no row names is shown to nobody, whatever the object holds; who has no relation does
 * not learn that there is one; more relations never show less.
 */
const MATTERS = Object.keys(DISCLOSED) as Matter[];
const ids = fc.constantFrom('a', 'b', 'c');
const USCC = '91120104MA00000002';
const viewers: fc.Arbitrary<Viewer> = fc.record({
  id: ids,
  kind: fc.constantFrom('DEPARTMENT', 'LABORATORY', 'MERCHANT', 'PLATFORM', 'STATISTICS', 'SERVICE', 'AUDITOR', 'OPERATOR'),
  scopes: fc.subarray(['level:PROVINCE']),
  uscc: fc.constantFrom(USCC, 'another', null),
});
const concerns: fc.Arbitrary<Concern> = fc.record({
  owners: fc.subarray(['a', 'b']),
  handlers: fc.subarray(['b', 'c']),
  samplerBodies: fc.subarray(['a', 'c']),
  laboratory: fc.option(fc.record({ id: ids, isBlind: fc.boolean() })),
  parties: fc.array(
    fc.record({
      party: fc.constantFrom('SAMPLED_PARTY', 'NOMINAL_PRODUCER', 'SAMPLED_ON_SITE', 'PRODUCER', 'PLATFORM'),
      uscc: fc.constantFrom(USCC, '', undefined),
    }),
  ),
});
/** Objects with the names that rows know, at any depth, and with others. */
const names = fc.constantFrom(
  'state',
  'history',
  'facts',
  'purchase',
  'quotas',
  'riskClass',
  'sample',
  'sampledParty',
  'secret',
  'party',
  'x',
);
const { object } = fc.letrec<{ object: Record<string, unknown>; value: unknown }>((tie) => ({
  object: fc.dictionary(names, tie('value'), { maxKeys: 6 }),
  value: fc.oneof({ maxDepth: 4 }, fc.constant('leaf'), fc.constant(null), tie('object'), fc.array(tie('object'), { maxLength: 3 })),
}));

/** The paths of all leaves, lists gone through. */
function leaves(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => leaves(one, path));
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, held]) => leaves(held, path === '' ? name : `${path}.${name}`));
}

describe('what is shown', () => {
  it('is named by a row of a relation that the viewer has, and is what was there', () => {
    fc.assert(
      fc.property(fc.constantFrom(...MATTERS), viewers, concerns, object, (matter, viewer, concern, value) => {
        const shown = disclosed(matter, viewer, concern, value);
        const rows = relationsOf(viewer, concern).flatMap((relation) => DISCLOSED[matter][relation] ?? []);
        expect(shown === null).toBe(rows.length === 0);
        expect(sees(matter, viewer, concern)).toBe(shown !== null);
        const isNamed = (path: string): boolean =>
          rows.some(({ fields, but = [] }) => {
            const within = (field: string): boolean => field === '' || path === field || path.startsWith(`${field}.`);
            return fields.some(within) && !but.some(within);
          });
        const all = new Set(leaves(value));
        for (const path of shown === null ? [] : leaves(shown)) {
          if (path === '') continue;
          expect(all.has(path)).toBe(true);
          expect(isNamed(path)).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('is to a party where the result stands, and nothing of another party or of who made it public and why', () => {
    const merchant = { id: 'm', kind: 'MERCHANT', scopes: [], uscc: USCC } as unknown as Viewer;
    const concern: Concern = { owners: ['a'], parties: [{ party: 'SAMPLED_PARTY', uscc: USCC }] };
    const ofEach = ['SAMPLED_PARTY', 'NOMINAL_PRODUCER', 'RESULT'].map((party) => ({
      party,
      state: 'FINAL',
      act: 'EMBARGO',
      kind: 'EMBARGO',
    }));
    const shown = (matter: Matter, object: object): unknown => JSON.parse(JSON.stringify(disclosed(matter, merchant, concern, object)));
    const parties = [{ party: 'SAMPLED_PARTY' }, { party: 'RESULT' }];
    expect(shown('CASE', { tracks: ofEach, history: ofEach })).toMatchObject({ tracks: parties, history: [{ party: 'SAMPLED_PARTY' }] });
    expect(shown('RESULT', { state: { decisions: ofEach } })).toMatchObject({ state: { decisions: parties } });
  });

  it('is nothing to platforms, statistics, services and merchants of whom nobody knows which entity they are', () => {
    fc.assert(
      fc.property(fc.constantFrom(...MATTERS), viewers, concerns, (matter, viewer, concern) => {
        const isUnknown = viewer.kind === 'MERCHANT' && viewer.uscc !== USCC;
        const isOutside = viewer.kind === 'PLATFORM' || viewer.kind === 'STATISTICS' || viewer.kind === 'SERVICE';
        if (isOutside || isUnknown) expect(sees(matter, viewer, concern)).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is whole to the owner, the province and the auditor, of everything', () => {
    const whole = { a: { secret: ['x'] }, riskClass: 'D' };
    for (const matter of MATTERS) {
      const concern = { owners: ['a'] };
      expect(disclosed(matter, { id: 'a', kind: 'DEPARTMENT', scopes: [], uscc: null }, concern, whole)).toEqual(whole);
      expect(disclosed(matter, { id: 'p', kind: 'DEPARTMENT', scopes: ['level:PROVINCE'], uscc: null }, concern, whole)).toEqual(whole);
      expect(disclosed(matter, { id: 'x', kind: 'AUDITOR', scopes: [], uscc: null }, concern, whole)).toEqual(whole);
    }
  });

  it('stands in the documentation as the table has it', () => {
    expect(readFileSync(join(import.meta.dirname, '../../../../docs/inspection.md'), 'utf8')).toContain(sightTable());
  });

  it('names in each row a relation that somebody can have', () => {
    const possible: readonly Relation[] = fc
      .sample(fc.tuple(viewers, concerns), 2_000)
      .flatMap(([viewer, concern]) => relationsOf(viewer, concern));
    const named = new Set(MATTERS.flatMap((matter) => Object.keys(DISCLOSED[matter])));
    expect([...named].filter((relation) => !possible.includes(relation as Relation))).toEqual([]);
  });
});
