import {
  CreditRecordPublished,
  CreditStatusChanged,
  FeedbackIssued,
  MarketEntityRegistered,
  MerchantOnboarded,
  OrganisationRegistered,
  PermitGranted,
  RecallPublished,
  SamplingResultPublished,
  SamplingResultReported,
} from '@jinqiao/contracts';
import { contentHash } from '@jinqiao/schema';
import { testUscc } from './uscc.js';

/** Changes to a built object: nested objects are merged, lists replaced, `undefined` takes a field away. */
export type Changes<T> = {
  [K in keyof T]?: T[K] extends readonly unknown[] | undefined ? T[K] : T[K] extends object | undefined ? Changes<T[K]> | undefined : T[K];
};

/** A report as a department sends it: a published food sample that failed, bought offline from a named shop. */
export const aReport = (changes: Changes<SamplingResultReported> = {}): SamplingResultReported =>
  built<SamplingResultReported>(
    {
      sampleNo: 'GC24120000461234567',
      revision: 1,
      organiser: { name: '天津市市场监督管理委员会' },
      regime: 'FOOD',
      finality: 'FINAL',
      verdict: 'UNQUALIFIED',
      product: { name: '香辣花生', category: '炒货食品及坚果制品', brand: '津味', spec: '200克/袋', batch: 'A1', producedOn: '2024-03-01' },
      failingItems: [{ item: '黄曲霉毒素B₁', measured: '35', limit: '≤20', unit: 'μg/kg' }],
      sampledParty: { name: '天津市和平区某某超市', uscc: testUscc(1), divisionCode: '120101' },
      nominalProducer: { name: '天津某某食品有限公司', uscc: testUscc(2) },
      notice: { no: '2024年第12号', publishedOn: '2024-05-10' },
      sampledOn: '2024-04-02',
    },
    changes,
  );

/** The same result as inspection publishes it. */
export const aSamplingResult = (changes: Changes<SamplingResultPublished> = {}): SamplingResultPublished => {
  const { revision: _reported, reportedAt: _at, online: _online, ...reported } = aReport();
  return built<SamplingResultPublished>(
    {
      ...reported,
      reporterId: 'tj-amr',
      revision: 1,
      reportedRevision: 1,
      acceptedAt: '2024-05-10T01:00:00.000Z',
      publishedAt: '2024-05-10T01:00:00.000Z',
    },
    changes,
  );
};

/** A recall as inspection publishes it: of a power bank, in every sector. */
export const aRecall = (changes: Changes<RecallPublished> = {}): RecallPublished =>
  built<RecallPublished>(
    {
      recallNo: 'R-1',
      nationalNo: 'SAMR-2026-1',
      product: { name: '移动电源', brand: '示例牌', models: ['A1'], batches: ['2025-06'], gtins: ['06901234567892'] },
      producer: { name: '示例生产企业有限公司', uscc: testUscc(3) },
      hazard: '过热燃烧',
      measure: '退款',
      announcedOn: '2026-11-20',
      keeperId: 'tj-amr',
      revision: 1,
      round: 1,
      publishedAt: '2026-11-20T01:00:00.000Z',
    },
    changes,
  );

/** A platform is told of a failed result; the hash is that of what was built. */
export const aFeedback = (changes: Changes<FeedbackIssued> = {}): FeedbackIssued => {
  const feedback = built<FeedbackIssued>(
    {
      feedbackId: '1b671a64-40d5-491e-99b0-da01ff1f3341',
      recipientId: 'jd',
      revision: 1,
      kind: 'SAMPLING_RESULT',
      subject: 'tj-amr:GC24120000461234567',
      subjectRevision: 1,
      entitlement: { kind: 'STATUTORY_NOTICE', id: 'FOOD' },
      finality: 'FINAL',
      issuedAt: '2024-05-10T01:00:01.000Z',
      actionsRequired: [{ action: 'STOP_SALE', mandatory: true, basis: '食品安全法第六十三条' }],
      legalBasis: [{ instrument: '食品安全法', article: '63', ruleVersion: '1' }],
      merchant: { shopName: '某某旗舰店' },
      content: { verdict: 'UNQUALIFIED' },
      contentHash: '',
    },
    changes,
  );
  return { ...feedback, contentHash: changes.contentHash ?? contentHash(FeedbackIssued, feedback) };
};

export const anOrganisation = (changes: Changes<OrganisationRegistered> = {}): OrganisationRegistered =>
  built<OrganisationRegistered>({ organisationId: 'jd', revision: 1, kind: 'PLATFORM', name: '京东', aliases: ['京东商城'] }, changes);

export const aMerchant = (changes: Changes<MerchantOnboarded> = {}): MerchantOnboarded =>
  built<MerchantOnboarded>(
    { platformId: 'jd', shopId: 'shop-1', revision: 1, shopName: '某某旗舰店', uscc: testUscc(1), onboardedAt: '2024-01-01T00:00:00.000Z' },
    changes,
  );

export const aMarketEntity = (changes: Changes<MarketEntityRegistered> = {}): MarketEntityRegistered =>
  built<MarketEntityRegistered>(
    { uscc: testUscc(1), revision: 1, name: '天津市和平区某某超市', status: 'ACTIVE', divisionCode: '120101', registeredOn: '2019-06-01' },
    changes,
  );

export const aPermit = (changes: Changes<PermitGranted> = {}): PermitGranted =>
  built<PermitGranted>(
    {
      departmentId: 'tj-amr',
      permitNo: 'JY11201010000001',
      revision: 1,
      uscc: testUscc(1),
      kind: '食品经营许可证',
      scope: '预包装食品销售',
      authority: '天津市和平区市场监督管理局',
      issuedOn: '2024-01-10',
      validFrom: '2024-01-10',
      validUntil: '2029-01-09',
      status: 'VALID',
      legalBasis: { instrument: '中华人民共和国食品安全法', article: '第三十五条' },
    },
    changes,
  );

export const aCreditRecord = (changes: Changes<CreditRecordPublished> = {}): CreditRecordPublished =>
  built<CreditRecordPublished>(
    {
      recordNo: '6fa459ea-ee8a-5ca4-894e-db77e160355e',
      revision: 1,
      uscc: testUscc(1),
      type: 'SAMPLING_RESULT',
      source: { departmentId: 'tj-amr', subject: 'tj-amr:GC24120000461234567', sourceRevision: 1 },
      legalBasis: [{ instrument: '市场监督管理信用修复管理办法', ruleVersion: '1' }],
      documentDate: '2024-05-10',
      publicFrom: '2024-05-10',
      publicUntil: '2027-05-10',
    },
    changes,
  );

export const aCreditStatus = (changes: Changes<CreditStatusChanged> = {}): CreditStatusChanged =>
  built<CreditStatusChanged>(
    {
      uscc: testUscc(1),
      revision: 1,
      lists: [],
      publicRecords: [{ type: 'SAMPLING_RESULT', count: 1 }],
      recordNos: ['6fa459ea-ee8a-5ca4-894e-db77e160355e'],
    },
    changes,
  );

// The changes of a declared shape, applied to it, have that shape again; the compiler cannot follow the recursion.
const built = <T extends object>(usual: T, changes: Changes<T>): T => merged(usual as Record<string, unknown>, changes) as T;

function merged(usual: Record<string, unknown>, changes: Record<string, unknown>): Record<string, unknown> {
  const result = { ...usual };
  for (const [field, change] of Object.entries(changes)) {
    const before = result[field];
    if (change === undefined) delete result[field];
    else result[field] = isPlain(change) && isPlain(before) ? merged(before, change) : change;
  }
  return result;
}

const isPlain = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
