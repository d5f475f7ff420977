/*
 * Who sees what, as one property over generated objects and everybody who may call: each value of an object is a mark that names it, every
 * route that reads is asked for everything there is, and what comes back is exactly what the rules below say. They are written once more,
 * by mark and in words of their own: a filter that is removed shows too much, one that is too narrow shows too little.
 */
import { createHash, randomUUID } from 'node:crypto';
import { OrganisationRegistered, type OrganisationKind } from '@jinqiao/contracts';
import { eventually, type Http, type Place, realServers, startTestService, type TestService, testUscc } from '@jinqiao/testing';
import fc from 'fast-check';
import { InspectionModule } from '../inspection.module.js';

const API = '/api/inspection';
const DEPARTMENTS = ['tj-amr', 'tj-heping', 'tj-nankai'] as const;
const LABORATORIES = ['tj-lab', 'tj-lab-2'] as const;
const PROVINCE = 'tj-province';
const ENTITIES: Readonly<Record<string, string>> = { 'merchant-1': testUscc(1), 'merchant-2': testUscc(2) };
const EVERYBODY: readonly (readonly [OrganisationKind, string])[] = [
  ...[...DEPARTMENTS, PROVINCE].map((id) => ['DEPARTMENT', id] as const),
  ...LABORATORIES.map((id) => ['LABORATORY', id] as const),
  // The third is a merchant of whom the directory does not say which entity it is.
  ...['merchant-1', 'merchant-2', 'merchant-3'].map((id) => ['MERCHANT', id] as const),
  ['PLATFORM', 'shop-platform'],
  ['STATISTICS', 'tj-stats'],
  ['AUDITOR', 'tj-audit'],
  ['OPERATOR', 'operator'],
];
const OVERSEERS = [PROVINCE, 'tj-audit', 'operator'];

let place: Place;
let service: TestService;
const callers = new Map<string, Http>();

beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  service = await startTestService(InspectionModule, place);
  for (const [kind, id] of EVERYBODY) callers.set(id, place.http(await place.token(kind, id)));
  const province: OrganisationRegistered = {
    organisationId: PROVINCE,
    kind: 'DEPARTMENT',
    name: PROVINCE,
    scopes: ['level:PROVINCE'],
    revision: 1,
  };
  await place.publish(OrganisationRegistered, province);
  for (const [id, uscc] of Object.entries(ENTITIES))
    await place.publish(OrganisationRegistered, { organisationId: id, kind: 'MERCHANT', name: id, uscc, revision: 1 });
  await eventually(async () => expect(await place.sql('SELECT FROM followed_organisations')).toHaveLength(3));
}, 60_000);
afterAll(() => service.close());

const department = fc.constantFrom(...DEPARTMENTS);
const entity = fc.constantFrom(...Object.values(ENTITIES), null);
const maybe = fc.option(department);
const sheets = fc.record({
  owner: department,
  handler: maybe,
  sampler: fc.constantFrom(...DEPARTMENTS, ...LABORATORIES),
  laboratory: fc.constantFrom(...LABORATORIES),
  mode: fc.constantFrom('ON_SITE', 'ONLINE'),
  isSealed: fc.boolean(),
  isConfirmed: fc.boolean(),
  seller: entity,
  producer: entity,
  // As the result and its case have them, who may be others since.
  named: fc.record({ seller: entity, producer: entity }),
  isPublic: fc.boolean(),
  served: fc.subarray(['SAMPLED_PARTY', 'NOMINAL_PRODUCER']),
});
const cases = fc.record({
  reporter: department,
  handler: maybe,
  status: fc.constantFrom('NOTIFIED', 'PUBLISHED', 'WITHDRAWN'),
  wasPublic: fc.boolean(),
  seller: entity,
  producer: entity,
  served: fc.subarray(['SAMPLED_PARTY', 'NOMINAL_PRODUCER']),
});
// Another producer may be named since one was told.
const recalls = fc.record({ keeper: department, producer: entity, told: entity });
const pairs = fc.record({ later: department, earlier: department, isOpen: fc.boolean() });
const waiting = fc.record({ reporter: department, into: maybe });
const plans = fc.record({ owner: department, state: fc.constantFrom('DRAFT', 'PUBLISHED') });
const world = fc.record({
  sheets: fc.array(sheets, { minLength: 2, maxLength: 4 }),
  cases: fc.array(cases, { minLength: 2, maxLength: 4 }),
  recalls: fc.array(recalls, { minLength: 2, maxLength: 4 }),
  pairs: fc.array(pairs, { minLength: 1, maxLength: 2 }),
  waiting: fc.array(waiting, { minLength: 1, maxLength: 2 }),
  plans: fc.array(plans, { minLength: 1, maxLength: 3 }),
});
type Of<A> = A extends fc.Arbitrary<infer T> ? T : never;

