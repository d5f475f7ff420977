/**
 * Entitlements on real servers. A grant is held against the broker: a plain consumer of the department that asked may read the topic
 * while the grant is active, and may not before, nor after suspension, revocation or the last day. Then who may do what over HTTP, what
 * an agreement stops and catches up, and what is announced and kept.
 */
import {
  CreditStatusChanged,
  type EntitlementState,
  MerchantOnboarded,
  SamplingResultPublished,
  samplingResults,
} from '@jinqiao/contracts';
import { Topics } from '@jinqiao/messaging';
import {
  aCreditStatus,
  aMerchant,
  aSamplingResult,
  eventually,
  type Http,
  type Place,
  realServers,
  StandingClock,
  startTestService,
  type TestService,
  testUscc,
} from '@jinqiao/testing';
import type { CatalogueAnswer } from '../catalogue/catalogue.service.js';
import { ExchangeConfig } from '../config.js';
import { ExchangeModule } from '../exchange.module.js';
import { EntitlementJob } from './entitlement.job.js';

const ENTITLEMENTS = '/api/exchange/entitlements';
const NOW = new Date('2026-11-23T01:00:00.000Z');
/** The time in which a change has to be in effect everywhere. */
const IN_EFFECT_MS = 5_000;
const clock = new StandingClock(NOW);
const who = new Map<string, Http>();
let place: Place;
let service: TestService;

beforeAll(async () => {
  place = await (await realServers()).place('exchange');
  service = await startTestService(ExchangeModule, place, { clock, config: ExchangeConfig });
  for (const [kind, id, scopes] of [
    ['OPERATOR', 'operator', []],
    ['AUDITOR', 'tj-audit', []],
    ['DEPARTMENT', 'tj-amr', ['provides:inspection.sampling-result']],
    ['DEPARTMENT', 'tj-credit', ['provides:credit.credit-status']],
    ['DEPARTMENT', 'tj-housing', []],
    ['PLATFORM', 'jd', []],
  ] as const) {
    who.set(id, place.http(await place.token(kind, id)));
    if (kind === 'DEPARTMENT' || kind === 'PLATFORM') {
      const { status } = await as('operator').post('/api/exchange/organisations', { id, kind, name: `机构${id}`, scopes });
      expect(status).toBe(201);
    }
  }
  await place.publish(SamplingResultPublished, aSamplingResult({ sampleNo: 'G-1' }));
}, 60_000);
afterAll(() => service.close());
afterEach(() => clock.set(NOW));

const as = (id: string): Http => who.get(id) ?? place.http();
const draft = {
  stream: 'inspection.sampling-result',
  mode: 'KAFKA',
  level: 1,
  legalBasis: '政务数据共享条例第二十条',
  purpose: '住房租赁监管',
  signOff: '津住建〔2026〕8号',
  validUntil: '2026-12-31',
};
const ask = (changes: object = {}, id = 'tj-housing') => as(id).post(ENTITLEMENTS, { ...draft, ...changes });
const change = (by: string, id: string, act: string, reason?: string) =>
  as(by).post(`${ENTITLEMENTS}/${id}/changes`, { act, ...(reason && { reason }) });
const idOf = ({ body }: { body: Record<string, unknown> }): string => String(body['entitlementId']);

const reads = () => place.outside('tj-housing').readAll('inspection.sampling-result.v1');
const mayRead = () =>
  eventually(async () => expect((await reads()).map(({ key }) => key)).toEqual(['tj-amr:G-1']), { within: IN_EFFECT_MS });
const mayNotRead = () =>
  eventually(async () => expect(await reads().catch((error: unknown) => String(error))).toMatch(/not authorized/i), {
    within: IN_EFFECT_MS,
  });

