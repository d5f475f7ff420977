export {
  addDays,
  addMonths,
  addWorkingDays,
  arrangedUntil,
  dayInChina,
  isArranged,
  isWorkingDay,
  wholeDate,
  workingDays,
} from './calendar.js';
export { categoryOf, type ProductCategory } from './category.js';
export { deadline, type Deadline, type Period, type PeriodUnit, type Roll } from './deadline.js';
export { divisionExists, divisionOn, isInTianjin, type Division } from './division.js';
export { type Changes, deadlineWith, type Extension, leftWhilePaused, type Pause } from './pause.js';
export { nameKey } from './printed-name.js';
export { allRecordTypes, publishBy, type RecordType, recordTypesOn, type Term, termOf } from './record-type.js';
export { type Repairable, repairableFrom } from './repair.js';
export { pastBefore } from './retention.js';
export {
  allRules,
  CREDIT_REPAIR,
  FOOD_LAW,
  FOOD_SAMPLING,
  PENALTY_PROCEDURE,
  RECALL_RULES,
  rule,
  ruleOfVersion,
  type RuleQuestion,
  type RuleRow,
  SAMPLING_MEASURES,
} from './rules.js';
export { readUscc, type ReadUscc, type UsccOutcome } from './uscc.js';