/** Each mark with those who see it. */
type Sight = Map<string, ReadonlySet<string>>;
interface Made {
  readonly sight: Sight;
  readonly paths: readonly string[];
  /** In which lists it stands under its name, for whoever sees the mark. */
  readonly listed: readonly { readonly name: string; readonly list: string; readonly sees: ReadonlySet<string> }[];
}
interface Named {
  readonly name: string;
  readonly lists: readonly string[];
  readonly by: string;
}
const NOWHERE: Named = { name: '', lists: [], by: '' };
const made = (paths: readonly string[], sight: Record<string, readonly (string | null)[]>, { name, lists, by }: Named = NOWHERE): Made => ({
  paths,
  listed: lists.map((list) => ({ name, list, sees: new Set((sight[by] ?? []).filter((one) => one !== null)) })),
  sight: new Map(Object.entries(sight).map(([mark, who]) => [mark, new Set(who.filter((one) => one !== null))])),
});
const insert = async (table: string, row: Record<string, unknown>): Promise<void> => {
  await place.sql(
    `INSERT INTO ${table} (${Object.keys(row).join()}) SELECT ${Object.keys(row).join()} FROM jsonb_populate_record(NULL::${table}, $1)`,
    [JSON.stringify(row)],
  );
};
const NOW = '2026-03-02T01:00:00Z';
const step = (act: string, facts: object, actor: string) => ({
  step_no: 1,
  act,
  from_state: 'DRAWN',
  to_state: 'SAMPLE_SEALED',
  done_on: '2026-03-02',
  facts,
  content_hash: '',
  actor_id: actor,
  competence: 'ORGANISER',
  basis: '',
  taken_at: NOW,
});

const merchantsOf = (uscc: string | null): string[] => Object.keys(ENTITIES).filter((one) => ENTITIES[one] === uscc);
const partyOf = (name: string, uscc: string | null) => ({ name, ...(uscc !== null && { uscc }) });
const CLOCK = { started_on: '2026-03-02', due_on: '2026-03-04', provisional: false };

