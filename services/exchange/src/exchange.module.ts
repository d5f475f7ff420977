import { PlatformModule } from '@jinqiao/platform';
import { Module } from '@nestjs/common';
import { CatalogueController } from './catalogue/catalogue.controller.js';
import { Catalogue } from './catalogue/catalogue.service.js';
import { ExchangeConfig } from './config.js';
import { ConformanceConsumer } from './conformance/conformance.consumer.js';
import { ConformanceController } from './conformance/conformance.controller.js';
import { ConformanceRunRow } from './conformance/conformance.entity.js';
import { ConformanceJob } from './conformance/conformance.job.js';
import { Conformance } from './conformance/conformance.service.js';
import { ContactController } from './contact/contact.controller.js';
import { Contacts } from './contact/contact.service.js';
import { ContactNoticeController } from './contact-notice/contact-notice.controller.js';
import { ContactNotice } from './contact-notice/contact-notice.entity.js';
import { ContactNotices } from './contact-notice/contact-notice.service.js';
import { ContactTeller } from './contact-notice/contact-notice.teller.js';
import { CorrectionRequestController } from './correction-request/correction-request.controller.js';
import { CorrectionRequestRow } from './correction-request/correction-request.entity.js';
import { CorrectionRequests } from './correction-request/correction-request.service.js';
import { DeadlineController } from './deadline/deadline.controller.js';
import { DeadlineJob } from './deadline/deadline.job.js';
import { DeliveryController } from './delivery/delivery.controller.js';
import { DeliveryRow, Recipient } from './delivery/delivery.entity.js';
import { DeliveryOverview } from './delivery/delivery.overview.js';
import { Deliveries } from './delivery/delivery.service.js';
import { DisputeController } from './dispute/dispute.controller.js';
import { Disputes } from './dispute/dispute.service.js';
import { EndpointTestController } from './endpoint-test/endpoint-test.controller.js';
import { EndpointTests } from './endpoint-test/endpoint-test.service.js';
import { EndpointController } from './endpoint/endpoint.controller.js';
import { WebhookEndpoint, WebhookSecret } from './endpoint/endpoint.entity.js';
import { EndpointSecrets } from './endpoint/endpoint.secrets.js';
import { EndpointAddresses, Endpoints } from './endpoint/endpoint.service.js';
import { EntitlementController } from './entitlement/entitlement.controller.js';
import { EntitlementRevision, EntitlementRow, TopicAccess } from './entitlement/entitlement.entity.js';
import { EntitlementJob } from './entitlement/entitlement.job.js';
import { Entitlements } from './entitlement/entitlement.service.js';
import { SamplingFeedbackConsumer } from './feedback/feedback.consumer.js';
import { Escalations } from './escalation/escalation.service.js';
import { EvidenceController } from './evidence/evidence.controller.js';
import { EvidencePacks } from './evidence/evidence.service.js';
import { FeedbackController } from './feedback/feedback.controller.js';
import { FeedbackRevision, FeedbackRow, Subject, UnmatchedFeedback } from './feedback/feedback.entity.js';
import { FeedbackTeller } from './feedback/feedback.teller.js';
import { FeedbackQueries } from './feedback/feedback.queries.js';
import { SamplingFeedback } from './feedback/feedback.service.js';
import { GrantedRecordController } from './granted-record/granted-record.controller.js';
import { GrantedRecords } from './granted-record/granted-record.service.js';
import { LedgerConsumer } from './ledger/ledger.consumer.js';
import { LedgerController } from './ledger/ledger.controller.js';
import { LedgerEntryRow, LedgerHeadRow } from './ledger/ledger.entity.js';
import { LedgerJob } from './ledger/ledger.job.js';
import { Ledger } from './ledger/ledger.service.js';
import { MerchantConsumer } from './merchant/merchant.consumer.js';
import { CreditStatusRow, PlatformMerchant } from './merchant/merchant.entity.js';
import { MerchantCredit } from './merchant/merchant.service.js';
import { OrganisationAdmission } from './organisation/organisation.admission.js';
import { OrganisationController } from './organisation/organisation.controller.js';
import { OrganisationName, OrganisationRow } from './organisation/organisation.entity.js';
import { OrganisationJob } from './organisation/organisation.job.js';
import { Organisations } from './organisation/organisation.service.js';
import { RecallConsumer } from './recall/recall.consumer.js';
import { RecallFeedback } from './recall/recall.service.js';
import { ReceiptConsumer } from './receipt/receipt.consumer.js';
import { ReceiptController } from './receipt/receipt.controller.js';
import { AnswerRow } from './receipt/receipt.entity.js';
import { Receipts } from './receipt/receipt.service.js';
import { ReconciliationController } from './reconciliation/reconciliation.controller.js';
import { Reconciliations } from './reconciliation/reconciliation.service.js';
import { RetentionController } from './retention/retention.controller.js';
import { Retention } from './retention/retention.service.js';
import { Restore } from './restore.js';
import { ServiceLevelController } from './service-level/service-level.controller.js';
import { ServiceLevels } from './service-level/service-level.service.js';
import { SignatureKeyController } from './signature-key/signature-key.controller.js';
import { SignatureKeys } from './signature-key/signature-key.service.js';
import { Sweep } from './sweep.js';
import { Untold } from './untold.js';
import { UseController } from './use/use.controller.js';
import { Uses } from './use/use.service.js';
import { WebhookController } from './webhook/webhook.controller.js';
import { WebhookDispatcher } from './webhook/webhook.dispatcher.js';
import { WebhookAttempt } from './webhook/webhook.entity.js';
import { WebhookSender } from './webhook/webhook.sender.js';
import { Webhooks } from './webhook/webhook.service.js';

