import {
  chosenChannels,
  conformanceRuns,
  contacts,
  correctionRequests,
  entitlements,
  type FeedbackAnswerAccepted,
  feedbackOutcomes,
  FeedbackOverdue,
  grantedKeys,
  ledgerHeads,
  organisations,
  platformFeedback,
  signatureKeys,
  webhookEndpoints,
} from '@jinqiao/contracts';
import { OwnTopics, type Received } from '@jinqiao/messaging';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { takeOverRuns } from './conformance/conformance.restore.js';
import { takeOverContacts } from './contact/contact.service.js';
import { takeOverChannels } from './delivery/delivery.series.js';
import { takeOverCorrectionRequests } from './correction-request/correction-request.service.js';
import { takeOverEndpoints } from './endpoint/endpoint.memory.js';
import { takeOverEntitlements } from './entitlement/entitlement.restore.js';
import { takeOverEscalations } from './escalation/escalation.service.js';
import { takeOverFeedback } from './feedback/feedback.restore.js';
import { takeOverGrantedKeys } from './granted-record/granted-record.service.js';
import { takeOverHeads } from './ledger/ledger.restore.js';
import { Ledger } from './ledger/ledger.service.js';
import { takeOverOrganisations } from './organisation/organisation.restore.js';
import { takeOverAnswers } from './receipt/receipt.restore.js';
import { takeOverKeys } from './signature-key/signature-key.service.js';

/**
 * What was said and what a database that was set back does not know (ADR-0009). Most refers to organisations, an answer to feedback, a key to
 * its grant; feedback is due by the channel of its recipient.
 */
@Injectable()
export class Restore {
  constructor(ownTopics: OwnTopics, ledger: Ledger) {
    ownTopics.takenOver(organisations, takeOverOrganisations);
    ownTopics.takenOver(contacts, takeOverContacts);
    ownTopics.takenOver(signatureKeys, takeOverKeys);
    ownTopics.takenOver(conformanceRuns, takeOverRuns);
    ownTopics.takenOver(entitlements, takeOverEntitlements);
    ownTopics.takenOver(grantedKeys, takeOverGrantedKeys);
    ownTopics.takenOver(correctionRequests, takeOverCorrectionRequests);
    ownTopics.takenOver(chosenChannels, takeOverChannels);
    ownTopics.takenOver(webhookEndpoints, takeOverEndpoints);
    ownTopics.takenOver(platformFeedback, takeOverFeedback(ledger));
    ownTopics.takenOver(feedbackOutcomes, takeOverOutcomes);
    ownTopics.takenOver(ledgerHeads, takeOverHeads(ledger));
  }
}

async function takeOverOutcomes(tx: EntityManager, said: readonly Received<object | null>[]): Promise<number> {
  const overdue = said.filter((one) => one.type === FeedbackOverdue) as Received<FeedbackOverdue>[];
  const answered = said.filter((one) => one.type !== FeedbackOverdue) as Received<FeedbackAnswerAccepted>[];
  return (await takeOverAnswers(tx, answered)) + (await takeOverEscalations(tx, overdue));
}