describe('a grant', () => {
  it('opens the topic when it is approved and closes it with suspension, revocation and its last day', async () => {
    await mayNotRead();
    const id = idOf(await ask());
    await mayNotRead();
    expect((await change('tj-amr', id, 'APPROVE')).body).toMatchObject({ status: 'ACTIVE', revision: 2, changedBy: 'tj-amr' });
    await mayRead();
    expect((await change('tj-amr', id, 'SUSPEND', '发现超范围使用')).body).toMatchObject({ status: 'SUSPENDED' });
    await mayNotRead();
    expect((await change('tj-amr', id, 'RESUME')).body).toMatchObject({ status: 'ACTIVE' });
    await mayRead();
    expect((await change('tj-amr', id, 'REVOKE', '未整改')).body).toMatchObject({ status: 'REVOKED', reason: '未整改' });
    await mayNotRead();

    const next = idOf(await ask({ validUntil: '2026-11-24' }));
    await change('tj-amr', next, 'APPROVE');
    await mayRead();
    clock.set(new Date('2026-11-24T16:00:00.000Z'));
    await mayNotRead();
    expect((await as('tj-housing').get(`${ENTITLEMENTS}/${next}`)).body).toMatchObject({
      status: 'EXPIRED',
      changedBy: 'service.exchange',
    });
    expect(await as('tj-housing').get(`${ENTITLEMENTS}/${id}/history`)).toMatchObject({
      body: {
        items: ['GrantRequested', 'GrantApproved', 'EntitlementSuspended', 'EntitlementResumed', 'EntitlementRevoked'].map(
          (event, nth) => ({ event, state: { revision: nth + 1 } }),
        ),
      },
    });
  }, 90_000);

  it('cuts a consumer that is reading, while another department that holds a grant reads on', async () => {
    const held = idOf(await ask({}, 'tj-credit'));
    await change('tj-amr', held, 'APPROVE');
    const id = idOf(await ask());
    await change('tj-amr', id, 'APPROVE');
    await mayRead();
    const reading = place.outside('tj-housing').readUntil('inspection.sampling-result.v1', () => false, { within: 30_000 });
    const cut = expect(reading).rejects.toThrow(/not authorized/i);
    await change('operator', id, 'SUSPEND', '安全事件');
    await cut;
    expect((await place.outside('tj-credit').readAll('inspection.sampling-result.v1')).length).toBeGreaterThan(0);
    await change('operator', id, 'RESUME');
    await mayRead();
    await change('tj-housing', id, 'END');
    await mayNotRead();
  }, 60_000);

  it('is told to the broker again when the broker was told something else', async () => {
    const id = idOf(await ask());
    await change('tj-amr', id, 'APPROVE');
    await mayRead();
    const topics = service.get(Topics);
    const job = service.get(EntitlementJob);
    const reading = [{ organisationId: 'tj-housing', stream: samplingResults }];
    await topics.changeReaders({ close: reading, open: [] });
    await mayNotRead();
    await job.tellEverything();
    await mayRead();
    await change('tj-housing', id, 'END');
    await mayNotRead();
    await topics.changeReaders({ close: [], open: reading });
    await mayRead();
    await job.tellEverything();
    await mayNotRead();
  }, 60_000);

  it('leaves in the ledger when it was opened and closed', async () => {
    const id = idOf(await ask());
    await change('tj-amr', id, 'APPROVE');
    const kinds = async (): Promise<string[]> => {
      const rows = await place.sql<{ entry: string }>("SELECT entry FROM ledger_entries WHERE entry::json ->> 'entitlementId' = $1", [id]);
      return rows.map(({ entry }) => (JSON.parse(entry) as { kind: string }).kind);
    };
    await eventually(async () => expect(await kinds()).toEqual(['OPENED']), { within: IN_EFFECT_MS });
    await change('tj-housing', id, 'END');
    await eventually(async () => expect(await kinds()).toEqual(['OPENED', 'CLOSED']), { within: IN_EFFECT_MS });
  });

  it('is announced with its whole state on every step', async () => {
    const id = idOf(await ask({ stream: 'credit.credit-status', level: 2 }));
    await change('tj-credit', id, 'EXTEND', '需征求意见');
    await change('tj-credit', id, 'REFUSE', '与业务场景无关');
    const records = await place
      .outside('service.stack')
      .readUntil('exchange.entitlement.v1', (all) => all.filter(({ key }) => key === id).length === 3);
    const own = records.filter(({ key }) => key === id);
    expect(own.map(({ headers, body }) => [headers['ce_type'], headers['ce_revision'], body?.['status'], body?.['answerDueOn']])).toEqual([
      ['exchange.entitlement.GrantRequested', '1', 'REQUESTED', '2026-12-07'],
      ['exchange.entitlement.GrantAnswerExtended', '2', 'REQUESTED', '2026-12-21'],
      ['exchange.entitlement.GrantRefused', '3', 'REFUSED', '2026-12-21'],
    ]);
  });

  it('that was not answered in time is listed', async () => {
    const id = idOf(await ask({ stream: 'credit.credit-status', level: 2 }));
    const overdue = async () => {
      const { body } = await as('operator').get<{ items: EntitlementState[] }>(`${ENTITLEMENTS}?overdue=true`);
      return body.items.map(({ entitlementId }) => entitlementId);
    };
    clock.set(new Date('2026-12-07T15:00:00.000Z'));
    expect(await overdue()).toEqual([]);
    clock.set(new Date('2026-12-07T16:00:00.000Z'));
    expect(await overdue()).toEqual([id]);
    await change('tj-housing', id, 'END');
  });
});

