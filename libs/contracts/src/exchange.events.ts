import * as codes from './codes.js';
import { LegalBasis } from './credit.events.js';
import {
  AnyObject,
  CalendarDate,
  CodeList,
  Flag,
  Nested,
  NestedList,
  OneOf,
  Optional,
  Revision,
  Text,
  TextList,
  Timestamp,
  Uscc,
  Whole,
} from './fields.js';
import { Listing } from './sampling-result.js';
import { stream } from './stream.js';

const HASH = { max: 64, min: 64, pattern: /^[0-9a-f]{64}$/, about: 'SHA-256, lower-case hex.' };

class OrganisationState {
  @Text({ max: 40, pattern: /^[a-z0-9][a-z0-9-]*$/ }) organisationId: string;
  @Revision() revision: number;
  @OneOf(codes.ORGANISATION_KINDS) kind: codes.OrganisationKind;
  @Text({ max: 200 }) name: string;
  @Optional() @TextList({ max: 200, items: 100, about: 'Other spellings; each name belongs to one organisation.' }) aliases?: string[];
  @Optional() @TextList({ max: 64, items: 20 }) sectors?: string[];
  @Optional() @TextList({ max: 64, items: 50 }) scopes?: string[];
  @Optional() @Uscc({ about: 'Which merchant it is, where it is one.' }) uscc?: string;
  @Optional() @OneOf(codes.ORGANISATION_STATUSES, { about: 'Absent = PRODUCTION.' }) status?: codes.OrganisationStatus;
  @Optional() @Text({ max: 1000, about: 'Why it was suspended, or left.' }) statusReason?: string;
}

/** Fires once, when an organisation is admitted; its topics exist by then, and readers of such topics take them up. */
export class OrganisationRegistered extends OrganisationState {}
/** Fires when an organisation's names, sectors or scopes change, when it is promoted and when it is resumed. */
export class OrganisationChanged extends OrganisationState {}
/** Fires when an organisation may read, write and call nothing until it is resumed; what it must be told is kept for it. */
export class OrganisationSuspended extends OrganisationState {}
/** Fires when an organisation leaves for good; it is told nothing new. */
export class OrganisationExited extends OrganisationState {}

export const organisations = stream<OrganisationState>({
  topic: 'exchange.organisation.v1',
  about: 'The directory of organisations.',
  writer: 'exchange',
  readers: ['inspection', 'registration', 'credit', 'monitoring'],
  retention: 'LAST_STATE',
  key: (organisation) => organisation.organisationId,
  events: [OrganisationRegistered, OrganisationChanged, OrganisationSuspended, OrganisationExited],
});

export class RequiredAction {
  @OneOf(codes.FEEDBACK_ACTIONS) action: codes.FeedbackActionCode;
  @Flag() mandatory: boolean;
  @Text({ max: 200, about: 'Article the action rests on.' }) basis: string;
}

export class FeedbackClock {
  @OneOf(codes.CLOCK_STARTS) startsOn: codes.ClockStart;
  @Text({ max: 20, pattern: /^P[0-9A-Z]+$/, about: 'ISO 8601 duration.' }) duration: string;
  @OneOf(codes.CLOCK_DAYS) days: codes.ClockDays;
  @OneOf(codes.CLOCK_BASES) basis: codes.ClockBasis;
}

export class FeedbackEntitlement {
  @OneOf(codes.ENTITLEMENTS) kind: codes.Entitlement;
  @Text({ max: 64 }) id: string;
}

export class FeedbackMerchant {
  @Optional() @Text({ max: 32 }) uscc?: string;
  @Optional() @Text({ max: 200 }) name?: string;
  @Optional() @Text({ max: 200 }) shopId?: string;
  @Optional() @Text({ max: 200 }) shopName?: string;
  @Optional() @NestedList(() => Listing, { items: 1000 }) listings?: Listing[];
}

