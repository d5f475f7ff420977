import { inspectionDeadlines, keptCases, keptPairs, keptSheets, recalls, samplingNotices, samplingResults } from '@jinqiao/contracts';
import { OwnTopics } from '@jinqiao/messaging';
import { Injectable } from '@nestjs/common';
import { takeOverOverdue } from './deadline/deadline.restore.js';
import { CASES, PAIRS, SHEETS, takeOverRows } from './kept-rows/kept-rows.js';
import { takeOverRecalls } from './recall/recall.restore.js';
import { takeOverResults } from './sampling-result/sampling-result.restore.js';

/** What was said and what a database that was set back does not know (ADR-0009). Cases and pairs refer to results, and what is overdue to clocks of them all. */
@Injectable()
export class Restore {
  constructor(ownTopics: OwnTopics) {
    // One series of revisions runs over both topics: whichever is read first, the higher revision stays.
    ownTopics.takenOver(samplingNotices, takeOverResults);
    ownTopics.takenOver(samplingResults, takeOverResults);
    ownTopics.takenOver(recalls, takeOverRecalls);
    ownTopics.takenOver(keptSheets, takeOverRows(SHEETS));
    ownTopics.takenOver(keptCases, takeOverRows(CASES));
    ownTopics.takenOver(keptPairs, takeOverRows(PAIRS));
    ownTopics.takenOver(inspectionDeadlines, takeOverOverdue);
  }
}
