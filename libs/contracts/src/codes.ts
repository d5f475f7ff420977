/** The code lists of the platform. A list is closed: a new code is a new version of the schemas that use it. */
export const REGIMES = ['FOOD', 'PRODUCT', 'DRUG', 'COSMETIC', 'MEDICAL_DEVICE'] as const;
export const FINALITIES = ['PROVISIONAL', 'FINAL'] as const;
export const VERDICTS = ['QUALIFIED', 'UNQUALIFIED', 'UNDETERMINED', 'NOT_TESTED'] as const;
export const NOT_TESTED_REASONS = ['LAB_REJECTED', 'TRANSFERRED', 'OTHER'] as const;
export const REVISION_REASONS = ['FINALISED', 'REINSPECTED', 'REATTRIBUTED', 'CORRECTED'] as const;
export const AUTHORSHIPS = ['UNDISPUTED', 'DENIED_UNVERIFIED', 'DENIED_CONFIRMED'] as const;
export const RESULT_PARTIES = ['SAMPLED_PARTY', 'NOMINAL_PRODUCER', 'PLATFORM'] as const;
// Whom, or what, a step of a case is about. RESULT: none of its parties, but the result itself.
export const STEP_PARTIES = [...RESULT_PARTIES, 'RESULT'] as const;
// ANNULMENT: the sampling was not as the law has it, nothing follows from it.
// FINALISATION, PUBLICATION, EMBARGO: what its organiser makes of the result itself.
export const RESULT_DECISIONS = [
  'REINSPECTION',
  'OBJECTION',
  'ANNULMENT',
  'AUTHORSHIP',
  'RECHECK',
  'FINALISATION',
  'PUBLICATION',
  'EMBARGO',
] as const;
// As whom a department acts: it organised the sampling, something was handed over to it, or it acts for the province.
export const COMPETENCES = ['ORGANISER', 'PROVINCE', 'RECEIVER'] as const;
// What is done to one sample between its draw and its result (services/inspection/src/sampling-sheet).
export const SHEET_ACTS = [
  'BEGIN_SAMPLING',
  'RECORD_NOT_SAMPLED',
  'FIND_ILLEGAL',
  'SEAL_SAMPLE',
  'TEST_ON_SITE',
  'FILE_OBJECTION',
  'WAIVE_REINSPECTION',
  'RECEIVE_SAMPLE',
  'REJECT_SAMPLE',
  'BEGIN_TESTING',
  'REPORT',
  'RETURN_REPORT',
  'CONFIRM',
] as const;
// ON_SITE: taken from what is for sale. ONLINE: bought as a consumer buys.
export const SAMPLING_MODES = ['ON_SITE', 'ONLINE'] as const;
export const NOT_SAMPLED_GROUNDS = [
  'CHANGED_PRODUCTION',
  'CLOSED',
  'NOT_OFFERED',
  'QUANTITY_SHORT',
  'REFUSED',
  'NOT_FOR_SALE',
  'EXPORT_ONLY',
  'TRIAL_GOODS',
  'SUBSTANDARD_GOODS',
  'DISPLAY_SAMPLES',
] as const;
// What a laboratory found of the licence of a product before it tested.
export const LICENCE_FINDINGS = ['VALID', 'NOT_REQUIRED', 'MISSING'] as const;
// What follows from a result, party by party (services/inspection/src/sampling-case).
export const CASE_ACTS = [
  'SERVE',
  'REPORT_UNDELIVERABLE',
  'WRITE_TO_AUTHORITY',
  'FILE_OBJECTION',
  'ACCEPT_OBJECTION',
  'DECIDE_OBJECTION',
  'ADMIT_REINSPECTION',
  'COMPLETE_FORMALITIES',
  'WAIVE_REINSPECTION',
  'CHOOSE_LABORATORY',
  'RECORD_REINSPECTION',
  'DENY_AUTHORSHIP',
  'DECIDE_AUTHORSHIP',
  'FINALISE',
  'PUBLISH',
  'EMBARGO',
  'HAND_OVER',
  'HAND_ON',
  'ORDER_STOP_SALE',
  'ORDER_CORRECTION',
  'REPORT_CORRECTION',
  'RECORD_RECHECK',
  'ANNOUNCE',
  'REFER_FOR_REVOCATION',
  'CLOSE_HANDLING',
  'HAND_OVER_CLUE',
  'FILE_CASE',
  'DECLINE_CASE',
  'PAUSE_CASE',
  'RESUME_CASE',
  'EXTEND_CASE',
  'CONCLUDE_CASE',
] as const;
// What is not counted in while a clue is checked or a case decided: tests of any kind, a hearing, an announcement, a suspension, the right
// holder's look at the goods, an order to pay back what was charged too much.
export const NOT_COUNTED = ['TESTING', 'HEARING', 'ANNOUNCEMENT', 'SUSPENSION', 'IDENTIFICATION', 'REFUND'] as const;
// What is done in a recall (services/inspection/src/recall).
export const RECALL_ACTS = [
  'FORWARD',
  'NOTE_INCIDENT',
  'RECORD_INCIDENT_REPORT',
  'NOTIFY_PRODUCER',
  'DENY_DEFECT',
  'ADMIT_DEFECT',
  'INVESTIGATE',
  'FIND_NO_DEFECT',
  'GIVE_NOTICE',
  'FILE_OBJECTION',
  'ORDER_RECALL',
  'REPORT_PLAN',
  'PUBLISH',
  'AMEND',
  'RECORD_PROGRESS',
  'COMPLETE',
  'SUMMARISE',
  'CLOSE',
  'RECALL_AGAIN',
  'WITHDRAW',
] as const;
export const SERVICE_MODES = ['DELIVERED', 'POST', 'ELECTRONIC'] as const;
export const OBJECTION_GROUNDS = ['AUTHENTICITY', 'CONCLUSION'] as const;
export const STEP_MATTERS = ['SHEET', 'CASE'] as const;
// The words in which an item is answered over HTTP.
export const STEP_OUTCOMES = ['accepted', 'duplicate', 'rejected'] as const;
export const COVERAGES = ['COMPLETE_ROUND', 'FAILURES_ONLY'] as const;
export const ORGANISATION_KINDS = ['DEPARTMENT', 'PLATFORM', 'STATISTICS', 'LABORATORY', 'MERCHANT', 'AUDITOR', 'OPERATOR'] as const;
// SANDBOX is for platforms and departments that have still to show that they conform.
export const ORGANISATION_STATUSES = ['SANDBOX', 'PRODUCTION', 'SUSPENDED', 'EXITED'] as const;
export const CONTACT_ROLES = ['COMPLIANCE', 'TECHNICAL', 'SECURITY'] as const;
export const FEEDBACK_KINDS = ['SAMPLING_RESULT', 'RECALL', 'CREDIT_STATUS', 'RESTRICTION'] as const;
export const FEEDBACK_ACTIONS = [
  'NONE',
  'DELIST',
  'STOP_SALE',
  'BLOCK_RELISTING',
  'INFORM_MERCHANT',
  'INFORM_CONSUMERS',
  'REPORT_SALES',
  'RESTRICT_MERCHANT',
  'RESUME',
  'RESTORE',
] as const;
export const ANSWER_STATUSES = ['RECEIVED', 'ACTED', 'NOTHING_FOUND', 'CONTESTED'] as const;
export const ACTION_RESULTS = ['DONE', 'PARTLY', 'NOT_POSSIBLE'] as const;
export const RULING_OUTCOMES = ['UPHELD', 'CORRECTED', 'WITHDRAWN'] as const;
export const ENTITLEMENTS = ['STATUTORY_NOTICE', 'GRANT', 'AGREEMENT'] as const;
export const ENTITLEMENT_STATUSES = ['REQUESTED', 'REFUSED', 'ACTIVE', 'SUSPENDED', 'REVOKED', 'EXPIRED', 'ENDED'] as const;
export const CORRECTION_STATUSES = ['FILED', 'CORRECTED', 'DECLINED', 'WITHDRAWN'] as const;
export const SHARING_ATTRIBUTES = ['UNCONDITIONAL', 'CONDITIONAL', 'NOT_SHARED'] as const;
export const SHARING_MODES = ['KAFKA', 'PULL'] as const;
export const CLOCK_STARTS = ['ISSUED', 'RECEIVED'] as const;
export const CLOCK_DAYS = ['CALENDAR', 'WORKING'] as const;
export const CLOCK_BASES = ['STATUTE', 'LOCAL_POLICY'] as const;
export const CREDIT_RECORD_TYPES = [
  'SAMPLING_RESULT',
  'SPOT_CHECK',
  'PENALTY',
  'ABNORMAL_OPERATION',
  'SERIOUS_DISHONESTY',
  'RECALL',
  'COMMITMENT',
  'COMMITMENT_BROKEN',
] as const;
// WARNING: nothing but a warning, a class of its own until 2026-03-31.
export const CREDIT_CLASSES = ['WARNING', 'MINOR', 'GENERAL', 'SERIOUS'] as const;
// For which of these reasons a department may take its record back; the others come by the clock or by a dispute.
export const CREDIT_RETRACTION_GROUNDS = ['REVOKED', 'REPAIRED', 'CORRECTED'] as const;
export const CREDIT_ENDED_REASONS = ['REVOKED', 'REPAIRED', 'EXPIRED', 'CORRECTED', 'HELD'] as const;
// APPROVAL: in place of a document that an approval asks for (告知承诺); DEFERRED: a document may come later (容缺受理).
export const COMMITMENT_KINDS = ['APPROVAL', 'DEFERRED', 'VOLUNTARY', 'CREDIT_REPAIR', 'INDUSTRY'] as const;
export const COMMITMENT_OUTCOMES = ['KEPT', 'PARTLY_KEPT', 'BROKEN'] as const;
// Why somebody asks about a merchant: a platform has contracted it, or is about to; a department supervises it.
export const ENQUIRY_PURPOSES = ['CONTRACTED', 'ONBOARDING', 'SUPERVISION'] as const;
export const ENQUIRY_KINDS = ['VERIFICATION', 'PREDICATE', 'CERTIFICATE'] as const;
export const CREDIT_PREDICATES = ['NOT_ON_SERIOUS_LIST', 'NO_PUBLISHED_UNQUALIFIED_SAMPLING', 'COMMITMENT_KEPT'] as const;
export const PREDICATE_ANSWERS = ['YES', 'NO', 'UNKNOWN'] as const;
export const PREDICATE_REASONS = [
  'NO_PUBLIC_RECORD',
  'PUBLIC_RECORD',
  'NOT_REGISTERED',
  'DATE_INEXACT',
  'REGIME_NOT_RECORDED',
  'COMMITMENT_NOT_CHECKED',
  'NO_COMMITMENT',
] as const;
// How a name and a code stand to the register; USCC_ONLY: no name was given.
export const REGISTER_MATCHES = ['EXACT', 'NAME_DIFFERS', 'USCC_ONLY', 'NOT_REGISTERED'] as const;
export const MARKET_ENTITY_STATUSES = ['ACTIVE', 'DORMANT', 'MOVED_OUT', 'REVOKED', 'CANCELLED', 'CLOSED', 'DEREGISTERED'] as const;
// What a department says of its permit: in force, held back for a time (暂扣), taken away (吊销, 撤销, 撤回) or struck off (注销).
export const PERMIT_STATUSES = ['VALID', 'SUSPENDED', 'REVOKED', 'CANCELLED'] as const;
// How a permit stands on a day; EXPIRED: its last day is over, and its department has not said that it ended before.
export const PERMIT_STANDINGS = [...PERMIT_STATUSES, 'EXPIRED'] as const;