/** What the publisher decided about something the recipient contested. A correction or withdrawal follows as a revision of its own. */
export class Ruling {
  @Revision('Revision of the feedback that was contested.') feedbackRevision: number;
  @OneOf(codes.RULING_OUTCOMES) outcome: codes.RulingOutcome;
  @Text({ max: 1000 }) reason: string;
  @Text({ max: 64, about: 'The organisation that ruled.' }) by: string;
  @Timestamp() ruledAt: string;
}

class FeedbackHead {
  @Text({ max: 36, min: 36, about: 'UUID v5 of (recipient, kind, subject).' }) feedbackId: string;
  @Text({ max: 64 }) recipientId: string;
  @Revision() revision: number;
  @OneOf(codes.FEEDBACK_KINDS) kind: codes.FeedbackKind;
  @Text({ max: 200, about: 'reporterId:sampleNo, recallNo or uscc.' }) subject: string;
  @Revision('Revision of the subject this state follows.') subjectRevision: number;
  @NestedList(() => RequiredAction, { items: 20, least: 1 }) actionsRequired: RequiredAction[];
  @Optional() @Nested(() => FeedbackClock) clock?: FeedbackClock;
  @Optional() @Timestamp() dueAt?: string;
  @NestedList(() => LegalBasis, { items: 10, least: 1 }) legalBasis: LegalBasis[];
  @Optional() @Nested(() => Ruling) ruling?: Ruling;
  @Timestamp() issuedAt: string;
  @Text(HASH) contentHash: string;
}

/** Fires when a platform must be told something and with every change of it; the platform acts and answers. */
export class FeedbackIssued extends FeedbackHead {
  @Nested(() => FeedbackEntitlement) entitlement: FeedbackEntitlement;
  @Optional() @OneOf(codes.FINALITIES) finality?: codes.Finality;
  @Optional() @Nested(() => FeedbackMerchant) merchant?: FeedbackMerchant;
  @AnyObject({ about: "The subject's state, minimised for this recipient." }) content: Record<string, unknown>;
}

/** Fires when what a platform was told no longer holds for it; the platform undoes what it did. */
export class FeedbackWithdrawn extends FeedbackHead {
  @Text({ max: 1000 }) reason: string;
}

export const platformFeedback = stream<FeedbackHead>({
  topic: 'platform.{owner}.feedback.v1',
  about: 'What one platform must be told.',
  writer: 'exchange',
  // The exchange reads what it wrote: where the broker keeps each record is part of the evidence.
  readers: ['owner', 'exchange'],
  retention: 90,
  owner: { kind: 'PLATFORM', of: (feedback) => feedback.recipientId },
  key: (feedback) => feedback.subject,
  events: [FeedbackIssued, FeedbackWithdrawn],
});

class FeedbackOutcome {
  @Text({ max: 36 }) feedbackId: string;
  @Text({ max: 64 }) recipientId: string;
  @OneOf(codes.FEEDBACK_KINDS) kind: codes.FeedbackKind;
  @Text({ max: 200 }) subject: string;
  @Revision('Revision of the feedback that this is about.') feedbackRevision: number;
}

class AcceptedAnswer extends FeedbackOutcome {
  @Revision('Revision of the answer.') revision: number;
  @OneOf(codes.ANSWER_STATUSES) status: codes.AnswerStatus;
  @Optional() @CodeList(codes.FEEDBACK_ACTIONS, { items: 100 }) actions?: codes.FeedbackActionCode[];
  @Flag({ about: 'The answered revision was no longer the current one: evidence, closes no clock.' }) superseded: boolean;
  @Timestamp() acceptedAt: string;
}

/** Fires when a platform's answer was checked and kept; the publisher sees what was done. */
export class FeedbackAnswerAccepted extends AcceptedAnswer {}
/** Fires when a platform disputes a feedback; the publisher has to look at it. */
export class FeedbackContested extends AcceptedAnswer {
  @Optional() @Text({ max: 200 }) reasonCode?: string;
}

/** Fires when a period has passed and the platform has not done what is required; once for each step of escalation. */
export class FeedbackOverdue extends FeedbackOutcome {
  @Revision('The step: 1 when the period ends, then one more for each further period of patience.') revision: number;
  @Timestamp() dueAt: string;
  @Timestamp() raisedAt: string;
}

