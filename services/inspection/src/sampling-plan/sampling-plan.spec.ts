import fc from 'fast-check';
import { type NamedPlan, planFindings, type PlanQuota, roundFindings } from './sampling-plan.js';
import type { PlanRoundBody } from '../sampling-round/sampling-round.js';

/* What a plan may hold, and how a round stands to it: within it, beyond it, beside it, exempt from it. */
const quota = (changes: Partial<PlanQuota> = {}): PlanQuota => ({
  category: '食品相关产品',
  divisionCode: '120101',
  riskClass: 'C',
  number: 10,
  ...changes,
});
const aRound = (changes: Partial<PlanRoundBody> = {}): PlanRoundBody => ({
  roundNo: 'R-1',
  title: '第一季度',
  level: 'CITY',
  year: 2026,
  planNo: '1号',
  regime: 'PRODUCT',
  category: '食品相关产品',
  coverage: 'COMPLETE_ROUND',
  quotas: [{ divisionCode: '120101', riskClass: 'C', number: 4 }],
  ...changes,
});
const plan = (changes: Partial<NamedPlan> = {}): NamedPlan => ({ state: 'PUBLISHED', quotas: [quota()], taken: [], ...changes });
const codes = (findings: readonly { code: string; pointer: string }[]): string[] =>
  findings.map(({ code, pointer }) => `${code} ${pointer}`);
const errors = (round: PlanRoundBody, of: NamedPlan | null): string[] => codes(roundFindings(round, of).errors);

describe('a plan', () => {
  it('names each category, area and class once, in divisions that there are', () => {
    const quotas = [quota(), quota({ riskClass: 'D' }), quota({ number: 3 }), quota({ divisionCode: '999999' })];
    expect(codes(planFindings({ title: 't', quotas }, []))).toEqual(['QUOTA_TWICE /quotas/2', 'DIVISION_UNKNOWN /quotas/3/divisionCode']);
  });

  it('is not amended to less than rounds have of it', () => {
    const taken = [quota({ number: 10 }), quota({ riskClass: 'D', number: 1 })];
    expect(codes(planFindings({ title: 't', quotas: [quota({ number: 9 })] }, taken))).toEqual([
      'QUOTA_BELOW_ROUNDS /quotas',
      'QUOTA_BELOW_ROUNDS /quotas',
    ]);
    expect(planFindings({ title: 't', quotas: [quota({ number: 10 }), quota({ riskClass: 'D', number: 1 })] }, taken)).toEqual([]);
  });
});

describe('a round', () => {
  it('takes of its plan what is left, and not one more', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        (planned, took, asked) => {
          const of = plan({ quotas: [quota({ number: planned })], taken: took === 0 ? [] : [quota({ number: took })] });
          const found = errors(aRound({ quotas: [{ divisionCode: '120101', riskClass: 'C', number: asked }] }), of);
          expect(found).toEqual(took + asked <= planned ? [] : ['PLAN_QUOTA_EXCEEDED /quotas/0/number']);
        },
      ),
    );
  });

  it('carries out what its plan has: no other category, area or class, no draft, and no plan that is not there', () => {
    expect(errors(aRound({ category: '玩具' }), plan())).toEqual(['PLAN_QUOTA_MISSING /quotas/0']);
    expect(errors(aRound({ quotas: [{ divisionCode: '120116', riskClass: 'C', number: 1 }] }), plan())).toEqual([
      'PLAN_QUOTA_MISSING /quotas/0',
    ]);
    expect(errors(aRound(), plan({ state: 'DRAFT' }))).toEqual(['PLAN_NOT_PUBLISHED /planNo']);
    expect(errors(aRound(), null)).toEqual(['PLAN_UNKNOWN /planNo']);
  });

  it('is warned where it names no plan, and where it is exempt and goes beyond one', () => {
    const { planNo: _planNo, ...unplanned } = aRound();
    const warnings = (round: PlanRoundBody, of: NamedPlan | null): string[] => codes(roundFindings(round, of).warnings);
    expect(warnings(unplanned, null)).toEqual(['PLAN_NOT_NAMED /planNo']);
    expect(warnings({ ...unplanned, exemption: 'EMERGENCY' }, null)).toEqual([]);
    expect(warnings(aRound(), plan())).toEqual([]);
    const beyond = aRound({ exemption: 'FOLLOW_UP', quotas: [{ divisionCode: '120101', riskClass: 'C', number: 11 }] });
    expect(warnings(beyond, plan())).toEqual(['PLAN_QUOTA_EXCEEDED /quotas/0/number']);
    expect(errors(beyond, plan())).toEqual([]);
  });
});
