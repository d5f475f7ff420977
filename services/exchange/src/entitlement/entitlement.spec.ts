import {
  type EntitlementState,
  type EntitlementStatus,
  entitlements,
  FEEDBACK_KINDS,
  GrantAnswerExtended,
  GrantRequested,
} from '@jinqiao/contracts';
import { check } from '@jinqiao/schema';
import { factsOf, type SharingFacts } from '../catalogue/catalogue.js';
import {
  type Act,
  ACTS,
  change,
  type Changed,
  computedAgain,
  concludeAgreement,
  entitlementOf,
  EntitlementUnknown,
  type GrantDraft,
  GrantUnacceptable,
  hasExpired,
  NotAllowedNow,
  NotCompetent,
  NotExtendable,
  type Party,
  partyOf,
  periodOf,
  ReasonMissing,
  requestGrant,
  statutoryNotice,
  TOLD_UNDER,
} from './entitlement.js';

const NOW = new Date('2026-11-23T01:00:00Z'); // a Monday
const ID = 'GRANT:018f0000-0000-7000-8000-000000000000';
const draft: GrantDraft = {
  stream: 'credit.credit-status',
  mode: 'KAFKA',
  level: 2,
  legalBasis: '天津市社会信用条例第二十条',
  purpose: '招标投标资格审查',
  signOff: '津住建〔2026〕8号',
  validUntil: '2027-11-30',
};
const factsOfDraft = (stream: string): SharingFacts | null => factsOf(stream);
const request = (changes: Partial<GrantDraft> = {}, providers: readonly string[] = ['tj-credit']): Changed => {
  const asked = { ...draft, ...changes };
  return requestGrant(asked, { facts: factsOfDraft(asked.stream), providers }, { entitlementId: ID, requesterId: 'tj-housing', now: NOW });
};
const refusalOf = (attempt: () => unknown): unknown => {
  try {
    return attempt();
  } catch (error) {
    return error;
  }
};
const findings = (changes: Partial<GrantDraft>, providers?: readonly string[]): string[] => {
  const refusal = refusalOf(() => request(changes, providers));
  return refusal instanceof GrantUnacceptable ? refusal.findings.map(({ code, pointer }) => `${code} ${pointer}`) : [];
};

const requested = request().state;
const doing = (act: Act, party: Party | null, reason: string | null = '理由') => ({ act, party, by: 'somebody', reason });
const after = (state: EntitlementState, act: Act, party: Party): EntitlementState => change(state, doing(act, party), NOW).state;
const active = after(requested, 'APPROVE', 'PROVIDER');
const agreement = concludeAgreement('jd', 'CREDIT_STATUS', 'operator', NOW).state;

describe('a request', () => {
  it('has the statutory period of its sharing attribute for an answer', () => {
    expect(request().state).toMatchObject({ status: 'REQUESTED', providerId: 'tj-credit', answerDueOn: '2026-12-07' });
    const published = request({ stream: 'inspection.sampling-result', level: 1 }, ['tj-amr']);
    expect(published.state).toMatchObject({ answerDueOn: '2026-11-24' });
  });

  it('is told everything that is wrong with it at once', () => {
    expect(findings({ stream: 'registration.market-entity', mode: 'PULL', level: 1, validUntil: '2026-11-22' })).toEqual([
      'MODE_NOT_OFFERED /mode',
      'LEVEL_TOO_LOW /level',
      'PERIOD_OVER /validUntil',
    ]);
  });

  it('may be limited to areas and events where records are pulled and say where they belong', () => {
    const pulled = {
      stream: 'inspection.sampling-result',
      level: 1,
      mode: 'PULL',
      areas: ['120116'],
      events: ['SamplingResultPublished'],
    } as const;
    expect(request({ ...pulled, areas: [...pulled.areas], events: [...pulled.events] }, ['tj-amr']).state).toMatchObject(pulled);
    expect(findings({ areas: ['120116'], events: ['CreditStatusChanged'] })).toEqual([
      'SCOPE_NEEDS_PULL /areas',
      'SCOPE_NEEDS_PULL /events',
    ]);
    expect(findings({ mode: 'PULL', areas: ['120116'] })).toEqual(['NOT_BY_AREA /areas']);
    expect(findings({ mode: 'PULL', events: [] })).toEqual(['SCOPE_EMPTY /events']);
    const wrong = { ...pulled, areas: ['120116', '999999'], events: ['Nothing'] };
    expect(findings(wrong, ['tj-amr'])).toEqual(['DIVISION_UNKNOWN /areas/1', 'EVENT_UNKNOWN /events/0']);
  });

  it('names a stream of the catalogue that is shared and that one other department provides', () => {
    expect(findings({ stream: 'exchange.organisation' })).toEqual(['STREAM_UNKNOWN /stream']);
    expect(findings({ stream: 'inspection.sampling-notice' }, ['tj-amr'])).toEqual(['NOT_SHARED /stream']);
    expect(findings({}, [])).toEqual(['PROVIDER_UNCLEAR /stream']);
    expect(findings({}, ['tj-credit', 'tj-amr'])).toEqual(['PROVIDER_UNCLEAR /stream']);
    expect(findings({}, ['tj-housing'])).toEqual(['OWN_DATA /stream']);
  });
});

