export { AccessLog } from './access-log.js';
export {
  Admission,
  Allow,
  AllowAnyone,
  Caller,
  ClosedInSandbox,
  Forbidden,
  type InSandbox,
  KeepsOwnLog,
  OpenInSandbox,
  routesThatNameNobody,
} from './access.js';
export { type Applied, SubjectNeverApplied } from './applied.js';
export { batchAnswer, type BatchAnswer, type ItemAnswer, ITEMS_MAX, namedIn, TooManyItems } from './batch-answer.js';
export { BodyTooLarge, LIMITS } from './body.js';
export { CheckedBody, CheckedQuery, ValidationFailed } from './checked.js';
export { Clock } from './clock.js';
export { checkConfig, ConfigProblem, HttpConfig, readConfig, ServiceConfig } from './config.js';
export { dayOf, type DeadlineSource, endOfDay, listDeadlines } from './deadline-source.js';
export {
  type AskedState,
  cursorAfter,
  type DeadlineEntry,
  DeadlineFilter,
  type DeadlineMatter,
  ListDeadlinesQuery,
  mergedByDue,
} from './deadlines.js';
export { AnswersWithSecret } from './idempotency.js';
export { IsKeyring, Keyring, KeyMissing } from './keyring.js';
export { csvLine, CSV_MARK } from './csv.js';
export { Metrics } from './metrics.js';
export { migrateDatabase, migrateService, platformMigrations } from './migrate-service.js';
export { BadCursor, decodeCursor, encodeCursor, type CursorPosition, type Page, pageOf } from './page.js';
export { configured, PlatformModule, type ServiceParts } from './platform.module.js';
export type { Principal, PrincipalKind } from './principal.js';
export { answerProblem, PROBLEM_TYPE, problemOf, type Problem } from './problem.js';
export { ProcessEnd } from './process-end.js';
export { Redis } from './redis.js';
export { inPortions, type Regular, regularly } from './regularly.js';
export { IsSigningKey, type SigningKey, signingKeyOf } from './signing-key.js';
export { httpAdapter, prepareHttp, prepareService, type ProcessParts, startProcess, startService } from './start-service.js';
export {
  findOrganisation,
  isInSandbox,
  OrganisationInSandbox,
  OrganisationShutOut,
  scopesOf,
  ShutOut,
  withoutSandbox,
} from './shut-out.js';
export { sign, SIGNATURE_ALGORITHMS, signerOf } from './signature.js';
export { currentTrace, traceHeaders } from './tracing.js';
export { FileTooLarge, UploadedFile, type Upload } from './upload.js';
