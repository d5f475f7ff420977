import { migrateService } from '@jinqiao/platform/migrate';
import { CreateExchange1795450000000 } from './migrations/1795450000000-create-exchange.js';
import { LetAnswersLackAHash1795450100000 } from './migrations/1795450100000-let-answers-lack-a-hash.js';
import { CreateLedger1795450200000 } from './migrations/1795450200000-create-ledger.js';
import { CreateReconciliations1795450210000 } from './migrations/1795450210000-create-reconciliations.js';
import { AddEscalationAndUndo1795450220000 } from './migrations/1795450220000-add-escalation-and-undo.js';
import { NumberDeliveries1795450300000 } from './migrations/1795450300000-number-deliveries.js';
import { AddWebhooks1795450310000 } from './migrations/1795450310000-add-webhooks.js';
import { AddEntitlements1795450400000 } from './migrations/1795450400000-add-entitlements.js';
import { IndexUses1795450400010 } from './migrations/1795450400010-index-uses.js';
import { AddCorrectionRequests1795450400020 } from './migrations/1795450400020-add-correction-requests.js';
import { AddGrantedKeys1795450400030 } from './migrations/1795450400030-add-granted-keys.js';
import { LetOrganisationsLeave1795450400040 } from './migrations/1795450400040-let-organisations-leave.js';
import { AddContacts1795450400050 } from './migrations/1795450400050-add-contacts.js';
import { CreateDisputes1795450500000 } from './migrations/1795450500000-create-disputes.js';
import { StartClocksOnReceipt1795450500010 } from './migrations/1795450500010-start-clocks-on-receipt.js';
import { TimeWhatIsTold1795450500020 } from './migrations/1795450500020-time-what-is-told.js';
import { KeepAsLongAsTold1795450500030 } from './migrations/1795450500030-keep-as-long-as-told.js';
import { CreateConformanceRuns1795450600000 } from './migrations/1795450600000-create-conformance-runs.js';
import { LeaveRoomForLeases1795450600010 } from './migrations/1795450600010-leave-room-for-leases.js';
import { CreateRecalls1795450710000 } from './migrations/1795450710000-create-recalls.js';
import { ListDeadlines1795451020010 } from './migrations/1795451020010-list-deadlines.js';
import { KnowMerchants1795451030010 } from './migrations/1795451030010-know-merchants.js';
import { EncryptSecrets1795451030000 } from './migrations/1795451030000-encrypt-secrets.js';
import { NumberWhatIsSaid1795451030010 } from './migrations/1795451030010-number-what-is-said.js';
import { NoteConformedDepartments1795451030020 } from './migrations/1795451030020-note-conformed-departments.js';
import { NumberChannelsAndEndpoints1795451030030 } from './migrations/1795451030030-number-channels-and-endpoints.js';
import { EraseSecretsOfEndedEndpoints1795451030040 } from './migrations/1795451030040-erase-secrets-of-ended-endpoints.js';
import { NoteWhatIsNotReceived1795451030050 } from './migrations/1795451030050-note-what-is-not-received.js';
import { TellContacts1795451030060 } from './migrations/1795451030060-tell-contacts.js';
import { NumberAttemptsOn1795451030070 } from './migrations/1795451030070-number-attempts-on.js';
import { NoteTestsOfEndpoints1795451030080 } from './migrations/1795451030080-note-tests-of-endpoints.js';
import { SendRecallsFirst1795451030090 } from './migrations/1795451030090-send-recalls-first.js';
import { LetCopiesGo1795451030100 } from './migrations/1795451030100-let-copies-go.js';

await migrateService('exchange', [
  CreateExchange1795450000000,
  LetAnswersLackAHash1795450100000,
  CreateLedger1795450200000,
  CreateReconciliations1795450210000,
  AddEscalationAndUndo1795450220000,
  NumberDeliveries1795450300000,
  AddWebhooks1795450310000,
  AddEntitlements1795450400000,
  IndexUses1795450400010,
  AddCorrectionRequests1795450400020,
  AddGrantedKeys1795450400030,
  LetOrganisationsLeave1795450400040,
  AddContacts1795450400050,
  CreateDisputes1795450500000,
  StartClocksOnReceipt1795450500010,
  TimeWhatIsTold1795450500020,
  KeepAsLongAsTold1795450500030,
  CreateConformanceRuns1795450600000,
  LeaveRoomForLeases1795450600010,
  CreateRecalls1795450710000,
  ListDeadlines1795451020010,
  KnowMerchants1795451030010,
  EncryptSecrets1795451030000,
  NumberWhatIsSaid1795451030010,
  NoteConformedDepartments1795451030020,
  NumberChannelsAndEndpoints1795451030030,
  EraseSecretsOfEndedEndpoints1795451030040,
  NoteWhatIsNotReceived1795451030050,
  TellContacts1795451030060,
  NumberAttemptsOn1795451030070,
  NoteTestsOfEndpoints1795451030080,
  SendRecallsFirst1795451030090,
  LetCopiesGo1795451030100,
]);
