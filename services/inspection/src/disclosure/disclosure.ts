/**
 * Who sees what. A caller has relations to an object, and one table says which of its fields each of them shows: what no row names is shown
 * to nobody. Every route that gives out sheets and their evidence, results, cases, recalls, rounds, plans and pairs answers with what
 * `disclosed` makes, and has a type that nothing else has.
 *
 * The organiser alone publishes (产品质量监督抽查管理暂行办法 §10). Who is to be sampled is not warned, and a regulator's risk class stays with the
 * regulator. What was bought as a consumer buys (§25) is tested without its seller's name. A merchant learns of its own part in a sample
 * and its case (§35: the conclusion and its rights) and in a recall, and of nobody else's. Platforms see nothing here: the exchange tells
 * them, with proof.
 */
import type { ResultParty } from '@jinqiao/contracts';
import { seesAll, type Viewer } from '../actor.js';
import { OF_PRODUCER } from '../recall/recall.acts.js';
import { OF_CLUE } from '../sampling-case/sampling-case.acts.js';

export type Relation =
  /** Whose it is: organiser, reporter, keeper; either reporter of a pair. */
  | 'OWNER'
  /** The province, of everything. */
  | 'SUPERIOR'
  /** To whom something of it was handed over. */
  | 'HANDLER'
  /** For whom one of those works who sample. */
  | 'SAMPLER'
  /** The laboratory that was drawn, once there is a sample for it; blind where it may not know whose it is. */
  | 'LABORATORY'
  | 'BLIND_LABORATORY'
  | MerchantPart
  | 'OTHER_DEPARTMENT'
  | 'OTHER_LABORATORY'
  | 'OPERATOR'
  | 'AUDITOR';

/** A merchant's part in what it has been told of. */
type MerchantPart =
  | Exclude<ResultParty, 'PLATFORM'>
  /** Of whom a sample was taken on site: it was there, and has not been told yet what was found. */
  | 'SAMPLED_ON_SITE'
  /** Of a recall. */
  | 'PRODUCER';

/** What of an object says who has a relation to it. */
export interface Concern {
  readonly owners: readonly string[];
  readonly handlers?: readonly string[];
  readonly samplerBodies?: readonly string[];
  readonly laboratory?: { readonly id: string; readonly isBlind: boolean } | null;
  /** Those who have been told. */
  readonly parties?: readonly { readonly party: MerchantPart | 'PLATFORM'; readonly uscc?: string | undefined }[];
}

export type Matter =
  | 'SHEET'
  | 'SHEET_SUMMARY'
  | 'SAMPLING'
  | 'RESULT'
  | 'REPORTED_RESULT'
  | 'CASE'
  | 'RECALL'
  | 'ROUND'
  | 'ASSIGNMENT'
  | 'PLAN'
  | 'DRAFT_PLAN'
  | 'COVERAGE'
  | 'PAIR'
  | 'WAITING_REPORT';

type Item = Readonly<Record<string, unknown>>;

interface Sight {
  /** By their paths, whatever stands below one with it; lists are gone through. '' is the whole. */
  readonly fields: readonly string[];
  readonly but?: readonly string[];
  /** Which items of a list, where not all of them. */
  readonly items?: Readonly<Record<string, (item: Item, viewer: Viewer) => boolean>>;
}

const WHOLE: Sight = { fields: [''] };
/** With which account something was bought; an order or a payment shows it, too. */
const PURCHASE = ['purchase', 'history.facts.purchase'];
const SHOWS_ACCOUNT = ['ORDER', 'PAYMENT'];
const SHOWS_NO_SELLER = ['PHOTO', 'VIDEO', 'LAB_REJECTION', 'REPORT'];
const RISK_CLASS = ['riskClass', 'quotas.riskClass', 'history.content.quotas.riskClass'];

const below = (path: string, fields: readonly string[]): string[] => fields.map((field) => `${path}.${field}`);

const DONE = ['act', 'from', 'to', 'on', 'basis', 'takenAt'];
const STEP = ['act', 'from', 'to', 'on', 'actorId', 'competence', 'basis', 'takenAt'];
const TESTED = ['sample', 'testSeal', 'backupSeal', 'sealsIntact', 'licence', 'report', 'sha256', 'reason'];
const BLIND_SHEET: Sight = {
  fields: [
    ...['organiserId', 'sampleNo', 'roundId', 'roundNo', 'regime', 'coverage', 'state', 'mode', 'sample', 'report', 'lastOn', 'openedOn'],
    ...['laboratoryId', 'resultRevision', 'allowed', 'clocks', 'evidence'],
    ...below('history', [...STEP, ...below('facts', TESTED)]),
  ],
  but: ['sample.sampledParty', 'history.facts.sample.sampledParty'],
  items: { evidence: ({ type, addedBy }, { id }) => SHOWS_NO_SELLER.includes(String(type)) || addedBy === id },
};

