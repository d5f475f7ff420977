/*
 * Departments that keep a system of their own report the steps of recalls on the topic on which they report those of samples and cases: each
 * is judged as over HTTP, taken once, answered, and known again after a restore. Every test ends with a step that is answered, and waits for
 * that one: records of one topic are handled in order.
 */
import { randomUUID } from 'node:crypto';
import {
  keptRecalls,
  OrganisationRegistered,
  type RecallStepAnswered,
  RecallOpened,
  RecallStepTaken,
  recalls,
  SamplingCaseOpened,
  samplingStepAnswers,
  samplingStepIntake,
  topicOf,
  typeOf,
} from '@jinqiao/contracts';
import {
  anOrganisation,
  eventually,
  type Http,
  type OutsideMessage,
  type Place,
  realServers,
  StandingClock,
  startTestService,
  type TestService,
  testUscc,
} from '@jinqiao/testing';
import { InspectionModule } from '../inspection.module.js';
import type { RejectedStep } from '../sampling-step/sampling-step.service.js';
import type { RecallFile } from './recall.service.js';

const RECALLS = '/api/inspection/recalls';
const HASH = 'c'.repeat(64);
const clock = new StandingClock(new Date('2026-03-20T01:00:00.000Z'));
let place: Place;
let service: TestService;
let keeper: Http;

const start = async (): Promise<void> => {
  service = await startTestService(InspectionModule, place, { clock });
};
beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  for (const id of ['tj-province', 'tj-new']) await place.addOrganisation('DEPARTMENT', id);
  await start();
  keeper = place.http(await place.token('DEPARTMENT', 'tj-amr'));
  const province = anOrganisation({ organisationId: 'tj-province', kind: 'DEPARTMENT', name: '省局', aliases: [] });
  await place.publish(OrganisationRegistered, { ...province, scopes: ['level:PROVINCE'] });
  await place.publish(
    OrganisationRegistered,
    anOrganisation({ organisationId: 'tj-new', kind: 'DEPARTMENT', name: '新部门', aliases: [], status: 'SANDBOX' }),
  );
  await eventually(async () => expect(await place.sql('SELECT FROM followed_organisations')).toHaveLength(2));
}, 60_000);
afterAll(() => service.close());

const message = (
  type: typeof RecallOpened | typeof RecallStepTaken | typeof SamplingCaseOpened,
  { key, value }: { key: string; value: object },
  as: string,
): OutsideMessage => ({
  key,
  headers: {
    ce_specversion: '1.0',
    ce_id: randomUUID(),
    ce_source: `/departments/${as}/recall-system`,
    ce_type: typeOf(type),
    ce_time: '2026-03-20T01:00:00Z',
    'content-type': 'application/json',
  },
  value,
});
const content = (recallNo: string) => ({
  recallNo,
  product: { name: '移动电源', gtins: ['06901234567892'] },
  producer: { name: '示例企业', uscc: testUscc(1) },
  hazard: '过热燃烧',
  measure: '退款',
});
const opening = (recallNo: string, changes: object = {}, as = 'tj-amr') => {
  const value = { stepId: `${recallNo}/OPEN`, ...content(recallNo), on: '2026-03-02', clue: '抽检发现', ...changes };
  return message(RecallOpened, { key: recallNo, value }, as);
};
const step = (recallNo: string, act: string, facts: object = {}, as = 'tj-amr') => {
  const value = { stepId: `${recallNo}/${act}`, recallNo, act, on: '2026-03-03', ...facts };
  return message(RecallStepTaken, { key: recallNo, value }, as);
};
const send = (messages: OutsideMessage[], as = 'tj-amr') => place.outside(as).produce(topicOf(samplingStepIntake, as), messages);

/** What a department was answered about something, once there are so many answers. */
async function answers(subject: string, count: number, as = 'tj-amr'): Promise<RecallStepAnswered[]> {
  const own = (all: readonly { body: unknown }[]) =>
    all.map(({ body }) => body as RecallStepAnswered).filter((one) => one.subject === subject);
  const read = await place.outside(as).readUntil(topicOf(samplingStepAnswers, as), (all) => own(all).length >= count, { within: 30_000 });
  return own(read);
}
const inWords = ({ stepId, outcome, code, state }: RecallStepAnswered): string =>
  [stepId.split('/')[1], outcome, code, state].filter((word) => word !== undefined).join(' ');
