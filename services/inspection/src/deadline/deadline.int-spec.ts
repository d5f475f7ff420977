/*
 * The list of periods on a real database: cases and recalls in one order, each reader its own, every filter as a plain recount has it; and
 * what becomes of provisional periods when a calendar is published.
 */
import { inspectionDeadlines, OrganisationRegistered } from '@jinqiao/contracts';
import { addDays } from '@jinqiao/law';
import type { AskedState, DeadlineEntry, Page } from '@jinqiao/platform';
import {
  aReport,
  eventually,
  type Http,
  type Place,
  realServers,
  StandingClock,
  startTestService,
  type TestService,
  testUscc,
} from '@jinqiao/testing';
import fc from 'fast-check';
import { InspectionModule } from '../inspection.module.js';
import { DeadlineJob } from './deadline.job.js';

const HASH = 'c'.repeat(64);
const NOW = new Date('2026-05-07T01:00:00.000Z');
const TODAY = '2026-05-07';
const DEPARTMENTS = ['tj-amr', 'tj-heping', 'tj-nankai'];
const clock = new StandingClock(NOW);
let place: Place;
let service: TestService;
const who = new Map<string, Http>();

const as = (id: string): Http => who.get(id) ?? place.http();
const act = (id: string, path: string, name: string, facts: object): Promise<{ status: number }> =>
  as(id).post(`/api/inspection/${path}/acts`, { act: name, ...facts });

/** A case that was handed over on a day and whose correction was ordered then; with `met` it was done. */
async function aCase(sampleNo: string, on: string, met: string | null): Promise<void> {
  const report: object = { regime: 'PRODUCT', verdict: 'UNQUALIFIED', failingItems: [{ item: '铅' }], sampledParty: { name: '示例商店' } };
  await as('tj-amr').post('/api/inspection/sampling-results', aReport({ sampleNo, ...report }));
  await as('tj-amr').post('/api/inspection/sampling-cases', { sampleNo });
  const path = `sampling-cases/tj-amr/${sampleNo}`;
  const facts = { party: 'SAMPLED_PARTY', on };
  await act('tj-amr', path, 'SERVE', { ...facts, mode: 'DELIVERED', sha256: HASH });
  await act('tj-amr', path, 'HAND_OVER', { ...facts, departmentId: 'tj-heping' });
  expect((await act('tj-heping', path, 'ORDER_CORRECTION', { ...facts, documentNo: '责改1号' })).status).toBe(200);
  if (met) await act('tj-heping', path, 'RECORD_RECHECK', { ...facts, on: met, passed: true, sha256: HASH });
}

async function aRecall(recallNo: string, on: string, keeper: string): Promise<void> {
  const content = { product: { name: '移动电源' }, producer: { name: '示例企业', uscc: testUscc(1) } };
  const { status } = await as(keeper).post('/api/inspection/recalls', { recallNo, ...content, on, clue: '抽检发现' });
  expect(status).toBe(201);
}

/** All pages, of a small size. */
async function listed(id: string, query = '', limit = 3): Promise<DeadlineEntry[]> {
  const all: DeadlineEntry[] = [];
  for (let cursor = ''; ;) {
    const { body, status } = await as(id).get<Page<DeadlineEntry>>(`/api/inspection/deadlines?limit=${limit}&${query}${cursor}`);
    expect(status).toBe(200);
    all.push(...body.items);
    if (body.next === null) return all;
    cursor = `&cursor=${encodeURIComponent(body.next)}`;
  }
}

beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  service = await startTestService(InspectionModule, place, { clock });
  for (const id of [...DEPARTMENTS, 'tj-province']) who.set(id, place.http(await place.token('DEPARTMENT', id)));
  who.set('tj-audit', place.http(await place.token('AUDITOR', 'tj-audit')));
  who.set('operator', place.http(await place.token('OPERATOR', 'operator')));
  who.set('jd', place.http(await place.token('PLATFORM', 'jd')));
  const scopes = ['level:PROVINCE'];
  await place.publish(OrganisationRegistered, { organisationId: 'tj-province', kind: 'DEPARTMENT', name: '省局', scopes, revision: 1 });
  await eventually(async () => expect(await place.sql(`SELECT FROM followed_organisations WHERE id = 'tj-province'`)).toHaveLength(1));
  await aCase('L-1', '2026-03-02', null);
  await aCase('L-2', '2026-03-02', '2026-05-07');
  await aCase('L-3', '2026-04-20', null);
  await aRecall('R-1', '2026-05-06', 'tj-nankai');
  await aRecall('R-2', '2026-03-02', 'tj-amr');
}, 60_000);
afterAll(() => service.close());
beforeEach(() => clock.set(NOW));

