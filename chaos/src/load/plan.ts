import type { MerchantChange, Poison, Receipt, Report, Retraction, Via } from '../history.js';
import type { Random } from '../random.js';
import { DEPARTMENTS, PLATFORMS } from '../stage.js';
import { uscc } from './uscc.js';

/** One sampleNo or shop: its operations go out one after the other, and a new one only when the last is settled. */
export interface Lane {
  readonly id: string;
  busy: boolean;
  /** Given up by its sender in the middle of a call: nothing more will be said about it. */
  closed: boolean;
}

export interface ResultLane extends Lane {
  readonly reporterId: string;
  readonly sampleNo: string;
  readonly via: Via;
  readonly sampledOn: string | null;
  readonly publishedOn: string;
  revision: number;
  withdrawn: boolean;
}

export interface ShopLane extends Lane {
  readonly platformId: string;
  readonly shopId: string;
  open: boolean;
}

export interface FeedbackSeen {
  readonly platformId: string;
  readonly feedbackId: string;
  readonly revision: number;
  readonly contentHash: string;
}

const CATEGORIES = ['调味品', '糕点', '饮料', '酒类'];
/** So many merchants are spoken of at a time. They change as the run goes on: a status names all records of its merchant, without end. */
const MERCHANTS = 40;
const MERCHANTS_EVERY = 50;
const PRODUCERS_FROM = 90_000;
const SHOPS_MAX = 60;
const DAY_MS = 86_400_000;

/** Decides, from the seed, what the outside world says next. */
export class Plan {
  readonly results: ResultLane[] = [];
  readonly shops: ShopLane[] = [];
  readonly feedbacks = new Map<string, FeedbackSeen>();
  private readonly random: Random;
  private readonly run: string;
  private readonly today = Date.now();
  private count = 0;

  constructor(random: Random, run: string) {
    this.random = random;
    this.run = run;
  }

  newResult(via: Via, reporterId = this.random.pick(DEPARTMENTS)): ResultLane {
    const lane: ResultLane = {
      id: `${reporterId}:${this.run}-${++this.count}`,
      reporterId,
      sampleNo: `${this.run}-${this.count}`,
      via,
      sampledOn: via !== 'FILE' && this.random.chance(0.7) ? this.day(200 + this.random.below(100)) : null,
      publishedOn: this.day(10 + this.random.below(150)),
      busy: false,
      closed: false,
      revision: 0,
      withdrawn: false,
    };
    this.results.push(lane);
    return lane;
  }

  /** A result that has been reported and may be changed now. Files only ever bring new ones. */
  knownResult(via: Via): ResultLane | null {
    const free = this.results.filter((lane) => !lane.busy && !lane.closed && lane.revision > 0 && lane.via === via);
    // The newest are changed most: their earlier revisions are still on the way.
    return free.length === 0 ? null : (free[free.length - 1 - Math.floor(free.length * this.random.next() ** 3)] ?? null);
  }

  report(lane: ResultLane): Report {
    const revision = ++lane.revision;
    lane.withdrawn = false;
    return {
      kind: 'REPORT',
      reporterId: lane.reporterId,
      sampleNo: lane.sampleNo,
      revision,
      published: lane.via === 'FILE' || this.random.chance(0.8),
      verdict: this.random.chance(0.65) ? 'UNQUALIFIED' : 'QUALIFIED',
      batch: `${lane.sampleNo} r${revision}`,
      platformId: lane.via !== 'FILE' && this.random.chance(0.7) ? this.random.pick(PLATFORMS) : null,
      uscc: this.merchantsUscc(),
      category: this.random.pick(CATEGORIES),
      sampledOn: lane.sampledOn,
      publishedOn: lane.publishedOn,
    };
  }

  retraction(lane: ResultLane): Retraction {
    lane.withdrawn = true;
    return { kind: 'RETRACTION', reporterId: lane.reporterId, sampleNo: lane.sampleNo, revision: ++lane.revision };
  }

  merchant(): { lane: ShopLane; change: MerchantChange } | null {
    const free = this.shops.filter((lane) => !lane.busy && !lane.closed);
    const isNew = free.length === 0 || (this.shops.length < SHOPS_MAX && this.random.chance(0.3));
    const lane = isNew ? this.newShop() : this.random.pick(free);
    const { platformId, shopId } = lane;
    const action = lane.open ? (this.random.chance(0.7) ? 'CHANGE' : 'EXIT') : 'ONBOARD';
    lane.open = action !== 'EXIT';
    const shopName = `示例网店${++this.count}`;
    return { lane, change: { kind: 'MERCHANT', action, platformId, shopId, shopName, uscc: this.merchantsUscc() } };
  }

  receipt(): Receipt | null {
    const open = [...this.feedbacks.values()];
    if (open.length === 0) return null;
    const { platformId, feedbackId, revision, contentHash } = this.random.pick(open);
    // Each revision is answered once; the next one is put back by whoever reads the platform's topic.
    this.feedbacks.delete(feedbackId);
    return { kind: 'RECEIPT', platformId, feedbackId, feedbackRevision: revision, feedbackHash: contentHash, revision: 1 };
  }

  poison(): Poison {
    const marker = `${this.run}-poison-${++this.count}`;
    const consumed = { topic: 'inspection.sampling-result.v1', consumers: ['credit', 'monitoring', 'exchange'] };
    const intake = { topic: `intake.${this.random.pick(DEPARTMENTS)}.sampling-result.v1`, consumers: ['inspection'] };
    const receipt = { topic: `platform.${this.random.pick(PLATFORMS)}.receipt.v1`, consumers: ['exchange'] };
    return { kind: 'POISON', marker, ...this.random.pick([consumed, intake, intake, receipt]) };
  }

  /** The next number of the run. */
  next(): number {
    return ++this.count;
  }

  /** Somebody who makes goods and sells none. */
  producer(): string {
    return uscc(PRODUCERS_FROM + this.random.below(MERCHANTS));
  }

  merchantsUscc(): string {
    return uscc(Math.floor(this.count / MERCHANTS_EVERY) + this.random.below(MERCHANTS));
  }

  private newShop(): ShopLane {
    const platformId = this.random.pick(PLATFORMS);
    const shopId = `${this.run}-shop-${++this.count}`;
    const lane = { id: `${platformId}:${shopId}`, platformId, shopId, busy: false, closed: false, open: false };
    this.shops.push(lane);
    return lane;
  }

  private day(ago: number): string {
    return new Date(this.today - ago * DAY_MS).toISOString().slice(0, 10);
  }
}
