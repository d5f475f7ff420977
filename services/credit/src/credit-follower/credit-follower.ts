/**
 * Followers: departments that were given the change feed or a snapshot, and so may hold what has ended since. Repair is done when what
 * every holder has is changed, not when the feed says so (信用修复管理办法: publication, sharing and use all stop), so each confirms how far
 * it has followed, and who has not yet is listed with the time that whoever publishes has for it.
 */
import { dayInChina } from '@jinqiao/law';
import { DomainError } from '@jinqiao/schema';
import { withdrawalOf } from '../withdrawal.js';

export class NotAFollower extends DomainError {
  constructor() {
    super('NOT_A_FOLLOWER', 404, {
      zh: '该部门尚未获取变更流或快照，无需确认',
      en: 'The department was given neither the change feed nor a snapshot, so there is nothing to confirm',
    });
  }
}

/** How the clock of something that the feed tells to have ended stands; nothing is late where no rule gives a time. */
export function clockOf(toldAt: Date, now: Date): { dueOn: string | null; ruleVersion: string | null; overdue: boolean } {
  const { dueOn, ruleVersion } = withdrawalOf(dayInChina(toldAt)) ?? { dueOn: null, ruleVersion: null };
  return { dueOn, ruleVersion, overdue: dueOn !== null && dayInChina(now) > dueOn };
}
