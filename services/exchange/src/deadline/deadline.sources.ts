import { dayOf, type DeadlineSource, endOfDay } from '@jinqiao/platform';

/** What platforms have to do by when. What starts on receipt has no end before it is received. */
const feedback: DeadlineSource = {
  matter: 'FEEDBACK',
  endsBy: 'due_at',
  select: `SELECT 'FEEDBACK/' || f.feedback_id || '/' || f.asked_since AS id, f.subject, split_part(split_part(f.clock_rule, '@', 1), '/', 1) AS clock,
      'DUTY' AS kind, 'PLATFORM' AS party, ${dayOf('f.clock_started_at')} AS started_on, f.clock_started_at AS started_at,
      ${dayOf('f.due_at')} AS due_on, f.due_at, ${dayOf('f.closed_at')} AS stopped_on, f.closed_at AS stopped_at, FALSE AS provisional,
      NULL::date AS first_due_on, f.clock_rule AS rule_version, f.publisher_id AS department, f.recipient_id AS handler,
      f.overdue_raised_at AS raised_at
    FROM feedbacks f
    WHERE f.due_at IS NOT NULL AND f.clock_rule IS NOT NULL AND ($1::text IS NULL OR f.recipient_id = $1 OR f.publisher_id = $1)`,
};

/** Answers to requests for correction. Whoever filed one sees it run as well. */
const correctionRequests: DeadlineSource = {
  matter: 'CORRECTION_REQUEST',
  endsBy: 'due_on',
  select: `SELECT 'CORRECTION_REQUEST/' || c.request_id AS id, c.subject, split_part(c.answer_rule, '@', 1) AS clock, 'DUTY' AS kind,
      'PUBLISHER' AS party, c.answer_from AS started_on, NULL::timestamptz AS started_at, c.answer_due_on AS due_on,
      ${endOfDay('c.answer_due_on')} AS due_at, ${dayOf(`(c.state ->> 'closedAt')::timestamptz`)} AS stopped_on,
      (c.state ->> 'closedAt')::timestamptz AS stopped_at, c.answer_provisional AS provisional, NULL::date AS first_due_on,
      c.answer_rule AS rule_version, c.publisher_id AS department, c.publisher_id AS handler,
      (c.state ->> 'overdueRaisedAt')::timestamptz AS raised_at
    FROM correction_requests c WHERE c.answer_rule IS NOT NULL AND ($1::text IS NULL OR $1 IN (c.filed_by, c.publisher_id))`,
};

const DECIDED_AT = `CASE WHEN e.status <> 'REQUESTED' THEN
  (SELECT min((r.state ->> 'changedAt')::timestamptz) FROM entitlement_revisions r
   WHERE r.entitlement_id = e.entitlement_id AND r.state ->> 'status' <> 'REQUESTED') END`;

/** Answers to requests for a grant. Whoever asked sees it run as well. */
const grantRequests: DeadlineSource = {
  matter: 'GRANT_REQUEST',
  endsBy: 'due_on',
  select: `SELECT 'GRANT_REQUEST/' || e.entitlement_id AS id, e.entitlement_id AS subject, split_part(e.answer_rule, '@', 1) AS clock,
      'DUTY' AS kind, 'PROVIDER' AS party, e.answer_from AS started_on, NULL::timestamptz AS started_at, e.answer_due_on AS due_on,
      ${endOfDay('e.answer_due_on')} AS due_at, ${dayOf(`(${DECIDED_AT})`)} AS stopped_on, ${DECIDED_AT} AS stopped_at,
      e.answer_provisional AS provisional, NULL::date AS first_due_on, e.answer_rule AS rule_version, e.provider_id AS department,
      e.provider_id AS handler, (SELECT (r.state ->> 'overdueRaisedAt')::timestamptz FROM entitlement_revisions r
        WHERE r.entitlement_id = e.entitlement_id AND r.revision = e.revision) AS raised_at
    FROM entitlements e WHERE e.answer_rule IS NOT NULL AND ($1::text IS NULL OR $1 IN (e.recipient_id, e.provider_id))`,
};

/** Every period that the exchange keeps. */
export const DEADLINE_SOURCES: readonly DeadlineSource[] = [feedback, correctionRequests, grantRequests];
