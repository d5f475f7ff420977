import type { Findings } from './findings.js';
import type { StepRow } from './steps.js';
import type { Tables } from './tables.js';
import { checkSeries, type Event, eventsOn, groupedBy, type Topics } from './topics.js';

type Standing = 'PUBLISHED' | 'CLOSED' | 'WITHDRAWN';

/** A recall as inspection keeps it. */
export interface RecallRow {
  readonly recall: string;
  readonly revision: number;
  readonly standing: Standing | null;
  /** How often it was begun. */
  readonly round: number;
  /** What was last said to be done about it. */
  readonly measure: string | null;
}

/** What a platform was last told of one. */
export interface ToldRow {
  readonly recall: string;
  readonly platform: string;
  readonly status: 'ISSUED' | 'WITHDRAWN';
  readonly subject_revision: number;
  readonly measure: string | null;
}

export interface Recalls {
  readonly steps: readonly StepRow[];
  readonly forgotten: ReadonlySet<string>;
  readonly rows: readonly RecallRow[];
  readonly followed: readonly Pick<RecallRow, 'recall' | 'revision' | 'standing'>[];
  readonly told: readonly ToldRow[];
  readonly events: readonly Event[];
  /** Of no sector, as the recalls: each of them may trade in the goods. */
  readonly platforms: readonly string[];
}

type Worked = Pick<Recalls, 'steps' | 'forgotten'>;
const PLATFORM = /^platform\.(.+)\.feedback\.v1\[0\]$/;

export async function checkRecalls(worked: Worked, topics: Topics, tables: Tables, findings: Findings): Promise<void> {
  const rows = await tables.rows<RecallRow>(
    'inspection',
    `SELECT recall_no AS recall, revision, standing, round, said ->> 'measure' AS measure FROM recalls`,
  );
  const followed = await tables.rows<RecallRow>('exchange', 'SELECT recall_no AS recall, revision, standing FROM recalls');
  const told = await tables.rows<ToldRow>(
    'exchange',
    `SELECT subject AS recall, recipient_id AS platform, status, (said ->> 'subjectRevision')::integer AS subject_revision,
       said -> 'content' ->> 'measure' AS measure
     FROM feedbacks f JOIN feedback_revisions r USING (feedback_id, revision) WHERE kind = 'RECALL'`,
  );
  const platforms = [...topics.ends.keys()].flatMap((place) => PLATFORM.exec(place)?.[1] ?? []);
  judgeRecalls({ ...worked, rows, followed, told, platforms, events: eventsOn(topics, 'inspection.recall.v1', findings) }, findings);
}

/**
 * What a step says in public goes out just before its rows do. Where a database is lost in between, it knows the recall as it was said, without
 * the step that led there (ADR-0009): of such a revision no rows were ever kept.
 */
export function forgottenRecalls(topics: Topics, setBacks: number, findings: Findings): Set<string> {
  if (setBacks === 0) return new Set();
  const kept = new Set(
    eventsOn(topics, 'inspection.recall-file.v1', findings).flatMap(({ key, body }) => {
      const { recall_steps: steps = [] } = (body?.['rows'] ?? {}) as { recall_steps?: { revision: number }[] };
      return steps.map(({ revision }) => `${key} ${revision}`);
    }),
  );
  const said = eventsOn(topics, 'inspection.recall.v1', findings);
  return new Set(said.filter(({ key, revision }) => !kept.has(`${key} ${revision}`)).map(({ key }) => key));
}

/** These say how it stands for everybody; an amendment leaves that as it was. */
const SAYS: Readonly<Record<string, Standing | 'AS_BEFORE'>> = {
  PUBLISH: 'PUBLISHED',
  AMEND: 'AS_BEFORE',
  CLOSE: 'CLOSED',
  WITHDRAW: 'WITHDRAWN',
};
const TYPES: Readonly<Record<Standing, string>> = { PUBLISHED: 'RecallPublished', CLOSED: 'RecallClosed', WITHDRAWN: 'RecallWithdrawn' };

/** Every public step is the next revision; the exchange has followed the last one, and that is what every platform was told. */
export function judgeRecalls({ steps, forgotten, rows, followed, told, events, platforms }: Recalls, findings: Findings): void {
  const series = groupedBy(events, ({ key }) => key);
  const known = new Map(followed.map((row) => [row.recall, row]));
  const feedbacks = groupedBy(told, ({ recall }) => recall);
  const own = groupedBy(
    steps.filter(({ matter }) => matter === 'RECALL'),
    ({ name }) => name,
  );
  for (const row of rows) {
    const { recall, revision, standing } = row;
    if (!forgotten.has(recall)) checkStanding(row, own.get(recall) ?? [], findings);
    const said = series.get(recall) ?? [];
    series.delete(recall);
    checkSeries(said, { name: `recall ${recall}`, last: revision }, findings);
    if (standing === null) continue;
    const type = said.find((event) => event.revision === revision)?.type;
    findings.expect(
      type === undefined || type === TYPES[standing],
      'EVENT_WRONG',
      `recall ${recall} is ${standing}, its last event ${type ?? ''}`,
    );
    const follows = known.get(recall);
    const isFollowed = follows?.revision === revision && follows.standing === standing;
    findings.expect(
      isFollowed,
      'EFFECT_LOST',
      `exchange knows recall ${recall} as ${JSON.stringify(follows ?? null)}, it is ${standing} at ${revision}`,
    );
    checkTold(row, { told: feedbacks.get(recall) ?? [], platforms }, findings);
  }
  for (const recall of series.keys()) findings.add('EVENT_UNCOMMITTED', `recall ${recall} was published and does not exist`);
}

function checkStanding({ recall, revision, standing, round }: RecallRow, steps: readonly StepRow[], findings: Findings): void {
  const saying = steps.flatMap(({ act }) => SAYS[act] ?? []);
  const stands = saying.filter((says) => says !== 'AS_BEFORE').at(-1) ?? null;
  const isRight = revision === saying.length && standing === stands;
  findings.expect(
    isRight,
    'ROW_WRONG',
    `recall ${recall} is ${standing ?? 'not public'} at ${revision}; its history makes it ${stands ?? 'not public'} at ${saying.length}`,
  );
  const begun = 1 + steps.filter(({ act }) => act === 'RECALL_AGAIN').length;
  findings.expect(round === begun, 'ROW_WRONG', `recall ${recall} is in round ${round}; its history has begun ${begun}`);
}

function checkTold(
  { recall, revision, standing, measure }: RecallRow,
  { told, platforms }: { told: readonly ToldRow[]; platforms: readonly string[] },
  findings: Findings,
): void {
  for (const platform of platforms) {
    const row = told.find((one) => one.platform === platform);
    // Of one that was over when its publication was read nobody is told anew.
    if (!row) {
      findings.expect(standing !== 'PUBLISHED', 'FEEDBACK_LOST', `${platform} was never told of recall ${recall}`);
      continue;
    }
    const { status, subject_revision: subjectRevision } = row;
    const right = standing === 'WITHDRAWN' ? 'WITHDRAWN' : 'ISSUED';
    findings.expect(status === right, 'FEEDBACK_WRONG', `${platform} was told of recall ${recall}: ${status}, not ${right}`);
    const isNewest = subjectRevision === revision && (status === 'WITHDRAWN' || row.measure === measure);
    findings.expect(
      isNewest,
      'FEEDBACK_STALE',
      `${platform} was told revision ${subjectRevision} of recall ${recall}, which is at ${revision}`,
    );
  }
}