describe('the list', () => {
  it('has cases and recalls in one order, with what each rests on', async () => {
    const all = await listed('tj-audit', 'state=all');
    expect(all.map(({ deadlineId, dueOn, state }) => `${dueOn} ${state} ${deadlineId}`)).toEqual([
      '2026-03-05 OVERDUE RECALL/R-2/PRODUCER_NOTICE/2026-03-02',
      '2026-03-17 RUN_OUT SAMPLING_CASE/tj-amr:L-1/OBJECTION/SAMPLED_PARTY/2026-03-02',
      '2026-03-17 RUN_OUT SAMPLING_CASE/tj-amr:L-2/OBJECTION/SAMPLED_PARTY/2026-03-02',
      '2026-05-06 OVERDUE SAMPLING_CASE/tj-amr:L-1/CORRECTION/SAMPLED_PARTY/2026-03-02',
      '2026-05-06 MET_LATE SAMPLING_CASE/tj-amr:L-2/CORRECTION/SAMPLED_PARTY/2026-03-02',
      '2026-05-06 RUN_OUT SAMPLING_CASE/tj-amr:L-3/OBJECTION/SAMPLED_PARTY/2026-04-20',
      '2026-05-09 RUNNING RECALL/R-1/PRODUCER_NOTICE/2026-05-06',
      '2026-05-13 RUNNING SAMPLING_CASE/tj-amr:L-1/SERVICE/NOMINAL_PRODUCER/2026-05-07',
      '2026-05-13 MET SAMPLING_CASE/tj-amr:L-1/SERVICE/SAMPLED_PARTY/2026-05-07',
      '2026-05-13 RUNNING SAMPLING_CASE/tj-amr:L-2/SERVICE/NOMINAL_PRODUCER/2026-05-07',
      '2026-05-13 MET SAMPLING_CASE/tj-amr:L-2/SERVICE/SAMPLED_PARTY/2026-05-07',
      '2026-05-13 RUNNING SAMPLING_CASE/tj-amr:L-3/SERVICE/NOMINAL_PRODUCER/2026-05-07',
      '2026-05-13 MET SAMPLING_CASE/tj-amr:L-3/SERVICE/SAMPLED_PARTY/2026-05-07',
      '2026-05-18 RUNNING SAMPLING_CASE/tj-amr:L-1/FIRST_RECHECK/SAMPLED_PARTY/2026-03-02',
      '2026-05-18 MET SAMPLING_CASE/tj-amr:L-2/FIRST_RECHECK/SAMPLED_PARTY/2026-03-02',
      '2026-06-22 RUNNING SAMPLING_CASE/tj-amr:L-3/CORRECTION/SAMPLED_PARTY/2026-04-20',
      '2026-07-06 RUNNING SAMPLING_CASE/tj-amr:L-3/FIRST_RECHECK/SAMPLED_PARTY/2026-04-20',
    ]);
    expect(all.find(({ deadlineId }) => deadlineId.startsWith('RECALL/R-1'))).toEqual({
      deadlineId: 'RECALL/R-1/PRODUCER_NOTICE/2026-05-06',
      matter: 'RECALL',
      subject: 'R-1',
      clock: 'PRODUCER_NOTICE',
      kind: 'DUTY',
      party: 'KEEPER',
      startedOn: '2026-05-06',
      startedAt: null,
      dueOn: '2026-05-09',
      dueAt: '2026-05-09T15:59:59.000Z',
      pauses: [],
      extensions: [],
      left: null,
      stoppedOn: null,
      stoppedAt: null,
      state: 'RUNNING',
      provisional: false,
      firstDueOn: null,
      legalBasis: {
        instrument: '消费品召回管理暂行规定（市场监管总局令第19号）',
        ruleVersion: 'RECALL_PRODUCER_NOTICE/PRODUCT@2020-01-01',
      },
      department: 'tj-nankai',
      handler: 'tj-nankai',
      overdueRaisedAt: null,
    });
    expect(all.find(({ clock: name }) => name === 'CORRECTION')).toMatchObject({ department: 'tj-amr', handler: 'tj-heping' });
  });

  it('is the same in pages of any size', async () => {
    const all = await listed('tj-audit', 'state=all', 500);
    for (const limit of [1, 2, 5]) expect(await listed('tj-audit', 'state=all', limit)).toEqual(all);
  });

  it('has for each reader its own and nothing else, and what a plain recount of the filter has', async () => {
    const all = await listed('tj-audit', 'state=all');
    const own = (id: string): DeadlineEntry[] =>
      DEPARTMENTS.includes(id) ? all.filter(({ department, handler }) => department === id || handler === id) : all;
    const is: Record<AskedState, (one: DeadlineEntry) => boolean> = {
      open: ({ stoppedOn }) => stoppedOn === null,
      due: ({ stoppedOn, dueOn }) => stoppedOn === null && dueOn >= TODAY,
      overdue: ({ stoppedOn, dueOn, kind }) => stoppedOn === null && dueOn < TODAY && kind === 'DUTY',
      provisional: ({ stoppedOn, provisional }) => stoppedOn === null && provisional,
      closed: ({ stoppedOn }) => stoppedOn !== null,
      all: () => true,
    };
    const day = fc.integer({ min: 0, max: 140 }).map((count) => addDays('2026-03-01', count));
    const asked = fc.record({
      reader: fc.constantFrom(...DEPARTMENTS, 'tj-province', 'operator', 'tj-audit'),
      state: fc.constantFrom<AskedState>('open', 'due', 'overdue', 'provisional', 'closed', 'all'),
      department: fc.option(fc.constantFrom(...DEPARTMENTS), { nil: undefined }),
      handler: fc.option(fc.constantFrom(...DEPARTMENTS), { nil: undefined }),
      from: fc.option(day, { nil: undefined }),
      to: fc.option(day, { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(asked, fc.integer({ min: 1, max: 6 }), async ({ reader, state, ...rest }, limit) => {
        const given = Object.entries(rest).filter((entry): entry is [string, string] => entry[1] !== undefined);
        const { department, handler, from = '', to = '9' } = rest;
        const expected = own(reader).filter(
          (one) =>
            is[state](one) &&
            (department ?? one.department) === one.department &&
            (handler ?? one.handler) === one.handler &&
            from <= one.dueOn &&
            one.dueOn <= to,
        );
        expect(await listed(reader, new URLSearchParams([['state', state], ...given]).toString(), limit)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it('is refused to platforms, and tells what is wrong with a question', async () => {
    expect((await as('jd').get('/api/inspection/deadlines')).body).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    expect((await as('tj-amr').get('/api/inspection/deadlines?state=soon')).body).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
    expect((await as('tj-amr').get('/api/inspection/deadlines?cursor=x.y')).body).toMatchObject({ status: 400, code: 'BAD_CURSOR' });
  });
});

describe('when a calendar is published', () => {
  // As a process leaves them that knows no holidays of 2026 yet: fifteen days from 17 September end within National Day.
  const unknowing = { started: '2026-09-17', due: '2026-10-02', rule: 'SAMPLING_OBJECTION/PRODUCT@2000-09-01' };
  async function provisional(sampleNo: string, name: string, { started, due, rule } = unknowing): Promise<void> {
    await place.sql(
      `INSERT INTO sampling_case_clocks (reporter_id, sample_no, clock, party, started_on, due_on, provisional, rule_version)
       VALUES ('tj-amr', $1, $2, 'SAMPLED_PARTY', $3, $4, TRUE, $5)`,
      [sampleNo, name, started, due, rule],
    );
  }
  const row = async (sampleNo: string, name: string): Promise<object | undefined> => {
    const [found] = await place.sql(
      `SELECT due_on::text AS due, first_due_on::text AS first, provisional, raised_at AS raised FROM sampling_case_clocks
       WHERE sample_no = $1 AND clock = $2 AND started_on > '2026-06-01'`,
      [sampleNo, name],
    );
    return found;
  };
  const RECALL = { started: '2026-09-29', due: '2026-10-02', rule: 'RECALL_FORWARDING/PRODUCT@2020-01-01' };

  it('moves what is open and provisional, keeps when it would have ended, and leaves what waits on', async () => {
    await provisional('L-1', 'OBJECTION');
    await provisional('L-2', 'OBJECTION', { ...unknowing, due: '2026-10-08' });
    await provisional('L-3', 'CORRECTION', { started: '2026-11-20', due: '2027-01-19', rule: 'CORRECTION/PRODUCT@2020-01-01' });
    await place.sql(
      `INSERT INTO recall_clocks (recall_no, clock, started_on, due_on, provisional, rule_version) VALUES ('R-1', 'FORWARDING', $1, $2, TRUE, $3)`,
      [RECALL.started, RECALL.due, RECALL.rule],
    );
    const job = service.get(DeadlineJob);
    await Promise.all([job.computeAgain(), job.computeAgain(), job.computeAgain()]);
    await job.computeAgain();
    expect(await row('L-1', 'OBJECTION')).toEqual({ due: '2026-10-08', first: '2026-10-02', provisional: false, raised: null });
    expect(await row('L-2', 'OBJECTION')).toEqual({ due: '2026-10-08', first: null, provisional: false, raised: null });
    expect(await row('L-3', 'CORRECTION')).toEqual({ due: '2027-01-19', first: null, provisional: true, raised: null });
    const [forwarding] = await place.sql(
      `SELECT due_on::text AS due, first_due_on::text AS first, provisional FROM recall_clocks WHERE clock = 'FORWARDING'`,
    );
    expect(forwarding).toEqual({ due: '2026-10-08', first: '2026-10-02', provisional: false });
    expect((await listed('tj-audit', 'state=provisional')).map(({ subject, dueOn }) => `${subject} ${dueOn}`)).toEqual([
      'tj-amr:L-3 2027-01-19',
    ]);
    expect(await listed('tj-audit', 'from=2026-10-08&to=2026-10-08')).toContainEqual(
      expect.objectContaining({ subject: 'tj-amr:L-1', dueOn: '2026-10-08', firstDueOn: '2026-10-02', provisional: false }),
    );
  });

  it('says once that it is overdue what was said before it moved; of recalls too', async () => {
    await provisional('L-1', 'FIRST_RECHECK', { ...unknowing, rule: 'FIRST_RECHECK/PRODUCT@2020-01-01', started: '2026-07-19' });
    await place.sql(`UPDATE sampling_case_clocks SET raised_at = now() WHERE clock = 'FIRST_RECHECK' AND started_on = '2026-07-19'`);
    clock.set(new Date('2026-10-20T01:00:00.000Z'));
    const job = service.get(DeadlineJob);
    await job.computeAgain();
    await Promise.all([job.raise(), job.raise(), job.raise()]);
    await job.raise();
    const said = await place
      .outside('service.stack')
      .readUntil(inspectionDeadlines.topic, (all) => all.some(({ key, body }) => key === 'R-1' && body?.['clock'] === 'FORWARDING'));
    const times = (clockName: string, startedOn: string): number =>
      said.filter(({ body }) => body?.['clock'] === clockName && body['startedOn'] === startedOn).length;
    expect(times('FORWARDING', '2026-09-29')).toBe(1);
    expect(times('FIRST_RECHECK', '2026-07-19')).toBe(0);
    expect(await row('L-1', 'FIRST_RECHECK')).toMatchObject({ due: '2026-10-08', first: '2026-10-02' });
    const overdue = await listed('tj-nankai', 'state=overdue');
    expect(overdue.find(({ clock: name }) => name === 'FORWARDING')).toMatchObject({ overdueRaisedAt: '2026-10-20T01:00:00.000Z' });
  });
});
