import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

/*
 * What the outside world did and saw, one JSON line each, written with a system call before and after every call: what is not in this
 * file did not happen. The checker reads it and nothing of the load generator's memory.
 */

/** A sampling result as a department reports it. */
export interface Report {
  readonly kind: 'REPORT';
  readonly reporterId: string;
  readonly sampleNo: string;
  readonly revision: number;
  readonly published: boolean;
  readonly verdict: 'QUALIFIED' | 'UNQUALIFIED';
  /** Differs in every revision, so that a state is known again wherever it turns up; the twin of a result has the same. */
  readonly batch: string;
  readonly platformId: string | null;
  readonly uscc: string;
  readonly category: string;
  readonly sampledOn: string | null;
  readonly publishedOn: string;
  /** Absent: FOOD. */
  readonly regime?: 'FOOD' | 'PRODUCT';
  /** Code of the producer that is named on the sample. */
  readonly producer?: string;
  /** The result that it reports once more. */
  readonly twinOf?: string;
}

export interface Retraction {
  readonly kind: 'RETRACTION';
  readonly reporterId: string;
  readonly sampleNo: string;
  readonly revision: number;
}

export interface Receipt {
  readonly kind: 'RECEIPT';
  readonly platformId: string;
  readonly feedbackId: string;
  readonly feedbackRevision: number;
  readonly feedbackHash: string;
  readonly revision: number;
}

export interface MerchantChange {
  readonly kind: 'MERCHANT';
  readonly action: 'ONBOARD' | 'CHANGE' | 'EXIT';
  readonly platformId: string;
  readonly shopId: string;
  readonly shopName: string;
  readonly uscc: string;
}

/** A record nobody can handle; `consumers` have to set it aside, each once. */
export interface Poison {
  readonly kind: 'POISON';
  readonly topic: string;
  readonly marker: string;
  readonly consumers: readonly string[];
}

/** One step of what is worked on at inspection; the first is OPEN. All of it is the organiser's, who acts for the province too. */
export interface Act {
  readonly kind: 'ACT';
  readonly matter: 'SHEET' | 'CASE' | 'RECALL' | 'PLAN' | 'ROUND' | 'DRAWN';
  /** Its sampleNo, recallNo, planNo or roundNo; of what was drawn the objectId. */
  readonly name: string;
  readonly act: string;
  readonly by: string;
  readonly on: string;
  /** Given as the reason, of a plan as its title, so that the step is known again in the history. */
  readonly mark: string;
  readonly facts: Readonly<Record<string, unknown>>;
  /** Posted at once with another act of the same race, maybe on something else; only one of them can be taken. */
  readonly race?: string;
  /** The result that a sheet is confirmed as. */
  readonly enters?: Report;
}

/** A file that proves a step of a sheet. */
export interface Proof {
  readonly kind: 'PROOF';
  readonly sampleNo: string;
  readonly type: string;
  readonly by: string;
  readonly text: string;
}

/** Do two results report the same? */
export interface Ruling {
  readonly kind: 'RULING';
  readonly pairId: string;
  readonly later: string;
  readonly earlier: string;
  readonly by: string;
  readonly ruling: 'DIFFERENT' | 'SAME';
  /** SAME: which of the two stands. */
  readonly survivor: string | null;
  readonly mark: string;
  readonly race?: string;
}

/** A credit record as a department reports it; its number is that of its document, too. */
export interface CreditReport {
  readonly kind: 'RECORD';
  readonly reporterId: string;
  readonly recordNo: string;
  readonly revision: number;
  readonly type: 'PENALTY' | 'COMMITMENT';
  readonly uscc: string;
  readonly documentDate: string;
  /** Differs in every report. */
  readonly matter: string;
  readonly contested: boolean;
  /** Of a commitment; null: not checked yet. */
  readonly outcome: 'KEPT' | 'BROKEN' | null;
  /** The first and the last day on which it is to be public; absent: at once, and as long as the law says. */
  readonly publishFrom?: string;
  readonly publicUntil?: string;
  readonly race?: string;
}

export interface CreditRetraction {
  readonly kind: 'RECORD_RETRACTION';
  readonly reporterId: string;
  readonly recordNo: string;
  readonly revision: number;
  readonly ground: 'REVOKED' | 'CORRECTED' | 'REPAIRED';
}