// What was signed on site (§19), and what a test on the spot found, of which the party was told there and then. Not who made it.
const SAMPLED = ['organiserId', 'sampleNo', 'roundId', 'roundNo', 'regime', 'mode', 'sample'];
const SAMPLING_STEP = [
  ...below('history', DONE),
  ...below('history.facts', ['mode', 'documentNo', 'sample', 'report', 'toldAt', 'filedAt']),
];
const OF_SAMPLED_PARTY: Pick<Sight, 'but' | 'items'> = {
  but: ['sample.nominalProducer', 'history.facts.sample.nominalProducer'],
  items: {
    clocks: ({ clock }) => clock === 'RAPID_TEST_OBJECTION',
    history: ({ act }) => ['BEGIN_SAMPLING', 'SEAL_SAMPLE', 'TEST_ON_SITE', 'FILE_OBJECTION', 'WAIVE_REINSPECTION'].includes(String(act)),
  },
};
const SHEET_OF: Readonly<Partial<Record<Relation, Sight>>> = {
  SAMPLED_ON_SITE: { fields: [...SAMPLED, 'clocks', ...SAMPLING_STEP], ...OF_SAMPLED_PARTY },
  SAMPLED_PARTY: { fields: [...SAMPLED, 'state', 'report', 'clocks', ...SAMPLING_STEP], ...OF_SAMPLED_PARTY },
  NOMINAL_PRODUCER: {
    fields: ['organiserId', 'sampleNo', 'regime', 'mode', 'state', 'report', ...below('sample', ['product', 'nominalProducer', 'takenOn'])],
  },
};

const TO_HANDLER = ['reporterId', 'sampleNo', 'status', 'revision', 'withdrawal', 'state'];
const FOUND = [
  ...['sampleNo', 'reporterId', 'revision', 'organiser', 'regime', 'finality', 'verdict', 'notTestedReason', 'product', 'failingItems'],
  ...['laboratory', 'notice', 'sampledOn', 'publishedAt', 'decisions'],
];
const SHOP = below('online', ['shopId', 'shopName', 'listings']);
const CASE_STEP = ['act', 'track', 'party', 'from', 'to', 'on', 'basis', 'takenAt'];
// Neither reasons nor authorities: they are written for colleagues, and may name anybody.
const SAID_TO_PARTY = [
  'documentNo',
  'sha256',
  'mode',
  'sentOn',
  'ground',
  'upheld',
  'passed',
  'verdict',
  'laboratory',
  'laboratoryList',
  'drawKey',
  'reversed',
  'feeBorneBy',
];
// What it is told with the notices it is given, and what is public. Neither the clue nor what authorities write to each other.
const RECALL_OF_PRODUCER: Sight = {
  fields: [
    ...['recallNo', 'nationalNo', 'keeperId', 'state', 'standing', 'revision', 'round', 'closedOn', 'sectors', 'product', 'producer'],
    ...['hazard', 'measure', 'quantity', 'unit', 'announcedOn', 'period', 'authority', 'clocks', 'dueOn'],
    ...below('history', [...DONE, 'revision']),
    ...below('history.facts', ['documentNo', 'sha256', 'learnedOn', 'recalled']),
  ],
  items: {
    clocks: ({ clock }) => (OF_PRODUCER as readonly unknown[]).includes(clock),
    history: ({ act }) => act !== 'OPEN' && act !== 'FORWARD',
  },
};
const ROUND = [
  ...[
    'roundId',
    'organiserId',
    'roundNo',
    'title',
    'level',
    'year',
    'planNo',
    'regime',
    'category',
    'coverage',
    'exemption',
    'state',
    'rules',
  ],
  ...['drawNo', 'announcementHash', 'plannedAt'],
];

/** Its own; nobody whose case may be filed is warned. */
const own =
  (of: ResultParty) =>
  ({ party, track, clock }: Item): boolean =>
    party === of && track !== 'CLUE' && !(OF_CLUE as readonly unknown[]).includes(clock);

/** Where the result stands says no more than the result does. */
const ownOrOfResult =
  (of: ResultParty) =>
  (item: Item): boolean =>
    item['party'] === 'RESULT' || own(of)(item);

