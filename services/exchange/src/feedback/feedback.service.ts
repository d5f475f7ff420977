import { SamplingNoticeWithdrawn, SamplingResultWithdrawn, subjectOf } from '@jinqiao/contracts';
import { lockKeys, type Received } from '@jinqiao/messaging';
import { Clock } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type Change, feedbackIdOf, follow, platformKey, type SamplingState, type Standing, type Waiting } from './feedback.js';
import { NAME_LOCKS } from '../organisation/organisation.js';
import { FeedbackTeller, type Told } from './feedback.teller.js';

type SamplingReceived = Received<(SamplingState & { reason?: string; mergedInto?: string }) | null>;

interface Following extends Change {
  readonly received: SamplingReceived | null;
}

/** A platform in the sandbox is told nothing real, one that has left nothing new. */
export const IS_TOLD = "o.kind = 'PLATFORM' AND o.status IN ('PRODUCTION', 'SUSPENDED')";
/** Waiting results issued in one transaction when their name is registered. */
const WAITING_ISSUED_MAX = 500;

/** Tells platforms about sampling results, and keeps what no registered platform can be told yet. */
@Injectable()
export class SamplingFeedback {
  constructor(
    private readonly db: DataSource,
    private readonly teller: FeedbackTeller,
    private readonly clock: Clock,
  ) {}

  /** Applies a batch of states, each in its turn; a revision that is not the highest yet changes nothing. */
  async follow(tx: EntityManager, received: readonly SamplingReceived[]): Promise<void> {
    const changes = received.map(changeOf);
    const keys = changes.flatMap(({ state }) => (state ? (platformKey(state) ?? []) : []));
    // Locks in the order of every writer here: names, then subjects, then feedbacks.
    const platforms = await this.platformsNamed(tx, keys);
    // Also of subjects that are new here: what was told about them may have been taken over after a restore, before they are read again.
    const subjects = [...new Set(changes.map(({ subject }) => subject))];
    const [applied, standings] = await Promise.all([this.advance(tx, changes), this.standings(tx, subjects)]);
    const due = changes.filter(({ subject, revision }) => {
      const before = applied.get(subject);
      if (before === undefined || revision <= before) return false;
      applied.set(subject, revision);
      return true;
    });
    await this.decide(tx, due, standings, platforms);
  }

  /**
   * Issues what waits for one of these names, or for any name that is registered by now, in transactions of its own. Gives back how many.
   * Whoever found a name unknown held its lock until the waiting row was committed, so after a registration nothing is missed.
   */
  async issueWaiting(nameKeys: readonly string[] | 'ANY'): Promise<number> {
    let issued = 0;
    // Bounded by what waits: each round takes rows away, and one that is not full is the last.
    for (;;) {
      const round = await this.db.transaction((tx) => this.issueSome(tx, nameKeys));
      issued += round;
      if (round < WAITING_ISSUED_MAX) return issued;
    }
  }

  private async issueSome(tx: EntityManager, nameKeys: readonly string[] | 'ANY'): Promise<number> {
    const waiting: { subject: string }[] = await tx.query(
      `SELECT u.subject
       FROM unmatched_feedbacks u
       JOIN organisation_names n ON n.name_key = u.name_key
       JOIN organisations o ON o.id = n.organisation_id AND ${IS_TOLD}
       WHERE $1::text[] IS NULL OR u.name_key = ANY($1)
       ORDER BY u.subject
       LIMIT $2`,
      [nameKeys === 'ANY' ? null : nameKeys, WAITING_ISSUED_MAX],
    );
    if (waiting.length === 0) return 0;
    const subjects = waiting.map(({ subject }) => subject);
    await tx.query('SELECT FROM subjects WHERE subject = ANY($1) ORDER BY subject FOR UPDATE', [subjects]);
    const standings = await this.standings(tx, subjects);
    // Read again under the lock: what was withdrawn meanwhile is dropped.
    const still = [...standings.values()].flatMap(({ waiting: waits }) => waits ?? []);
    const changes = still.map(({ subject, subjectRevision, state }): Following => {
      return { subject, revision: subjectRevision, state, reason: null, received: null };
    });
    const platforms = await this.lookUp(
      tx,
      still.map(({ nameKey }) => nameKey),
    );
    await this.decide(tx, changes, standings, platforms);
    return waiting.length;
  }