export const feedbackOutcomes = stream<FeedbackOutcome>({
  topic: 'exchange.feedback-outcome.v1',
  about: 'What platforms did with what they were told.',
  writer: 'exchange',
  readers: ['inspection', 'monitoring'],
  retention: 90,
  key: (outcome) => outcome.subject,
  events: [FeedbackAnswerAccepted, FeedbackContested, FeedbackOverdue],
});

/** Fires when the ledger of deliveries is closed for a day, and within a day when evidence is asked for. */
export class LedgerHeadSigned {
  @CalendarDate({ about: 'The day in China that the head closes; during a day, that day.' }) date: string;
  @Revision('Counts the heads of one date.') revision: number;
  @Whole({ min: 0, max: Number.MAX_SAFE_INTEGER, about: 'Entries of the ledger that the head covers.' }) size: number;
  @Text({ ...HASH, about: 'Root of the Merkle tree over the first `size` entries (RFC 9162 §2.1), lower-case hex.' }) rootHash: string;
  @Optional()
  @Text({ ...HASH, about: 'SHA-256 of the RFC 8785 form of the head before this one, its signature included.' })
  previousHash?: string;
  @Timestamp() signedAt: string;
  @Text({ max: 2_000, about: 'Detached JWS (RFC 7515 appendix F, EdDSA) over the RFC 8785 form of the other fields.' }) signature: string;
}

export const ledgerHeads = stream<LedgerHeadSigned>({
  topic: 'exchange.ledger-head.v1',
  about: 'What the exchange vouches for: the state of its ledger of deliveries, day by day.',
  writer: 'exchange',
  readers: ['anyone'],
  retention: 'LAST_STATE',
  key: (head) => head.date,
  events: [LedgerHeadSigned],
});

/** Why an organisation may know something, where the law does not give that by itself. Each event carries the whole of it. */
export class EntitlementState {
  @Text({ max: 64, about: 'GRANT:<UUID> or AGREEMENT:<kind of feedback>:<platform>.' }) entitlementId: string;
  @Revision() revision: number;
  @OneOf(['GRANT', 'AGREEMENT']) kind: 'GRANT' | 'AGREEMENT';
  @OneOf(codes.ENTITLEMENT_STATUSES) status: codes.EntitlementStatus;
  @Text({ max: 64, about: 'Who may know.' }) recipientId: string;
  @Optional() @Text({ max: 64, about: 'The department that provides it; absent for an agreement.' }) providerId?: string;
  @Optional() @Text({ max: 100, about: 'The stream that may be read, as the catalogue names it.' }) stream?: string;
  @Optional() @OneOf(codes.FEEDBACK_KINDS, { about: 'What an agreement is about.' }) feedbackKind?: codes.FeedbackKind;
  @Optional() @OneOf(codes.SHARING_MODES) mode?: codes.SharingMode;
  @Optional() @Whole({ min: 1, max: 4, about: 'Highest level of general data that may be read (GB/T 43697).' }) level?: number;
  @Optional() @TextList({ max: 6, items: 50, about: 'Divisions (GB/T 2260) it is limited to; absent = everywhere.' }) areas?: string[];
  @Optional() @TextList({ max: 64, items: 10, about: 'Events it is limited to; absent = every event of the stream.' }) events?: string[];
  @Text({ max: 300, about: 'What it rests on: instrument and article.' }) legalBasis: string;
  @Text({ max: 500, about: 'The business scene; it may be used for nothing else.' }) purpose: string;
  @Optional() @Text({ max: 200, about: "The requester's own document that signed the request off." }) signOff?: string;
  @Timestamp() requestedAt: string;
  @Optional() @CalendarDate({ about: 'The last day of the statutory period for an answer.' }) answerDueOn?: string;
  @Optional() @Flag({ about: 'The period for an answer was extended, which can be done once.' }) answerExtended?: boolean;
  @Optional() @Timestamp({ about: 'When it was said that there was no answer in time.' }) overdueRaisedAt?: string;
  @Optional() @CalendarDate({ about: 'The last day on which it is in force; absent = no limit in time.' }) validUntil?: string;
  @Optional() @OneOf(['PROVIDER', 'OPERATOR'], { about: 'Whoever suspended it resumes it.' }) suspendedBy?: 'PROVIDER' | 'OPERATOR';
  @Optional() @Text({ max: 1000, about: 'Why it was changed last.' }) reason?: string;
  @Text({ max: 64, about: 'Organisation that changed it last; service.exchange when a period ran out.' }) changedBy: string;
  @Timestamp() changedAt: string;
}

