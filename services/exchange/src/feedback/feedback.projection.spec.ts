/**
 * Nothing leaves that is not declared: states are filled at every level with fields that nobody has declared, and with what is declared to
 * stay inside, each marked; no mark may be found in what any recipient gets.
 */
import { FEEDBACK_KINDS, REGIMES, VERDICTS } from '@jinqiao/contracts';
import fc from 'fast-check';
import { settle } from '../merchant/merchant.js';
import { follow, type SamplingState, type Standing } from './feedback.js';
import { bodyFor, classOf, RECIPIENT_CLASSES, VISIBLE } from './feedback.projection.js';

const NOW = new Date('2026-11-23T01:00:00.000Z');
const USCC = '92120199MA9XXX02XM';
const INSIDE = 'INSIDE';
const NOTHING: Standing = { feedbacks: [], waiting: null };

const seen = fc.uuid();
const inside = fc.uuid().map((text) => `${INSIDE}-${text}`);
/** What a later version of an event, or a careless hand in the database, may bring along. */
const unknown = fc.dictionary(
  fc.constantFrom('phone', 'idNumber', 'legalRepresentative', 'buyer', 'contact', 'address', '__proto__', 'constructor', 'toString'),
  fc.oneof(inside, fc.record({ name: inside, phone: inside }), fc.array(fc.record({ name: inside }), { minLength: 1, maxLength: 2 })),
  { maxKeys: 4 },
);
const filled = <T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.tuple(fc.record(model) as unknown as fc.Arbitrary<T>, unknown).map(([declared, more]) => ({ ...more, ...declared }));
const sometimes = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });

const online = (platformName: string) =>
  filled({
    platformName: fc.constant(platformName),
    shopId: seen,
    shopName: seen,
    orderNo: inside,
    listings: fc.array(filled({ itemId: seen, url: seen }), { maxLength: 3 }),
  });
const state = (soldOn: fc.Arbitrary<object | undefined>) =>
  filled({
    sampleNo: fc.constant('S-1'),
    reporterId: fc.constant('tj-amr'),
    revision: fc.constant(1),
    reportedRevision: fc.constant(1),
    revisionReason: inside,
    acceptedAt: inside,
    publishedAt: sometimes(inside),
    reportedAt: inside,
    regime: fc.constantFrom(...REGIMES),
    finality: fc.constantFrom('PROVISIONAL', 'FINAL'),
    verdict: fc.constantFrom(...VERDICTS),
    organiser: sometimes(filled({ id: inside, name: seen })),
    product: filled({ name: seen, gtins: fc.array(seen, { maxLength: 2 }) }),
    failingItems: sometimes(fc.array(filled({ item: seen, measured: seen }), { maxLength: 3 })),
    sampledParty: sometimes(filled({ name: seen, uscc: seen, divisionCode: inside, regionName: inside })),
    nominalProducer: sometimes(filled({ name: seen, uscc: inside, divisionCode: inside, regionName: inside })),
    laboratory: sometimes(filled({ name: seen, uscc: inside })),
    notice: sometimes(filled({ no: seen })),
    round: filled({ no: inside }),
    decisions: sometimes(fc.array(filled({ kind: seen, party: seen, by: inside, on: seen }), { maxLength: 2 })),
    online: soldOn,
  }) as unknown as fc.Arbitrary<SamplingState>;

const change = (of: SamplingState, revision = 1) => ({ subject: 'tj-amr:S-1', revision, state: { ...of, revision }, reason: null });

describe('a sampling result', () => {
  it('gives a platform what is declared, whatever the state holds', () => {
    fc.assert(
      fc.property(state(online('京东')), (of) => {
        const { told } = follow(NOTHING, change(of), 'jd', NOW);
        expect(told).toHaveLength(1);
        expect(JSON.stringify(told)).not.toContain(INSIDE);
        expect(JSON.stringify(told)).toContain(of.product.name);
      }),
      { numRuns: 500 },
    );
  });

  it('that goes to another platform tells the first nothing of the second', () => {
    fc.assert(
      fc.property(state(online('京东')), state(online('天猫')), (of, elsewhere) => {
        const before = follow(NOTHING, change(of), 'jd', NOW);
        const { told } = follow({ feedbacks: before.told, waiting: null }, change(elsewhere, 2), 'tmall', NOW);
        const toFirst = JSON.stringify(told.filter(({ said }) => said.recipientId === 'jd').map(({ said }) => said));
        const { online: sale, sampledParty, product } = elsewhere;
        const names = [
          sale?.shopId,
          sale?.shopName,
          sampledParty?.name,
          sampledParty?.uscc,
          product.name,
          ...(sale?.listings ?? []).map(({ url }) => url),
        ];
        for (const name of names) if (name !== undefined) expect(toFirst).not.toContain(name);
        expect(toFirst).toContain('jd');
      }),
    );
  });

  it('sampled offline tells no platform anything, and waits for none', () => {
    fc.assert(
      fc.property(state(fc.constant(undefined)), fc.option(fc.constantFrom('jd', 'tmall')), (of, found) => {
        expect(follow(NOTHING, change(of), found, NOW)).toEqual({ told: [], waiting: null });
      }),
    );
  });
});

