import type { Act } from '../history.js';
import { ORGANISER } from '../stage.js';
import type { Desk } from './desk.js';

const STRATUM = { divisionCode: '120101', riskClass: 'C' };
const CATEGORY = '糕点';
const NUMBER = 5;
/** More than half of what is left: two rounds of it exclude each other. */
const TAKEN = 3;
/** Those that a plan may be of; each has few plans, so that whoever looks for one gets a short list. */
const YEARS = { first: 2_000, number: 101 };

interface Plans {
  readonly items: readonly { readonly planId: string; readonly planNo: string }[];
}

/** An annual plan, amended by two at once who both read the same, published by two at once, and carried out by two rounds of which it has enough for one. */
export async function workOnPlan(desk: Desk): Promise<void> {
  const { plan: numbers, random } = desk;
  const plan = { matter: 'PLAN', name: desk.numbered('plan') } as const;
  const year = YEARS.first + (numbers.next() % YEARS.number);
  const planned = (number: number): object => ({ quotas: [{ category: CATEGORY, ...STRATUM, number }] });
  const today = desk.day(0);
  await desk.take(desk.act(plan, 'OPEN', today, { year, ...planned(1) }));
  const { items } = await desk.ask<Plans>(ORGANISER, `/api/inspection/plans?organiserId=${ORGANISER}&year=${year}&limit=500`);
  const planId = items.find(({ planNo }) => planNo === plan.name)?.planId;
  const amend = (revision: number): Act => desk.act(plan, 'AMEND', today, { planId, revision, ...planned(NUMBER) });
  await desk.race(amend(1), amend(1));
  const publish = (): Act => desk.act(plan, 'PUBLISH', today, { planId });
  // Whoever publishes what is public has what it wanted.
  await Promise.all([desk.take(publish()), desk.take(publish())]);
  const round = (): Act => {
    const facts = { level: 'CITY', year, planNo: plan.name, regime: 'FOOD', category: CATEGORY, coverage: 'COMPLETE_ROUND' };
    const one = { matter: 'ROUND', name: desk.numbered('round') } as const;
    return desk.act(one, 'OPEN', today, { ...facts, quotas: [{ ...STRATUM, number: TAKEN }] });
  };
  await desk.race(round(), round());
  if (random.chance(0.5)) await desk.race(amend(2), amend(2));
}