/** Fires when a department asks for another one's data, and when holidays are published that move the end of the period for an answer. */
export class GrantRequested extends EntitlementState {}
/** Fires when the provider takes more time for its answer, and the requester is told why; and when holidays move the end of that time. */
export class GrantAnswerExtended extends EntitlementState {}
/** Fires once when the period for an answer has passed without one; an answer may still come. */
export class GrantAnswerOverdue extends EntitlementState {}
/** Fires when the provider agrees; the requester may read from now on. */
export class GrantApproved extends EntitlementState {}
/** Fires when the provider says no, with the reason. */
export class GrantRefused extends EntitlementState {}
/** Fires when a platform is admitted: it hears from now on what it is told by agreement. */
export class AgreementConcluded extends EntitlementState {}
/** Fires when access is stopped for a time; nobody reads under it until it is resumed. */
export class EntitlementSuspended extends EntitlementState {}
/** Fires when what was suspended is in force again. */
export class EntitlementResumed extends EntitlementState {}
/** Fires when whoever gave it takes it back for good. */
export class EntitlementRevoked extends EntitlementState {}
/** Fires when its last day has passed. */
export class EntitlementExpired extends EntitlementState {}
/** Fires when the recipient needs it no more. */
export class EntitlementEnded extends EntitlementState {}

export const entitlements = stream<EntitlementState>({
  topic: 'exchange.entitlement.v1',
  about: 'Grants between departments and agreements with platforms. What the law itself gives is on no list.',
  writer: 'exchange',
  readers: ['monitoring'],
  retention: 'LAST_STATE',
  key: (entitlement) => entitlement.entitlementId,
  events: [
    GrantRequested,
    GrantAnswerExtended,
    GrantAnswerOverdue,
    GrantApproved,
    GrantRefused,
    AgreementConcluded,
    EntitlementSuspended,
    EntitlementResumed,
    EntitlementRevoked,
    EntitlementExpired,
    EntitlementEnded,
  ],
});

export class CorrectionEvidence {
  @Text({ max: 500, about: 'What shows that it is wrong.' }) description: string;
  @Optional() @Text({ ...HASH, about: 'SHA-256 of the evidence, which the filer keeps.' }) hash?: string;
}

/** A recipient finds a record wrong. Each event carries the whole request. */
export class CorrectionRequestState {
  @Text({ max: 36, min: 36 }) requestId: string;
  @Revision() revision: number;
  @OneOf(codes.CORRECTION_STATUSES) status: codes.CorrectionStatus;
  @Text({ max: 64 }) filedBy: string;
  @Text({ max: 64, about: 'The department that has to answer.' }) publisherId: string;
  @Text({ max: 100, about: 'Under which the record was received.' }) entitlementId: string;
  @Text({ max: 200, about: 'The record: its key on the topic, or the subject of the feedback.' }) subject: string;
  @Optional() @Revision('Revision of the record that was read.') subjectRevision?: number;
  @Text({ max: 2000, about: 'What is wrong, and what would be right.' }) wrong: string;
  @NestedList(() => CorrectionEvidence, { items: 20, least: 1 }) evidence: CorrectionEvidence[];
  @Timestamp() filedAt: string;
  @Optional() @CalendarDate({ about: 'The last day of the statutory period for an answer.' }) answerDueOn?: string;
  @Optional() @Timestamp({ about: 'When it was said that there was no answer in time.' }) overdueRaisedAt?: string;
  @Optional() @Text({ max: 2000, about: 'What was corrected, or why nothing is.' }) answer?: string;
  @Optional() @Revision('Revision of the record that is right.') correctedIn?: number;
  @Optional() @Timestamp() closedAt?: string;
}