async function aSheet(name: string, one: Of<typeof sheets>): Promise<Made> {
  const { owner, handler, sampler, laboratory, mode, isSealed, isConfirmed, seller, producer } = one;
  const mark = (what: string): string => `«${name}/${what}»`;
  const roundId = randomUUID();
  const object = { id: `${name}-firm`, name: mark('object'), divisionCode: '120101' };
  const drawn = { commitment: name, stratum: 1, inspectorIds: ['i-1'], laboratoryId: laboratory };
  await insert('sampling_rounds', {
    round_id: roundId,
    organiser_id: owner,
    round_no: name,
    level: 'COUNTY',
    state: 'DRAWN',
    draw_no: 1,
    plan: {
      roundNo: name,
      title: mark('round'),
      regime: 'PRODUCT',
      coverage: 'COMPLETE_ROUND',
      quotas: [{ divisionCode: mark('quota'), riskClass: mark('risk'), number: 1 }],
    },
    pool: [{ ...object, objectId: object.id, name: mark('assigned'), riskClass: mark('risk'), commitment: name, salt: '', stratum: 1 }],
    announced: { laboratories: [{ id: laboratory, employerId: 'institute' }] },
    announcement_hash: name,
    revealed: {},
    drawn: [drawn],
    abandoned: [],
    planned_at: NOW,
  });
  const sample = {
    product: { name: mark('product') },
    sampledParty: partyOf(mark('seller'), seller),
    nominalProducer: partyOf(mark('label'), producer),
    ...(isSealed && { testSeal: 'F-1' }),
  };
  const purchase = { buyerAccount: mark('account'), shopName: mark('shop') };
  const report = { reportNo: '1', items: [{ item: mark('finding'), passed: false }] };
  const id = { organiser_id: owner, sample_no: name };
  await place.sql(
    `INSERT INTO sampling_sheets (organiser_id, sample_no, round_id, object, drawn, state, mode, samplers, sampler_bodies, sample, purchase,
       handler_id, report, round_no, regime, coverage, last_on, opened_on)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $2, 'PRODUCT', 'COMPLETE_ROUND', '2026-03-02', '2026-03-02')`,
    [
      ...[owner, name, roundId, JSON.stringify(object), JSON.stringify(drawn), isConfirmed ? 'CONFIRMED' : 'REPORTED', mode],
      ...[
        JSON.stringify([{ inspectorId: 'i-1', employerId: sampler }]),
        [sampler],
        JSON.stringify(sample),
        JSON.stringify(purchase),
        handler,
        JSON.stringify(report),
      ],
    ],
  );
  await insert('sampling_sheet_steps', { ...id, ...step('SEAL_SAMPLE', { sample, purchase, documentNo: mark('document') }, owner) });
  await insert('sampling_sheet_steps', { ...id, ...step('REPORT', { documentNo: mark('laboratory’s'), report }, laboratory), step_no: 2 });
  await aResultOf(name, one);
  const pieces = await Promise.all(
    ['PHOTO', 'SHEET_SCAN', 'ORDER'].map(async (type) => {
      const content = mark(`bytes ${type}`);
      const sha256 = createHash('sha256').update(content).digest('hex');
      const uploadId = randomUUID();
      await place.sql('INSERT INTO evidence_chunks VALUES ($1, 1, $2)', [uploadId, Buffer.from(content)]);
      await place.sql('INSERT INTO evidence_blobs VALUES ($1, $2, $3, 1)', [sha256, uploadId, Buffer.byteLength(content)]);
      await insert('evidence', { ...id, type, sha256, bytes: Buffer.byteLength(content), added_by: mark(`piece ${type}`), added_at: NOW });
      return sha256;
    }),
  );
  const taking = [owner, handler, sampler, PROVINCE, 'tj-audit'];
  const knows = [...taking, 'operator'];
  const tests = isSealed ? [laboratory] : [];
  const testsKnowing = mode === 'ON_SITE' ? tests : [];
  const toldAs = (party: string, uscc: string | null, named: string | null): string[] =>
    isConfirmed && uscc === named && (one.isPublic || one.served.includes(party)) ? merchantsOf(uscc) : [];
  const sellsTold = toldAs('SAMPLED_PARTY', seller, one.named.seller);
  const sells = [...sellsTold, ...(mode === 'ON_SITE' ? merchantsOf(seller) : [])];
  const produces = toldAs('NOMINAL_PRODUCER', producer, one.named.producer);
  const everyDepartment = [...DEPARTMENTS, ...OVERSEERS];
  const path = `${API}/sampling-sheets/${owner}/${name}`;
  return made(
    [
      ...[path, ...pieces.map((sha256) => `${path}/evidence/${sha256}`), `${API}/sampling-rounds/${roundId}`],
      ...[`${API}/sampling-rounds/${roundId}/draw/assignments`, `${API}/sampling-rounds/${roundId}/sampling`],
    ],
    {
      [mark('round')]: [...everyDepartment, ...LABORATORIES],
      [mark('quota')]: everyDepartment,
      [mark('risk')]: [owner, PROVINCE, 'tj-audit'],
      [mark('assigned')]: [owner, ...OVERSEERS],
      [mark('product')]: [...knows, ...tests, ...sells, ...produces],
      [mark('label')]: [...knows, ...tests, ...produces],
      [mark('finding')]: [...knows, ...tests, ...sellsTold, ...produces],
      [mark('laboratory’s')]: [...knows, ...testsKnowing],
      [mark('object')]: [...knows, ...testsKnowing],
      [mark('seller')]: [...knows, ...testsKnowing, ...sells],
      [mark('document')]: [...knows, ...testsKnowing, ...sells],
      [mark('account')]: taking,
      [mark('shop')]: taking,
      [mark('piece PHOTO')]: [...taking, ...tests],
      [mark('piece SHEET_SCAN')]: [...taking, ...testsKnowing],
      [mark('piece ORDER')]: taking,
      // The operator sees that a sheet has no evidence for it, and has no route to the bytes.
      [mark('bytes PHOTO')]: [...taking, ...tests],
      [mark('bytes SHEET_SCAN')]: [...taking, ...testsKnowing],
      [mark('bytes ORDER')]: taking,
    },
    { name, lists: ['sampling-sheets'], by: mark('product') },
  );
}

