import type { Findings } from './findings.js';
import type { Tables } from './tables.js';
import { groupedBy } from './topics.js';

/** A step of a recall, in its place. */
export interface TimedStep {
  readonly recall: string;
  readonly act: string;
  readonly on: string;
  readonly learned: string | null;
  /** Is its producer another province's? */
  readonly outside: boolean;
}

export interface RunningClock {
  readonly recall: string;
  readonly clock: string;
  readonly started: string;
  readonly stopped: boolean;
}

interface Timing {
  readonly starts?: readonly string[];
  readonly stops?: readonly string[];
}

/** Which periods begin and end with each step. */
const TIMED: Readonly<Record<string, Timing>> = {
  OPEN: { starts: ['PRODUCER_NOTICE'] },
  FORWARD: { stops: ['FORWARDING'] },
  NOTE_INCIDENT: { starts: ['INCIDENT_REPORT'] },
  RECORD_INCIDENT_REPORT: { stops: ['INCIDENT_REPORT'] },
  NOTIFY_PRODUCER: { stops: ['PRODUCER_NOTICE'] },
  ADMIT_DEFECT: { stops: ['PRODUCER_NOTICE'], starts: ['PLAN_REPORT'] },
  INVESTIGATE: { stops: ['PRODUCER_NOTICE'] },
  FIND_NO_DEFECT: { stops: ['PRODUCER_NOTICE', 'FORWARDING', 'INCIDENT_REPORT'] },
  GIVE_NOTICE: { starts: ['PLAN_REPORT', 'OBJECTION'] },
  FILE_OBJECTION: { stops: ['PLAN_REPORT', 'OBJECTION'] },
  ORDER_RECALL: { stops: ['PLAN_REPORT', 'OBJECTION'], starts: ['PLAN_REPORT_ORDERED'] },
  REPORT_PLAN: { stops: ['PLAN_REPORT', 'PLAN_REPORT_ORDERED', 'OBJECTION'], starts: ['PUBLICATION'] },
  PUBLISH: { stops: ['PUBLICATION'], starts: ['PROGRESS_SUMMARY'] },
  RECORD_PROGRESS: { stops: ['PROGRESS_SUMMARY'], starts: ['PROGRESS_SUMMARY'] },
  COMPLETE: { stops: ['PROGRESS_SUMMARY'], starts: ['FINAL_SUMMARY'] },
  SUMMARISE: { stops: ['FINAL_SUMMARY'] },
  RECALL_AGAIN: { starts: ['PLAN_REPORT'] },
  WITHDRAW: { stops: ['PROGRESS_SUMMARY', 'FINAL_SUMMARY', 'FORWARDING', 'INCIDENT_REPORT'] },
};
/** With them every incident is over, not the first that waits alone. */
const DROPS = ['FIND_NO_DEFECT', 'WITHDRAW'];

export async function checkRecallClocks(forgotten: ReadonlySet<string>, tables: Tables, findings: Findings): Promise<void> {
  const steps = await tables.rows<TimedStep>(
    'inspection',
    `SELECT recall_no AS recall, act, done_on::text AS on, facts ->> 'learnedOn' AS learned,
       coalesce(content #>> '{producer,divisionCode}' NOT LIKE '12%', false) AS outside
     FROM recall_steps JOIN recalls USING (recall_no) ORDER BY recall_no, step_no`,
  );
  const clocks = await tables.rows<RunningClock>(
    'inspection',
    'SELECT recall_no AS recall, clock, started_on::text AS started, stopped_on IS NOT NULL AS stopped FROM recall_clocks',
  );
  judgeRecallClocks({ steps, clocks, forgotten }, findings);
}

export interface Timed {
  readonly steps: readonly TimedStep[];
  readonly clocks: readonly RunningClock[];
  readonly forgotten: ReadonlySet<string>;
}

/** Every period that began with a step runs, or ran until a step ended it; and no other does. */
export function judgeRecallClocks({ steps, clocks, forgotten }: Timed, findings: Findings): void {
  const kept = groupedBy(clocks, ({ recall }) => recall);
  for (const [recall, own] of groupedBy(steps, (step) => step.recall)) {
    const found = new Map((kept.get(recall) ?? []).map((one) => [`${one.clock} ${one.started}`, one.stopped]));
    kept.delete(recall);
    if (forgotten.has(recall)) continue;
    for (const [clock, stopped] of clocksAfter(own)) {
      const stands = found.get(clock);
      found.delete(clock);
      const is = stands === undefined ? 'is missing' : stands ? 'has stopped' : 'runs';
      findings.expect(
        stands === stopped,
        'CLOCK_WRONG',
        `${clock} of recall ${recall} ${is}, its history has it ${stopped ? 'stopped' : 'run'}`,
      );
    }
    for (const clock of found.keys()) findings.add('CLOCK_WRONG', `${clock} of recall ${recall} began with no step`);
  }
  for (const recall of kept.keys()) findings.add('CLOCK_WRONG', `recall ${recall} has clocks and no history`);
}

/** Each by its name and its first day: is it stopped? */
function clocksAfter(steps: readonly TimedStep[]): Map<string, boolean> {
  const after = new Map<string, boolean>();
  for (const { act, on, learned, outside } of steps) {
    const { starts = [], stops = [] } = TIMED[act] ?? {};
    for (const clock of stops) {
      const open = [...after].flatMap(([key, stopped]) => (!stopped && key.startsWith(`${clock} `) ? [key] : [])).sort();
      for (const key of DROPS.includes(act) ? open : open.slice(0, 1)) after.set(key, true);
    }
    const begins = act === 'OPEN' && outside ? [...starts, 'FORWARDING'] : starts;
    for (const clock of begins) after.set(`${clock} ${learned ?? on}`, false);
  }
  return after;
}
