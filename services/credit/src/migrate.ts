import { migrateService } from '@jinqiao/platform/migrate';
import { AnswerEnquiries1795450900000 } from './migrations/1795450900000-answer-enquiries.js';
import { CountCommitments1795451030010 } from './migrations/1795451030010-count-commitments.js';
import { CreateCreditRecords1795450000000 } from './migrations/1795450000000-create-credit-records.js';
import { CreateRepairDecisions1795450921000 } from './migrations/1795450921000-create-repair-decisions.js';
import { FindRepairsByDocument1795451030044 } from './migrations/1795451030044-find-repairs-by-document.js';
import { FlagCreditRecords1795450920000 } from './migrations/1795450920000-flag-credit-records.js';
import { FollowPermits1795451030037 } from './migrations/1795451030037-follow-permits.js';
import { KeepCreditHistory1795450800000 } from './migrations/1795450800000-keep-credit-history.js';
import { LetEnquiriesGo1795451030020 } from './migrations/1795451030020-let-enquiries-go.js';
import { KeepDaysOfRepairs1795451030080 } from './migrations/1795451030080-keep-days-of-repairs.js';
import { KeepDerivationsOfRepairs1795452021000 } from './migrations/1795452021000-keep-derivations-of-repairs.js';
import { KeepRepairDecisions1795452020000 } from './migrations/1795452020000-keep-repair-decisions.js';
import { KeepRegimes1795451030070 } from './migrations/1795451030070-keep-regimes.js';
import { KeepCreditSnapshots1795450910010 } from './migrations/1795450910010-keep-credit-snapshots.js';
import { LetSnapshotsGoSooner1795452023000 } from './migrations/1795452023000-let-snapshots-go-sooner.js';
import { NoteFollowers1795452022000 } from './migrations/1795452022000-note-followers.js';
import { NumberCreditChanges1795450910000 } from './migrations/1795450910000-number-credit-changes.js';
import { ReportCreditRecords1795450700000 } from './migrations/1795450700000-report-credit-records.js';
import { SayHowRecordsStand1795451030060 } from './migrations/1795451030060-say-how-records-stand.js';
import { TakeNationalLists1795450922000 } from './migrations/1795450922000-take-national-lists.js';
import { VersionPublicFacts1795450922500 } from './migrations/1795450922500-version-public-facts.js';

await migrateService('credit', [
  CreateCreditRecords1795450000000,
  ReportCreditRecords1795450700000,
  KeepCreditHistory1795450800000,
  AnswerEnquiries1795450900000,
  FlagCreditRecords1795450920000,
  CreateRepairDecisions1795450921000,
  TakeNationalLists1795450922000,
  NumberCreditChanges1795450910000,
  KeepCreditSnapshots1795450910010,
  VersionPublicFacts1795450922500,
  CountCommitments1795451030010,
  LetEnquiriesGo1795451030020,
  FollowPermits1795451030037,
  FindRepairsByDocument1795451030044,
  SayHowRecordsStand1795451030060,
  KeepRegimes1795451030070,
  KeepDaysOfRepairs1795451030080,
  KeepRepairDecisions1795452020000,
  KeepDerivationsOfRepairs1795452021000,
  NoteFollowers1795452022000,
  LetSnapshotsGoSooner1795452023000,
]);