describe('the life of a grant', () => {
  it('goes by approval, suspension and resumption to its end, one revision a step', () => {
    const suspended = after(active, 'SUSPEND', 'PROVIDER');
    const resumed = after(suspended, 'RESUME', 'PROVIDER');
    const revoked = after(resumed, 'REVOKE', 'PROVIDER');
    const steps = [requested, active, suspended, resumed, revoked];
    expect(steps.map(({ status, revision }) => `${status} ${revision}`)).toEqual([
      'REQUESTED 1',
      'ACTIVE 2',
      'SUSPENDED 3',
      'ACTIVE 4',
      'REVOKED 5',
    ]);
    expect(resumed).not.toHaveProperty('suspendedBy');
  });

  it.each<[EntitlementStatus, Act[]]>([
    ['REQUESTED', ['APPROVE', 'REFUSE', 'EXTEND', 'END', 'EXPIRE']],
    ['ACTIVE', ['SUSPEND', 'REVOKE', 'END', 'EXPIRE']],
    ['SUSPENDED', ['RESUME', 'REVOKE', 'END', 'EXPIRE']],
    ['REFUSED', []],
    ['REVOKED', []],
    ['EXPIRED', []],
    ['ENDED', []],
  ])('%s lets nothing be done but %j', (status, allowed) => {
    const parties: Party[] = ['PROVIDER', 'RECIPIENT', 'OPERATOR', 'CLOCK'];
    const state = { ...requested, status };
    const done = [...ACTS, 'EXPIRE' as const].filter((act) =>
      parties.some((party) => !(refusalOf(() => change(state, doing(act, party), NOW)) instanceof NotAllowedNow)),
    );
    expect(done.sort()).toEqual([...allowed].sort());
  });

  it('says in a wrong state which state it is and what may be done by whom', () => {
    const refusal = refusalOf(() => change(active, doing('APPROVE', 'PROVIDER'), NOW));
    expect(refusal).toMatchObject({
      code: 'NOT_ALLOWED_NOW',
      status: 409,
      extra: {
        entitlementStatus: 'ACTIVE',
        allowed: { SUSPEND: ['PROVIDER', 'OPERATOR'], REVOKE: ['PROVIDER'], END: ['RECIPIENT'], EXPIRE: ['CLOCK'] },
      },
    });
  });

  it.each<[Act, Party]>([
    ['APPROVE', 'RECIPIENT'],
    ['APPROVE', 'OPERATOR'],
    ['REFUSE', 'OPERATOR'],
    ['EXTEND', 'RECIPIENT'],
    ['END', 'PROVIDER'],
    ['EXPIRE', 'PROVIDER'],
  ])('does not let a request be answered (%s) by the %s', (act, party) => {
    expect(() => change(requested, doing(act, party), NOW)).toThrow(NotCompetent);
  });

  it('is resumed by whoever suspended it', () => {
    const byOperator = after(active, 'SUSPEND', 'OPERATOR');
    expect(() => change(byOperator, doing('RESUME', 'PROVIDER'), NOW)).toThrow(NotCompetent);
    expect(refusalOf(() => change(byOperator, doing('APPROVE', 'PROVIDER'), NOW))).toMatchObject({
      extra: { allowed: { RESUME: ['OPERATOR'] } },
    });
    expect(after(byOperator, 'RESUME', 'OPERATOR').status).toBe('ACTIVE');
    expect(() => change(after(active, 'SUSPEND', 'PROVIDER'), doing('RESUME', 'OPERATOR'), NOW)).toThrow(NotCompetent);
  });

  it.each<[EntitlementState, Act]>([
    [requested, 'REFUSE'],
    [requested, 'EXTEND'],
    [active, 'SUSPEND'],
    [active, 'REVOKE'],
  ])('needs a reason to say no', (state, act) => {
    expect(() => change(state, doing(act, 'PROVIDER', null), NOW)).toThrow(ReasonMissing);
  });

  it('is nothing to whoever has no part in it', () => {
    expect(partyOf(active, { kind: 'DEPARTMENT', id: 'tj-other' })).toBeNull();
    expect(() => change(active, doing('REVOKE', null), NOW)).toThrow(EntitlementUnknown);
  });

  it('gives the provider ten working days more once, before the period has passed, and for conditional sharing only', () => {
    const extended = after(requested, 'EXTEND', 'PROVIDER');
    expect(extended).toMatchObject({ status: 'REQUESTED', answerDueOn: '2026-12-21', answerExtended: true });
    expect(() => change(extended, doing('EXTEND', 'PROVIDER'), NOW)).toThrow(NotExtendable);
    expect(() => change(requested, doing('EXTEND', 'PROVIDER'), new Date('2026-12-08T01:00:00Z'))).toThrow(NotExtendable);
    const unconditional = request({ stream: 'inspection.sampling-result', level: 1 }, ['tj-amr']).state;
    expect(() => change(unconditional, doing('EXTEND', 'PROVIDER'), NOW)).toThrow(NotExtendable);
  });

  it('lasts to the end of its last day in China', () => {
    expect(hasExpired(active, new Date('2027-11-30T15:59:59Z'))).toBe(false);
    expect(hasExpired(active, new Date('2027-11-30T16:00:00Z'))).toBe(true);
    expect(hasExpired(agreement, new Date('2099-01-01T00:00:00Z'))).toBe(false);
  });
});

