import type { SamplingResultPublished, SamplingResultReported } from '@jinqiao/contracts';
import { built } from './place.js';

/** Shares of the mix of goal P5: what a year's results of a department look like, and the worst case. */
export interface Mix {
  readonly unqualified: number;
  readonly online: number;
  /** Of the unqualified, how many are found qualified on re-inspection. */
  readonly revised: number;
  /** Where what is sold online is sold, in turn; absent: PLATFORMS. */
  readonly platforms?: readonly string[];
}
export const MIX: Mix = { unqualified: 0.05, online: 0.3, revised: 0.2 };
export const WORST: Mix = { unqualified: 1, online: 1, revised: 0 };

export const DEPARTMENT = 'tj-amr';
export const PLATFORMS = ['jd', 'tmall', 'taobao'] as const;
/** Merchants and producers that results are about; each occurs again and again, as they do. */
const ENTITIES = 1_000;
// By its path: the library beside it is for specs and brings their tools along.
const { testUscc } = await built<{ testUscc: (n: number) => string }>('libs/testing/dist/uscc.js');
const usccs = Array.from({ length: ENTITIES }, (_, n) => testUscc(n + 1));

/** The n-th result of a run, the same for every contender: about 900 bytes of JSON. */
export function reportAt(run: string, n: number, mix: Mix = MIX): SamplingResultReported {
  const unqualified = isUnqualified(n, mix);
  const { platforms = PLATFORMS } = mix;
  const platform = platforms[n % platforms.length] ?? 'jd';
  return {
    sampleNo: `${run}-${String(n).padStart(8, '0')}`,
    revision: 1,
    organiser: { name: '天津市市场监督管理委员会' },
    regime: 'PRODUCT',
    finality: 'FINAL',
    verdict: unqualified ? 'UNQUALIFIED' : 'QUALIFIED',
    product: {
      name: '电热水壶',
      category: '家用电器',
      brand: '津味',
      spec: '1.7升',
      model: `K${n % 500}`,
      batch: `A${n % 97}`,
      producedOn: `2026-03-${String(1 + (n % 28)).padStart(2, '0')}`,
    },
    ...(unqualified && {
      failingItems: [
        { item: '接地措施', measured: '0.35', limit: '≤0.1', unit: 'Ω' },
        { item: '标志和说明', measured: '缺项', limit: '符合GB 4706.1' },
      ],
    }),
    sampledParty: {
      name: `天津市和平区第${n % ENTITIES}商行`,
      uscc: usccs[n % ENTITIES] ?? '',
      divisionCode: '120101',
      regionName: '天津市和平区',
    },
    nominalProducer: { name: `浙江第${n % ENTITIES}电器有限公司` },
    laboratory: { name: '天津市产品质量监督检测技术研究院' },
    notice: { no: '2026年第12号', publishedOn: '2026-09-10' },
    sampledOn: `2026-0${1 + (n % 8)}-15`,
    ...(isOnline(n, mix) && {
      online: { platformId: platform, shopId: `shop-${n % ENTITIES}`, shopName: `第${n % ENTITIES}旗舰店`, orderNo: `O${n}` },
    }),
  };
}

/** The same result after it passed its re-inspection, or null where there is none. */
export function revisionAt(run: string, n: number, mix: Mix = MIX): SamplingResultReported | null {
  if (!isRevised(n, mix)) return null;
  const { failingItems: _failed, ...report } = reportAt(run, n, mix);
  return { ...report, revision: 2, revisionReason: 'REINSPECTED', verdict: 'QUALIFIED' };
}

/** What a publisher of results writes to the topic for it. */
export function publishedAt(run: string, n: number, mix: Mix = MIX): SamplingResultPublished {
  const { online, ...report } = reportAt(run, n, mix);
  const { orderNo: _order, ...sale } = online ?? {};
  const at = '2026-09-10T01:00:00.000Z';
  return {
    ...report,
    reporterId: DEPARTMENT,
    revision: 1,
    reportedRevision: 1,
    acceptedAt: at,
    publishedAt: at,
    ...(online && { online: sale }),
  };
}

export interface Totals {
  readonly results: number;
  readonly online: number;
  readonly revised: number;
  /** Found unqualified at first. */
  readonly charged: number;
  /** Still unqualified after every revision. */
  readonly unqualified: number;
  /** States an online platform is told: every revision of every result sold there. */
  readonly told: number;
}

/** What the first `count` results of a run come to. */
export function totals(count: number, mix: Mix = MIX): Totals {
  const sums = { results: count, online: 0, revised: 0, charged: 0, unqualified: 0, told: 0 };
  for (let n = 0; n < count; n += 1) {
    const revised = isRevised(n, mix);
    const charged = isUnqualified(n, mix);
    sums.online += Number(isOnline(n, mix));
    sums.revised += Number(revised);
    sums.charged += Number(charged);
    sums.unqualified += Number(charged && !revised);
    if (isOnline(n, mix)) sums.told += revised ? 2 : 1;
  }
  return sums;
}

const isUnqualified = (n: number, mix: Mix): boolean => share(n, 1) < mix.unqualified;
const isOnline = (n: number, mix: Mix): boolean => share(n, 2) < mix.online;
const isRevised = (n: number, mix: Mix): boolean => isUnqualified(n, mix) && share(n, 3) < mix.revised;

/** A number in [0, 1) that looks like chance and is the same every time (the finaliser of MurmurHash3). */
function share(n: number, of: number): number {
  let mixed = Math.imul(n + 1, 0x9e3779b1) ^ Math.imul(of, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
}