  /** Platforms by name key. A name nobody holds is locked and looked up again: its registration may be under way. */
  private async platformsNamed(tx: EntityManager, keys: readonly string[]): Promise<Map<string, string>> {
    const wanted = [...new Set(keys)];
    const found = await this.lookUp(tx, wanted);
    const missing = wanted.filter((key) => !found.has(key));
    if (missing.length === 0) return found;
    await lockKeys(tx, NAME_LOCKS, missing);
    return new Map([...found, ...(await this.lookUp(tx, missing))]);
  }

  private async lookUp(tx: EntityManager, keys: readonly string[]): Promise<Map<string, string>> {
    if (keys.length === 0) return new Map();
    const rows: { name_key: string; organisation_id: string }[] = await tx.query(
      `SELECT n.name_key, n.organisation_id
       FROM organisation_names n JOIN organisations o ON o.id = n.organisation_id AND ${IS_TOLD}
       WHERE n.name_key = ANY($1)`,
      [keys],
    );
    return new Map(rows.map((row) => [row.name_key, row.organisation_id]));
  }

  /** Moves subjects to the highest revision of the batch, which locks them; gives back the revision each one had (0 = new). */
  private async advance(tx: EntityManager, changes: readonly Following[]): Promise<Map<string, number>> {
    const rows: { subject: string; before: number | null }[] = await tx.query(
      `INSERT INTO subjects AS kept (subject, revision, applied_at, sampled_on, reported_at, published_at, stands)
       SELECT DISTINCT ON (subject) subject, revision, clock_timestamp(), sampled_on, min(reported_at) OVER one, min(published_at) OVER one, stands
       FROM jsonb_to_recordset($1::jsonb) AS x(subject text, revision integer, sampled_on date, reported_at timestamptz,
         published_at timestamptz, stands boolean)
       WINDOW one AS (PARTITION BY subject)
       ORDER BY subject, revision DESC
       ON CONFLICT (subject) DO UPDATE SET revision = EXCLUDED.revision, applied_at = EXCLUDED.applied_at, stands = EXCLUDED.stands,
         sampled_on = coalesce(EXCLUDED.sampled_on, kept.sampled_on),
         reported_at = CASE WHEN kept.reported_at IS NULL THEN NULL ELSE least(kept.reported_at, EXCLUDED.reported_at) END,
         published_at = least(kept.published_at, EXCLUDED.published_at)
       WHERE kept.revision < EXCLUDED.revision
       RETURNING new.subject, old.revision AS before`,
      [JSON.stringify(changes.map(subjectRow))],
    );
    return new Map(rows.map(({ subject, before }) => [subject, before ?? 0]));
  }

  private async standings(tx: EntityManager, subjects: readonly string[]): Promise<Map<string, Standing>> {
    if (subjects.length === 0) return new Map();
    const [feedbacks, waiting] = await Promise.all([
      this.teller.load(tx, 'SAMPLING_RESULT', subjects),
      tx.query<Waiting[]>(
        `SELECT subject, name_key AS "nameKey", printed, subject_revision AS "subjectRevision", state
         FROM unmatched_feedbacks WHERE subject = ANY($1)`,
        [subjects],
      ),
    ]);
    const waits = new Map(waiting.map((one) => [one.subject, one]));
    return new Map(subjects.map((subject) => [subject, { feedbacks: feedbacks.get(subject) ?? [], waiting: waits.get(subject) ?? null }]));
  }

