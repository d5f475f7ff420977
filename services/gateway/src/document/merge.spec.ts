import { merge, type OpenApi } from './merge.js';

const whole: OpenApi = { openapi: '3.1.0', info: { title: 'Jinqiao', version: '1' }, paths: { '/api/codes': { get: {} } } };

const documentOf = (path: string, body: object): OpenApi => ({
  openapi: '3.1.0',
  info: {},
  paths: { [path]: { post: { requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } } } } } },
  components: { schemas: { Thing: { type: 'object', properties: body }, Problem: { type: 'object' } } },
});

describe('one document of several', () => {
  it('has every path, under its service', () => {
    const merged = merge(whole, [
      { name: 'credit', document: documentOf('/api/credit/things', {}) },
      { name: 'exchange', document: documentOf('/api/exchange/things', {}) },
    ]);
    expect(Object.keys(merged.paths)).toEqual(['/api/codes', '/api/credit/things', '/api/exchange/things']);
    expect(merged.paths['/api/exchange/things']).toMatchObject({ post: { tags: ['exchange'] } });
    expect(Object.keys(merged.components?.schemas ?? {})).toEqual(['Thing', 'Problem']);
  });

  it('tells schemas apart that share a name and differ', () => {
    const merged = merge(whole, [
      { name: 'credit', document: documentOf('/api/credit/things', { a: {} }) },
      { name: 'exchange', document: documentOf('/api/exchange/things', { b: {} }) },
    ]);
    expect(merged.components?.schemas).toMatchObject({ Thing: { properties: { a: {} } }, 'exchange.Thing': { properties: { b: {} } } });
    expect(JSON.stringify(merged.paths['/api/credit/things'])).toContain('"#/components/schemas/Thing"');
    expect(JSON.stringify(merged.paths['/api/exchange/things'])).toContain('"#/components/schemas/exchange.Thing"');
  });

  it('leaves what it was given as it was', () => {
    const document = documentOf('/api/credit/things', {});
    const before = JSON.stringify([whole, document]);
    merge(whole, [{ name: 'credit', document }]);
    expect(JSON.stringify([whole, document])).toBe(before);
  });
});