export type Regime = (typeof REGIMES)[number];
export type Finality = (typeof FINALITIES)[number];
export type Verdict = (typeof VERDICTS)[number];
export type NotTestedReason = (typeof NOT_TESTED_REASONS)[number];
export type RevisionReason = (typeof REVISION_REASONS)[number];
export type Authorship = (typeof AUTHORSHIPS)[number];
export type ResultParty = (typeof RESULT_PARTIES)[number];
export type StepParty = (typeof STEP_PARTIES)[number];
export type ResultDecisionKind = (typeof RESULT_DECISIONS)[number];
export type Competence = (typeof COMPETENCES)[number];
export type SheetAct = (typeof SHEET_ACTS)[number];
export type SamplingMode = (typeof SAMPLING_MODES)[number];
export type NotSampledGround = (typeof NOT_SAMPLED_GROUNDS)[number];
export type LicenceFinding = (typeof LICENCE_FINDINGS)[number];
export type NotCounted = (typeof NOT_COUNTED)[number];
export type CaseAct = (typeof CASE_ACTS)[number];
export type RecallAct = (typeof RECALL_ACTS)[number];
export type ServiceMode = (typeof SERVICE_MODES)[number];
export type ObjectionGround = (typeof OBJECTION_GROUNDS)[number];
export type StepMatter = (typeof STEP_MATTERS)[number];
export type StepOutcome = (typeof STEP_OUTCOMES)[number];
export type Coverage = (typeof COVERAGES)[number];
export type OrganisationKind = (typeof ORGANISATION_KINDS)[number];
export type OrganisationStatus = (typeof ORGANISATION_STATUSES)[number];
export type ContactRole = (typeof CONTACT_ROLES)[number];
export type FeedbackKind = (typeof FEEDBACK_KINDS)[number];
export type FeedbackActionCode = (typeof FEEDBACK_ACTIONS)[number];
export type AnswerStatus = (typeof ANSWER_STATUSES)[number];
export type ActionResult = (typeof ACTION_RESULTS)[number];
export type RulingOutcome = (typeof RULING_OUTCOMES)[number];
export type Entitlement = (typeof ENTITLEMENTS)[number];
export type EntitlementStatus = (typeof ENTITLEMENT_STATUSES)[number];
export type CorrectionStatus = (typeof CORRECTION_STATUSES)[number];
export type SharingAttribute = (typeof SHARING_ATTRIBUTES)[number];
export type SharingMode = (typeof SHARING_MODES)[number];
export type ClockStart = (typeof CLOCK_STARTS)[number];
export type ClockDays = (typeof CLOCK_DAYS)[number];
export type ClockBasis = (typeof CLOCK_BASES)[number];
export type CreditRecordType = (typeof CREDIT_RECORD_TYPES)[number];
export type CreditClass = (typeof CREDIT_CLASSES)[number];
export type CreditRetractionGround = (typeof CREDIT_RETRACTION_GROUNDS)[number];
export type CreditEndedReason = (typeof CREDIT_ENDED_REASONS)[number];
export type CommitmentKind = (typeof COMMITMENT_KINDS)[number];
export type CommitmentOutcome = (typeof COMMITMENT_OUTCOMES)[number];
export type EnquiryPurpose = (typeof ENQUIRY_PURPOSES)[number];
export type EnquiryKind = (typeof ENQUIRY_KINDS)[number];
export type CreditPredicate = (typeof CREDIT_PREDICATES)[number];
export type PredicateAnswer = (typeof PREDICATE_ANSWERS)[number];
export type PredicateReason = (typeof PREDICATE_REASONS)[number];
export type RegisterMatch = (typeof REGISTER_MATCHES)[number];
export type MarketEntityStatus = (typeof MARKET_ENTITY_STATUSES)[number];
export type PermitStatus = (typeof PERMIT_STATUSES)[number];
export type PermitStanding = (typeof PERMIT_STANDINGS)[number];