/** What a sheet became: public, or told to some of its parties; without a mark of its own. */
async function aResultOf(name: string, { owner, named, isPublic, served }: Of<typeof sheets>): Promise<void> {
  const [seller, producer] = [partyOf('s', named.seller), partyOf('p', named.producer)];
  const state = {
    sampleNo: name,
    reporterId: owner,
    sampledParty: seller,
    nominalProducer: producer,
    ...(isPublic && { publishedAt: NOW }),
  };
  await aResult(owner, name, { status: isPublic ? 'PUBLISHED' : 'NOTIFIED', state });
  const id = { reporter_id: owner, sample_no: name };
  const parties = [
    { party: 'SAMPLED_PARTY', ...seller, isOutside: false },
    { party: 'NOMINAL_PRODUCER', ...producer, isOutside: false },
  ];
  await insert('sampling_cases', { ...id, regime: 'PRODUCT', verdict: 'UNQUALIFIED', parties, opened_on: '2026-03-02' });
  for (const party of served)
    await insert('sampling_case_tracks', { ...id, track: 'SERVICE', party, state: 'SERVED', last_on: '2026-03-02' });
}

async function aResult(reporter: string, name: string, changes: Record<string, unknown>): Promise<void> {
  await insert('sampling_results', {
    reporter_id: reporter,
    sample_no: name,
    status: 'PUBLISHED',
    revision: 1,
    reported_revision: 1,
    reported_hash: '',
    accepted_at: NOW,
    applied_at: NOW,
    warnings: [],
    unknown_fields: [],
    channel: 'HTTP',
    verdict: 'UNQUALIFIED',
    regime: 'PRODUCT',
    batch_key: 0,
    ...changes,
  });
}

