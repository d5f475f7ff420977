/**
 * Followers: departments that were given the change feed or a snapshot, and so may hold what has ended since. Repair is done when what
 * every holder has is changed, not when the feed says so (信用修复管理办法: publication, sharing and use all stop), so each confirms how far
 * it has followed, and who has not yet is listed with the time that whoever publishes has for it.
 */
import { addWorkingDays, dayInChina, rule } from '@jinqiao/law';
import { DomainError } from '@jinqiao/schema';

/** The last day on which something that ended on this day may still be shown, and the rule row that says so. */
export interface Withdrawal {
  readonly dueOn: string;
  readonly ruleVersion: string;
}

export class NotAFollower extends DomainError {
  constructor() {
    super('NOT_A_FOLLOWER', 404, {
      zh: '该部门尚未获取变更流或快照，无需确认',
      en: 'The department was given neither the change feed nor a snapshot, so there is nothing to confirm',
    });
  }
}

/**
 * The period in which a penalty has to be withdrawn (行政处罚法 §48): the shortest there is, for every kind of end. It binds who publishes;
 * that a copy has as long is how we read it. Null where there is no such rule.
 */
export function withdrawalOf(endedOn: string): Withdrawal | null {
  const row = rule('PENALTY_WITHDRAWAL', { on: endedOn });
  if (row === 'NO_RULE') return null;
  if (row.unit !== 'WORKING_DAYS') throw new RangeError(`${row.version} gives ${row.unit}, not working days`);
  return { dueOn: addWorkingDays(endedOn, row.value).day, ruleVersion: row.version };
}

/** How the clock of something that the feed tells to have ended stands; nothing is late where no rule gives a time. */
export function clockOf(toldAt: Date, now: Date): { dueOn: string | null; ruleVersion: string | null; overdue: boolean } {
  const { dueOn, ruleVersion } = withdrawalOf(dayInChina(toldAt)) ?? { dueOn: null, ruleVersion: null };
  return { dueOn, ruleVersion, overdue: dueOn !== null && dayInChina(now) > dueOn };
}
