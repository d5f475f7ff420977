/**
 * What leaves: declared once for each kind of feedback and class of recipient, as the fields of a body. Every body is built from these
 * declarations and from nothing else, so a field that nobody has put here stays inside, however it got into a state or a table. Left out
 * on purpose: who bought, order numbers, codes of parties other than the recipient's merchant, the department's own numbering of its
 * states, every time stamp that is not part of the finding, and everything of a person.
 */
import type { CreditStatusChanged, FeedbackIssued, FeedbackKind, Listing, RecallPublished } from '@jinqiao/contracts';
import type { Principal } from '@jinqiao/platform';
import type { SamplingState } from './feedback.js';

/** PLATFORM: what it is told. The others read it afterwards. AUDITOR: whoever supervises, the operator among them. */
export const RECIPIENT_CLASSES = ['PLATFORM', 'DEPARTMENT', 'STATISTICS', 'AUDITOR'] as const;
export type RecipientClass = (typeof RECIPIENT_CLASSES)[number];

/** The fields of T that leave: `true` for a value, the fields of its elements for a list. */
export type Fields<T> = T extends readonly (infer Element)[]
  ? Fields<Element>
  : T extends object
    ? { readonly [Name in keyof T]?: Fields<T[Name]> }
    : true;

/** A sampling result with the merchant at whom it was sampled. */
export interface ResultSource {
  readonly merchant: SoldBy;
  readonly content: SamplingState;
}

/** A merchant's credit status with its shops on the platform that is told. */
export interface StatusSource {
  readonly merchant: SoldBy;
  readonly content: Omit<CreditStatusChanged, 'revision'> & {
    readonly shopCount: number;
    readonly shops: readonly { shopId: string; shopName?: string | undefined }[];
  };
}

/** A recall, and whether it goes on. */
export interface RecallSource {
  readonly content: RecallPublished & { readonly standing: 'PUBLISHED' | 'CLOSED' };
}

interface SoldBy {
  readonly uscc?: string | undefined;
  readonly name?: string | undefined;
  readonly shopId?: string | undefined;
  readonly shopName?: string | undefined;
  readonly listings?: readonly Listing[] | undefined;
}

type Source<Kind extends FeedbackKind> = Kind extends 'SAMPLING_RESULT'
  ? ResultSource
  : Kind extends 'CREDIT_STATUS'
    ? StatusSource
    : Kind extends 'RECALL'
      ? RecallSource
      : object;

const RESULT: Fields<ResultSource> = {
  merchant: { uscc: true, name: true, shopId: true, shopName: true, listings: { itemId: true, url: true } },
  content: {
    sampleNo: true,
    regime: true,
    finality: true,
    verdict: true,
    notTestedReason: true,
    sampledOn: true,
    organiser: { name: true },
    product: {
      name: true,
      category: true,
      brand: true,
      spec: true,
      model: true,
      standard: true,
      batch: true,
      producedOn: true,
      gtins: true,
    },
    failingItems: { item: true, measured: true, limit: true, unit: true },
    nominalProducer: { name: true, authorship: true },
    laboratory: { name: true },
    notice: { no: true, publishedOn: true },
    decisions: { kind: true, party: true, on: true, verdict: true, authorship: true, resumes: true },
  },
};

const STATUS: Fields<StatusSource> = {
  merchant: { uscc: true, shopId: true, shopName: true },
  content: {
    uscc: true,
    lists: true,
    mark: true,
    publicRecords: { type: true, count: true, rules: true },
    recordNos: true,
    records: { recordNo: true, revision: true, contested: true, publicUntil: true },
    commitments: { open: true, broken: true },
    shopCount: true,
    shops: { shopId: true, shopName: true },
  },
};

/** Public as a whole, its producer's name and code included; but for the department's own numbering. */
const RECALL: Fields<RecallSource> = {
  content: {
    recallNo: true,
    nationalNo: true,
    standing: true,
    round: true,
    product: { name: true, category: true, brand: true, models: true, batches: true, gtins: true, productionPeriod: true },
    producer: { name: true, uscc: true },
    hazard: true,
    measure: true,
    quantity: true,
    unit: true,
    announcedOn: true,
    period: true,
    authority: true,
  },
};

/** No body leaves. */
const NOTHING = {} as const;

export const VISIBLE: { readonly [Kind in FeedbackKind]: Readonly<Record<RecipientClass, Fields<Source<Kind>>>> } = {
  // Statistics read counts alone: GET /api/exchange/feedback/counts.
  SAMPLING_RESULT: { PLATFORM: RESULT, DEPARTMENT: RESULT, STATISTICS: NOTHING, AUDITOR: RESULT },
  CREDIT_STATUS: { PLATFORM: STATUS, DEPARTMENT: NOTHING, STATISTICS: NOTHING, AUDITOR: STATUS },
  RECALL: { PLATFORM: RECALL, DEPARTMENT: RECALL, STATISTICS: NOTHING, AUDITOR: RECALL },
  // No department publishes restrictions here. The kind is part of version 1, since a code that came later would be a new version of every
  // event that carries it; what anybody may see of one, its end included, is declared with the source that it has to come from.
  RESTRICTION: { PLATFORM: NOTHING, DEPARTMENT: NOTHING, STATISTICS: NOTHING, AUDITOR: NOTHING },
};

export type Body = Pick<FeedbackIssued, 'merchant' | 'content'>;

/** The body of a feedback for a recipient. */
export function bodyFor(recipient: RecipientClass, kind: FeedbackKind, source: object): Body {
  const { merchant = {}, content = {} } = projected(VISIBLE[kind][recipient] as Tree, source) as Partial<Body>;
  return { ...(Object.keys(merchant).length > 0 && { merchant }), content };
}

export function classOf({ kind }: Pick<Principal, 'kind'>): RecipientClass {
  switch (kind) {
    case 'PLATFORM':
    case 'DEPARTMENT':
    case 'AUDITOR':
      return kind;
    case 'OPERATOR':
      return 'AUDITOR';
    default:
      return 'STATISTICS';
  }
}

type Tree = { readonly [name: string]: true | Tree };

/** Copies what is declared. A value where fields are declared, or fields where a value is, is not what was declared: it stays inside. */
function projected(fields: Tree, from: object): object {
  const kept: [string, unknown][] = [];
  for (const [name, value] of Object.entries(from) as [string, unknown][]) {
    const left = Object.hasOwn(fields, name) ? leaving(fields[name] ?? {}, value) : undefined;
    if (left !== undefined) kept.push([name, left]);
  }
  return Object.fromEntries(kept);
}

function leaving(fields: true | Tree, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((element: unknown) => leaving(fields, element)).filter((element) => element !== undefined);
  if (typeof value !== 'object' || value === null) return fields === true ? (value ?? undefined) : undefined;
  return fields === true ? undefined : projected(fields, value);
}