describe('a credit status', () => {
  const shop = filled({
    platformId: fc.constantFrom('jd', 'tmall', 'meituan'),
    uscc: fc.constant(USCC),
    exitedAt: sometimes(fc.constant('2026-01-01T00:00:00Z')),
  }).chain(({ platformId, ...rest }) =>
    fc.uuid().map((id) => ({ ...rest, platformId, shopId: `of-${platformId}-${id}`, shopName: `of-${platformId}` })),
  );
  const facts = filled({
    uscc: fc.constant(USCC),
    revision: fc.constant(1),
    lists: fc.array(seen, { maxLength: 2 }),
    publicRecords: fc.array(filled({ type: fc.constant('SAMPLING_RESULT' as const), count: fc.integer({ min: 1, max: 9 }) }), {
      maxLength: 2,
    }),
    recordNos: fc.array(seen, { maxLength: 3 }),
    records: sometimes(
      fc.array(filled({ recordNo: seen, revision: fc.integer({ min: 1, max: 9 }), contested: sometimes(fc.boolean()) }), { maxLength: 3 }),
    ),
    commitments: sometimes(filled({ open: fc.nat(9), broken: fc.nat(9) })),
  });

  it('tells each platform of its own shops alone, and nothing that is not declared', () => {
    fc.assert(
      fc.property(fc.array(shop, { maxLength: 6 }), facts, (shops, known) => {
        const agreed = new Set(['jd', 'tmall', 'meituan']);
        const status = { revision: 1, facts: known };
        const told = settle({ uscc: USCC, status, shops, feedbacks: [], agreed, knownShops: new Set() }, NOW);
        for (const { said } of told) {
          const leaves = JSON.stringify(said);
          expect(leaves).not.toContain(INSIDE);
          for (const other of ['jd', 'tmall', 'meituan'].filter((id) => id !== said.recipientId))
            expect(leaves).not.toContain(`of-${other}`);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a body', () => {
  /** Every path to a value, without places in lists. */
  const paths = (value: unknown, path = ''): string[] => {
    if (Array.isArray(value)) return value.flatMap((element) => paths(element, path));
    if (typeof value !== 'object' || value === null) return [path];
    return Object.entries(value).flatMap(([name, inner]) => paths(inner, `${path}/${name}`));
  };

  it.each(FEEDBACK_KINDS.flatMap((kind) => RECIPIENT_CLASSES.map((recipient) => [kind, recipient] as const)))(
    'of %s for %s has the declared paths and no other',
    (kind, recipient) => {
      const declared = new Set(paths(VISIBLE[kind][recipient]));
      fc.assert(
        fc.property(fc.record({ merchant: fc.object(), content: fc.oneof(fc.object(), state(online('京东'))) }), (source) => {
          for (const path of paths(bodyFor(recipient, kind, source))) if (path !== '') expect(declared).toContain(path);
        }),
      );
      if (recipient === 'STATISTICS') expect(declared).toEqual(new Set());
    },
  );

  it('is not left by what has another shape than was declared', () => {
    const source = {
      merchant: 'INSIDE',
      content: { sampleNo: { text: 'INSIDE' }, organiser: 'INSIDE', failingItems: ['INSIDE', { item: 'a' }] },
    };
    expect(bodyFor('PLATFORM', 'SAMPLING_RESULT', source)).toEqual({ content: { failingItems: [{ item: 'a' }] } });
  });

  it('is the least for whoever is of no class that reads bodies', () => {
    for (const kind of ['MERCHANT', 'LABORATORY', 'SERVICE', 'STATISTICS'] as const) expect(classOf({ kind })).toBe('STATISTICS');
    expect(classOf({ kind: 'OPERATOR' })).toBe('AUDITOR');
  });
});
