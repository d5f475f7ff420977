import type { Ruling } from '../history.js';
import type { Asked, Decided, Told } from './expected.js';
import { toldOf } from './expected.js';
import type { Findings } from './findings.js';
import { checkRaces } from './steps.js';
import type { Tables } from './tables.js';
import { type Event, eventsOn, groupedBy, type Topics } from './topics.js';

/** A pair of results that probably report the same, with one of its rulings. */
export interface PairRow {
  readonly pair: string;
  readonly later: string;
  readonly earlier: string;
  readonly status: string;
  readonly mark: string | null;
  readonly ruling: string | null;
  readonly survivor: string | null;
}

export interface MergedRow {
  readonly subject: string;
  readonly status: string;
  readonly into: string | null;
}

export interface Merges {
  readonly pairs: readonly PairRow[];
  /** Every result. */
  readonly results: readonly MergedRow[];
}

const mergesIn = async (tables: Tables): Promise<Merges> => ({
  pairs: await tables.rows<PairRow>(
    'inspection',
    `SELECT p.pair_id::text AS pair, reporter_id || ':' || sample_no AS later, earlier_reporter_id || ':' || earlier_sample_no AS earlier, status,
       reason AS mark, ruling, survivor
     FROM probable_duplicates p LEFT JOIN probable_duplicate_rulings r USING (pair_id) ORDER BY p.pair_id, step_no`,
  ),
  results: await tables.rows<MergedRow>(
    'inspection',
    `SELECT reporter_id || ':' || sample_no AS subject, status, merged_into AS into FROM sampling_results`,
  ),
});

export interface Judged extends Merges {
  readonly asked: Asked;
  /** Of results and notices. */
  readonly events: readonly Event[];
  readonly isSetBack: boolean;
}

export async function checkMerges(
  { asked, isSetBack }: Pick<Judged, 'asked' | 'isSetBack'>,
  topics: Topics,
  tables: Tables,
  findings: Findings,
): Promise<Map<string, Decided>> {
  const events = ['inspection.sampling-result.v1', 'inspection.sampling-notice.v1'].flatMap((topic) => eventsOn(topics, topic, findings));
  return judgeMerges({ ...(await mergesIn(tables)), asked, events, isSetBack }, findings);
}

/** One ruling a pair, the one that was accepted; what it gives up says for what. Gives back what follows for each result. */
export function judgeMerges({ asked, pairs, results, events, isSetBack }: Judged, findings: Findings): Map<string, Decided> {
  const told = toldOf(asked, 'RULING');
  const rulings = groupedBy(told, ({ operation }) => operation.pairId);
  checkRaces(told, ({ ruling, pairId }) => `${ruling} of pair ${pairId}`, findings);
  const statuses = new Map(results.map((row) => [row.subject, row]));
  const decided = new Map<string, Decided>();
  const byPair = groupedBy(pairs, ({ pair }) => pair);
  for (const [pair, rows] of byPair) {
    checkRulings(pair, rulings.get(pair) ?? [], rows, findings);
    for (const [subject, what] of followsFrom(rows)) decided.set(subject, what);
  }
  for (const { operation, fate, lostWithBackup } of told) {
    const { pairId, later, earlier, survivor } = operation;
    const isForgotten = fate === 'applied' && lostWithBackup && !byPair.get(pairId)?.some(({ mark }) => mark === operation.mark);
    if (isForgotten) for (const [subject, what] of standingOf(later, earlier, survivor)) decided.set(subject, what);
    else findings.expect(byPair.has(pairId) || isSetBack, 'PAIR_LOST', `pair ${pairId} of ${later} and ${earlier} is gone`);
  }
  for (const { operation, fate } of toldOf(asked, 'REPORT')) {
    const later = `${operation.reporterId}:${operation.sampleNo}`;
    if (operation.twinOf === undefined || fate !== 'applied' || decided.has(later)) continue;
    findings.expect(isSetBack, 'PAIR_LOST', `${later} reports ${operation.twinOf} once more, and nobody is asked about it`);
    // What waited is in no event; what stands beside it is looked at by a sweep (docs/inspection.md).
    if ((statuses.get(later)?.status ?? 'WAITING') === 'WAITING') decided.set(later, { entered: 'WAITS', effects: [] });
  }
  checkGivenUp({ pairs, results, events, isSetBack }, findings);
  return decided;
}

function checkRulings(pair: string, told: readonly Told<Ruling>[], rows: readonly PairRow[], findings: Findings): void {
  const kept = rows.filter(({ mark }) => mark !== null);
  findings.expect(kept.length < 2, 'RULED_TWICE', `pair ${pair} was ruled on ${kept.length} times`);
  for (const { operation, fate, lostWithBackup } of told) {
    const isKept = kept.some(({ mark }) => mark === operation.mark);
    const name = `${operation.ruling} (${operation.mark}) of pair ${pair}`;
    if (fate === 'applied') findings.expect(isKept || lostWithBackup, 'RULING_LOST', `${name} was accepted and is not kept`);
    if (fate === 'refused') findings.expect(!isKept, 'RULING_UNEXPECTED', `${name} was refused and is kept`);
  }
  for (const { mark, ruling, status } of kept) {
    const isTold = told.some(({ operation }) => operation.mark === mark);
    findings.expect(isTold, 'RULING_UNEXPECTED', `${ruling ?? ''} (${mark ?? ''}) of pair ${pair} is kept and was never sent`);
    findings.expect(status === ruling, 'ROW_WRONG', `pair ${pair} is ${status}, and was ruled ${ruling ?? ''}`);
  }
}

function followsFrom(rows: readonly PairRow[]): Map<string, Decided> {
  const last = rows.at(-1);
  if (!last) return new Map();
  const { later, earlier, ruling, survivor } = last;
  return ruling === null ? new Map([[later, { entered: 'WAITS', effects: [] }]]) : standingOf(later, earlier, survivor);
}

/** One of the two stands, or both do; whoever has been told of the other is told that it is withdrawn. */
function standingOf(later: string, earlier: string, survivor: string | null): Map<string, Decided> {
  if (survivor === earlier) return new Map([[later, { entered: 'GIVEN_UP', effects: [] }]]);
  if (survivor === null) return new Map([[later, { entered: 'AT_ONCE', effects: [] }]]);
  return new Map<string, Decided>([
    [later, { entered: 'AT_ONCE', effects: [] }],
    [earlier, { entered: 'AT_ONCE', effects: [{ kind: 'WITHDRAWAL' }] }],
  ]);
}

function checkGivenUp({ pairs, results, events, isSetBack }: Omit<Judged, 'asked'>, findings: Findings): void {
  const survivors = new Map(
    pairs.flatMap(({ later, earlier, survivor }) => (survivor === null ? [] : [[survivor === later ? earlier : later, survivor] as const])),
  );
  const withdrawn = new Map(events.filter(({ type }) => type.endsWith('Withdrawn')).map(({ key, body }) => [key, body]));
  for (const { subject, into } of results) {
    const survivor = survivors.get(subject) ?? null;
    const isRight = into === survivor || isSetBack;
    findings.expect(isRight, 'MERGE_WRONG', `${subject} was given up for ${into ?? 'nothing'}, not for ${survivor ?? 'nothing'}`);
    const said = withdrawn.get(subject);
    if (survivor === null || !said) continue;
    findings.expect(said['mergedInto'] === survivor, 'MERGE_WRONG', `${subject} was withdrawn without a word of ${survivor}`);
  }
}