async function aCase(name: string, { reporter, handler, status, wasPublic, seller, producer, served }: Of<typeof cases>): Promise<Made> {
  const mark = (what: string): string => `«${name}/${what}»`;
  const isPublic = status === 'PUBLISHED' || (status === 'WITHDRAWN' && wasPublic);
  const party = (of: string, uscc: string | null) => partyOf(mark(of), uscc);
  const decided = (of: string) => ({ kind: 'RECHECK', party: of, by: 'RECEIVER', on: mark(`decision ${of}`) });
  const state = {
    sampleNo: name,
    reporterId: reporter,
    product: { name: mark('found') },
    sampledParty: party('SAMPLED_PARTY', seller),
    nominalProducer: party('NOMINAL_PRODUCER', producer),
    online: { platformName: mark('platform'), shopName: mark('shop') },
    decisions: [decided('SAMPLED_PARTY'), decided('NOMINAL_PRODUCER')],
    ...(isPublic && { publishedAt: NOW }),
  };
  const withdrawal = status === 'WITHDRAWN' ? { withdrawn_at: NOW, withdrawal_reason: 'r' } : {};
  await aResult(reporter, name, { status, state, other_columns: { 列: mark('column') }, ...withdrawal });
  const parties = [
    { party: 'SAMPLED_PARTY', ...party('SAMPLED_PARTY', seller), isOutside: false },
    { party: 'NOMINAL_PRODUCER', ...party('NOMINAL_PRODUCER', producer), isOutside: false },
    { party: 'PLATFORM', name: mark('platform'), isOutside: false },
  ];
  const id = { reporter_id: reporter, sample_no: name };
  await insert('sampling_cases', { ...id, regime: 'PRODUCT', verdict: 'UNQUALIFIED', parties, opened_on: '2026-03-02' });
  const track = (of: string, at: string, standing: string, department_id: string | null = null) =>
    insert('sampling_case_tracks', { ...id, track: at, party: of, state: standing, department_id, last_on: '2026-03-02' });
  for (const of of served) await track(of, 'SERVICE', 'SERVED');
  await track('SAMPLED_PARTY', 'HANDLING', 'HANDED_OVER', handler);
  const said = [
    ['SAMPLED_PARTY', 'HANDLING'],
    ['NOMINAL_PRODUCER', 'HANDLING'],
    ['SAMPLED_PARTY', 'CLUE'],
    ['NOMINAL_PRODUCER', 'HANDLING', 'ORDER_STOP_SALE'],
  ] as const;
  for (const [index, [of, at, act = 'HAND_OVER']] of said.entries()) {
    const facts = { documentNo: mark(`${of} ${at}`), reason: mark('reason') };
    const { content_hash: _hash, ...one } = step(act, facts, reporter);
    await insert('sampling_case_steps', { ...id, ...one, step_no: index + 1, track: at, party: of });
  }
  for (const clock of ['OBJECTION', 'CASE_FILING', 'CASE_DECISION'])
    await insert('sampling_case_clocks', {
      ...id,
      ...CLOCK,
      clock,
      party: 'SAMPLED_PARTY',
      rule_version: mark(clock),
      pauses: [],
      extensions: [],
    });
  const merchantOf = (of: string, uscc: string | null): string[] => (isPublic || served.includes(of) ? merchantsOf(uscc) : []);
  const [sells, produces] = [merchantOf('SAMPLED_PARTY', seller), merchantOf('NOMINAL_PRODUCER', producer)];
  const works = [reporter, handler, ...OVERSEERS];
  const paths = [`${API}/sampling-cases/${reporter}/${name}`, `${API}/sampling-results/${name}?reporterId=${reporter}`];
  const sight = {
    [mark('found')]: [...works, ...sells, ...produces],
    [mark('OBJECTION')]: [...works, ...sells],
    // Nobody whose case may be filed is warned.
    [mark('CASE_FILING')]: works,
    [mark('CASE_DECISION')]: works,
    [mark('SAMPLED_PARTY')]: [...works, ...sells],
    [mark('NOMINAL_PRODUCER')]: [...works, ...produces],
    [mark('platform')]: works,
    [mark('shop')]: [...works, ...sells],
    [mark('decision SAMPLED_PARTY')]: [...works, ...sells],
    [mark('decision NOMINAL_PRODUCER')]: [...works, ...produces],
    [mark('column')]: [reporter, ...OVERSEERS],
    [mark('SAMPLED_PARTY HANDLING')]: [...works, ...sells],
    [mark('NOMINAL_PRODUCER HANDLING')]: [...works, ...produces],
    [mark('SAMPLED_PARTY CLUE')]: works,
    [mark('reason')]: works,
  };
  return made(paths, sight, { name, lists: ['sampling-cases', 'sampling-results'], by: mark('found') });
}

