import { mayGiveUpMerge } from '../waiting-report/waiting-report.js';
import { competenceFor, mayRule, MergeNotCompetent, SurvivorNotOfPair, survivorOf } from './probable-duplicate.js';

const PAIR = { later: { reporterId: 'tj-heping', sampleNo: 'H-1' }, earlier: { reporterId: 'tj-amr', sampleNo: 'S-1' } };
const department = (id: string) => ({ id, scopes: [] });
const PROVINCE = { id: 'tj-province', scopes: ['level:PROVINCE'] };
const same = (survivor?: string) => survivorOf(PAIR, { ruling: 'SAME', survivor, reason: '核对' });

it('a pair is ruled on by either reporter and by the province', () => {
  expect([department('tj-heping'), department('tj-amr'), PROVINCE].map((actor) => mayRule(actor, PAIR))).toEqual([true, true, true]);
  expect(mayRule(department('tj-hexi'), PAIR)).toBe(false);
});

it('of two that are the same the earlier one stands unless told, and nothing but one of the two', () => {
  expect(same()).toEqual({ survivor: PAIR.earlier, loser: PAIR.later });
  expect(same('tj-heping:H-1')).toEqual({ survivor: PAIR.later, loser: PAIR.earlier });
  expect(() => same('tj-heping:H-2')).toThrow(SurvivorNotOfPair);
  expect(survivorOf(PAIR, { ruling: 'DIFFERENT', reason: '两批' })).toBeNull();
  expect(() => survivorOf(PAIR, { ruling: 'DIFFERENT', survivor: 'tj-amr:S-1', reason: '两批' })).toThrow(SurvivorNotOfPair);
});

it('a department gives up its own result alone, the province any', () => {
  expect(competenceFor(department('tj-heping'), same())).toBe('ORGANISER');
  expect(() => competenceFor(department('tj-amr'), same())).toThrow(MergeNotCompetent);
  expect(competenceFor(department('tj-amr'), null)).toBe('ORGANISER');
  expect(competenceFor(PROVINCE, same())).toBe('PROVINCE');
});

it('a merge is given up by the department whose result stands, the province’s by the province alone', () => {
  expect(mayGiveUpMerge(department('tj-amr'), 'tj-amr:S-1', 'ORGANISER')).toBe(true);
  expect(mayGiveUpMerge(department('tj-heping'), 'tj-amr:S-1', 'ORGANISER')).toBe(false);
  expect(mayGiveUpMerge(department('tj-am'), 'tj-amr:S-1', 'ORGANISER')).toBe(false);
  expect(mayGiveUpMerge(department('tj-amr'), 'tj-amr:S-1', 'PROVINCE')).toBe(false);
  expect(mayGiveUpMerge(department('tj-amr'), 'tj-amr:S-1', null)).toBe(false);
  expect(mayGiveUpMerge(PROVINCE, 'tj-amr:S-1', 'PROVINCE')).toBe(true);
});