describe('the catalogue', () => {
  it('shows what is here, who provides it and whom it is granted to, also what platforms are told', async () => {
    const id = idOf(await ask());
    await change('tj-amr', id, 'APPROVE');
    const { body } = await as('tj-credit').get<CatalogueAnswer>('/api/exchange/catalogue');
    expect(body.entries.find(({ stream }) => stream === draft.stream)).toMatchObject({
      attribute: 'UNCONDITIONAL',
      providers: ['tj-amr'],
      updateFrequency: 'REAL_TIME',
      items: [{ event: 'SamplingResultPublished' }, { event: 'SamplingResultWithdrawn' }],
      sharedWith: expect.arrayContaining([
        { recipientId: 'tj-housing', entitlementId: id, mode: 'KAFKA', purpose: draft.purpose, validUntil: draft.validUntil },
      ]) as object,
    });
    expect(body.entries.find(({ stream }) => stream === 'intake.sampling-result')).toMatchObject({
      attribute: 'NOT_SHARED',
      modes: [],
      providers: ['tj-amr', 'tj-credit', 'tj-housing'],
    });
    expect(body.notices).toContainEqual(expect.objectContaining({ feedbackKind: 'SAMPLING_RESULT', kind: 'STATUTORY_NOTICE' }));
    await change('tj-housing', id, 'END');
    const { body: then } = await as('operator').get<CatalogueAnswer>('/api/exchange/catalogue');
    expect(JSON.stringify(then)).not.toContain(id);
    expect((await as('jd').get('/api/exchange/catalogue')).status).toBe(403);
  });
});

describe('what is refused changes nothing', () => {
  it('a request without a basis, and one for what is not shared, with everything that is wrong', async () => {
    expect((await ask({ legalBasis: '' })).body).toMatchObject({
      status: 400,
      errors: [{ code: 'FIELD_MISSING', pointer: '/legalBasis' }],
    });
    const { body } = await ask({ mode: 'PULL', level: 1, stream: 'registration.market-entity', validUntil: '2026-11-01' });
    expect(body).toMatchObject({ status: 422, code: 'GRANT_UNACCEPTABLE' });
    expect((body['errors'] as { code: string }[]).map(({ code }) => code)).toEqual([
      'PROVIDER_UNCLEAR',
      'MODE_NOT_OFFERED',
      'LEVEL_TOO_LOW',
      'PERIOD_OVER',
    ]);
    expect((await ask({ stream: 'inspection.sampling-notice' })).body).toMatchObject({ errors: [{ code: 'NOT_SHARED' }] });
  });

  it('a second request for the same, also when two ask at once', async () => {
    const answers = await Promise.all([ask(), ask(), ask()]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ code: 'GRANT_EXISTS' });
    const [made] = answers.filter(({ status }) => status === 201);
    await change('tj-housing', idOf(made ?? { body: {} }), 'END');
  });

  it('all but one of the same steps taken at once: whoever had to wait sees what the first one made of it', async () => {
    const id = idOf(await ask());
    const race = await Promise.all(Array.from({ length: 6 }, () => change('tj-amr', id, 'REFUSE', '理由')));
    const codes = race.map(({ body }) => body['code'] ?? body['status']);
    expect(codes.sort()).toEqual([...Array<string>(5).fill('NOT_ALLOWED_NOW'), 'REFUSED']);
  });

  it('a step that the state does not allow, or that is not for this party to take', async () => {
    const id = idOf(await ask());
    expect((await change('tj-amr', id, 'SUSPEND', '理由')).body).toMatchObject({
      status: 409,
      code: 'NOT_ALLOWED_NOW',
      entitlementStatus: 'REQUESTED',
      allowed: { APPROVE: ['PROVIDER'], END: ['RECIPIENT'] },
    });
    expect((await change('tj-housing', id, 'APPROVE')).body).toMatchObject({ status: 403, code: 'NOT_COMPETENT', competent: ['PROVIDER'] });
    expect((await change('tj-amr', id, 'REFUSE')).body).toMatchObject({ status: 422, code: 'REASON_MISSING', pointer: '/reason' });
    expect((await change('tj-credit', id, 'APPROVE')).body).toMatchObject({ status: 404, code: 'ENTITLEMENT_UNKNOWN' });
    expect((await as('tj-credit').get(`${ENTITLEMENTS}/${id}`)).status).toBe(404);
    expect((await as('tj-housing').get(`${ENTITLEMENTS}/${id}`)).body).toMatchObject({ status: 'REQUESTED', revision: 1 });
    await change('tj-housing', id, 'END');
  });

  it('anything that would stop what the law says a platform must be told', async () => {
    const id = 'STATUTORY_NOTICE:SAMPLING_RESULT:jd';
    expect((await change('operator', id, 'SUSPEND', '理由')).body).toMatchObject({ status: 409, code: 'STATUTORY_NOTICE_STANDS' });
    expect((await change('jd', id, 'END')).body).toMatchObject({ status: 409, code: 'STATUTORY_NOTICE_STANDS' });
    expect((await as('jd').get(`${ENTITLEMENTS}/${id}`)).body).toMatchObject({
      kind: 'STATUTORY_NOTICE',
      status: 'ACTIVE',
      purpose: 'SAMPLING_FEEDBACK',
      legalBasis: '中华人民共和国电子商务法第三十八条',
    });
  });

  it('a platform or an auditor that asks for a grant', async () => {
    expect((await ask({}, 'jd')).status).toBe(403);
    expect((await ask({}, 'tj-audit')).status).toBe(403);
  });
});

