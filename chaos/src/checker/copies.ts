import type { CopyEntry, Entry } from '../history.js';
import type { Findings } from './findings.js';
import type { Tables } from './tables.js';
import { type Event, eventsOn, groupedBy, type Topics } from './topics.js';

/** A record that is public, or that was made good. */
export interface PublicRow {
  readonly record_no: string;
  readonly uscc: string;
  readonly standing: 'PUBLIC' | 'REPAIRED';
}

export interface Copies {
  readonly copies: readonly CopyEntry[];
  readonly records: readonly PublicRow[];
  /** Of statuses, in their order. */
  readonly statuses: readonly Event[];
  /** What platforms were last told, and was not withdrawn. */
  readonly told: readonly { readonly platform: string; readonly uscc: string; readonly record_nos: string }[];
}

export async function checkCopies(history: readonly Entry[], topics: Topics, tables: Tables, findings: Findings): Promise<void> {
  const records = await tables.rows<PublicRow>(
    'credit',
    `SELECT record_no::text, uscc, standing FROM credit_records WHERE standing IN ('PUBLIC', 'REPAIRED')`,
  );
  const told = await tables.rows<Copies['told'][number]>(
    'exchange',
    `SELECT recipient_id AS platform, subject AS uscc, said -> 'content' ->> 'recordNos' AS record_nos
     FROM feedbacks f JOIN feedback_revisions r USING (feedback_id, revision) WHERE kind = 'CREDIT_STATUS' AND status = 'ISSUED'`,
  );
  const copies = history.filter((entry) => entry.entry === 'copy');
  judgeCopies({ copies, records, told, statuses: eventsOn(topics, 'credit.credit-status.v1', findings) }, findings);
}

/**
 * Whoever keeps a copy has what is public and nothing more, however it began; no platform believes in what has ended, whether it still has
 * the merchant or not; what was made good is told nowhere any more.
 */
export function judgeCopies({ copies, records, statuses, told }: Copies, findings: Findings): void {
  const open = groupedBy(
    records.filter(({ standing }) => standing === 'PUBLIC'),
    ({ uscc }) => uscc,
  );
  const repaired = new Set(records.filter(({ standing }) => standing === 'REPAIRED').map((row) => row.record_no));
  const seen: (readonly [string, readonly string[]])[] = [];
  for (const { begun, entities } of copies) {
    for (const uscc of new Set([...open.keys(), ...Object.keys(entities)])) {
      const right = (open.get(uscc) ?? []).map((row) => row.record_no).sort();
      const held = [...(entities[uscc]?.recordNos ?? [])].sort();
      findings.expect(
        held.join() === right.join(),
        'COPY_WRONG',
        `who follows the changes since ${begun === 'AT_FIRST' ? 'the beginning' : 'a snapshot'} holds ${held.length} public records of ${uscc}, there are ${right.length}`,
      );
      seen.push([`a copy of ${uscc}`, held]);
    }
  }
  const last = new Map(statuses.map(({ key, body }) => [key, (body?.['recordNos'] ?? []) as string[]]));
  for (const [uscc, recordNos] of last) seen.push([`the status of ${uscc}`, recordNos]);
  for (const { platform, uscc, record_nos } of told) {
    const recordNos = JSON.parse(record_nos) as string[];
    const isOpen = new Set((open.get(uscc) ?? []).map((row) => row.record_no));
    const ended = recordNos.filter((recordNo) => !isOpen.has(recordNo));
    findings.expect(
      ended.length === 0,
      'FEEDBACK_WRONG',
      `${platform} still believes in records of ${uscc} that have ended: ${ended.join()}`,
    );
    seen.push([`what ${platform} was told of ${uscc}`, recordNos]);
  }
  for (const [where, recordNos] of seen)
    for (const recordNo of recordNos)
      findings.expect(!repaired.has(recordNo), 'REPAIRED_PUBLIC', `record ${recordNo} was made good and is in ${where}`);
}
