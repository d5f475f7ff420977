import {
  context,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { FastifyInstance, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    trace?: { context: Context; span: Span };
  }
}

let provider: BasicTracerProvider | undefined;

/**
 * W3C trace context, carried from the request through the outbox and Kafka headers to the last consumer; once per process. Spans leave
 * the process only where a collector is configured.
 */
export async function startTracing(service: string, collector?: string): Promise<void> {
  if (provider) return;
  const spanProcessors = collector ? [await sendingTo(collector)] : [];
  provider = new BasicTracerProvider({ resource: resourceFromAttributes({ 'service.name': `jinqiao-${service}` }), spanProcessors });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
}

// Loaded only where there is a collector: it brings as many modules as the rest of tracing together.
async function sendingTo(collector: string): Promise<SpanProcessor> {
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  return new BatchSpanProcessor(new OTLPTraceExporter({ url: `${collector.replace(/\/+$/, '')}/v1/traces` }));
}

/** Sends what is left to the collector. */
export const flushTracing = async (): Promise<void> => provider?.forceFlush().catch(() => undefined);

/** The trace this code runs in, or null. */
export function currentTraceId(): string | null {
  const current = trace.getActiveSpan()?.spanContext();
  return current && isSpanContextValid(current) ? current.traceId : null;
}

/** What carries a request's trace on to another process over HTTP. */
export function traceHeaders(request: FastifyRequest): Record<string, string> {
  const headers: Record<string, string> = {};
  if (request.trace) propagation.inject(request.trace.context, headers);
  return headers;
}

/** What carries the trace of what is under way on to what is written later, in another's turn. */
export function currentTrace(): { traceparent?: string } {
  const headers: { traceparent?: string } = {};
  propagation.inject(context.active(), headers);
  return headers;
}

/** A span per request, under the caller's `traceparent`. */
export function traceRequests(fastify: FastifyInstance): void {
  const tracer = trace.getTracer('jinqiao/http');
  fastify.addHook('onRequest', (request, _reply, done) => {
    const parent = propagation.extract(ROOT_CONTEXT, request.headers);
    const span = tracer.startSpan(`${request.method} ${request.routeOptions.url ?? 'unknown'}`, { kind: SpanKind.SERVER }, parent);
    request.trace = { span, context: trace.setSpan(parent, span) };
    context.with(request.trace.context, done);
  });
  // Reading the body leaves the context: its events belong to the connection. From here on the handler runs in it again.
  fastify.addHook('preValidation', (request, _reply, done) => {
    if (request.trace) context.with(request.trace.context, done);
    else done();
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    request.trace?.span.setAttribute('http.response.status_code', reply.statusCode);
    if (reply.statusCode >= 500) request.trace?.span.setStatus({ code: SpanStatusCode.ERROR });
    request.trace?.span.end();
    done();
  });
}
