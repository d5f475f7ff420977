import { setTimeout as sleep } from 'node:timers/promises';
import { type Channel, type ChannelParts, feedbackTypeIn } from './channel.js';
import { Refused } from './exchange.js';
import type { Arrived } from './platform.js';

interface Item {
  readonly feedbackId: string;
  readonly revision: number;
  readonly position: number;
  readonly type: string;
  readonly said: string;
}
interface Page {
  readonly items: readonly Item[];
  readonly cursor: string;
  readonly more: boolean;
}

const POLL_MS = 500;
const AGAIN_MS = 1_000;

/** Asks for what is new, and acknowledges what it has kept; the cursor is remembered behind the acknowledgement. */
export class PullChannel implements Channel {
  private readonly parts: ChannelParts;
  private stop: AbortController | null = null;
  private pulling: Promise<void> = Promise.resolve();

  constructor(parts: ChannelParts) {
    this.parts = parts;
  }

  open(): Promise<void> {
    this.stop = new AbortController();
    this.pulling = this.pull(this.stop.signal);
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.stop?.abort();
    await this.pulling;
  }

  private async pull(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const pause = await this.page(stop).catch((problem: unknown) => {
        this.parts.say(`pulls again: ${problem instanceof Error ? problem.message : String(problem)}`);
        return AGAIN_MS;
      });
      await sleep(pause, undefined, { signal: stop }).catch(() => undefined);
    }
  }

  /** One page, to its acknowledgement; resolves with how long to wait for the next. */
  private async page(stop: AbortSignal): Promise<number> {
    const { exchange, memory, receive } = this.parts;
    const { items, cursor, more } = await this.after(memory.cursor);
    for (const item of items) {
      if (stop.aborted) return 0;
      await receive(arrivedIn(item));
    }
    if (items.length > 0) {
      await exchange.post('deliveries/acknowledgements', { cursor });
      memory.pulledTo(cursor);
    }
    return more ? 0 : POLL_MS;
  }

  private async after(cursor: string | null): Promise<Page> {
    const { exchange, say } = this.parts;
    try {
      return await exchange.get<Page>(`deliveries?limit=100${cursor === null ? '' : `&after=${encodeURIComponent(cursor)}`}`);
    } catch (problem) {
      if (cursor === null || !(problem instanceof Refused) || problem.code !== 'REPLAY_TOO_OLD') throw problem;
      say('its cursor is too old: begins at the oldest that is kept');
      return this.after(null);
    }
  }
}

const arrivedIn = ({ feedbackId, revision, position, type, said }: Item): Arrived => ({
  id: `${feedbackId}_${revision}`,
  type: feedbackTypeIn(type),
  position,
  told: JSON.parse(said) as Arrived['told'],
});
