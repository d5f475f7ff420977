/**
 * Looks for results that report the same, in the transaction that stores what was reported. Two transactions that store results of one
 * batch must see each other: each claims the batch by its row in `sampled_batches`, whose primary key makes the second wait for the end
 * of the first. Advisory locks would do so, too; but a batch of a thousand reports takes most of their 1,024 numbers, and all intake
 * would stand in one line. A row is waited for only by whoever reports that very batch.
 */
import { type Competence, subjectOf } from '@jinqiao/contracts';
import { keepRows, type Outbox } from '@jinqiao/messaging';
import type { EntityManager } from 'typeorm';
import { PAIRS } from '../kept-rows/kept-rows.js';
import type { ResultName } from '../sampling-result/held-result.js';
import type { Channel } from '../sampling-result/sampling-result.entity.js';
import { NO_BATCH } from './batch.js';
import { type Facts, likeness, type Reported, type Way, wayOf } from './likeness.js';
import type { Pair, RulingKind } from './probable-duplicate.js';

/** What is about to be said of a result. */
export interface Asked extends Reported {
  readonly batchKey: string;
}

/** Of one batch so many results each of earlier departments, of later ones, and of the other way are compared. */
const COMPARED_MAX = 20;
const OF_WAY: Readonly<Record<Way, readonly Channel[]>> = { SYSTEM: ['HTTP', 'KAFKA'], NOTICE: ['FILE'] };

/** Whichever of two results is named first. */
const pairKeyOf = (one: ResultName, other: ResultName): string => pairKeyOfSubjects(subjectOf(one), subjectOf(other));
const pairKeyOfSubjects = (one: string, other: string): string => [one, other].sort().join('\n');

/** The pair that each of the results is the later one of; all of them of one reporter, by one way. Their rows are locked. */
export async function findPairs(tx: EntityManager, asked: readonly Asked[]): Promise<(Pair | null)[]> {
  const known = await claim(tx, asked);
  const others = await announcedOf(tx, known, asked[0]);
  if (others.length === 0) return asked.map(() => null);
  const byKey = Map.groupBy(others, ({ batchKey }) => batchKey);
  const pairs = asked.map((later) => (byKey.get(later.batchKey) ?? []).flatMap((earlier) => pairOf(later, earlier)));
  const ruled = await ruledAmong(tx, pairs.flat());
  return pairs.map((those) => those.find(({ later, earlier }) => !ruled.has(pairKeyOf(later, earlier))) ?? null);
}

function pairOf(later: Asked, earlier: Asked): Pair[] {
  const like = likeness(later, earlier);
  return like ? [{ later: nameOf(later), earlier: nameOf(earlier), likeness: like }] : [];
}

const nameOf = ({ reporterId, sampleNo }: ResultName): ResultName => ({ reporterId, sampleNo });

/** Holds the batches until the transaction ends. Answers those that had been there before. */
async function claim(tx: EntityManager, asked: readonly Asked[]): Promise<string[]> {
  const keys = [...new Set(asked.map(({ batchKey }) => batchKey))].filter((key) => key !== NO_BATCH);
  if (keys.length === 0) return [];
  // A row that is there is locked, and not written: the condition is asked only then.
  const fresh: { batch_key: string }[] = await tx.query(
    `INSERT INTO sampled_batches (batch_key) SELECT key FROM unnest($1::bigint[]) AS key ORDER BY key
     ON CONFLICT (batch_key) DO UPDATE SET batch_key = EXCLUDED.batch_key WHERE false RETURNING batch_key`,
    [keys],
  );
  const isFresh = new Set(fresh.map((row) => row.batch_key));
  return keys.filter((key) => !isFresh.has(key));
}

const OTHER = `SELECT r.reporter_id, r.sample_no, r.channel, r.state, r.accepted_at FROM sampling_results r
  WHERE r.batch_key = asked.batch_key AND r.batch_key <> 0 AND r.status IN ('NOTIFIED', 'PUBLISHED')`;

/** What somebody has been told of these batches, as others have reported it, or the same reporter by the other way; the earliest first. */
async function announcedOf(tx: EntityManager, keys: readonly string[], asker: Asked | undefined): Promise<Asked[]> {
  if (keys.length === 0 || !asker) return [];
  const { reporterId, way } = asker;
  const rows: { batchKey: string; reporterId: string; channel: Channel; facts: Facts }[] = await tx.query(
    `SELECT asked.batch_key AS "batchKey", o.reporter_id AS "reporterId", o.channel, o.state AS facts
     FROM unnest($1::bigint[]) AS asked (batch_key) CROSS JOIN LATERAL (
       (${OTHER} AND r.reporter_id < $2 LIMIT ${COMPARED_MAX}) UNION ALL
       (${OTHER} AND r.reporter_id > $2 LIMIT ${COMPARED_MAX}) UNION ALL
       (${OTHER} AND r.reporter_id = $2 AND r.channel = ANY($3::text[]) LIMIT ${COMPARED_MAX})
     ) o
     ORDER BY o.accepted_at, o.reporter_id, o.sample_no`,
    [keys, reporterId, OF_WAY[way === 'SYSTEM' ? 'NOTICE' : 'SYSTEM']],
  );
  return rows.map(({ channel, ...row }) => ({ ...row, sampleNo: row.facts.sampleNo, way: wayOf(channel) }));
}

