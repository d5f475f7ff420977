import { rule } from '@jinqiao/law';
import {
  type AnnounceDrawBody,
  poolFindings,
  ROUND_STATES,
  type RoundQuota,
  RoundStepNotAllowed,
  sampledTooLately,
  stateAfter,
  STEPS,
  stratumOf,
} from './sampling-round.js';

/*
 * The rules of a round: its states, its pools as they are given, and what may not be sampled again yet.
 */
const QUOTAS: RoundQuota[] = [
  { divisionCode: '120101', riskClass: 'A', number: 1 },
  { divisionCode: '120102', riskClass: 'B', number: 2 },
];
const pools = (changes: Partial<AnnounceDrawBody> = {}): AnnounceDrawBody => ({
  objects: [
    { id: 'f1', name: '一号店', divisionCode: '120101', riskClass: 'A' },
    { id: 'f2', name: '二号店', divisionCode: '120102', riskClass: 'B' },
  ],
  inspectors: [
    { id: 'i1', employerId: 'bureau' },
    { id: 'i2', employerId: 'bureau' },
  ],
  laboratories: [{ id: 'l1', employerId: 'institute' }],
  seedHash: 'a'.repeat(64),
  publicValue: { source: 'a lottery', at: '2026-09-02T12:00:00Z' },
  ...changes,
});
const codes = (changes: Partial<AnnounceDrawBody>): string[] =>
  poolFindings(pools(changes), QUOTAS).map(({ code, pointer }) => `${code} ${pointer}`);

describe('a round', () => {
  it('goes its steps in their order and no other', () => {
    expect(stateAfter('PLANNED', 'PUBLISH_RULES')).toBe('RULES_PUBLISHED');
    expect(stateAfter('DRAW_ANNOUNCED', 'ABANDON_DRAW')).toBe('RULES_PUBLISHED');
    for (const state of ROUND_STATES)
      for (const [step, { from, to }] of Object.entries(STEPS) as [keyof typeof STEPS, (typeof STEPS)[keyof typeof STEPS]][])
        if (from.includes(state)) expect(stateAfter(state, step)).toBe(to);
        else expect(() => stateAfter(state, step)).toThrow(RoundStepNotAllowed);
  });

  it('says where it stands and what would be allowed', () => {
    expect(new RoundStepNotAllowed('DRAW_ANNOUNCED').extra).toEqual({
      state: 'DRAW_ANNOUNCED',
      allowed: [
        { step: 'REVEAL_WITNESS', who: 'WITNESS' },
        { step: 'REVEAL_DRAW', who: 'ORGANISER' },
        { step: 'ABANDON_DRAW', who: 'ORGANISER' },
      ],
    });
    expect(new RoundStepNotAllowed('OPENED').extra).toMatchObject({ allowed: [] });
  });
});

describe('pools', () => {
  it('are fit to be drawn from', () => {
    expect(codes({})).toEqual([]);
    expect(stratumOf(QUOTAS, { divisionCode: '120102', riskClass: 'B' })).toBe(2);
  });

  it.each<[string, Partial<AnnounceDrawBody>, string]>([
    ['the same object twice', { objects: [...pools().objects, ...pools().objects.slice(0, 1)] }, 'DRAW_ID_TWICE /objects/2/id'],
    [
      'an object no quota is for',
      { objects: [...pools().objects, { id: 'f3', name: '三号店', divisionCode: '120101', riskClass: 'D' }] },
      'DRAW_QUOTA_MISSING /objects/2',
    ],
    [
      'a recusal of a stranger',
      { recusals: [{ inspectorId: 'i9', objectId: 'f1', reason: 'x' }] },
      'DRAW_ID_UNKNOWN /recusals/0/inspectorId',
    ],
    ['a recusal from nowhere', { recusals: [{ inspectorId: 'i1', objectId: 'f9', reason: 'x' }] }, 'DRAW_ID_UNKNOWN /recusals/0/objectId'],
    [
      'no laboratory but the samplers’ own',
      { laboratories: [{ id: 'l1', employerId: 'bureau' }] },
      'DRAW_LABORATORY_MISSING /laboratories',
    ],
  ])('are refused with %s', (_, changes, code) => {
    expect(codes(changes)).toEqual([code]);
  });
});

describe('the same product within six months', () => {
  const row = rule('NO_REPEAT_SAMPLING', { regime: 'PRODUCT', on: '2026-09-01' });
  const before = (reporterId: string, sampledOn: string, level: 'COUNTY' | 'PROVINCE' | null = null) => ({
    objectId: 'f1',
    reporterId,
    sampledOn,
    level,
  });
  const city = { organiserId: 'tj-amr', level: 'CITY' } as const;
  const isOut = (...samplings: ReturnType<typeof before>[]): boolean => sampledTooLately(samplings, city, row, '2026-09-01').has('f1');

  it('is not sampled again by the same department', () => {
    expect(isOut(before('tj-amr', '2026-03-01'))).toBe(true);
    expect(isOut(before('tj-amr', '2026-02-28'))).toBe(false);
  });

  it('is not sampled by a lower department after a higher one, but the other way round', () => {
    expect(isOut(before('samr', '2026-08-01', 'PROVINCE'))).toBe(true);
    expect(isOut(before('heping', '2026-08-01', 'COUNTY'))).toBe(false);
    expect(isOut(before('unknown', '2026-08-01'))).toBe(false);
  });

  it('is a rule for products only', () => {
    const none = rule('NO_REPEAT_SAMPLING', { regime: 'DRUG', on: '2026-09-01' });
    expect(none).toBe('NO_RULE');
    expect(sampledTooLately([before('tj-amr', '2026-08-01')], city, none, '2026-09-01').size).toBe(0);
  });
});
