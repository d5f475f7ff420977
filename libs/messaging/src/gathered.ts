import { isTransient } from './failures.js';

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (problem: unknown) => void;
}

/**
 * Group commit: items that arrive while one write is under way go together in the next, so many callers share one transaction and an idle
 * one waits for nobody. Where enough waits it goes into a second write beside the first: gathering more would save little, and one of
 * them works while the other waits for the database. Each gets its own answer, in the place of its item. What fails together for a reason
 * of its content is written again one by one, so that nobody fails for another's item.
 */
export class Gathered<Item, Answer> {
  private readonly waiting: Waiting<Item, Answer>[] = [];
  private underWay = 0;

  /** `most` is how much goes into one write, `enough` how much into a second one beside it; an item counts as one, or as its `size`. */
  constructor(
    private readonly write: (items: readonly Item[]) => Promise<readonly Answer[]>,
    private readonly most: number,
    private readonly size: (item: Item) => number = () => 1,
    private readonly enough = Infinity,
  ) {}

  /** Resolves when the item is durable. */
  add(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      if (this.mayBegin()) void this.writeAll();
    });
  }

  private async writeAll(): Promise<void> {
    this.underWay += 1;
    // What is added in the same breath goes together.
    await Promise.resolve();
    while (this.waiting.length > 0 && (this.underWay === 1 || this.isEnough())) await this.settle(this.waiting.splice(0, this.fitting()));
    this.underWay -= 1;
  }

  private mayBegin(): boolean {
    return this.underWay === 0 || (this.underWay === 1 && this.isEnough());
  }

  private isEnough(): boolean {
    // Most have one write at a time, and hundreds waiting for it: what they come to need not be known with each of them.
    return this.enough < Infinity && this.waiting.reduce((sum, { item }) => sum + this.size(item), 0) >= this.enough;
  }

  private fitting(): number {
    let sum = 0;
    const tooMany = this.waiting.findIndex(({ item }, place) => (sum += this.size(item)) > this.most && place > 0);
    return tooMany === -1 ? this.waiting.length : tooMany;
  }

  private async settle(together: readonly Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await this.write(together.map(({ item }) => item));
      if (answers.length !== together.length) throw new Error(`${together.length} items got ${answers.length} answers`);
      answers.forEach((answer, place) => together[place]?.resolve(answer));
    } catch (problem) {
      if (together.length === 1 || isTransient(problem)) for (const one of together) one.reject(problem);
      else for (const one of together) await this.settle([one]);
    }
  }
}
