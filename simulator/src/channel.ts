import type { FeedbackAnswered } from '@jinqiao/contracts';
import type { Access, Exchange } from './exchange.js';
import type { Memory } from './memory.js';
import type { Arrived, FeedbackType } from './platform.js';

export const CHANNELS = ['KAFKA', 'WEBHOOK', 'PULL'] as const;
export type ChannelName = (typeof CHANNELS)[number];

/** How the platform behaves; it may change at any time. */
export interface Behaviour {
  /** It takes so long over each feedback. */
  readonly slowMs: number;
  /** HANGING: takes connections and never answers. REFUSING: takes none. By topic and pull both read nothing. */
  readonly dead: 'HANGING' | 'REFUSING' | null;
  /** Answers webhooks with 500, and answers feedback with hashes that are not its own. */
  readonly wrong: boolean;
}

export interface ChannelParts {
  readonly access: Access;
  readonly exchange: Exchange;
  readonly memory: Memory;
  readonly behaviour: () => Behaviour;
  /** Resolves when the platform has it for good. */
  readonly receive: (arrived: Arrived) => Promise<void>;
  readonly say: (line: string) => void;
}

/** What a platform is told by. It is closed while the platform is dead. */
export interface Channel {
  open(): Promise<void>;
  close(): Promise<void>;
  /** By which it gives its answers; absent: over HTTP. Resolves with what became of it. */
  answer?(answered: FeedbackAnswered): Promise<string>;
}

/** `platform.feedback.FeedbackIssued` → `FeedbackIssued`. */
export function feedbackTypeIn(type: string): FeedbackType {
  const name = type.slice(type.lastIndexOf('.') + 1);
  if (name !== 'FeedbackIssued' && name !== 'FeedbackWithdrawn') throw new Error(`${type} is no feedback`);
  return name;
}