async function aRecall(name: string, { keeper, producer, told }: Of<typeof recalls>): Promise<Made> {
  const mark = (what: string): string => `«${name}/${what}»`;
  const content = {
    recallNo: name,
    product: { name: mark('product') },
    producer: partyOf(mark('producer'), producer),
    hazard: mark('hazard'),
  };
  const row = { recall_no: name, keeper_id: keeper, state: 'PRODUCER_NOTIFIED', content, told_uscc: told, kept_revision: 0 };
  await insert('recalls', { ...row, revision: 0, round: 1, last_on: '2026-03-02' });
  const steps = [
    step('OPEN', { clue: mark('clue'), subject: mark('subject') }, keeper),
    step('FORWARD', { authority: mark('authority'), sha256: mark('forwarded') }, keeper),
    step('NOTIFY_PRODUCER', { documentNo: mark('document'), reason: mark('reason') }, mark('actor')),
  ];
  for (const [index, one] of steps.entries()) await insert('recall_steps', { recall_no: name, ...one, step_no: index + 1, revision: 0 });
  for (const clock of ['FORWARDING', 'PLAN_REPORT'])
    await insert('recall_clocks', { ...CLOCK, recall_no: name, clock, rule_version: mark(clock) });
  const works = [keeper, ...OVERSEERS];
  const sees = [...works, ...(producer === told ? merchantsOf(producer) : [])];
  const sight = {
    ...Object.fromEntries(['product', 'producer', 'hazard', 'document', 'PLAN_REPORT'].map((what) => [mark(what), sees])),
    ...Object.fromEntries(
      ['clue', 'subject', 'authority', 'forwarded', 'reason', 'actor', 'FORWARDING'].map((what) => [mark(what), works]),
    ),
  };
  return made([`${API}/recalls/${name}`], sight, { name, lists: ['recalls'], by: mark('product') });
}

async function aPair(name: string, { later, earlier, isOpen }: Of<typeof pairs>): Promise<Made> {
  const mark = (what: string): string => `«${name}/${what}»`;
  for (const [which, reporter] of Object.entries({ later, earlier }))
    await aResult(reporter, `${name}-${which}`, {
      state: { sampleNo: `${name}-${which}`, product: { name: mark(which) }, publishedAt: NOW },
    });
  await insert('probable_duplicates', {
    pair_id: randomUUID(),
    pair_key: name,
    reporter_id: later,
    sample_no: `${name}-later`,
    earlier_reporter_id: earlier,
    earlier_sample_no: `${name}-earlier`,
    agrees: [mark('agrees')],
    not_stated: [],
    status: isOpen ? 'OPEN' : 'DIFFERENT',
    since: NOW,
  });
  const both = [later, earlier, ...OVERSEERS];
  return made([], {
    [mark('later')]: isOpen ? both : [later, ...OVERSEERS],
    [mark('earlier')]: isOpen ? both : [earlier, ...OVERSEERS],
    [mark('agrees')]: both,
  });
}

async function aWaitingReport(name: string, { reporter, into }: Of<typeof waiting>): Promise<Made> {
  const mark = `«${name}/waits»`;
  await aResult(reporter, name, {
    status: 'WITHDRAWN',
    withdrawn_at: NOW,
    withdrawal_reason: 'r',
    merged_into: into && `${into}:another`,
  });
  const submission = { kind: 'REPORT', report: { product: { name: mark }, online: { orderNo: `«${name}/order»` } } };
  await insert('waiting_reports', { reporter_id: reporter, sample_no: name, reported_revision: 1, submission, undoes: [], since: NOW });
  return made([], { [mark]: [reporter, into, ...OVERSEERS], [`«${name}/order»`]: [] });
}