  private async decide(
    tx: EntityManager,
    changes: readonly Following[],
    standings: Map<string, Standing>,
    platforms: ReadonlyMap<string, string>,
  ): Promise<void> {
    const now = this.clock.now();
    const told: Told[] = [];
    const waiting = new Map<string, Waiting | null>();
    for (const change of changes) {
      const { subject, state, received } = change;
      const standing = standings.get(subject) ?? NOTHING;
      const key = state && platformKey(state);
      const outcome = follow(standing, change, key === null ? null : (platforms.get(key) ?? null), now);
      told.push(...outcome.told.map((feedback) => ({ feedback, causedBy: received })));
      if (standing.waiting !== null || outcome.waiting !== null) waiting.set(subject, outcome.waiting);
      const replaced = new Set(outcome.told.map(({ said }) => said.feedbackId));
      const feedbacks = [...standing.feedbacks.filter(({ said }) => !replaced.has(said.feedbackId)), ...outcome.told];
      standings.set(subject, { feedbacks, waiting: outcome.waiting });
    }
    await this.keepWaiting(tx, waiting);
    await this.teller.tell(tx, told);
    const touched = [...new Set([...told.map(({ feedback }) => feedback.said.subject), ...waiting.keys()])];
    if (touched.length > 0) await tx.query('UPDATE subjects SET applied_at = clock_timestamp() WHERE subject = ANY($1)', [touched]);
  }

  private async keepWaiting(tx: EntityManager, waiting: ReadonlyMap<string, Waiting | null>): Promise<void> {
    if (waiting.size === 0) return;
    const gone = [...waiting].flatMap(([subject, waits]) => (waits === null ? [subject] : []));
    if (gone.length > 0) await tx.query('DELETE FROM unmatched_feedbacks WHERE subject = ANY($1)', [gone]);
    const kept = [...waiting.values()].filter((waits) => waits !== null);
    if (kept.length === 0) return;
    await tx.query(
      `INSERT INTO unmatched_feedbacks (subject, waiting_id, name_key, printed, publisher_id, subject_revision, state, waiting_since)
       SELECT subject, waiting_id, name_key, printed, publisher_id, subject_revision, state, clock_timestamp()
       FROM jsonb_to_recordset($1::jsonb) AS x(subject text, waiting_id uuid, name_key text, printed text, publisher_id text,
         subject_revision integer, state jsonb)
       ORDER BY subject
       ON CONFLICT (subject) DO UPDATE SET waiting_id = EXCLUDED.waiting_id, name_key = EXCLUDED.name_key, printed = EXCLUDED.printed,
         subject_revision = EXCLUDED.subject_revision, state = EXCLUDED.state,
         waiting_since = CASE WHEN unmatched_feedbacks.name_key = EXCLUDED.name_key THEN unmatched_feedbacks.waiting_since
                              ELSE EXCLUDED.waiting_since END`,
      [JSON.stringify(kept.map(waitingRow))],
    );
  }
}

const NOTHING: Standing = { feedbacks: [], waiting: null };

function changeOf(received: SamplingReceived): Following {
  const { data } = received;
  // A tombstone: nothing of the result is public any more. Its key is the subject.
  if (data === null) return { subject: received.key, revision: received.revision ?? 0, state: null, reason: null, received };
  const subject = subjectOf(data);
  const { revision } = data;
  const ended = received.is(SamplingResultWithdrawn) || received.is(SamplingNoticeWithdrawn);
  return ended
    ? { subject, revision, state: null, reason: data.reason ?? null, mergedInto: data.mergedInto, received }
    : { subject, revision, state: data, reason: null, received };
}

/** With the times of the result's way so far, for service levels: also of its withdrawal, which carries the last state. */
const subjectRow = ({ subject, revision, state, received }: Following): object => ({
  subject,
  revision,
  sampled_on: received?.data?.sampledOn ?? null,
  reported_at: received?.data?.acceptedAt ?? null,
  published_at: received?.data?.publishedAt ?? null,
  stands: state !== null,
});

const waitingRow = ({ subject, nameKey, printed, subjectRevision, state }: Waiting): object => ({
  subject,
  waiting_id: feedbackIdOf(`?${nameKey}`, 'SAMPLING_RESULT', subject),
  name_key: nameKey,
  printed,
  publisher_id: state.reporterId,
  subject_revision: subjectRevision,
  state,
});
