/**
 * From which day a record may be repaired: its publication ended early because what it says has been made good. Since 2026-04-01 the class
 * of dishonesty says how long it has to have been public, counted from the date of its document (信用修复管理办法, NDRC Order 36); for the
 * list of serious dishonesty its own measures do. Records of other types may be repaired as soon as their cause is gone.
 */
import type { CreditClass, CreditRecordType } from '@jinqiao/contracts';
import { dayInChina } from './calendar.js';
import { deadline } from './deadline.js';
import { rule, type RuleRow } from './rules.js';

const LEAST: Readonly<Record<string, string>> = {
  'PENALTY/GENERAL': 'DISHONESTY_PUBLIC_GENERAL_LEAST',
  'PENALTY/SERIOUS': 'DISHONESTY_PUBLIC_SERIOUS_LEAST',
  SERIOUS_DISHONESTY: 'SERIOUS_LIST_APPLICATION',
};

export interface Repairable {
  readonly from: string;
  readonly legalBasis: RuleRow['legalBasis'] & { readonly ruleVersion: string };
}

/** By the law of the day on which it is asked; null where no least period is set. */
export function repairableFrom(type: CreditRecordType, itsClass: CreditClass | null, documentDate: string, on: string): Repairable | null {
  const name = LEAST[itsClass === null ? type : `${type}/${itsClass}`];
  const row = name === undefined ? 'NO_RULE' : rule(name, { on });
  if (row === 'NO_RULE') return null;
  const { due } = deadline(documentDate, row);
  return { from: typeof due === 'string' ? due : dayInChina(due), legalBasis: { ...row.legalBasis, ruleVersion: row.version } };
}