/** A decision of the national credit site on the repair of a document's records. */
export interface Repair {
  readonly kind: 'REPAIR';
  readonly decisionNo: string;
  readonly uscc: string;
  readonly documentNo: string;
  readonly on: string;
  readonly mark: string;
  readonly race?: string;
}

export type Operation =
  Report | Retraction | Receipt | MerchantChange | Poison | Act | Proof | Ruling | CreditReport | CreditRetraction | Repair;
export type Via = 'HTTP' | 'KAFKA' | 'FILE';
/** `sent`: the broker took it; what becomes of it shows later. `unknown`: no answer, or one that says nothing. */
export type Outcome = 'accepted' | 'duplicate' | 'rejected' | 'sent' | 'unknown';

export interface Call {
  readonly entry: 'call';
  readonly at: number;
  readonly call: number;
  readonly attempt: number;
  readonly via: Via;
  readonly operations: readonly Operation[];
}

export interface Answer {
  readonly entry: 'answer';
  readonly at: number;
  readonly call: number;
  readonly attempt: number;
  readonly outcomes: readonly Outcome[];
  readonly status?: number;
  readonly code?: string;
}

/** What a GET showed right after a 2xx; null = 404. */
export interface ReadBack {
  readonly entry: 'read-back';
  readonly at: number;
  readonly call: number;
  readonly sampleNo: string;
  readonly accepted: number;
  readonly shown: number | null;
}

export interface FaultEntry {
  readonly entry: 'fault';
  readonly at: number;
  readonly number: number;
  readonly kind: string;
  readonly target: string;
  readonly phase: 'begins' | 'ends' | 'recovered' | 'skipped';
  /** From when on work could go on again. */
  readonly since?: number;
  readonly recoveryMs?: number;
  /** Of it: until all consumer groups of the target were stable again. */
  readonly rebalanceMs?: number;
}

/** Stored offsets of one service that have moved since the last look, by group, topic and partition. */
export interface OffsetsEntry {
  readonly entry: 'offsets';
  readonly at: number;
  readonly service: string;
  readonly offsets: Readonly<Record<string, number>>;
}

export interface PhaseEntry {
  readonly entry: 'phase';
  readonly at: number;
  readonly phase: 'load begins' | 'load ends' | 'faults end' | 'caught up' | 'not caught up' | 'database set back';
  readonly what?: string;
}

/** A webhook that reached a platform's endpoint, and what that did with it; written before it answers. */
export interface WebhookEntry {
  readonly entry: 'webhook';
  readonly at: number;
  readonly platformId: string;
  /** Of the URL; each endpoint has its own. */
  readonly path: string;
  readonly id: string;
  /** SHA-256 of its body. */
  readonly hash: string;
  readonly did: 'taken' | 'failed' | 'reset' | 'hung' | 'gone' | 'unsigned';
}

/** What a platform saw of its endpoint at the exchange. */
export interface EndpointEntry {
  readonly entry: 'endpoint';
  readonly at: number;
  readonly platformId: string;
  readonly path: string;
  readonly phase: 'registered' | 'ended';
}

/** What somebody who keeps a copy of what is public in credit has in the end: followed all along, or begun from a snapshot just now. */
export interface CopyEntry {
  readonly entry: 'copy';
  readonly at: number;
  readonly begun: 'AT_FIRST' | 'AT_LAST';
  /** Public records by USCC. */
  readonly entities: Readonly<Record<string, { readonly revision: number; readonly recordNos: readonly string[] }>>;
}

export type Entry = Call | Answer | ReadBack | FaultEntry | OffsetsEntry | PhaseEntry | WebhookEntry | EndpointEntry | CopyEntry;
type WithoutTime<E> = E extends Entry ? Omit<E, 'at'> : never;

export class History {
  readonly file: string;
  private readonly descriptor: number;
  private closed = false;

  constructor(file: string) {
    this.file = file;
    this.descriptor = openSync(file, 'a');
  }

  /** After the end of a run that broke, what is still under way goes nowhere. */
  write(entry: WithoutTime<Entry>): void {
    if (this.closed) return;
    writeSync(this.descriptor, `${JSON.stringify({ at: Date.now(), ...entry })}\n`);
  }

  close(): void {
    this.closed = true;
    closeSync(this.descriptor);
  }
}

export const readHistory = (file: string): Entry[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Entry);