const resultOf = (party: ResultParty, fields: readonly string[]): Sight => ({
  fields: ['reporterId', 'sampleNo', 'status', 'revision', 'withdrawal', ...below('state', [...FOUND, ...fields])],
  items: { 'state.decisions': ownOrOfResult(party) },
});
const caseOf = (party: ResultParty): Sight => ({
  fields: [
    ...['reporterId', 'sampleNo', 'regime', 'verdict', 'standing', 'openedOn', 'parties', 'clocks', 'saleStops'],
    ...below('tracks', ['track', 'party', 'state', 'departmentId']),
    ...below('history', [...CASE_STEP, ...below('facts', SAID_TO_PARTY)]),
  ],
  items: { parties: own(party), tracks: ownOrOfResult(party), clocks: own(party), history: own(party), saleStops: own(party) },
});
/** As the answer about one sampleNo has it; what was refused is between the reporter and the platform. */
const asked = ({ fields, items = {} }: Sight): Sight => ({
  fields: ['reporterId', 'sampleNo', 'status', ...below('result', fields)],
  items: Object.fromEntries(Object.entries(items).map(([path, shows]) => [`result.${path}`, shows])),
});

const SELLER = resultOf('SAMPLED_PARTY', ['sampledParty', ...SHOP]);
const PRODUCER = resultOf('NOMINAL_PRODUCER', ['nominalProducer']);
const OVERSEEN = { OWNER: WHOLE, SUPERIOR: WHOLE, OPERATOR: WHOLE, AUDITOR: WHOLE };

export const DISCLOSED: Readonly<Record<Matter, Readonly<Partial<Record<Relation, Sight>>>>> = {
  SHEET: {
    ...OVERSEEN,
    HANDLER: WHOLE,
    SAMPLER: WHOLE,
    LABORATORY: { fields: [''], but: PURCHASE, items: { evidence: ({ type }) => !SHOWS_ACCOUNT.includes(String(type)) } },
    BLIND_LABORATORY: BLIND_SHEET,
    OPERATOR: { fields: [''], but: [...PURCHASE, 'evidence'] },
    ...SHEET_OF,
  },
  SHEET_SUMMARY: {
    ...OVERSEEN,
    HANDLER: WHOLE,
    SAMPLER: WHOLE,
    LABORATORY: WHOLE,
    BLIND_LABORATORY: { fields: [''], but: ['object'] },
    SAMPLED_ON_SITE: { fields: ['organiserId', 'sampleNo', 'roundId'] },
    SAMPLED_PARTY: { fields: ['organiserId', 'sampleNo', 'roundId', 'state'] },
    NOMINAL_PRODUCER: { fields: ['organiserId', 'sampleNo', 'state'] },
  },
  SAMPLING: OVERSEEN,
  RESULT: { ...OVERSEEN, HANDLER: { fields: TO_HANDLER }, SAMPLED_PARTY: SELLER, NOMINAL_PRODUCER: PRODUCER },
  REPORTED_RESULT: {
    ...OVERSEEN,
    HANDLER: asked({ fields: TO_HANDLER }),
    SAMPLED_PARTY: asked(SELLER),
    NOMINAL_PRODUCER: asked(PRODUCER),
  },
  CASE: { ...OVERSEEN, HANDLER: WHOLE, SAMPLED_PARTY: caseOf('SAMPLED_PARTY'), NOMINAL_PRODUCER: caseOf('NOMINAL_PRODUCER') },
  RECALL: { ...OVERSEEN, PRODUCER: RECALL_OF_PRODUCER },
  ROUND: {
    ...OVERSEEN,
    OPERATOR: { fields: [''], but: RISK_CLASS },
    OTHER_DEPARTMENT: { fields: [''], but: RISK_CLASS },
    OTHER_LABORATORY: { fields: ROUND },
  },
  ASSIGNMENT: { ...OVERSEEN, OPERATOR: { fields: [''], but: RISK_CLASS } },
  PLAN: { ...OVERSEEN, OPERATOR: { fields: [''], but: RISK_CLASS }, OTHER_DEPARTMENT: { fields: [''], but: [...RISK_CLASS, 'history'] } },
  DRAFT_PLAN: { ...OVERSEEN, OPERATOR: { fields: [''], but: RISK_CLASS } },
  COVERAGE: OVERSEEN,
  PAIR: OVERSEEN,
  WAITING_REPORT: OVERSEEN,
};

declare const seen: unique symbol;
type PartOf<T> = T extends Date | readonly unknown[] ? T : T extends object ? { readonly [Field in keyof T]?: T[Field] } : T;
/** What somebody sees of a T: any of its fields may be missing, at any depth. */
export type Seen<T> = PartOf<T> & { readonly [seen]: true };

