import { DomainError } from '@jinqiao/schema';
import { BadRequestException, NotFoundException, PayloadTooLargeException } from '@nestjs/common';
import { QueryFailedError } from 'typeorm';
import { problemOf } from './problem.js';

class AliasTaken extends DomainError {
  constructor() {
    super('ALIAS_TAKEN', 409, { zh: '别名已被占用', en: 'The alias belongs to another organisation' }, [
      { code: 'ALIAS_TAKEN', pointer: '/aliases/0', message: 'belongs to another organisation' },
    ]);
  }
}

describe('a problem', () => {
  it('tells what a rule refused, in both languages, with pointers', () => {
    expect(problemOf(new AliasTaken(), '/api/exchange/organisations')).toEqual({
      type: 'urn:jinqiao:problem:ALIAS_TAKEN',
      title: 'The alias belongs to another organisation',
      titleZh: '别名已被占用',
      status: 409,
      code: 'ALIAS_TAKEN',
      detail: 'belongs to another organisation',
      instance: '/api/exchange/organisations',
      pointer: '/aliases/0',
      errors: [{ code: 'ALIAS_TAKEN', pointer: '/aliases/0', message: 'belongs to another organisation' }],
    });
  });

  it.each([
    [new NotFoundException('Cannot GET /x?name=secret'), 404, 'NOT_FOUND'],
    [new BadRequestException('Validation failed (uuid is expected)'), 400, 'BAD_REQUEST'],
    [new PayloadTooLargeException(), 413, 'BODY_TOO_LARGE'],
    [Object.assign(new Error('reach files limit'), { code: 'FST_FILES_LIMIT', statusCode: 413 }), 413, 'TOO_MANY_FILES'],
    [
      Object.assign(new Error('Unsupported Media Type'), { code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE', statusCode: 415 }),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    [Object.assign(new Error('I am a teapot'), { statusCode: 418 }), 418, 'BAD_REQUEST'],
    [new Error('password authentication failed for user "credit"'), 500, 'INTERNAL'],
    ['thrown text', 500, 'INTERNAL'],
    [new QueryFailedError('SELECT $1', ['张三'], new Error('relation does not exist')), 500, 'INTERNAL'],
    [
      new QueryFailedError('SELECT $1', ['张三'], Object.assign(new Error('invalid byte sequence for "UTF8": 0x00'), { code: '22021' })),
      400,
      'BAD_REQUEST',
    ],
    [Object.assign(new Error('The request timed out'), { name: 'KafkaJSRequestTimeoutError' }), 503, 'BROKER_UNAVAILABLE'],
    [Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' }), 503, 'DATABASE_UNAVAILABLE'],
  ])('of %p has a code and shows nothing of the error itself', (error, status, code) => {
    const problem = problemOf(error, '/x');
    expect(problem).toMatchObject({ status, code, pointer: '' });
    expect(JSON.stringify(problem)).not.toMatch(/secret|password|张三|ECONN|SELECT|\n\s+at /);
  });
});
