/* What inspection keeps of its objects and says to nobody, with their history and their clocks (ADR-0020). */
import {
  ProbableDuplicateKept,
  RecallKept,
  ReinspectionLaboratoryListKept,
  SamplingCaseKept,
  SamplingPlanKept,
  SamplingPlanStepKept,
  SamplingRoundKept,
  SamplingSheetKept,
} from '@jinqiao/contracts';
import type { Kept } from '@jinqiao/messaging';

export const SHEETS: Kept = {
  type: SamplingSheetKept,
  key: ['organiser_id', 'sample_no'],
  tables: ['sampling_sheets', 'sampling_sheet_clocks', 'sampling_sheet_steps', 'evidence'],
  added: ['sampling_sheet_steps', 'evidence'],
  holds: 'true',
};

/** What was announced of a draw is kept when it is announced; what was drawn follows from it. */
export const ROUNDS: Kept = {
  type: SamplingRoundKept,
  key: ['round_id'],
  tables: ['sampling_rounds', 'sampling_round_steps'],
  added: ['sampling_round_steps'],
  without: ['pool', 'announced', 'drawn'],
  holds: `NOT EXISTS (
      SELECT FROM sampling_rounds o WHERE o.organiser_id = own.organiser_id AND o.round_no = own.round_no AND o.round_id <> own.round_id)`,
};

/** Its steps go apart, each once: every one has the whole content of the plan, which may have some hundred kilobytes. */
export const PLANS: Kept = {
  type: SamplingPlanKept,
  key: ['plan_id'],
  tables: ['sampling_plans'],
  added: [],
  holds: `NOT EXISTS (
      SELECT FROM sampling_plans o
      WHERE (o.organiser_id, o.year, o.plan_no) = (own.organiser_id, own.year, own.plan_no) AND o.plan_id <> own.plan_id)`,
};

export const PLAN_STEPS: Kept = {
  type: SamplingPlanStepKept,
  key: ['plan_id', 'step_no'],
  tables: ['sampling_plan_steps'],
  added: [],
  holds: 'EXISTS (SELECT FROM sampling_plans p WHERE p.plan_id = own.plan_id)',
};

/** A pair is asked again where its results do not show what was ruled: what waits is in no event. */
export const PAIRS: Kept = {
  type: ProbableDuplicateKept,
  key: ['pair_id'],
  tables: ['probable_duplicates', 'probable_duplicate_rulings'],
  added: ['probable_duplicate_rulings'],
  holds: `EXISTS (
      SELECT FROM sampling_results l, sampling_results e
      WHERE (l.reporter_id, l.sample_no, e.reporter_id, e.sample_no)
        = (own.reporter_id, own.sample_no, own.earlier_reporter_id, own.earlier_sample_no)
        AND CASE own.status WHEN 'SAME' THEN num_nonnulls(l.merged_into, e.merged_into) > 0 WHEN 'DIFFERENT' THEN l.status <> 'WAITING' ELSE true END)
    AND NOT EXISTS (SELECT FROM probable_duplicates o WHERE o.pair_key = own.pair_key AND o.pair_id <> own.pair_id)`,
};

export const CASES: Kept = {
  type: SamplingCaseKept,
  key: ['reporter_id', 'sample_no'],
  tables: ['sampling_cases', 'sampling_case_tracks', 'sampling_case_clocks', 'sampling_case_steps'],
  added: ['sampling_case_steps'],
  holds: 'EXISTS (SELECT FROM sampling_results r WHERE r.reporter_id = own.reporter_id AND r.sample_no = own.sample_no)',
};

/** A national number that was corrected and given to another recall since belongs to whoever has it by now. */
export const RECALLS: Kept = {
  type: RecallKept,
  key: ['recall_no'],
  tables: ['recalls', 'recall_clocks', 'recall_steps'],
  added: ['recall_steps'],
  holds: 'NOT EXISTS (SELECT FROM recalls o WHERE o.national_no = own.national_no AND o.recall_no <> own.recall_no)',
};

/** What was stated does not change. */
export const LABORATORY_LISTS: Kept = {
  type: ReinspectionLaboratoryListKept,
  key: ['list_no'],
  tables: ['reinspection_laboratory_lists'],
  added: [],
  holds: 'true',
};
