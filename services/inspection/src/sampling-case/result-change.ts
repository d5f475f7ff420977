import { keepRows, type Outbox } from '@jinqiao/messaging';
import type { EntityManager } from 'typeorm';
import { CASES } from '../kept-rows/kept-rows.js';
import { addSteps, type PublicationStep } from './publication.js';
import { endService } from './service-duty.js';

/** What a change of results makes of their cases. */
export interface ResultChange {
  /** Of their way to the public. */
  readonly steps: readonly PublicationStep[];
  /** Those whose parties have not to be told any more that they failed. */
  readonly endServiceOf: readonly string[];
}

/** Has the cases of changed results follow. The caller holds the locks of the results, as whoever takes a step in a case has to. */
export async function followInCases(
  tx: EntityManager,
  outbox: Outbox,
  { reporterId, now }: { readonly reporterId: string; readonly now: Date },
  { steps, endServiceOf }: ResultChange,
): Promise<void> {
  const changed = [...(await addSteps(tx, { reporterId, now }, steps)), ...(await endService(tx, { reporterId, now }, endServiceOf))];
  const cases = [...new Set(changed)].sort().map((sampleNo) => ({ reporter_id: reporterId, sample_no: sampleNo }));
  await keepRows(tx, outbox, CASES, cases);
}