async function aPlan(name: string, { owner, state }: Of<typeof plans>): Promise<Made> {
  const mark = (what: string): string => `«${name}/${what}»`;
  const planId = randomUUID();
  const content = {
    title: mark('title'),
    quotas: [{ category: mark('category'), divisionCode: '120101', riskClass: mark('risk'), number: 1 }],
  };
  const row = { plan_id: planId, year: 2026, plan_no: name, state, revision: 1, content, organiser_id: owner, created_at: NOW };
  await insert('sampling_plans', row);
  const was = { title: mark('was'), quotas: [] };
  await insert('sampling_plan_steps', {
    ...{ plan_id: planId, step_no: 1, step: 'CREATE', revision: 1, content: was, actor_id: owner, basis: '', taken_at: NOW },
  });
  const sees = [owner, ...OVERSEERS];
  const others = state === 'PUBLISHED' ? DEPARTMENTS : [];
  const sight = {
    [mark('title')]: [...sees, ...others],
    [mark('category')]: [...sees, ...others],
    [mark('was')]: sees,
    [mark('risk')]: [owner, PROVINCE, 'tj-audit'],
  };
  return made([`${API}/plans/${planId}`, `${API}/plans/${planId}/coverage`], sight, { name, lists: ['plans'], by: mark('title') });
}

const LISTS = [
  'sampling-sheets',
  'sampling-cases',
  'sampling-results',
  'sampling-rounds',
  'recalls',
  'probable-duplicates',
  'waiting-reports',
  'plans',
];
/** Asked with the names of objects, above. */
const ASKED = [
  'sampling-sheets/{organiserId}/{sampleNo}',
  'sampling-sheets/{organiserId}/{sampleNo}/evidence/{sha256}',
  'sampling-cases/{reporterId}/{sampleNo}',
  'sampling-results/{sampleNo}',
  'sampling-rounds/{roundId}',
  'sampling-rounds/{roundId}/draw/assignments',
  'sampling-rounds/{roundId}/sampling',
  'recalls/{recallNo}',
  'plans/{planId}',
  'plans/{planId}/coverage',
];
/** Without a field that only some may see: public, figures and days of what a caller may see anyway, the caller's own, or the operator's. */
const OTHERS = [
  ...['sampling-rounds/{roundId}/draw', 'published/counts', 'applied/{subject}', 'deadlines', 'drift-alarms', 'reinspection-laboratories'],
  ...['imports/{importId}', 'imports/{importId}/rejected-rows', 'sampling-steps/{sampleNo}/rejections'],
  ...['conformance-runs', 'conformance-runs/{runId}', 'dead-letters', 'dead-letters/{id}', 'parked-keys'],
];

async function all(as: Http, path: string): Promise<string> {
  const pages: string[] = [];
  let cursor = '';
  do {
    const { body } = await as.get<{ items?: unknown[]; next?: string | null }>(`${path}limit=500${cursor}`);
    pages.push(JSON.stringify(body));
    cursor = body.next ? `&cursor=${body.next}` : '';
  } while (cursor !== '');
  return pages.join();
}
const textOf = async (as: Http, path: string): Promise<string> => JSON.stringify((await as.get(path)).body);