const fileOf = async (recallNo: string): Promise<RecallFile> => (await keeper.get<RecallFile>(`${RECALLS}/${recallNo}`)).body;
const historyOf = async (recallNo: string): Promise<string[]> =>
  (await fileOf(recallNo)).history.map(({ act, actorId, competence }) => `${act} ${actorId} ${competence}`);
const deadLetters = (key: string) =>
  place.sql<{ code: string; pointer: string }>('SELECT code, pointer FROM dead_letters WHERE key = $1 ORDER BY id', [key]);

describe('the steps of a recall', () => {
  it('are taken in their order, from the clue to what is public, and each is answered with how the recall stands', async () => {
    await send([
      opening('R-1'),
      step('R-1', 'NOTIFY_PRODUCER', { sha256: HASH, colour: 'red' }),
      step('R-1', 'ADMIT_DEFECT', { reason: '生产者确认' }),
      step('R-1', 'REPORT_PLAN', { sha256: HASH, content: { quantity: 100 } }),
      step('R-1', 'PUBLISH'),
    ]);
    const [open, notify, ...others] = await answers('R-1', 5);
    expect(open).toMatchObject({ departmentId: 'tj-amr', revision: 1, outcome: 'accepted', state: 'CLUE' });
    expect(open?.allowed).toContainEqual({ act: 'INVESTIGATE', by: ['PROVINCE'] });
    expect(notify).toMatchObject({ outcome: 'accepted', state: 'PRODUCER_NOTIFIED', unknownFields: ['/colour'] });
    expect(others.map(inWords)).toEqual([
      'ADMIT_DEFECT accepted PLAN_DUE',
      'REPORT_PLAN accepted PLAN_REPORTED',
      'PUBLISH accepted IN_PROGRESS',
    ]);
    expect(await historyOf('R-1')).toEqual(
      ['OPEN', 'NOTIFY_PRODUCER', 'ADMIT_DEFECT', 'REPORT_PLAN', 'PUBLISH'].map((act) => `${act} tj-amr KEEPER`),
    );
    const said = await place.outside('service.stack').readUntil(recalls.topic, (all) => all.some(({ key }) => key === 'R-1'));
    expect(said.map(({ body }) => body)).toMatchObject([{ recallNo: 'R-1', revision: 1, quantity: 100 }]);
    expect(await deadLetters('R-1')).toEqual([]);
  });

  it('that are refused change nothing, say why and where, and are taken when they are put right', async () => {
    await keeper.post(RECALLS, { ...content('R-0'), nationalNo: 'SAMR-1', on: '2026-03-02', clue: '投诉' });
    await send([
      opening('R-2'),
      step('R-2', 'PUBLISH'),
      step('R-2', 'NOTIFY_PRODUCER', { on: '2027-01-01' }),
      step('R-2', 'NOTIFY_PRODUCER', { sha256: HASH, content: { nationalNo: 'SAMR-1' } }),
      step('R-2', 'NOTIFY_PRODUCER', { sha256: HASH, revision: 2 }),
    ]);
    const [, early, wrong, taken, right] = await answers('R-2', 5);
    expect(early).toMatchObject({ outcome: 'rejected', code: 'ACT_NOT_ALLOWED', state: 'CLUE' });
    expect(early?.allowed).toContainEqual({ act: 'NOTIFY_PRODUCER', by: ['KEEPER', 'PROVINCE'] });
    expect(wrong).toMatchObject({
      code: 'FIELD_MISSING',
      errors: [
        { code: 'FIELD_MISSING', pointer: '/sha256' },
        { code: 'IN_FUTURE', pointer: '/on' },
      ],
    });
    expect(taken?.errors).toMatchObject([{ code: 'NATIONAL_NO_TAKEN', pointer: '/content/nationalNo' }]);
    expect(right).toMatchObject({ outcome: 'accepted', state: 'PRODUCER_NOTIFIED', revision: 2 });
    expect(await historyOf('R-2')).toEqual(['OPEN tj-amr KEEPER', 'NOTIFY_PRODUCER tj-amr KEEPER']);
    const codes = ['ACT_NOT_ALLOWED', 'FIELD_MISSING', 'NATIONAL_NO_TAKEN'];
    expect((await deadLetters('R-2')).map(({ code }) => code)).toEqual(codes);
    const { body } = await keeper.get<RejectedStep[]>('/api/inspection/sampling-steps/R-2/rejections');
    expect(body.map(({ code }) => code)).toEqual(codes.toReversed());
  });

  it('are taken of whoever is competent, each on its own topic', async () => {
    await send([opening('R-3'), step('R-3', 'INVESTIGATE', { reason: '再查' })]);
    const [, refused] = await answers('R-3', 2);
    expect(refused).toMatchObject({ outcome: 'rejected', code: 'NOT_COMPETENT', by: ['PROVINCE'], state: 'CLUE' });
    await send([step('R-3', 'INVESTIGATE', { reason: '再查' }, 'tj-province')], 'tj-province');
    expect((await answers('R-3', 1, 'tj-province')).map(inWords)).toEqual(['INVESTIGATE accepted UNDER_INVESTIGATION']);
    expect(await historyOf('R-3')).toEqual(['OPEN tj-amr KEEPER', 'INVESTIGATE tj-province PROVINCE']);
  });

  it('do not tell a stranger that there is a recall, and are about one that there is', async () => {
    await send([opening('R-4'), step('R-none', 'NOTIFY_PRODUCER', { sha256: HASH })]);
    const [unknown] = await answers('R-none', 1);
    const told = { outcome: 'rejected', code: 'RECALL_UNKNOWN', errors: [{ code: 'RECALL_UNKNOWN' }] };
    expect(unknown).toMatchObject(told);
    await send([step('R-4', 'NOTIFY_PRODUCER', { sha256: HASH }, 'tj-credit'), opening('R-4', {}, 'tj-credit')], 'tj-credit');
    const [stranger, taken] = await answers('R-4', 2, 'tj-credit');
    expect(stranger).toMatchObject(told);
    expect(taken).toMatchObject({ code: 'RECALL_NO_TAKEN', errors: [{ code: 'RECALL_NO_TAKEN', pointer: '/recallNo' }] });
    for (const answer of [unknown, stranger, taken]) expect(answer).not.toHaveProperty('state');
    expect(await historyOf('R-4')).toEqual(['OPEN tj-amr KEEPER']);
  });

  it('have one effect when they come twice, and an id has one step', async () => {
    const notify = step('R-5', 'NOTIFY_PRODUCER', { sha256: HASH });
    await send([
      opening('R-5'),
      notify,
      notify,
      step('R-5', 'NOTIFY_PRODUCER', { sha256: HASH }),
      step('R-5', 'NOTIFY_PRODUCER', { sha256: 'd'.repeat(64) }),
      step('R-5', 'NOTE_INCIDENT', { learnedOn: '2026-03-03', reason: '起火', content: { hazard: '起火' } }),
      // As it was opened, after its content has changed; and once more under another id, as it stands.
      opening('R-5'),
      opening('R-5', { stepId: 'R-5/AGAIN', hazard: '起火' }),
      opening('R-5', { stepId: 'R-5/OTHER', hazard: '触电' }),
      opening('R-5', { clue: '投诉' }),
    ]);
    expect((await answers('R-5', 9)).map(inWords)).toEqual([
      'OPEN accepted CLUE',
      'NOTIFY_PRODUCER accepted PRODUCER_NOTIFIED',
      'NOTIFY_PRODUCER duplicate PRODUCER_NOTIFIED',
      'NOTIFY_PRODUCER rejected STEP_ID_REUSED PRODUCER_NOTIFIED',
      'NOTE_INCIDENT accepted PRODUCER_NOTIFIED',
      'OPEN duplicate PRODUCER_NOTIFIED',
      'AGAIN duplicate PRODUCER_NOTIFIED',
      'OTHER rejected RECALL_NO_TAKEN PRODUCER_NOTIFIED',
      'OPEN rejected STEP_ID_REUSED PRODUCER_NOTIFIED',
    ]);
    expect(await historyOf('R-5')).toEqual(['OPEN', 'NOTIFY_PRODUCER', 'NOTE_INCIDENT'].map((act) => `${act} tj-amr KEEPER`));
  });

  it('that break the contract are dead letters; the next is taken', async () => {
    await send([opening('R-6'), step('R-6', 'DANCE'), step('R-6', 'NOTIFY_PRODUCER', { sha256: HASH })]);
    expect((await answers('R-6', 2)).map(inWords)).toEqual(['OPEN accepted CLUE', 'NOTIFY_PRODUCER accepted PRODUCER_NOTIFIED']);
    expect(await deadLetters('R-6')).toEqual([{ code: 'NOT_IN_CODE_LIST', pointer: '/act' }]);
  });

  it('of several departments and notices that come at once do not wait for each other for ever', async () => {
    const numbers = Array.from({ length: 20 }, (_, n) => `M-${n}`);
    await Promise.all([
      send(numbers.map((recallNo) => opening(recallNo))),
      send(
        numbers.toReversed().map((recallNo) => opening(recallNo, {}, 'tj-province')),
        'tj-province',
      ),
      keeper.post(
        `${RECALLS}/notices`,
        numbers.map((recallNo) => content(recallNo)),
      ),
    ]);
    await answers('M-19', 1);
    await answers('M-0', 1, 'tj-province');
    const begun = `SELECT count(*)::integer AS steps, count(DISTINCT recall_no)::integer AS recalls FROM recall_steps WHERE recall_no LIKE 'M-%'`;
    expect(await place.sql(begun)).toEqual([{ steps: 20, recalls: 20 }]);
    expect(service.ends).toEqual([]);
  }, 60_000);
});