/** A pair that was ruled on is raised no more, whatever its results come to say. */
async function ruledAmong(tx: EntityManager, pairs: readonly Pair[]): Promise<Set<string>> {
  if (pairs.length === 0) return new Set();
  const rows: { pair_key: string }[] = await tx.query(
    `SELECT pair_key FROM probable_duplicates WHERE pair_key = ANY($1::text[]) AND status IN ('DIFFERENT', 'SAME')`,
    [pairs.map(({ later, earlier }) => pairKeyOf(later, earlier))],
  );
  return new Set(rows.map((row) => row.pair_key));
}

type PairId = Readonly<Record<'pair_id', string>>;

/** Opens pairs; one that had lapsed is open again. */
export async function keepPairs(tx: EntityManager, outbox: Outbox, pairs: readonly Pair[], since: Date): Promise<void> {
  if (pairs.length === 0) return;
  // Two results that are looked at together can each be the later one.
  const rows = new Map(pairs.map((pair) => [pairKeyOf(pair.later, pair.earlier), rowOf(pair, since)]));
  const opened: PairId[] = await tx.query(
    `INSERT INTO probable_duplicates AS kept (pair_key, reporter_id, sample_no, earlier_reporter_id, earlier_sample_no, agrees, not_stated, since)
     SELECT pair_key, reporter_id, sample_no, earlier_reporter_id, earlier_sample_no, agrees, not_stated, since
     FROM jsonb_populate_recordset(NULL::probable_duplicates, $1::jsonb) ORDER BY pair_key
     ON CONFLICT (pair_key) DO UPDATE SET status = 'OPEN', reporter_id = EXCLUDED.reporter_id, sample_no = EXCLUDED.sample_no,
       earlier_reporter_id = EXCLUDED.earlier_reporter_id, earlier_sample_no = EXCLUDED.earlier_sample_no,
       agrees = EXCLUDED.agrees, not_stated = EXCLUDED.not_stated
       WHERE kept.status = 'LAPSED'
     RETURNING pair_id`,
    [JSON.stringify([...rows.values()])],
  );
  await keepRows(tx, outbox, PAIRS, opened);
}

const rowOf = ({ later, earlier, likeness: { agrees, notStated } }: Pair, since: Date): object => ({
  pair_key: pairKeyOf(later, earlier),
  reporter_id: later.reporterId,
  sample_no: later.sampleNo,
  earlier_reporter_id: earlier.reporterId,
  earlier_sample_no: earlier.sampleNo,
  agrees,
  not_stated: notStated,
  since,
});

/** What the later result was raised for holds no more: it was compared anew, or taken back. */
export async function lapse(tx: EntityManager, outbox: Outbox, reporterId: string, sampleNos: readonly string[]): Promise<void> {
  if (sampleNos.length === 0) return;
  const [lapsed]: [PairId[], number] = await tx.query(
    `UPDATE probable_duplicates SET status = 'LAPSED' WHERE reporter_id = $1 AND sample_no = ANY($2::text[]) AND status = 'OPEN'
     RETURNING pair_id`,
    [reporterId, sampleNos],
  );
  await keepRows(tx, outbox, PAIRS, lapsed);
}

/** What a ruling leaves in the history of its pair. */
export interface RulingStep {
  readonly ruling: RulingKind;
  readonly survivor: string | null;
  readonly reason: string;
  readonly actorId: string;
  readonly competence: Competence;
  readonly now: Date;
}

export async function keepRuling(tx: EntityManager, outbox: Outbox, pairId: string, step: RulingStep): Promise<void> {
  const { ruling, survivor, reason, actorId, competence, now } = step;
  await tx.query('UPDATE probable_duplicates SET status = $2 WHERE pair_id = $1', [pairId, ruling]);
  await tx.query(
    `INSERT INTO probable_duplicate_rulings (pair_id, step_no, ruling, survivor, reason, actor_id, competence, ruled_at)
     SELECT $1, count(*) + 1, $2, $3, $4, $5, $6, $7 FROM probable_duplicate_rulings WHERE pair_id = $1`,
    [pairId, ruling, survivor, reason, actorId, competence, now],
  );
  await keepRows(tx, outbox, PAIRS, [{ pair_id: pairId }]);
}

interface MergedSubjects {
  readonly loser: string;
  readonly survivor: string;
}

/** As whom somebody merged them; null where the database was set back and has forgotten it. */
export async function mergedAs(tx: EntityManager, { loser, survivor }: MergedSubjects): Promise<Competence | null> {
  const [last]: { competence: Competence }[] = await tx.query(
    `SELECT r.competence FROM probable_duplicates p JOIN probable_duplicate_rulings r USING (pair_id)
     WHERE p.pair_key = $1 AND p.status = 'SAME' ORDER BY r.step_no DESC LIMIT 1`,
    [pairKeyOfSubjects(loser, survivor)],
  );
  return last?.competence ?? null;
}

/** They are not the same after all. */
export async function giveUpMerge(
  tx: EntityManager,
  outbox: Outbox,
  { loser, survivor }: MergedSubjects,
  step: Omit<RulingStep, 'ruling' | 'survivor'>,
): Promise<void> {
  const [pair]: { pair_id: string }[] = await tx.query(
    `SELECT pair_id FROM probable_duplicates WHERE pair_key = $1 AND status = 'SAME' FOR UPDATE`,
    [pairKeyOfSubjects(loser, survivor)],
  );
  if (pair) await keepRuling(tx, outbox, pair.pair_id, { ...step, ruling: 'DIFFERENT', survivor: null });
}