describe('what somebody sees of anything', () => {
  it('is exactly what the rules say, on every route that reads', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(world, async (given) => {
        run += 1;
        const name = (kind: string, index: number): string => `${kind}${run}-${index}`;
        const objects = [
          ...(await Promise.all(given.sheets.map((one, n) => aSheet(name('S', n), one)))),
          ...(await Promise.all(given.cases.map((one, n) => aCase(name('C', n), one)))),
          ...(await Promise.all(given.recalls.map((one, n) => aRecall(name('R', n), one)))),
          ...(await Promise.all(given.pairs.map((one, n) => aPair(name('P', n), one)))),
          ...(await Promise.all(given.plans.map((one, n) => aPlan(name('L', n), one)))),
          ...(await Promise.all(given.waiting.map((one, n) => aWaitingReport(name('W', n), one)))),
        ];
        const sight = new Map(objects.flatMap((one) => [...one.sight]));
        // Of another department's results there is a list for each.
        const asked = [...LISTS, ...DEPARTMENTS.map((id) => `sampling-results?reporterId=${id}`)];
        for (const [who, as] of callers) {
          const lists = await Promise.all(asked.map((list) => all(as, `${API}/${list}${list.includes('?') ? '&' : '?'}`)));
          const found = await Promise.all(objects.flatMap(({ paths }) => paths.map((path) => textOf(as, path))));
          const answers = [...lists, ...found];
          for (const { name: listedAs, list, sees } of objects.flatMap(({ listed }) => listed)) {
            const isListed = asked.some((one, n) => one.startsWith(list) && lists[n]?.includes(JSON.stringify(listedAs)));
            expect({ who, list, listedAs, isListed }).toEqual({ who, list, listedAs, isListed: sees.has(who) });
          }
          const marks = new Set(answers.flatMap((text) => text.match(/«[^»]+»/gu) ?? []));
          const shown = [...marks].filter((mark) => sight.has(mark)).sort();
          const should = [...sight].flatMap(([mark, sees]) => (sees.has(who) ? [mark] : [])).sort();
          expect({ who, shown }).toEqual({ who, shown: should });
        }
      }),
      { numRuns: 6, endOnFailure: true },
    );
  }, 180_000);

  it('is nothing of what was found to whoever took the place of a party that was served', async () => {
    const [seller, producer] = [partyOf('«seller»', testUscc(1)), partyOf('«producer»', null)];
    const one = { reporter: 'tj-amr', handler: null, status: 'NOTIFIED', wasPublic: false, seller: testUscc(1), producer: null } as const;
    await aCase('T-1', { ...one, served: ['SAMPLED_PARTY'] });
    const seen = async (who: string): Promise<number[]> => {
      const paths = ['sampling-cases/tj-amr/T-1', 'sampling-results/T-1?reporterId=tj-amr'];
      const found = await Promise.all(paths.map(async (path) => callers.get(who)?.get(`${API}/${path}`)));
      return found.flatMap((answer) => answer?.status ?? []);
    };
    expect([await seen('merchant-1'), await seen('merchant-2')]).toEqual([
      [200, 200],
      [404, 404],
    ]);
    const state = { sampleNo: 'T-1', reporterId: 'tj-amr', sampledParty: { ...seller, uscc: testUscc(2) }, nominalProducer: producer };
    await place.sql(`UPDATE sampling_results SET state = $1 WHERE sample_no = 'T-1'`, [JSON.stringify(state)]);
    expect([await seen('merchant-1'), await seen('merchant-2')]).toEqual([
      [200, 404],
      [404, 404],
    ]);
    const as = callers.get('merchant-2');
    expect(as && (await all(as, `${API}/sampling-results?`))).not.toContain('T-1');
  });

  it('is not told by asking for the state of what it sees', async () => {
    const sheet = { owner: 'tj-amr', handler: null, sampler: 'tj-amr', laboratory: 'tj-lab', mode: 'ON_SITE', isSealed: true } as const;
    const parts = { seller: testUscc(1), producer: null, named: { seller: testUscc(1), producer: null }, isConfirmed: false };
    await aSheet('Q-1', { ...sheet, ...parts, isPublic: false, served: [] });
    const as = callers.get('merchant-1');
    expect(as && (await all(as, `${API}/sampling-sheets?`))).toContain('Q-1');
    expect(as && (await all(as, `${API}/sampling-sheets?state=REPORTED&`))).not.toContain('Q-1');
  });

  it('is asked for above on every route that there is', async () => {
    const { paths } = (await place.http().get<{ paths: Record<string, { get?: object }> }>('/openapi.json')).body;
    const read = Object.entries(paths).flatMap(([path, { get }]) =>
      get && path.startsWith(`${API}/`) ? [path.slice(API.length + 1)] : [],
    );
    expect(read.sort()).toEqual([...LISTS, ...ASKED, ...OTHERS].sort());
  });
});