export function relationsOf(viewer: Viewer, concern: Concern): Relation[] {
  const { owners, handlers = [], samplerBodies = [], laboratory = null, parties = [] } = concern;
  const { id, kind } = viewer;
  const samples: Relation[] = samplerBodies.includes(id) ? ['SAMPLER'] : [];
  switch (kind) {
    case 'DEPARTMENT':
      return [
        ...(owners.includes(id) ? (['OWNER'] as const) : []),
        ...(seesAll(viewer) ? (['SUPERIOR'] as const) : []),
        ...(handlers.includes(id) ? (['HANDLER'] as const) : []),
        ...samples,
        'OTHER_DEPARTMENT',
      ];
    case 'LABORATORY': {
      const as = laboratory?.isBlind ? 'BLIND_LABORATORY' : 'LABORATORY';
      return [...(laboratory?.id === id ? ([as] as const) : []), ...samples, 'OTHER_LABORATORY'];
    }
    case 'MERCHANT':
      return parties.flatMap((one) => (viewer.uscc !== null && one.uscc === viewer.uscc && one.party !== 'PLATFORM' ? [one.party] : []));
    case 'OPERATOR':
    case 'AUDITOR':
      return [kind];
    default:
      return [];
  }
}

/** Does the viewer know that there is such an object? */
export const sees = (matter: Matter, viewer: Viewer, concern: Concern): boolean =>
  relationsOf(viewer, concern).some((relation) => DISCLOSED[matter][relation] !== undefined);

/** What the viewer sees of an object; null where it is not to know that there is one. */
export function disclosed<T extends object>(matter: Matter, viewer: Viewer, concern: Concern, object: T): Seen<T> | null {
  const sights = relationsOf(viewer, concern).flatMap((relation) => DISCLOSED[matter][relation] ?? []);
  if (sights.length === 0) return null;
  return (sights.includes(WHOLE) ? object : kept(object, sights, '', viewer)) as Seen<T>;
}

/** As a table for docs/inspection.md. */
export function sightTable(): string {
  const rows = Object.entries(DISCLOSED).map(([matter, sights]) => {
    const seen = Map.groupBy(Object.entries(sights), ([, sight]) => inWords(sight));
    const cells = [...seen].map(([words, of]) => `${of.map(([relation]) => relation).join(', ')}: ${words}`);
    return `| ${matter} | ${cells.join('<br>')} |`;
  });
  return ['| of | sees |', '|---|---|', ...rows].join('\n');
}

const inWords = ({ fields, but = [], items = {} }: Sight): string => {
  const those = fields.includes('') ? 'everything' : code(fields);
  const lists = Object.keys(items).length > 0 ? `; not every item of ${code(Object.keys(items))}` : '';
  return `${those}${but.length > 0 ? ` but ${code(but)}` : ''}${lists}`;
};
/** Those of one place together. */
const code = (paths: readonly string[]): string =>
  [...Map.groupBy(paths, (path) => path.slice(0, Math.max(path.lastIndexOf('.'), 0)))]
    .map(([place, of]) => {
      const names = of.map((path) => path.slice(place === '' ? 0 : place.length + 1)).join(', ');
      return place === '' ? `\`${names}\`` : `\`${place}.{${names}}\``;
    })
    .join(', ');

function kept(value: unknown, sights: readonly Sight[], path: string, viewer: Viewer): unknown {
  const reaching = sights.filter((sight) => reaches(sight, path));
  if (reaching.length === 0) return undefined;
  if (Array.isArray(value))
    return value.flatMap((item: Item) => {
      const shown = kept(
        item,
        reaching.filter(({ items }) => items?.[path]?.(item, viewer) ?? true),
        path,
        viewer,
      );
      return shown === undefined ? [] : [shown];
    });
  if (typeof value !== 'object' || value === null || value instanceof Date)
    return reaching.some((sight) => shows(sight, path)) ? value : undefined;
  const fields = Object.entries(value).map(([field, held]) => [
    field,
    kept(held, reaching, path === '' ? field : `${path}.${field}`, viewer),
  ]);
  return Object.fromEntries(fields.filter(([, held]) => held !== undefined));
}

const isWithin = (path: string, field: string): boolean => field === '' || path === field || path.startsWith(`${field}.`);

const shows = ({ fields, but = [] }: Sight, path: string): boolean =>
  fields.some((field) => isWithin(path, field)) && !but.some((field) => isWithin(path, field));

const reaches = (sight: Sight, path: string): boolean => shows(sight, path) || sight.fields.some((field) => isWithin(field, path));
