import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { type Arrived, type Held, receptionOf, type Reception } from './platform.js';

type Entry =
  | { readonly what: 'arrived'; readonly arrived: Arrived; readonly at: string }
  | { readonly what: 'answered'; readonly feedbackId: string; readonly revision: number; readonly answers: number }
  | { readonly what: 'cursor'; readonly cursor: string };

/** What the platform keeps: all of it before it says that it has it. In a file it outlives the process, line by line. */
export class Memory {
  /** The place behind what was pulled and acknowledged. */
  cursor: string | null = null;
  private readonly held = new Map<string, Held>();
  private readonly ids = new Set<string>();
  private readonly file: string | null;

  constructor(file: string | null = null) {
    this.file = file;
    if (file === null || !existsSync(file)) return;
    const lines = readFileSync(file, 'utf8').split('\n');
    // The last line is empty, or was cut off in the middle.
    for (const line of lines.slice(0, -1)) this.follow(JSON.parse(line) as Entry);
  }

  get feedbacks(): Held[] {
    return [...this.held.values()];
  }

  find(feedbackId: string): Held | undefined {
    return this.held.get(feedbackId);
  }

  receive(arrived: Arrived, at: Date): Reception {
    const reception = receptionOf(arrived, this.find(arrived.told.feedbackId), this.ids.has(arrived.id));
    if (reception === 'APPLIED') this.keep({ what: 'arrived', arrived, at: at.toISOString() });
    return reception;
  }

  answered({ told }: Held, answers: number): void {
    this.keep({ what: 'answered', feedbackId: told.feedbackId, revision: told.revision, answers });
  }

  pulledTo(cursor: string): void {
    this.keep({ what: 'cursor', cursor });
  }

  private keep(entry: Entry): void {
    if (this.file !== null) appendFileSync(this.file, `${JSON.stringify(entry)}\n`);
    this.follow(entry);
  }

  private follow(entry: Entry): void {
    switch (entry.what) {
      case 'arrived': {
        const { arrived, at } = entry;
        this.ids.add(arrived.id);
        const before = this.find(arrived.told.feedbackId);
        // What was held wrongly and is told again is answered as far as it was.
        const isHealed = before?.told.revision === arrived.told.revision;
        this.held.set(arrived.told.feedbackId, {
          ...arrived,
          ...(isHealed ? { at: before.at, answered: before.answered } : { at, answered: 0 }),
        });
        return;
      }
      case 'answered': {
        const held = this.held.get(entry.feedbackId);
        if (held?.told.revision === entry.revision) this.held.set(entry.feedbackId, { ...held, answered: entry.answers });
        return;
      }
      case 'cursor':
        this.cursor = entry.cursor;
    }
  }
}
