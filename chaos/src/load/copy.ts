import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import type { CopyEntry, History } from '../history.js';
import { CREDIT_OFFICE } from '../stage.js';
import type { Speaking } from './outside.js';

const LOOK_MS = 1_000;
/** Changes get their places about once a second, so what is still to come shows within this. */
const STILL_MS = 3_000;
const FINISHED_MS_MAX = 60_000;

interface Told {
  readonly uscc: string;
  readonly revision: number;
  readonly recordNos?: readonly string[];
  readonly removed?: true;
}

interface Page {
  readonly items: readonly Told[];
  readonly cursor: string;
  readonly more: boolean;
}

/** Keeps a copy of everything public in credit as docs/credit.md tells a department to: from a snapshot, if there is one, along the changes. */
export class Copy {
  private readonly outside: Speaking;
  private readonly entities = new Map<string, Told>();
  private cursor: string | null = null;
  private following = true;
  private finished: Promise<void> = Promise.resolve();

  constructor(outside: Speaking) {
    this.outside = outside;
  }

  /** A copy that is followed from now on. */
  static begin(outside: Speaking): Copy {
    const copy = new Copy(outside);
    copy.finished = copy.keepFollowing();
    return copy;
  }

  /** Writes down what this copy holds once nothing comes any more, and what one holds that begins only now. */
  async finish(history: History): Promise<void> {
    this.following = false;
    await this.finished;
    const late = new Copy(this.outside);
    await late.takeSnapshot();
    for (const [copy, begun] of [[this, 'AT_FIRST'] as const, [late, 'AT_LAST'] as const]) {
      await copy.followToTheEnd();
      history.write({ entry: 'copy', begun, entities: copy.held() });
    }
  }

  private held(): CopyEntry['entities'] {
    return Object.fromEntries([...this.entities].map(([uscc, { revision, recordNos = [] }]) => [uscc, { revision, recordNos }]));
  }

  private async keepFollowing(): Promise<void> {
    while (this.following) {
      await sleep(LOOK_MS);
      await this.follow();
    }
  }

  private async followToTheEnd(): Promise<void> {
    const giveUpAt = Date.now() + FINISHED_MS_MAX;
    for (let stillSince = Date.now(); Date.now() - stillSince < STILL_MS && Date.now() < giveUpAt; await sleep(LOOK_MS / 2)) {
      if (!(await this.follow())) stillSince = Date.now();
    }
  }

  /** One look; true when there was nothing new. */
  private async follow(): Promise<boolean> {
    const after = this.cursor === null ? '' : `&after=${encodeURIComponent(this.cursor)}`;
    const answer = await this.outside.http({ principal: CREDIT_OFFICE, method: 'GET', path: `/api/credit/changes?limit=500${after}` });
    if (answer?.status === 410) {
      this.entities.clear();
      this.cursor = null;
    }
    if (answer?.status !== 200) return false;
    const { items, cursor, more } = answer.body as Page;
    for (const item of items) this.put(item);
    this.cursor = cursor;
    return items.length === 0 && !more;
  }

  private async takeSnapshot(): Promise<void> {
    const answer = await this.outside.http({ principal: CREDIT_OFFICE, method: 'GET', path: '/api/credit/snapshots' });
    const [newest] = ((answer?.body ?? {}) as { items?: { date: string; after: string }[] }).items ?? [];
    const content = newest && (await this.outside.download(CREDIT_OFFICE, `/api/credit/snapshots/${newest.date}/content`));
    if (!content) return;
    const lines = gunzipSync(content).toString().split('\n');
    for (const line of lines) if (line !== '') this.put(JSON.parse(line) as Told);
    this.cursor = newest.after;
  }

  private put(told: Told): void {
    if (told.removed) this.entities.delete(told.uscc);
    else this.entities.set(told.uscc, told);
  }
}