/** Served under /api/codes. */
export const codeLists = {
  regime: REGIMES,
  finality: FINALITIES,
  verdict: VERDICTS,
  notTestedReason: NOT_TESTED_REASONS,
  revisionReason: REVISION_REASONS,
  authorship: AUTHORSHIPS,
  resultParty: RESULT_PARTIES,
  stepParty: STEP_PARTIES,
  resultDecision: RESULT_DECISIONS,
  competence: COMPETENCES,
  sheetAct: SHEET_ACTS,
  samplingMode: SAMPLING_MODES,
  notSampledGround: NOT_SAMPLED_GROUNDS,
  licenceFinding: LICENCE_FINDINGS,
  caseAct: CASE_ACTS,
  notCounted: NOT_COUNTED,
  recallAct: RECALL_ACTS,
  serviceMode: SERVICE_MODES,
  objectionGround: OBJECTION_GROUNDS,
  stepMatter: STEP_MATTERS,
  stepOutcome: STEP_OUTCOMES,
  coverage: COVERAGES,
  organisationKind: ORGANISATION_KINDS,
  organisationStatus: ORGANISATION_STATUSES,
  contactRole: CONTACT_ROLES,
  feedbackKind: FEEDBACK_KINDS,
  feedbackAction: FEEDBACK_ACTIONS,
  answerStatus: ANSWER_STATUSES,
  actionResult: ACTION_RESULTS,
  rulingOutcome: RULING_OUTCOMES,
  entitlement: ENTITLEMENTS,
  entitlementStatus: ENTITLEMENT_STATUSES,
  correctionStatus: CORRECTION_STATUSES,
  sharingAttribute: SHARING_ATTRIBUTES,
  sharingMode: SHARING_MODES,
  clockStart: CLOCK_STARTS,
  clockDays: CLOCK_DAYS,
  clockBasis: CLOCK_BASES,
  creditRecordType: CREDIT_RECORD_TYPES,
  creditClass: CREDIT_CLASSES,
  creditRetractionGround: CREDIT_RETRACTION_GROUNDS,
  creditEndedReason: CREDIT_ENDED_REASONS,
  commitmentKind: COMMITMENT_KINDS,
  commitmentOutcome: COMMITMENT_OUTCOMES,
  enquiryPurpose: ENQUIRY_PURPOSES,
  enquiryKind: ENQUIRY_KINDS,
  creditPredicate: CREDIT_PREDICATES,
  predicateAnswer: PREDICATE_ANSWERS,
  predicateReason: PREDICATE_REASONS,
  registerMatch: REGISTER_MATCHES,
  marketEntityStatus: MARKET_ENTITY_STATUSES,
  permitStatus: PERMIT_STATUSES,
  permitStanding: PERMIT_STANDINGS,
} as const;
