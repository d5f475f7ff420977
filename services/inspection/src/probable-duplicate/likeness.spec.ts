import { createReadStream } from 'node:fs';
import { testUscc } from '@jinqiao/testing';
import fc from 'fast-check';
import { readSheet } from '../import/sheet.js';
import { resultsFromRows } from '../import/results.js';
import { batchKeyOf, batchOf, companyKey, NO_BATCH } from './batch.js';
import { type Fact, type Facts, likeness, type Reported, type Way } from './likeness.js';

const NOTICES = new URL('../../../../data/sampling-notices.csv', import.meta.url);

type Changes = { readonly [Field in keyof Facts]?: Facts[Field] | undefined };
/** As a department's own system has it. */
const FACTS: Facts = {
  sampleNo: 'S-1',
  regime: 'FOOD',
  finality: 'FINAL',
  verdict: 'UNQUALIFIED',
  product: { name: '香辣花生', brand: '津味', spec: '200克/袋', batch: 'A1', producedOn: '2024-03-01' },
  failingItems: [{ item: '黄曲霉毒素B₁', measured: '35', limit: '≤20', unit: 'μg/kg' }],
  sampledParty: { name: '天津市和平区某某超市有限公司', uscc: testUscc(1) },
  nominalProducer: { name: '天津某某食品有限公司', uscc: testUscc(2) },
  sampledOn: '2024-04-02',
};
/** As a notice prints it. */
const PRINTED: Changes = {
  sampleNo: 'N-1',
  product: { name: '香辣花生', spec: '200g/袋', producedOn: '2024-03-01' },
  failingItems: [{ item: '黄曲霉毒素B1', measured: '35μg/kg', limit: '20μg/kg' }],
  sampledParty: { name: '天津市和平区某某超市' },
  nominalProducer: { name: '天津某某食品有限责任公司' },
  sampledOn: undefined,
};
const reported = (reporterId: string, way: Way, changes: Changes = {}): Reported => {
  const facts = { ...FACTS, ...changes } as Facts;
  return { reporterId, sampleNo: facts.sampleNo, way, facts };
};
const SYSTEM = reported('tj-amr', 'SYSTEM');
const notice = (changes: Changes = {}, reporterId = 'tj-amr'): Reported => reported(reporterId, 'NOTICE', { ...PRINTED, ...changes });
const isAlike = (one: Reported, other: Reported): boolean => likeness(one, other) !== null;
const product = (changes: Partial<Facts['product']>): Changes => ({ product: { ...FACTS.product, ...changes } });
const other = (changes: Changes): Reported => reported('tj-heping', 'SYSTEM', { sampleNo: 'H-7', ...changes });

describe('what is one batch', () => {
  it.each([
    ['spaces and wide letters', { name: '香 辣花生\u3000' }, { name: '香辣花生' }],
    ['wide digits in the number', { producedOn: undefined, batch: 'Ａ１２' }, { producedOn: undefined, batch: 'a-12' }],
    ['the day in the number', { producedOn: undefined, batch: '2024-03-01/569427' }, { producedOn: '2024-03-01', batch: '569427' }],
    ['the day as eight digits', { producedOn: undefined, batch: '20240301/-' }, { producedOn: '2024-03-01', batch: undefined }],
    ['the day in another form', { producedOn: undefined, batch: '2024年3月1日' }, { producedOn: undefined, batch: '2024.3.01' }],
    ['a number on one side', { batch: undefined }, { batch: 'A1' }],
  ])('whatever the writing: %s', (_how, some, others) => {
    const [one, its] = [SYSTEM.facts.product, SYSTEM.facts.product].map((base, place) => ({ ...base, ...(place ? others : some) }));
    expect(batchKeyOf({ ...FACTS, product: { name: '', ...one } })).toBe(batchKeyOf({ ...FACTS, product: { name: '', ...its } }));
  });

  it.each([
    ['示例食品有限公司', '示例食品有限责任公司'],
    ['示例食品股份有限公司', '示例食品'],
    ['示例（天津）食品有限公司', '示例(天津)食品有限公司 '],
    ['ＡＢＣ食品有限公司', 'abc食品有限公司'],
  ])('of one producer: %s, %s', (one, its) => expect(companyKey(one)).toBe(companyKey(its)));

  it.each([
    ['示例食品有限公司', '示例食品厂'],
    ['示例（天津）食品有限公司', '示例（北京）食品有限公司'],
    ['有限公司', '责任公司'],
  ])('not of two producers: %s, %s', (one, its) => expect(companyKey(one)).not.toBe(companyKey(its)));

  it.each<[string, Changes]>([
    ['neither day nor number', product({ batch: undefined, producedOn: undefined })],
    ['a number that is none', product({ batch: '见包装', producedOn: undefined })],
    ['a mark for nothing', product({ batch: '/', producedOn: undefined })],
    ['neither producer nor seller', { nominalProducer: undefined, sampledParty: undefined }],
  ])('is not known with %s', (_what, changes) => expect(batchKeyOf({ ...FACTS, ...changes })).toBe(NO_BATCH));

  it('keeps a day that is not that of production as its number', () => {
    expect(batchOf({ producedOn: '2024-03-01', batch: '20240305' })).toEqual({ day: '2024-03-01', number: '20240305' });
    expect(batchOf({ producedOn: '2024-03-01', batch: '20240301' })).toEqual({ day: '2024-03-01', number: null });
  });
});