/** Fires when a recipient says that a record is wrong, and when holidays are published that move the end of the period for an answer. */
export class CorrectionRequested extends CorrectionRequestState {}
/** Fires once when the period for an answer has passed without one; an answer may still come. */
export class CorrectionOverdue extends CorrectionRequestState {}
/** Fires when the publisher has corrected the record, or says why it does not; the filer learns of it. */
export class CorrectionAnswered extends CorrectionRequestState {}
/** Fires when the filer takes the request back. */
export class CorrectionWithdrawn extends CorrectionRequestState {}

export const correctionRequests = stream<CorrectionRequestState>({
  topic: 'exchange.correction-request.v1',
  about: 'What recipients find wrong in what they received, and what its publishers do about it.',
  writer: 'exchange',
  readers: ['monitoring'],
  retention: 90,
  key: (request) => request.requestId,
  events: [CorrectionRequested, CorrectionOverdue, CorrectionAnswered, CorrectionWithdrawn],
});

/*
 * What follows is the exchange's own memory: it says these things to itself, so that it knows them again when its database was set back
 * (ADR-0009). Nobody else may read the topics.
 */

export class NamedContact {
  @OneOf(codes.CONTACT_ROLES) role: codes.ContactRole;
  @Text({ max: 200, about: 'Mailbox or number of an office, not of a person.' }) address: string;
  @Timestamp() since: string;
}

/** Fires when an organisation says whom to call, with all of its contacts. */
export class ContactsNamed {
  @Text({ max: 40 }) organisationId: string;
  @Revision() revision: number;
  @NestedList(() => NamedContact, { items: codes.CONTACT_ROLES.length, least: 1 }) contacts: NamedContact[];
}

export const contacts = stream<ContactsNamed>({
  topic: 'exchange.contact.v1',
  about: 'Whom to call at organisations.',
  writer: 'exchange',
  readers: [],
  retention: 'LAST_STATE',
  key: (named) => named.organisationId,
  events: [ContactsNamed],
});

/** Fires when a page that was pulled under a grant held records that the recipient had not been given before. */
export class RecordsGiven {
  @Text({ max: 64 }) entitlementId: string;
  @Revision('Counts what was given under one grant; each holds what it gave, not what was given before.') revision: number;
  @TextList({ max: 500, items: 500, about: 'Their keys on the topic.' }) keys: string[];
}

export const grantedKeys = stream<RecordsGiven>({
  topic: 'exchange.granted-key.v1',
  about: 'Which records departments have under grants, so that they hear when one is withdrawn or leaves the scope.',
  writer: 'exchange',
  readers: [],
  retention: 90,
  key: (given) => given.entitlementId,
  events: [RecordsGiven],
});

export class RefusedInRun {
  @Text({ max: 36, min: 36 }) feedbackId: string;
  @Revision('Revision of the feedback that was answered.') feedbackRevision: number;
  @OneOf(codes.ANSWER_STATUSES) status: codes.AnswerStatus;
  @Text({ max: 100 }) code: string;
  @Timestamp() at: string;
}

/** Fires once, when a conformance run of a platform has ended. */
export class ConformanceRunEnded {
  @Text({ max: 36, min: 36 }) runId: string;
  @Revision('Always 1: a run that has ended stays as it is.') revision: number;
  @Text({ max: 40 }) organisationId: string;
  @OneOf(['KAFKA', 'WEBHOOK', 'PULL']) channel: 'KAFKA' | 'WEBHOOK' | 'PULL';
  @Flag() passed: boolean;
  @AnyObject({ about: 'Each check with its state and reason.' }) checks: Record<string, unknown>;
  /** The first of them. */
  @NestedList(() => RefusedInRun, { items: 200 }) refused: RefusedInRun[];
  @Timestamp() startedAt: string;
  @Timestamp() endsAt: string;
  @Timestamp() finishedAt: string;
}