const entities = [
  OrganisationRow,
  OrganisationName,
  EntitlementRow,
  EntitlementRevision,
  TopicAccess,
  CorrectionRequestRow,
  Subject,
  FeedbackRow,
  FeedbackRevision,
  UnmatchedFeedback,
  AnswerRow,
  PlatformMerchant,
  CreditStatusRow,
  LedgerEntryRow,
  LedgerHeadRow,
  Recipient,
  DeliveryRow,
  WebhookEndpoint,
  WebhookSecret,
  ContactNotice,
  WebhookAttempt,
  ConformanceRunRow,
];

@Module({
  imports: [PlatformModule.forService({ name: 'exchange', config: ExchangeConfig, entities, admission: OrganisationAdmission })],
  controllers: [
    OrganisationController,
    ContactController,
    EntitlementController,
    GrantedRecordController,
    CatalogueController,
    UseController,
    CorrectionRequestController,
    DeadlineController,
    SamplingFeedbackConsumer,
    MerchantConsumer,
    RecallConsumer,
    FeedbackController,
    DeliveryController,
    EndpointController,
    EndpointTestController,
    WebhookController,
    ContactNoticeController,
    ReceiptConsumer,
    ReceiptController,
    DisputeController,
    LedgerConsumer,
    LedgerController,
    EvidenceController,
    SignatureKeyController,
    ReconciliationController,
    ServiceLevelController,
    RetentionController,
    ConformanceConsumer,
    ConformanceController,
  ],
  providers: [
    Organisations,
    OrganisationJob,
    Contacts,
    Entitlements,
    EntitlementJob,
    GrantedRecords,
    Catalogue,
    Uses,
    CorrectionRequests,
    DeadlineJob,
    SamplingFeedback,
    MerchantCredit,
    RecallFeedback,
    FeedbackTeller,
    FeedbackQueries,
    Deliveries,
    DeliveryOverview,
    EndpointAddresses,
    EndpointSecrets,
    Endpoints,
    ContactNotices,
    ContactTeller,
    Webhooks,
    WebhookSender,
    WebhookDispatcher,
    EndpointTests,
    Receipts,
    Disputes,
    SignatureKeys,
    Ledger,
    LedgerJob,
    EvidencePacks,
    Escalations,
    Reconciliations,
    ServiceLevels,
    Retention,
    Conformance,
    ConformanceJob,
    Restore,
    Untold,
    Sweep,
  ],
})
export class ExchangeModule {}
