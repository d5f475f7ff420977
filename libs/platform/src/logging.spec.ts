import { QueryFailedError } from 'typeorm';
import { Writable } from 'node:stream';
import { pinoHttp } from 'pino-http';
import { checkConfig, HttpConfig } from './config.js';
import { loggingOf, withoutValues } from './logging.js';

describe('an error in the log', () => {
  it('of the database says which table and constraint, not which values', () => {
    const driver = Object.assign(new Error('duplicate key value violates unique constraint: (name)=(张三)'), {
      code: '23505',
      table: 'organisation_names',
      constraint: 'organisation_names_key',
      detail: 'Key (name)=(张三) already exists.',
    });
    const logged = withoutValues(new QueryFailedError('INSERT INTO organisation_names VALUES ($1)', ['张三'], driver));
    expect(logged).toMatchObject({ code: '23505', table: 'organisation_names', constraint: 'organisation_names_key' });
    expect(JSON.stringify(logged)).not.toContain('张三');
  });

  it('of ours keeps its message and where it was thrown', () => {
    expect(withoutValues(new TypeError('x is not a function'))).toMatchObject({
      type: 'TypeError',
      message: 'x is not a function',
      stack: expect.stringMatching(/^\s+at /) as string,
    });
  });

  it('is written that way by the logger services have', () => {
    const lines: string[] = [];
    const memory = new Writable({
      write(chunk, _encoding, done) {
        lines.push(String(chunk));
        done();
      },
    });
    const config = checkConfig(HttpConfig, { PORT: '0', OIDC_ISSUER: 'http://localhost' });
    const { logger } = pinoHttp(loggingOf('credit', config).pinoHttp as object, memory);
    logger.error(
      { err: new QueryFailedError('SELECT $1', ['张三'], Object.assign(new Error('(name)=(张三)'), { code: '23505' })) },
      'refused',
    );
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      service: 'credit',
      msg: 'refused',
      err: { type: 'QueryFailedError', code: '23505' },
    });
    expect(lines.join()).not.toContain('张三');
  });
});