describe('an agreement', () => {
  it('is concluded by the operator, who alone suspends, resumes and revokes it; the platform may end it', () => {
    expect(agreement).toMatchObject({ entitlementId: 'AGREEMENT:CREDIT_STATUS:jd', status: 'ACTIVE' });
    expect(() => change(agreement, doing('SUSPEND', 'RECIPIENT'), NOW)).toThrow(NotCompetent);
    expect(after(after(agreement, 'SUSPEND', 'OPERATOR'), 'RESUME', 'OPERATOR').status).toBe('ACTIVE');
    const ended = after(agreement, 'END', 'RECIPIENT');
    expect(after(ended, 'CONCLUDE', 'OPERATOR')).toMatchObject({ status: 'ACTIVE', revision: 3 });
  });
});

describe('what the law gives', () => {
  it('has a reason for every kind of feedback, and an id that anybody can compute', () => {
    expect(Object.keys(TOLD_UNDER).sort()).toEqual([...FEEDBACK_KINDS].sort());
    expect(entitlementOf('jd', 'SAMPLING_RESULT')).toBe('STATUTORY_NOTICE:SAMPLING_RESULT:jd');
  });

  it('is recognised by its id, and nothing else is', () => {
    expect(statutoryNotice('STATUTORY_NOTICE:RECALL:jd')).toEqual({ feedbackKind: 'RECALL', recipientId: 'jd' });
    for (const other of ['STATUTORY_NOTICE:CREDIT_STATUS:jd', 'AGREEMENT:CREDIT_STATUS:jd', 'STATUTORY_NOTICE:RECALL', ID, '']) {
      expect(statutoryNotice(other)).toBeNull();
    }
  });
});

it('announces every step as its contract says', () => {
  const suspended = change(active, doing('SUSPEND', 'OPERATOR'), NOW);
  const steps = [
    request(),
    change(requested, doing('EXTEND', 'PROVIDER'), NOW),
    suspended,
    concludeAgreement('jd', 'CREDIT_STATUS', 'o', NOW),
  ];
  for (const { event, state } of steps) {
    expect(entitlements.events).toContain(event);
    expect(check(event, state)).toMatchObject({ ok: true, unknownFields: [] });
  }
});

describe('the period for an answer', () => {
  // Ten working days from 25 September, as they come out without National Day.
  const early = { ...requested, requestedAt: '2026-09-25T01:00:00Z', answerDueOn: '2026-10-09' };
  const again = (state: EntitlementState) => computedAgain(state, 'CONDITIONAL', 'service.exchange', NOW);

  it('is told again when it ends otherwise by holidays that were published since', () => {
    const moved = { ...early, revision: 2, answerDueOn: '2026-10-15', changedBy: 'service.exchange', changedAt: NOW.toISOString() };
    expect(again(early)).toEqual({ event: GrantRequested, state: moved });
    expect(again(moved)).toBeNull();
  });

  it('goes on, where it was extended, from where it ends', () => {
    const extended = { ...early, answerExtended: true, answerDueOn: '2026-10-23' };
    expect(periodOf(extended, 'CONDITIONAL')).toEqual({
      startedOn: '2026-10-15',
      dueOn: '2026-10-29',
      provisional: false,
      ruleVersion: 'SHARING_ANSWER_EXTENSION@2025-08-01',
    });
    expect(again(extended)).toMatchObject({ event: GrantAnswerExtended, state: { answerDueOn: '2026-10-29' } });
  });

  it('is provisional while a part of it is', () => {
    const late = { requestedAt: '2026-12-15T01:00:00Z' };
    expect(periodOf(late, 'CONDITIONAL')).toMatchObject({ dueOn: '2026-12-29', provisional: true });
    expect(periodOf({ ...late, answerExtended: true }, 'CONDITIONAL')).toMatchObject({ startedOn: '2026-12-29', provisional: true });
  });
});
