import {
  QueryFailedError,
  QueryRunnerAlreadyReleasedError,
  QueryRunnerProviderAlreadyReleasedError,
  TransactionNotStartedError,
} from 'typeorm';

/** SQLSTATE classes that say something about the values of the event; every other class says something about the database. */
const ABOUT_THE_EVENT = new Set(['22', '23', '54']);

/**
 * Would the same event succeed later? A database error is the event's fault only for bad values (class 22), a violated constraint (23)
 * or a value that is too large, for an index for example (54); a missing table, a full disk, a deadlock or a lost connection is not, and
 * dead-lettering for it would lose good events.
 */
export function isTransient(error: unknown): boolean {
  const code = sqlState(error);
  if (code) return !ABOUT_THE_EVENT.has(code.slice(0, 2));
  return error instanceof Error && (isConnectionError(error) || (error.cause !== undefined && isTransient(error.cause)));
}

function sqlState(error: unknown): string | null {
  const driver: unknown = error instanceof QueryFailedError ? error.driverError : error;
  const code = driver instanceof Error && 'code' in driver ? driver.code : null;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && /\d/.test(code) ? code : null;
}

const SYSTEM_ERRORS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
// node-postgres and TypeORM give these no code.
const CONNECTION_MESSAGES =
  /connection terminated|connection timeout|timeout exceeded when trying to connect|client has encountered a connection error|not queryable|connection ended|driver not connected|cannot use a pool after/i;

/** TypeORM takes a transaction's connection away when it is lost; whoever goes on with it hears this instead of why. */
const LOST_BETWEEN_STATEMENTS = [QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError, TransactionNotStartedError];

function isConnectionError(error: Error): boolean {
  const driver: unknown = error instanceof QueryFailedError ? error.driverError : error;
  const code = driver instanceof Error && 'code' in driver ? String(driver.code) : '';
  return (
    SYSTEM_ERRORS.has(code) ||
    CONNECTION_MESSAGES.test(error.message) ||
    LOST_BETWEEN_STATEMENTS.some((type) => error instanceof type) ||
    (error instanceof AggregateError && error.errors.some((one) => isTransient(one)))
  );
}
