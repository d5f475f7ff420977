import { dayInChina } from '@jinqiao/law';
import { endOfDay } from '@jinqiao/platform';
import type { Duties, Overdue } from '../deadline/duties.js';
import { CLOCK_NAMES, CLOCKS, DUTIES, OF_PRODUCER } from './recall.acts.js';

const RIGHTS = CLOCK_NAMES.filter((clock) => CLOCKS[clock].kind === 'RIGHT');
const names = (clocks: readonly string[]): string => clocks.map((clock) => `'${clock}'`).join(', ');
type OverdueClock = Omit<Overdue, 'party'> & { readonly clock: keyof typeof CLOCKS };

/** What has to be done in recalls, each said once when it was not. */
export const recallDuties: Duties = {
  table: 'recall_clocks',

  listed: {
    matter: 'RECALL',
    endsBy: 'due_on',
    select: `SELECT 'RECALL/' || c.recall_no || '/' || c.clock || '/' || c.started_on AS id, c.recall_no AS subject, c.clock,
        CASE WHEN c.clock IN (${names(RIGHTS)}) THEN 'RIGHT' ELSE 'DUTY' END AS kind,
        CASE WHEN c.clock IN (${names(OF_PRODUCER)}) THEN 'PRODUCER' ELSE 'KEEPER' END AS party,
        c.started_on, NULL::timestamptz AS started_at, c.due_on, ${endOfDay('c.due_on')} AS due_at, c.stopped_on, NULL::timestamptz AS stopped_at,
        c.provisional, c.first_due_on, c.rule_version, r.keeper_id AS department, r.keeper_id AS handler, c.raised_at
      FROM recall_clocks c JOIN recalls r USING (recall_no) WHERE $1::text IS NULL OR r.keeper_id = $1`,
  },

  async raise(tx, now, limit) {
    const [overdue]: [OverdueClock[], number] = await tx.query(
      `UPDATE recall_clocks AS c SET raised_at = $1
       FROM (SELECT recall_no, clock, started_on FROM recall_clocks
             WHERE stopped_on IS NULL AND raised_at IS NULL AND due_on < $2::date AND clock = ANY($3)
             ORDER BY due_on, recall_no LIMIT $4 FOR UPDATE SKIP LOCKED) AS late
       WHERE (c.recall_no, c.clock, c.started_on) = (late.recall_no, late.clock, late.started_on)
       RETURNING c.recall_no AS subject, c.clock, c.started_on::text AS "startedOn", c.due_on::text AS "dueOn",
         c.rule_version AS "ruleVersion", (SELECT keeper_id FROM recalls r WHERE r.recall_no = c.recall_no) AS "departmentId"`,
      [now, dayInChina(now), DUTIES, limit],
    );
    return overdue.map((one) => ({ ...one, party: CLOCKS[one.clock].party }));
  },

  async takeOver(tx, said) {
    const taken: [unknown[], number] = await tx.query(
      `UPDATE recall_clocks AS c SET raised_at = x."raisedAt"
       FROM jsonb_to_recordset($1::jsonb) AS x (subject text, clock text, "startedOn" date, "raisedAt" timestamptz)
       WHERE c.recall_no = x.subject AND c.clock = x.clock AND c.started_on = x."startedOn" AND c.raised_at IS NULL`,
      [JSON.stringify(said)],
    );
    return taken[1];
  },
};