describe('a department in the sandbox', () => {
  it('is answered that it is, and nothing of its steps comes to be true', async () => {
    const refused = { outcome: 'rejected', code: 'ORGANISATION_IN_SANDBOX' };
    await send(
      [
        opening('T-1', {}, 'tj-new'),
        step('T-1', 'NOTIFY_PRODUCER', { sha256: HASH }, 'tj-new'),
        message(SamplingCaseOpened, { key: 'T-1', value: { stepId: 'T-1/case', sampleNo: 'T-1' } }, 'tj-new'),
      ],
      'tj-new',
    );
    expect(await answers('T-1', 2, 'tj-new')).toMatchObject([refused, refused]);
    expect(await answers('tj-new:T-1', 1, 'tj-new')).toMatchObject([refused]);
    expect((await deadLetters('T-1')).map(({ code }) => code)).toEqual(Array(3).fill('ORGANISATION_IN_SANDBOX'));
    expect((await keeper.get(`${RECALLS}/T-1`)).status).toBe(404);
    expect(await place.sql(`SELECT FROM recalls WHERE recall_no = 'T-1'`)).toEqual([]);
  });
});

it('are known again when the database was set back, with history and clocks, and are taken once', async () => {
  await send([opening('B-1')]);
  await answers('B-1', 1);
  const sent = () => eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]), { within: 20_000 });
  await sent();
  await service.close();
  const setBack = await place.backUp();
  await start();
  await send([
    step('B-1', 'NOTIFY_PRODUCER', { sha256: HASH }),
    step('B-1', 'ADMIT_DEFECT', { reason: '生产者确认' }),
    opening('B-2'),
    step('B-2', 'NOTE_INCIDENT', { learnedOn: '2026-03-03', reason: '起火' }),
  ]);
  await answers('B-1', 3);
  await answers('B-2', 2);
  await keeper.post(`${RECALLS}/notices`, content('B-3'));
  const before = await Promise.all(['B-1', 'B-2', 'B-3'].map(fileOf));
  expect(before.map(({ state, history }) => [state, history.length])).toEqual([
    ['PLAN_DUE', 3],
    ['CLUE', 2],
    ['ANNOUNCED', 1],
  ]);
  await sent();
  await service.close();
  await setBack();
  await start();
  expect(await Promise.all(['B-1', 'B-2', 'B-3'].map(fileOf))).toEqual(before);

  // The topic is read again from where the backup was; and the department sends once more what it is not sure of.
  await send([step('B-1', 'ADMIT_DEFECT', { reason: '生产者确认' }), step('B-1', 'REPORT_PLAN', { sha256: HASH })]);
  const told = (await answers('B-1', 7)).map(inWords);
  expect(told.filter((one) => one.startsWith('ADMIT_DEFECT'))).toEqual([
    'ADMIT_DEFECT accepted PLAN_DUE',
    'ADMIT_DEFECT duplicate PLAN_DUE',
    'ADMIT_DEFECT duplicate PLAN_DUE',
  ]);
  expect(told.at(-1)).toBe('REPORT_PLAN accepted PLAN_REPORTED');
  expect((await fileOf('B-1')).history.map(({ act }) => act)).toEqual(['OPEN', 'NOTIFY_PRODUCER', 'ADMIT_DEFECT', 'REPORT_PLAN']);
  await sent();
  const kept = (await place.readAll(keptRecalls.topic)).filter(({ key }) => key === 'B-1').map(({ body }) => Number(body?.['revision']));
  expect([...new Set(kept)]).toEqual([1, 2, 3, 4]);
  expect(await place.sql(`SELECT code FROM dead_letters WHERE key LIKE 'B-%'`)).toEqual([]);
}, 120_000);
