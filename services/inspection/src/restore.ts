import {
  inspectionDeadlines,
  keptCases,
  keptDraws,
  keptLaboratoryLists,
  keptPairs,
  keptPlans,
  keptPlanSteps,
  keptRecalls,
  keptRounds,
  keptSheets,
  recalls,
  samplingNotices,
  samplingResults,
} from '@jinqiao/contracts';
import { OwnTopics, takeOverRows } from '@jinqiao/messaging';
import { Injectable } from '@nestjs/common';
import { takeOverOverdue } from './deadline/deadline.restore.js';
import { CASES, LABORATORY_LISTS, PAIRS, PLANS, PLAN_STEPS, RECALLS, ROUNDS, SHEETS } from './kept-rows/kept-rows.js';
import { takeOverRecalls } from './recall/recall.restore.js';
import { takeOverResults } from './sampling-result/sampling-result.restore.js';
import { KeptDraws } from './sampling-round/sampling-round.restore.js';

/**
 * What was said and what a database that was set back does not know (ADR-0009). Cases and pairs refer to results, rounds to their draws, the
 * steps of a plan to the plan, and what is overdue to clocks of them all.
 */
@Injectable()
export class Restore {
  constructor(ownTopics: OwnTopics, draws: KeptDraws) {
    // One series of revisions runs over both topics: whichever is read first, the higher revision stays.
    ownTopics.takenOver(samplingNotices, takeOverResults);
    ownTopics.takenOver(samplingResults, takeOverResults);
    // The rows first: where something was said that they do not have, it goes over them.
    ownTopics.takenOver(keptRecalls, takeOverRows(RECALLS));
    ownTopics.takenOver(recalls, takeOverRecalls);
    ownTopics.takenOver(keptPlans, takeOverRows(PLANS));
    ownTopics.takenOver(keptPlanSteps, takeOverRows(PLAN_STEPS));
    ownTopics.takenOver(keptDraws, (tx, said) => draws.takeOver(tx, said));
    ownTopics.takenOver(
      keptRounds,
      takeOverRows(ROUNDS, (tx, rows) => draws.complete(tx, rows)),
    );
    ownTopics.takenOver(keptSheets, takeOverRows(SHEETS));
    ownTopics.takenOver(keptLaboratoryLists, takeOverRows(LABORATORY_LISTS));
    ownTopics.takenOver(keptCases, takeOverRows(CASES));
    ownTopics.takenOver(keptPairs, takeOverRows(PAIRS));
    ownTopics.takenOver(inspectionDeadlines, takeOverOverdue);
    ownTopics.afterTakingOver((tx) => draws.forget(tx));
  }
}