describe('an agreement', () => {
  const AGREEMENT = 'AGREEMENT:CREDIT_STATUS:jd';
  const told = async (): Promise<(number | undefined)[]> => {
    const rows = await place.sql<{ revision: number }>(
      "SELECT revision FROM feedback_revisions r JOIN feedbacks f USING (feedback_id, revision) WHERE f.kind = 'CREDIT_STATUS' ORDER BY 1",
    );
    return rows.map(({ revision }) => revision);
  };
  const applied = (subject: string, revision: number) =>
    eventually(async () => {
      const { body } = await as('operator').get(`/api/exchange/applied/${encodeURIComponent(subject)}`);
      expect(body['revision']).toBe(revision);
    });
  /** One record more with each revision. */
  const statusOf = (revision: number) =>
    aCreditStatus({ uscc: testUscc(1), revision, recordNos: Array.from({ length: revision }, (_, n) => `r-${n + 1}`) });

  it('is concluded when a platform is admitted', async () => {
    expect((await as('jd').get(`${ENTITLEMENTS}/${AGREEMENT}`)).body).toMatchObject({ status: 'ACTIVE', changedBy: 'operator' });
  });

  it('stops what is told by it while it is suspended, and nothing is missing afterwards', async () => {
    await place.publish(MerchantOnboarded, aMerchant({ platformId: 'jd', shopId: 's-1', uscc: testUscc(1) }));
    await applied('jd:s-1', 1);
    await place.publish(CreditStatusChanged, statusOf(1));
    await applied(testUscc(1), 1);
    expect(await told()).toEqual([1]);
    expect((await change('jd', AGREEMENT, 'SUSPEND', '理由')).body).toMatchObject({ code: 'NOT_COMPETENT' });
    expect((await change('operator', AGREEMENT, 'SUSPEND', '协议整改')).body).toMatchObject({ status: 'SUSPENDED' });
    await place.publish(CreditStatusChanged, statusOf(2));
    await applied(testUscc(1), 2);
    expect(await told()).toEqual([1]);
    await change('operator', AGREEMENT, 'RESUME');
    await eventually(async () => expect(await told()).toEqual([2]), { within: IN_EFFECT_MS });
    const feedback = await as('jd').get<{ items: { entitlement: object }[] }>(`/api/exchange/feedback?kind=CREDIT_STATUS`);
    expect(feedback.body.items[0]?.entitlement).toEqual({ kind: 'AGREEMENT', id: AGREEMENT });
  });
});
