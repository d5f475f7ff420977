import { feedbackOutcomes, ledgerHeads, organisations, platformFeedback } from '@jinqiao/contracts';
import { OwnTopics } from '@jinqiao/messaging';
import { Injectable } from '@nestjs/common';
import { takeOverFeedback } from './feedback/feedback.restore.js';
import { takeOverHeads } from './ledger/ledger.restore.js';
import { Ledger } from './ledger/ledger.service.js';
import { takeOverOrganisations } from './organisation/organisation.restore.js';
import { takeOverAnswers } from './receipt/receipt.restore.js';

/** What was said and what a database that was set back does not know (ADR-0009). Feedback refers to organisations, an answer to feedback. */
@Injectable()
export class Restore {
  constructor(ownTopics: OwnTopics, ledger: Ledger) {
    ownTopics.takenOver(organisations, takeOverOrganisations);
    ownTopics.takenOver(platformFeedback, takeOverFeedback(ledger));
    ownTopics.takenOver(feedbackOutcomes, takeOverAnswers);
    ownTopics.takenOver(ledgerHeads, takeOverHeads(ledger));
  }
}
