import {
  QueryFailedError,
  QueryRunnerAlreadyReleasedError,
  QueryRunnerProviderAlreadyReleasedError,
  TransactionNotStartedError,
} from 'typeorm';
import { isTransient } from './failures.js';

const withCode = (code: string): Error => Object.assign(new Error('refused'), { code });
const failed = (driver: Error): Error => new QueryFailedError('SELECT 1', [], driver);

describe('an error', () => {
  it.each<[string, unknown]>([
    ['a lost connection', withCode('ECONNRESET')],
    ['a lost connection, as node-postgres says it', failed(new Error('Connection terminated unexpectedly'))],
    ['a deadlock', failed(withCode('40P01'))],
    ['a full disk', failed(withCode('53100'))],
    ['a missing table', failed(withCode('42P01'))],
    // What TypeORM says of a transaction whose connection was lost between two statements.
    ['a transaction that has lost its connection', new QueryRunnerAlreadyReleasedError()],
    ['a manager that has lost its connection', new QueryRunnerProviderAlreadyReleasedError()],
    ['a commit after the connection was lost', new TransactionNotStartedError()],
    ['what was caused by one of these', new Error('could not', { cause: new QueryRunnerAlreadyReleasedError() })],
    ['the first of several', new AggregateError([withCode('ECONNREFUSED')])],
  ])('that is %s passes', (_what, error) => expect(isTransient(error)).toBe(true));

  it.each<[string, unknown]>([
    ['a bad value', failed(withCode('22P02'))],
    ['a violated constraint', failed(withCode('23505'))],
    ['a value too large for an index', failed(withCode('54000'))],
    ['a mistake of the handler', new TypeError('undefined is not a function')],
  ])('that is %s stays with the event', (_what, error) => expect(isTransient(error)).toBe(false));
});
