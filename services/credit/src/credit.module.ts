import { PlatformModule } from '@jinqiao/platform';
import { Module } from '@nestjs/common';
import { CertificateController } from './certificate/certificate.controller.js';
import { Certificates } from './certificate/certificate.service.js';
import { CreditConfig } from './config.js';
import { CreditChangeController } from './credit-change/credit-change.controller.js';
import { CreditChangeJob } from './credit-change/credit-change.job.js';
import { CreditChanges } from './credit-change/credit-change.service.js';
import { CreditFollowerController } from './credit-follower/credit-follower.controller.js';
import { CreditFollowers } from './credit-follower/credit-follower.service.js';
import { CreditHistoryController } from './credit-history/credit-history.controller.js';
import { CreditHistory } from './credit-history/credit-history.service.js';
import { CreditRecordConsumer } from './credit-record/credit-record.consumer.js';
import { CreditRecordController } from './credit-record/credit-record.controller.js';
import { CreditRecord, FollowedSubject } from './credit-record/credit-record.entity.js';
import { CreditRestore } from './credit-record/credit-record.restore.service.js';
import { CreditRecords } from './credit-record/credit-record.service.js';
import { CreditRecordSweep } from './credit-record/credit-record.sweep.js';
import { NationalListController } from './national-list/national-list.controller.js';
import { NationalLists } from './national-list/national-list.service.js';
import { MerchantViewController } from './merchant-view/merchant-view.controller.js';
import { MerchantViews } from './merchant-view/merchant-view.service.js';
import { RepairConsumer } from './repair/repair.consumer.js';
import { RepairController } from './repair/repair.controller.js';
import { RepairJob } from './repair/repair.job.js';
import { Repairs } from './repair/repair.service.js';
import { CreditSnapshotController } from './credit-snapshot/credit-snapshot.controller.js';
import { CreditSnapshotJob } from './credit-snapshot/credit-snapshot.job.js';
import { CreditSnapshots } from './credit-snapshot/credit-snapshot.service.js';
import { ReportedRecordConsumer } from './reported-record/reported-record.consumer.js';
import { ReportedRecordController } from './reported-record/reported-record.controller.js';
import { ReportedRecords } from './reported-record/reported-record.service.js';
import { CreditStatusController } from './credit-status/credit-status.controller.js';
import { CreditEntity } from './credit-status/credit-status.entity.js';
import { CreditStatuses } from './credit-status/credit-status.service.js';
import { EnquiryController } from './enquiry/enquiry.controller.js';
import { EnquiryJob } from './enquiry/enquiry.job.js';
import { Enquiries } from './enquiry/enquiry.service.js';
import { PredicateController } from './predicate/predicate.controller.js';
import { Predicates } from './predicate/predicate.service.js';
import { FactReader } from './public-facts/public-facts.service.js';
import { RegisterCopyConsumer } from './register-copy/register-copy.consumer.js';
import { VerificationController } from './verification/verification.controller.js';
import { Verifications } from './verification/verification.service.js';

@Module({
  imports: [PlatformModule.forService({ name: 'credit', config: CreditConfig, entities: [FollowedSubject, CreditRecord, CreditEntity] })],
  controllers: [
    CreditRecordConsumer,
    ReportedRecordConsumer,
    RepairConsumer,
    RegisterCopyConsumer,
    CreditRecordController,
    ReportedRecordController,
    RepairController,
    NationalListController,
    CreditHistoryController,
    CreditStatusController,
    VerificationController,
    PredicateController,
    CertificateController,
    EnquiryController,
    MerchantViewController,
    CreditChangeController,
    CreditFollowerController,
    CreditSnapshotController,
  ],
  providers: [
    CreditHistory,
    CreditRecords,
    ReportedRecords,
    CreditStatuses,
    CreditRestore,
    CreditRecordSweep,
    Repairs,
    RepairJob,
    NationalLists,
    FactReader,
    Enquiries,
    EnquiryJob,
    MerchantViews,
    Verifications,
    Predicates,
    Certificates,
    CreditChanges,
    CreditFollowers,
    CreditSnapshots,
    CreditChangeJob,
    CreditSnapshotJob,
  ],
})
export class CreditModule {}