describe('two results probably report the same', () => {
  it('when a system and a notice of one department do, each in its own words; and why is said', () => {
    expect(likeness(SYSTEM, notice())).toEqual({
      agrees: ['PRODUCER', 'PRODUCT', 'PRODUCED_ON', 'SPEC', 'SELLER', 'VERDICT', 'FAILING_ITEM', 'MEASURED'] satisfies Fact[],
      notStated: ['BATCH_NUMBER', 'BRAND', 'SHOP', 'SAMPLED_ON', 'SAMPLE_NO'] satisfies Fact[],
    });
  });

  it.each<[string, Changes]>([
    ['under another number', {}],
    ['under the same number', { sampleNo: 'S-1' }],
    ['with one failing item of several', { failingItems: [{ item: '酸价' }, { item: '黄曲霉毒素B1（以干基计）' }] }],
    ['without its value', { failingItems: [{ item: '黄曲霉毒素B₁' }] }],
    ['without the place, where anything else is the same', { sampledParty: undefined }],
    ['with the brand in other words', product({ brand: '津味牌' })],
    ['with spec and model in one column', product({ spec: undefined, model: '200g', producedOn: '2024-03-01' })],
    ['by their codes, whatever the seller is called', { sampledParty: { name: '某某超市总店', uscc: testUscc(1) } }],
  ])('when two departments do: %s', (_how, changes) => expect(isAlike(SYSTEM, other(changes))).toBe(true));

  it('when they passed, in the same place', () => {
    const passed: Changes = { verdict: 'QUALIFIED', failingItems: undefined };
    const system = reported('tj-amr', 'SYSTEM', passed);
    expect(isAlike(system, other(passed))).toBe(true);
    expect(isAlike(system, other({ ...passed, sampledParty: undefined }))).toBe(false);
  });

  it('when the shop is the same, unless its platform is another', () => {
    const sold = (online: Facts['online']): Changes => ({ sampledParty: undefined, online, verdict: 'QUALIFIED', failingItems: undefined });
    const shop = reported('tj-amr', 'SYSTEM', sold({ platformName: '京东', shopName: '示例旗舰店' }));
    expect(isAlike(shop, other(sold({ shopName: '示例旗舰店' })))).toBe(true);
    expect(isAlike(shop, other(sold({ platformName: '天猫', shopName: '示例旗舰店' })))).toBe(false);
    expect(isAlike(shop, other(sold({ platformName: '京东', shopName: '另一旗舰店' })))).toBe(false);
  });
});

describe('two results are not the same', () => {
  it.each<[string, Changes]>([
    ['another product', product({ name: '香辣蚕豆' })],
    ['another day of production', product({ producedOn: '2024-03-02' })],
    ['another number of the batch', product({ batch: 'A2' })],
    ['another spec', product({ spec: '500克/袋' })],
    ['a spec that only looks alike', product({ spec: '1200克/袋' })],
    ['another brand', product({ brand: '示例牌' })],
    ['another producer', { nominalProducer: { name: '另一食品有限公司' } }],
    ['another code of the producer', { nominalProducer: { name: '天津某某食品有限公司', uscc: testUscc(3) } }],
    ['another seller', { sampledParty: { name: '另一超市', uscc: testUscc(4) } }],
    ['another day of sampling', { sampledOn: '2024-04-03' }],
    ['another verdict', { verdict: 'QUALIFIED', failingItems: undefined }],
    ['another failing item', { failingItems: [{ item: '菌落总数' }] }],
    ['another value of it', { failingItems: [{ item: '黄曲霉毒素B₁', measured: '36', unit: 'μg/kg' }] }],
  ])('with %s', (_what, changes) => expect(isAlike(SYSTEM, other(changes))).toBe(false));

  it('when one department samples a batch twice: by one system, or in one notice', () => {
    expect(isAlike(SYSTEM, reported('tj-amr', 'SYSTEM', { sampleNo: 'S-2' }))).toBe(false);
    expect(isAlike(notice(), notice({ sampleNo: 'N-2' }))).toBe(false);
  });

  it('when they are revisions of one, by whichever way each of them came', () => {
    expect(isAlike(SYSTEM, SYSTEM)).toBe(false);
    expect(isAlike(SYSTEM, notice({ sampleNo: 'S-1' }))).toBe(false);
  });

  it('when the failures of a batch agree in nothing that tells samples apart', () => {
    const bare: Changes = {
      ...product({ brand: undefined, spec: undefined, batch: undefined }),
      sampledParty: undefined,
      sampledOn: undefined,
    };
    expect(isAlike(SYSTEM, other({ ...bare, failingItems: [{ item: '黄曲霉毒素B₁' }] }))).toBe(false);
  });
});

