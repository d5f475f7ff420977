import { QueryFailedError } from 'typeorm';
import { withoutValues } from './logging.js';

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
});
