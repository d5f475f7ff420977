import type { CreditReport, CreditRetraction, Repair } from '../history.js';
import { DEPARTMENTS } from '../stage.js';
import type { Desk } from './desk.js';

// Records that departments report to credit, what becomes of them, and decisions on their repair.

type Begun = Omit<CreditReport, 'revision' | 'matter' | 'contested' | 'outcome'>;

const again = (desk: Desk, begun: Begun, revision: number, changes: Partial<CreditReport> = {}): CreditReport => {
  return { ...begun, revision, matter: desk.numbered('matter'), contested: false, outcome: null, ...changes };
};

const begin = (desk: Desk, type: CreditReport['type']): Begun => ({
  ...{ kind: 'RECORD', type, reporterId: desk.random.pick(DEPARTMENTS), recordNo: desk.numbered('record') },
  ...{ uscc: desk.plan.merchantsUscc(), documentDate: desk.day(220) },
});

const decisionOn = (desk: Desk, { uscc, recordNo }: Begun): Repair => {
  return {
    kind: 'REPAIR',
    decisionNo: desk.numbered('decision'),
    uscc,
    documentNo: recordNo,
    on: desk.day(230),
    mark: desk.numbered('mark'),
  };
};

const takenBack = ({ reporterId, recordNo }: Begun, revision: number, ground: CreditRetraction['ground']): CreditRetraction => {
  return { kind: 'RECORD_RETRACTION', reporterId, recordNo, revision, ground };
};

/** A penalty: reported, corrected, contested, then taken back or repaired; once repaired it stays so, whatever is reported later. */
export async function workOnPenalty(desk: Desk): Promise<void> {
  const { random } = desk;
  const begun = begin(desk, 'PENALTY');
  const via = random.pick(['HTTP', 'KAFKA'] as const);
  await desk.take(again(desk, begun, 1), via);
  if (via === 'HTTP') await desk.race(again(desk, begun, 2), again(desk, begun, 2));
  else await desk.take(again(desk, begun, 2, { contested: true }), via);
  const end = random.next();
  if (end < 0.3) return desk.take(takenBack(begun, 3, random.pick(['REVOKED', 'CORRECTED'])), via);
  if (end < 0.4) {
    await desk.take(takenBack(begun, 3, 'REVOKED'), via);
    return desk.take(again(desk, begun, 4), via);
  }
  if (end < 0.5) await desk.take(takenBack(begun, 3, 'REPAIRED'), via);
  // A decision on what is still on its way over Kafka would wait for it.
  else if (end < 0.8 && via === 'HTTP') await repaired(desk, begun);
  else return;
  await desk.take(again(desk, begun, 4), via);
}

async function repaired(desk: Desk, begun: Begun): Promise<void> {
  const decision = decisionOn(desk, begun);
  if (desk.random.chance(0.5)) return desk.take(decision);
  await desk.race(decision, { ...decision, mark: desk.numbered('mark') });
}

/** The decision comes before its record, which ends within a minute of its coming. */
export async function workOnEarlyDecision(desk: Desk): Promise<void> {
  const begun = begin(desk, 'PENALTY');
  await desk.take(decisionOn(desk, begun));
  await desk.take(again(desk, begun, 1), desk.random.pick(['HTTP', 'KAFKA']));
}

/** A commitment, and whether it was kept: broken, it makes a second record. */
export async function workOnCommitment(desk: Desk): Promise<void> {
  const { random } = desk;
  const begun = begin(desk, 'COMMITMENT');
  const via = random.pick(['HTTP', 'KAFKA'] as const);
  await desk.take(again(desk, begun, 1), via);
  if (random.chance(0.2)) return;
  await desk.take(again(desk, begun, 2, { outcome: random.pick(['KEPT', 'BROKEN', 'BROKEN']) }), via);
  if (via === 'HTTP' && random.chance(0.3)) return repaired(desk, begun);
  if (random.chance(0.3)) await desk.take(takenBack(begun, 3, 'REVOKED'), via);
}

const PERIODS = 4;

/** Penalties that are public from tomorrow on, or to the end of today; some are corrected or taken back before or after that. */
export async function workOnPeriods(desk: Desk): Promise<void> {
  for (let nth = 0; nth < PERIODS; nth++) await workOnPeriod(desk);
}

async function workOnPeriod(desk: Desk): Promise<void> {
  const { random } = desk;
  const isToBegin = random.chance(0.5);
  const period = isToBegin ? { publishFrom: desk.creditsDay(1) } : { publicUntil: desk.creditsDay(0) };
  // So long ago that it may end, and so lately that it may still begin.
  const begun = { ...begin(desk, 'PENALTY'), documentDate: desk.creditsDay(isToBegin ? -5 : -120), ...period };
  const via = random.pick(['HTTP', 'HTTP', 'KAFKA'] as const);
  await desk.take(again(desk, begun, 1), via);
  const next = random.next();
  if (next < 0.6) return;
  if (next < 0.8) return desk.take(again(desk, begun, 2), via);
  await desk.take(takenBack(begun, 2, 'REVOKED'), via);
}