describe('whatever is compared', () => {
  const pick = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
  const anything: fc.Arbitrary<Reported> = fc
    .record({
      reporterId: pick('tj-amr', 'tj-heping'),
      way: pick<Way>('SYSTEM', 'NOTICE'),
      sampleNo: pick('S-1', 'S-2'),
      verdict: pick<Facts['verdict']>('UNQUALIFIED', 'QUALIFIED'),
      product: fc.record({
        name: pick('花生', '花 生'),
        brand: pick(undefined, '津味', '津味牌', '示例'),
        spec: pick(undefined, '200g', '200克/袋'),
        batch: pick(undefined, 'A1', '2024-03-01/A1'),
        producedOn: pick(undefined, '2024-03-01'),
      }),
      failingItems: pick(undefined, [{ item: '铅', measured: '1' }], [{ item: '铅（以Pb计）', measured: '1mg/kg' }, { item: '镉' }]),
      sampledParty: pick(undefined, { name: '超市' }, { name: '超市', uscc: testUscc(1) }, { name: '总店', uscc: testUscc(1) }),
      nominalProducer: pick(undefined, { name: '某厂' }, { name: '某厂', uscc: testUscc(2) }),
      online: pick(undefined, { shopName: '店' }, { platformId: 'jd', shopId: '7' }),
    })
    .map(({ reporterId, way, ...facts }) => reported(reporterId, way, facts as Changes));

  it('is alike in both directions, and never itself', () => {
    fc.assert(
      fc.property(anything, anything, (one, its) => {
        expect(likeness(one, its)).toEqual(likeness(its, one));
        expect(likeness(one, one)).toBeNull();
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the published notices of data/sampling-notices.csv', () => {
  /** Each from a department of its own, so that nothing but what is printed tells them apart. */
  async function published(): Promise<Reported[]> {
    const { headings, rows, lines } = await readSheet(createReadStream(NOTICES), 'sampling-notices.csv');
    return resultsFromRows(headings, rows, { lines }).results.map(({ report }, place) => {
      const facts = report as Facts;
      return { reporterId: `department-${place}`, sampleNo: facts.sampleNo, way: 'NOTICE', facts };
    });
  }
  const inPairs = (all: readonly Reported[], fits: (one: Reported, its: Reported) => boolean): string[] =>
    all.flatMap((one, place) =>
      all
        .slice(place + 1)
        .filter((its) => fits(one, its))
        .map((its) => `${one.facts.product.name} / ${its.facts.product.name}`),
    );

  it('hold no two results that probably report the same', async () => {
    const all = await published();
    const named = all.filter(({ facts }) => batchKeyOf(facts) !== NO_BATCH);
    expect([all.length, named.length]).toEqual([294, 82]);
    expect(inPairs(named, (one, its) => batchKeyOf(one.facts) === batchKeyOf(its.facts))).toEqual([]);
    expect(inPairs(named, isAlike)).toEqual([]);
  });

  it('are found, those that name a batch, when another department reports them again', async () => {
    const again = ({ facts }: Reported): Reported => ({
      reporterId: 'tj-amr',
      sampleNo: 'S-1',
      way: 'SYSTEM',
      facts: { ...facts, sampleNo: 'S-1' },
    });
    const missed = (await published()).filter(({ facts }) => batchKeyOf(facts) !== NO_BATCH).filter((one) => !isAlike(one, again(one)));
    expect(missed.map(({ facts }) => `${facts.verdict} ${facts.product.name}`)).toEqual([]);
  });
});
