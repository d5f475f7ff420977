import { PlatformModule } from '@jinqiao/platform';
import { Module } from '@nestjs/common';
import { InspectionConfig } from './config.js';
import { ConformanceController } from './conformance/conformance.controller.js';
import { Conformance } from './conformance/conformance.service.js';
import { endTrials, Trials } from './conformance/conformance.trials.js';
import { DeadlineController } from './deadline/deadline.controller.js';
import { DeadlineJob } from './deadline/deadline.job.js';
import { DriftController } from './drift/drift.controller.js';
import { DriftSentinel } from './drift/drift.service.js';
import { EvidenceController } from './evidence/evidence.controller.js';
import { EvidenceRetention } from './evidence/evidence.retention.js';
import { EvidenceOfSheets } from './evidence/evidence.service.js';
import { EvidenceStore } from './evidence/evidence.store.js';
import { ImportRun, ImportRejectedRow } from './import-run/import-run.entity.js';
import { ImportRunController } from './import-run/import-run.controller.js';
import { ImportRuns } from './import-run/import-run.service.js';
import { ProbableDuplicateController } from './probable-duplicate/probable-duplicate.controller.js';
import { ProbableDuplicates } from './probable-duplicate/probable-duplicate.service.js';
import { ProbableDuplicateSweep } from './probable-duplicate/probable-duplicate.sweep.js';
import { RecallConsumer } from './recall/recall.consumer.js';
import { RecallController } from './recall/recall.controller.js';
import { RecallNotices } from './recall/recall.notices.service.js';
import { Recalls } from './recall/recall.service.js';
import { RecallStore } from './recall/recall.store.js';
import { ReinspectionLaboratoryController } from './reinspection-laboratory/reinspection-laboratory.controller.js';
import { ReinspectionLaboratories } from './reinspection-laboratory/reinspection-laboratory.service.js';
import { Restore } from './restore.js';
import { SamplingCaseController } from './sampling-case/sampling-case.controller.js';
import { SamplingCases } from './sampling-case/sampling-case.service.js';
import { SamplingPlanController } from './sampling-plan/sampling-plan.controller.js';
import { SamplingPlans } from './sampling-plan/sampling-plan.service.js';
import { SamplingRoundController } from './sampling-round/sampling-round.controller.js';
import { SamplingRoundRow } from './sampling-round/sampling-round.entity.js';
import { KeptDraws } from './sampling-round/sampling-round.restore.js';
import { SamplingRounds } from './sampling-round/sampling-round.service.js';
import { SamplingResultConsumer } from './sampling-result/sampling-result.consumer.js';
import { SamplingResultController } from './sampling-result/sampling-result.controller.js';
import { IntakeRejection, SamplingResult } from './sampling-result/sampling-result.entity.js';
import { SamplingResultReading } from './sampling-result/sampling-result.reading.service.js';
import { SamplingResults } from './sampling-result/sampling-result.service.js';
import { SamplingSheetController } from './sampling-sheet/sampling-sheet.controller.js';
import { SamplingSheets } from './sampling-sheet/sampling-sheet.service.js';
import { SheetStore } from './sampling-sheet/sampling-sheet.store.js';
import { SamplingStepConsumer } from './sampling-step/sampling-step.consumer.js';
import { SamplingStepController } from './sampling-step/sampling-step.controller.js';
import { SamplingSteps } from './sampling-step/sampling-step.service.js';
import { WaitingReportController } from './waiting-report/waiting-report.controller.js';
import { WaitingReports } from './waiting-report/waiting-report.service.js';

const entities = [SamplingResult, IntakeRejection, ImportRun, ImportRejectedRow, SamplingRoundRow];

@Module({
  imports: [PlatformModule.forService({ name: 'inspection', config: InspectionConfig, entities, followOrganisations: endTrials })],
  controllers: [
    SamplingResultConsumer,
    RecallConsumer,
    SamplingStepConsumer,
    SamplingResultController,
    ImportRunController,
    SamplingPlanController,
    SamplingRoundController,
    SamplingSheetController,
    EvidenceController,
    SamplingCaseController,
    ReinspectionLaboratoryController,
    SamplingStepController,
    DeadlineController,
    WaitingReportController,
    ProbableDuplicateController,
    RecallController,
    DriftController,
    ConformanceController,
  ],
  providers: [
    Restore,
    SamplingResults,
    Trials,
    Conformance,
    SamplingResultReading,
    ImportRuns,
    SamplingPlans,
    KeptDraws,
    SamplingRounds,
    SheetStore,
    SamplingSheets,
    EvidenceStore,
    EvidenceOfSheets,
    EvidenceRetention,
    SamplingCases,
    ReinspectionLaboratories,
    SamplingSteps,
    DeadlineJob,
    WaitingReports,
    ProbableDuplicates,
    ProbableDuplicateSweep,
    RecallStore,
    Recalls,
    RecallNotices,
    DriftSentinel,
  ],
})
export class InspectionModule {}