export const conformanceRuns = stream<ConformanceRunEnded>({
  topic: 'exchange.conformance-run.v1',
  about: 'What platforms showed in the sandbox.',
  writer: 'exchange',
  readers: [],
  retention: 90,
  key: (run) => run.organisationId,
  events: [ConformanceRunEnded],
});

/** Fires when a platform chooses by which channel it is told. */
export class ChannelChosen {
  @Text({ max: 40 }) organisationId: string;
  @Revision() revision: number;
  @OneOf(['KAFKA', 'WEBHOOK', 'PULL']) channel: 'KAFKA' | 'WEBHOOK' | 'PULL';
}

export const chosenChannels = stream<ChannelChosen>({
  topic: 'exchange.channel.v1',
  about: 'By which channel platforms are told.',
  writer: 'exchange',
  readers: [],
  retention: 'LAST_STATE',
  key: (chosen) => chosen.organisationId,
  events: [ChannelChosen],
});

export class SealedSecret {
  @Text({ max: 36, min: 36 }) secretId: string;
  @Text({ max: 1_000, about: 'Encrypted, as in the database: JWE with a key that stands in neither.' }) secret: string;
  @Timestamp() createdAt: string;
  @Optional() @Timestamp() validUntil?: string;
}

/** Fires with everything that becomes of a platform's endpoint but how it fares, with the secrets that sign from then on. */
export class WebhookEndpointChanged {
  @Text({ max: 40 }) organisationId: string;
  @Revision('Goes on over all endpoints of an organisation: it has one that has not ended.') revision: number;
  @Text({ max: 36, min: 36 }) endpointId: string;
  @Text({ max: 2_000 }) url: string;
  @OneOf(['HMAC_SHA256', 'ED25519']) algorithm: 'HMAC_SHA256' | 'ED25519';
  @Text({ max: 200, about: 'The role that is told when it ends or is disabled; no person.' }) contact: string;
  @OneOf(['ACTIVE', 'DISABLED', 'ENDED']) status: 'ACTIVE' | 'DISABLED' | 'ENDED';
  @Optional() @OneOf(['GONE', 'FAILING', 'REMOVED', 'SUSPENDED']) statusReason?: 'GONE' | 'FAILING' | 'REMOVED' | 'SUSPENDED';
  /** None where it has ended. */
  @NestedList(() => SealedSecret, { items: 10 }) secrets: SealedSecret[];
  @Timestamp() registeredAt: string;
  @Timestamp() statusSince: string;
}

export const webhookEndpoints = stream<WebhookEndpointChanged>({
  topic: 'exchange.webhook-endpoint.v1',
  about: 'Where platforms take webhooks, and what signs them.',
  writer: 'exchange',
  readers: [],
  retention: 'LAST_STATE',
  key: (endpoint) => endpoint.organisationId,
  events: [WebhookEndpointChanged],
});

class SignatureKeyState {
  @Text({ max: 40 }) organisationId: string;
  @Text({ max: 43, min: 43, about: 'RFC 7638 thumbprint.' }) kid: string;
  @Revision('1: registered; 2: revoked, and so it stays.') revision: number;
  @AnyObject({ about: 'The public key as JWK (RFC 7517).' }) jwk: Record<string, unknown>;
  @Timestamp() registeredAt: string;
  @Optional() @Timestamp() revokedAt?: string;
}

/** Fires once, when an organisation registers a public key to sign its answers with. */
export class SignatureKeyRegistered extends SignatureKeyState {}
/** Fires once, when the organisation revokes it; it signs nothing new. */
export class SignatureKeyRevoked extends SignatureKeyState {}

export const signatureKeys = stream<SignatureKeyState>({
  topic: 'exchange.signature-key.v1',
  about: 'With which public keys organisations sign their answers.',
  writer: 'exchange',
  readers: [],
  retention: 'LAST_STATE',
  key: (state) => `${state.organisationId}:${state.kid}`,
  events: [SignatureKeyRegistered, SignatureKeyRevoked],
});
