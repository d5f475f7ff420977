import { recallDuties } from '../recall/recall.duties.js';
import { caseDuties } from '../sampling-case/sampling-case.duties.js';
import { sheetDuties } from '../sampling-sheet/sampling-sheet.duties.js';
import type { Duties } from './duties.js';

/** Every slice with clocks: what is listed, computed again and said when it is overdue. */
export const ALL_DUTIES: readonly Duties[] = [sheetDuties, caseDuties, recallDuties];
