import type { Act } from '../history.js';
import type { Desk } from './desk.js';
import { type Ways, waysOf } from './work.js';

const SHA = 'c'.repeat(64);

type On = (name: string, day: number, facts?: object) => Act;

/** One recall at a desk. */
interface File extends Ways {
  readonly desk: Desk;
  readonly act: On;
}

/** Some over Kafka, and of two at once the other over HTTP: a recall from its clue to its closing, and what may still be said of it then. */
export async function workOnRecall(desk: Desk): Promise<void> {
  const { random } = desk;
  const recall = { matter: 'RECALL', name: desk.numbered('recall') } as const;
  const act: On = (name, day, facts = {}) => desk.act(recall, name, desk.day(day), { sha256: SHA, ...facts });
  const file: File = { desk, act, ...waysOf(desk) };
  const { via } = file;
  const product = { name: '示例移动电源', batches: [recall.name], gtins: ['06901234567892'] };
  const isOutside = random.chance(0.4);
  const producer = { name: '示例企业', ...(isOutside && { divisionCode: '440305' }) };
  await desk.take(desk.act(recall, 'OPEN', desk.day(0), { product, producer, hazard: '过热' }), via);
  if (isOutside && random.chance(0.7)) await desk.take(act('FORWARD', 0, { authority: '外省局' }), via);
  desk.leaveSome(0.1);
  if (random.chance(0.3)) await hearOfIncident(file, 0);
  const reportedOn = await random.pick([admit, admit, investigate])(file);
  if (reportedOn === null) return;
  await carryOut(file, reportedOn);
  if (random.chance(0.2)) return recallAgain(file);
  await desk.race(act('CLOSE', 160), act('CLOSE', 160), file.ofTwo());
  if (random.chance(0.25)) return recallAgain(file);
  if (random.chance(0.5)) await desk.take(act('AMEND', 161, { content: measure(desk) }), via);
  if (random.chance(0.3)) await desk.take(act('WITHDRAW', 162), via);
}

const measure = (desk: Desk): object => ({ measure: desk.numbered('measure') });

/** Some of what is heard is never reported: its clock runs out. */
async function hearOfIncident({ desk, act, via }: File, day: number): Promise<void> {
  await desk.take(act('NOTE_INCIDENT', day, { learnedOn: desk.day(day) }), via);
  if (desk.random.chance(0.7)) await desk.take(act('RECORD_INCIDENT_REPORT', day), via);
}

/** The day of the plan; null: there was no defect. */
async function admit({ desk, act, via, ofTwo }: File): Promise<number | null> {
  await desk.take(act('NOTIFY_PRODUCER', 1), via);
  const admitted = await desk.race(act('ADMIT_DEFECT', 5), act('FIND_NO_DEFECT', 5), ofTwo());
  if (admitted.act !== 'ADMIT_DEFECT') return null;
  // What is admitted may still be ordered: a plan is due all the same.
  if (desk.random.chance(0.2)) await desk.race(order(act, 8), order(act, 8), ofTwo());
  await desk.take(act('REPORT_PLAN', 9, { content: measure(desk) }), via);
  return 9;
}

const order = (act: On, day: number): Act => act('ORDER_RECALL', day, { authority: '市局', documentNo: '责令1号' });

/** The producer denies it, or is not asked: the province finds out, and orders what is not done without. */
async function investigate({ desk, act, via, ofTwo }: File): Promise<number | null> {
  const { random } = desk;
  if (random.chance(0.7)) {
    await desk.take(act('NOTIFY_PRODUCER', 1), via);
    if (random.chance(0.7)) await desk.take(act('DENY_DEFECT', 3), via);
  }
  await desk.race(act('INVESTIGATE', 4), act('INVESTIGATE', 4), ofTwo());
  const noticed = await desk.race(act('GIVE_NOTICE', 20, { documentNo: '通知1号' }), act('FIND_NO_DEFECT', 20), ofTwo());
  if (noticed.act !== 'GIVE_NOTICE') return null;
  desk.leaveSome(0.1);
  const plan = (day: number): Act => act('REPORT_PLAN', day, { content: measure(desk) });
  if (random.chance(0.7)) {
    const answered = await desk.race(act('FILE_OBJECTION', 22), plan(22), ofTwo());
    if (answered.act !== 'FILE_OBJECTION') return 22;
    const decided = await desk.race(order(act, 30), act('FIND_NO_DEFECT', 30), ofTwo());
    if (decided.act !== 'ORDER_RECALL') return null;
  } else await desk.race(order(act, 30), order(act, 30), ofTwo());
  desk.leaveSome(0.1);
  await desk.take(plan(33), via);
  return 33;
}

/** From the plan to the summary of what it has brought. */
async function carryOut({ desk, act, via, ofTwo }: File, reportedOn: number): Promise<void> {
  const publish = (): Act => act('PUBLISH', reportedOn + 1, { content: measure(desk) });
  await desk.race(publish(), publish(), ofTwo());
  await desk.take(act('AMEND', reportedOn + 3, { content: measure(desk) }), via);
  desk.leaveSome(0.2);
  await desk.take(act('RECORD_PROGRESS', 120, { recalled: 900 }), via);
  await desk.race(act('COMPLETE', 140, { recalled: 1_000 }), act('COMPLETE', 140, { recalled: 999 }), ofTwo());
  await desk.take(act('SUMMARISE', 150, { recalled: 1_000 }), via);
}

/** It did not suffice, which shows before or after it is closed. */
async function recallAgain(file: File): Promise<void> {
  const { desk, act, via, ofTwo } = file;
  await desk.race(act('RECALL_AGAIN', 165), act('RECALL_AGAIN', 165), ofTwo());
  if (desk.random.chance(0.3)) await hearOfIncident(file, 166);
  desk.leaveSome(0.3);
  await desk.take(act('REPORT_PLAN', 170, { content: measure(desk) }), via);
  await desk.take(act('PUBLISH', 171), via);
  await desk.take(act('COMPLETE', 200, { recalled: 1_500 }), via);
  await desk.take(act('SUMMARISE', 210, { recalled: 1_500 }), via);
  await desk.race(act('CLOSE', 220), act('CLOSE', 220), ofTwo());
}
