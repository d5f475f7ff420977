import type { Act } from '../history.js';
import type { Told } from './expected.js';
import type { Findings } from './findings.js';
import type { StepRow } from './steps.js';
import { type Event, eventsOn, groupedBy, identityOf, type TopicRecord, type Topics } from './topics.js';

/** What departments sent step by step over Kafka, and what came back to them. */
export interface Answers {
  readonly acts: readonly Told<Act>[];
  /** Every record of theirs that the broker holds. */
  readonly sent: readonly TopicRecord[];
  readonly answers: readonly Event[];
  readonly steps: readonly StepRow[];
  /** How often the database of inspection was set back: what is read again is answered again. */
  readonly setBacks: number;
}

/** Steps that were refused, by the identities of their records: each is a dead letter, and not in the inbox. */
export interface Refused {
  readonly inTheEnd: ReadonlySet<string>;
  /** Also those that were taken when they were read again. */
  readonly ever: ReadonlySet<string>;
}

export interface Answered {
  /** With what became of those over Kafka. */
  readonly acts: readonly Told<Act>[];
  readonly refused: Refused;
}

const INTAKE = /^intake\..+\.sampling-step\.v1$/;
const ANSWERS = /^department\..+\.sampling-step-answer\.v1$/;

export function checkAnswers({ acts, steps, setBacks }: Omit<Answers, 'sent' | 'answers'>, topics: Topics, findings: Findings): Answered {
  const sent = [...topics.records].flatMap(([topic, records]) => (INTAKE.test(topic) ? records : []));
  const answers = [...topics.records.keys()].flatMap((topic) => (ANSWERS.test(topic) ? eventsOn(topics, topic, findings) : []));
  return judgeAnswers({ acts, sent, answers, steps, setBacks }, findings);
}

/** Each step that the broker holds is answered, once; the last answer says what became of it. */
export function judgeAnswers({ acts, sent, answers, steps, setBacks }: Answers, findings: Findings): Answered {
  const held = groupedBy(sent, ({ topic, value }) => `${topic.split('.')[1] ?? ''} ${stepIdIn(value)}`);
  const answered = groupedBy(answers, ({ topic, body }) => `${topic.split('.')[1] ?? ''} ${String(body?.['stepId'])}`);
  const openings = acts.filter(({ operation }) => operation.act === 'OPEN');
  const openers = new Map(openings.map(({ operation: { matter, name, by } }): [string, string] => [`${matter} ${name}`, by]));
  const inTheEnd = new Set<string>();
  const ever = new Set<string>();
  const known = acts.map((told): Told<Act> => {
    if (told.via !== 'KAFKA') return told;
    const step = `${told.operation.by} ${told.operation.mark}`;
    const own = answered.get(step) ?? [];
    answered.delete(step);
    const records = held.get(step) ?? [];
    findings.expect(records.length > 0 || told.fate === 'open', 'INTAKE_LOST', `the broker acknowledged step ${step} and does not hold it`);
    checkNumber(step, { own, records, setBacks }, findings);
    const opener = openers.get(`${told.operation.matter} ${told.operation.name}`) ?? told.operation.by;
    for (const answer of own) checkAnswer(told.operation, answer, { steps, opener }, findings);
    const [first, last] = [own[0], own.at(-1)];
    const isNew = first === undefined || first.body?.['outcome'] !== 'duplicate' || setBacks > 0;
    findings.expect(isNew, 'ANSWER_WRONG', `step ${step} was called a duplicate before it was taken`);
    const isRefused = (answer?: Event): boolean => answer?.body?.['outcome'] === 'rejected';
    for (const record of records) {
      if (isRefused(last)) inTheEnd.add(identityOf(record));
      if (own.some(isRefused)) ever.add(identityOf(record));
    }
    const code = last?.body?.['code'] as string | undefined;
    return { ...told, fate: last === undefined ? 'open' : isRefused(last) ? 'refused' : 'applied', code };
  });
  for (const step of answered.keys()) findings.add('ANSWER_UNEXPECTED', `step ${step} was answered and never sent`);
  return { acts: known, refused: { inTheEnd, ever } };
}

const stepIdIn = (value: string | null): string => /"stepId":"([^"]+)"/.exec(value ?? '')?.[1] ?? '';

/** One that is refused may be judged as often as the broker holds it; one that is taken is known again. */
function checkNumber(
  step: string,
  { own, records, setBacks }: { own: readonly Event[]; records: readonly TopicRecord[]; setBacks: number },
  findings: Findings,
): void {
  const accepted = own.filter(({ body }) => body?.['outcome'] === 'accepted').length;
  findings.expect(records.length === 0 || own.length > 0, 'ANSWER_LOST', `step ${step} was never answered`);
  findings.expect(
    records.length > 0 || own.length === 0,
    'ANSWER_UNEXPECTED',
    `step ${step} was answered, and the broker does not hold it`,
  );
  const isOnce = accepted <= 1 + setBacks && own.length <= Math.max(1, records.length) * (1 + setBacks);
  findings.expect(isOnce, 'ANSWER_DOUBLED', `step ${step} was answered ${own.length} times, ${accepted} of them that it was accepted`);
}

interface Opened {
  readonly steps: readonly StepRow[];
  /** Who opened what is worked on, and so whose it is. */
  readonly opener: string;
}

function checkAnswer({ matter, name, act, mark }: Act, { key, type, body }: Event, { steps, opener }: Opened, findings: Findings): void {
  const { subject, outcome, code, state } = body ?? {};
  const [expected, of] = matter === 'RECALL' ? ['RecallStepAnswered', name] : ['SamplingStepAnswered', `${opener}:${name}`];
  const isOf = type === expected && key === of && subject === of && (matter === 'RECALL' || body?.['matter'] === matter);
  const step = `${act} (${mark}) of ${matter} ${name}`;
  findings.expect(isOf, 'ANSWER_WRONG', `${step} was answered as ${type} of ${key}`);
  if (outcome === 'rejected') findings.expect(typeof code === 'string', 'ANSWER_WRONG', `${step}: no code`);
  const row = steps.find((one) => one.matter === matter && one.name === name && one.mark === mark);
  if (outcome !== 'accepted' || !row) return;
  // Whoever has handed it on is told no more how it stands.
  if (state === undefined && act === 'HAND_ON') return;
  const stands = String(state);
  findings.expect(stands === row.to, 'ANSWER_WRONG', `${step} led to ${row.to}, its answer says ${stands}`);
}
