import { migrateService } from '@jinqiao/platform/migrate';
import { CreateSamplingResults1795450100000 } from './migrations/1795450100000-create-sampling-results.js';
import { CreateImportRuns1795450200000 } from './migrations/1795450200000-create-import-runs.js';
import { AddRestoredRevision1795450300000 } from './migrations/1795450300000-add-restored-revision.js';
import { IndexResultsForLists1795450400000 } from './migrations/1795450400000-index-results-for-lists.js';
import { CreateSamplingRounds1795450500000 } from './migrations/1795450500000-create-sampling-rounds.js';
import { CreateSamplingCases1795450600000 } from './migrations/1795450600000-create-sampling-cases.js';
import { CreateWaitingReports1795450700000 } from './migrations/1795450700000-create-waiting-reports.js';
import { CreateRecalls1795450710000 } from './migrations/1795450710000-create-recalls.js';
import { CreateDriftAlarms1795450720000 } from './migrations/1795450720000-create-drift-alarms.js';
import { CreateSamplingSheets1795451000000 } from './migrations/1795451000000-create-sampling-sheets.js';
import { CreateEvidence1795451001000 } from './migrations/1795451001000-create-evidence.js';
import { CreateProbableDuplicates1795451010000 } from './migrations/1795451010000-create-probable-duplicates.js';
import { KeepFirstDueDays1795451020000 } from './migrations/1795451020000-keep-first-due-days.js';
import { KeepRowsForARestore1795451037000 } from './migrations/1795451037000-keep-rows-for-a-restore.js';
import { CreateConformanceRuns1795451030000 } from './migrations/1795451030000-create-conformance-runs.js';
import { AddReplacements1795451050000 } from './migrations/1795451050000-add-replacements.js';
import { CreateSamplingPlans1795451051000 } from './migrations/1795451051000-create-sampling-plans.js';
import { IndexResultsByMerchant1795451052000 } from './migrations/1795451052000-index-results-by-merchant.js';
import { KeepRoundsForARestore1795451053000 } from './migrations/1795451053000-keep-rounds-for-a-restore.js';
import { LetEvidenceGo1795451054000 } from './migrations/1795451054000-let-evidence-go.js';
import { KeepRecalls1795451055000 } from './migrations/1795451055000-keep-recalls.js';
import { PauseClocks1795451057000 } from './migrations/1795451057000-pause-clocks.js';
import { AddWitnesses1795451060000 } from './migrations/1795451060000-add-witnesses.js';
import { CreateReinspectionLaboratoryLists1795451061000 } from './migrations/1795451061000-create-reinspection-laboratory-lists.js';
import { KeepPlans1795451056000 } from './migrations/1795451056000-keep-plans.js';

await migrateService('inspection', [
  CreateSamplingResults1795450100000,
  CreateImportRuns1795450200000,
  AddRestoredRevision1795450300000,
  IndexResultsForLists1795450400000,
  CreateSamplingRounds1795450500000,
  CreateSamplingCases1795450600000,
  CreateWaitingReports1795450700000,
  CreateRecalls1795450710000,
  CreateDriftAlarms1795450720000,
  CreateSamplingSheets1795451000000,
  CreateEvidence1795451001000,
  CreateProbableDuplicates1795451010000,
  KeepFirstDueDays1795451020000,
  KeepRowsForARestore1795451037000,
  CreateConformanceRuns1795451030000,
  AddReplacements1795451050000,
  CreateSamplingPlans1795451051000,
  IndexResultsByMerchant1795451052000,
  KeepRoundsForARestore1795451053000,
  LetEvidenceGo1795451054000,
  KeepRecalls1795451055000,
  KeepPlans1795451056000,
  PauseClocks1795451057000,
  AddWitnesses1795451060000,
  CreateReinspectionLaboratoryLists1795451061000,
]);
