import type { EventClass } from '@jinqiao/contracts';
import { DeadlineFilter } from '@jinqiao/platform';
import { schemaOf } from '@jinqiao/schema';
import { Injectable } from '@nestjs/common';
import { GatewayConfig } from '../config.js';
import { MergedDeadlinesQuery } from '../deadline/deadline.controller.js';
import { Services, type Asked } from '../services.js';
import { merge, type OpenApi } from './merge.js';

const KEPT_MS = 10_000;

/** The OpenAPI document of the whole platform, joined from what the services say of themselves at the moment. */
@Injectable()
export class Document {
  private kept: { until: number; document: Promise<OpenApi> } | undefined;

  constructor(
    private readonly config: GatewayConfig,
    private readonly services: Services,
  ) {}

  current(): Promise<OpenApi> {
    if (!this.kept || performance.now() > this.kept.until) this.kept = { until: performance.now() + KEPT_MS, document: this.joined() };
    return this.kept.document;
  }

  private async joined(): Promise<OpenApi> {
    const asked = await this.services.askAll('/openapi.json');
    const missing = asked.filter((one) => !isDocument(one)).map(({ upstream }) => upstream.name);
    // Incomplete is not kept: the next reader asks again.
    if (missing.length > 0) this.kept = undefined;
    const parts = asked.filter(isDocument).map(({ upstream, body }) => ({ name: upstream.name, document: body }));
    return merge(this.own(missing), parts);
  }

  private own(missing: string[]): OpenApi {
    return {
      openapi: '3.1.0',
      info: {
        title: 'Jinqiao 津桥',
        version: '1',
        description: 'Regulatory facts between departments, platform companies and the statistics bureau.',
        ...(missing.length > 0 && { 'x-services-without-answer': missing }),
      },
      servers: [{ url: this.config.PUBLIC_URL }],
      paths: OWN_PATHS,
    };
  }
}

const isDocument = (asked: Asked): asked is Asked & { body: OpenApi } =>
  asked.status === 200 && typeof asked.body === 'object' && asked.body !== null && 'openapi' in asked.body;

const json = (description: string): object => ({ 200: { description, content: { 'application/json': {} } } });
const get = (operationId: string, summary: string, more: object = {}): object => ({
  get: { operationId: `gateway.${operationId}`, summary, responses: json(summary), ...more },
});
const EVENT = { name: 'event', in: 'path', required: true, schema: { type: 'string' }, example: 'SamplingResultPublished' };

const inQuery = (type: EventClass): object[] =>
  Object.entries(schemaOf(type).properties).map(([name, schema]) => ({ name, in: 'query', schema }));
const text = { schema: { type: 'string' } };
const ASKED_BY = { 'x-allow': ['PLATFORM', 'DEPARTMENT', 'OPERATOR', 'AUDITOR'] };
const file = (operationId: string, summary: string, type: string): object =>
  get(operationId, summary, {
    ...ASKED_BY,
    parameters: inQuery(DeadlineFilter),
    responses: { 200: { description: summary, content: { [type]: text } } },
  });

const OWN_PATHS: Record<string, unknown> = {
  '/api/deadlines': get('deadlines', 'Periods of all services that the caller may see, the next one first', {
    ...ASKED_BY,
    parameters: inQuery(MergedDeadlinesQuery),
    responses: {
      200: {
        description:
          '`{items, next, incomplete}`: `incomplete` names services that did not answer. A calendar and a table are whole or are none.',
        content: { 'application/json': {}, 'text/calendar': text, 'text/csv': text },
      },
    },
  }),
  '/api/deadlines.ics': file('deadlinesCalendar', 'The same as a calendar (RFC 5545)', 'text/calendar'),
  '/api/deadlines.csv': file('deadlinesTable', 'The same as a table (RFC 4180)', 'text/csv'),
  '/api/codes': get('codes', 'Every code list'),
  '/api/asyncapi.json': get('asyncApi', 'The AsyncAPI 3 document of every topic'),
  '/schemas': get('schemas', 'The JSON Schemas of all events'),
  '/schemas/{event}': get('schema', 'The JSON Schema of one event', { parameters: [EVENT] }),
};
