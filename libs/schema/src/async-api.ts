import { allStreams, isService, typeOf, type EventClass, type ServiceName, type Stream, type StreamReader } from '@jinqiao/contracts';
import { componentSchemas } from './components.js';
import { declaredFields } from './declared-fields.js';
import { declaredEvents, schemaUri } from './json-schema.js';
import { topicSettings } from './topics.js';

type Json = Record<string, unknown>;

export interface AsyncApiPlaces {
  /** host:port of a broker as outsiders reach it. */
  readonly broker?: string;
  /** Where clients get their tokens. */
  readonly tokenUrl?: string;
}

/** The AsyncAPI 3 document of every stream: what is on which topic, who writes and reads it, and the headers of every message. */
export function asyncApi(baseUrl: string, places: AsyncApiPlaces = {}): Json {
  const { broker = 'localhost:9092', tokenUrl = `${baseUrl}/oidc/token` } = places;
  const streams = allStreams();
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Jinqiao events',
      version: '1.0.0',
      description:
        'Regulatory facts between departments, platform companies and the statistics bureau. State travels, the higher revision wins.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    servers: { kafka: { host: broker, protocol: 'kafka-secure', security: [{ $ref: '#/components/securitySchemes/token' }] } },
    channels: Object.fromEntries(streams.map((stream) => [channelId(stream), channel(stream)])),
    operations: Object.fromEntries(streams.flatMap(operations)),
    components: {
      messages: Object.fromEntries(streams.flatMap((stream) => stream.events.map((type) => [type.name, message(stream, type, baseUrl)]))),
      schemas: componentSchemas(declaredEvents()),
      securitySchemes: { token: tokenScheme(tokenUrl) },
    },
  };
}

const channelId = (stream: Stream): string => stream.topic.replace('{owner}.', '').replaceAll('.', '-');

function channel(stream: Stream): Json {
  const { 'cleanup.policy': cleanup, 'retention.ms': retention, 'delete.retention.ms': tombstones } = topicSettings(stream);
  const topicConfiguration = {
    'cleanup.policy': [cleanup],
    ...(retention && { 'retention.ms': Number(retention) }),
    ...(tombstones && { 'delete.retention.ms': Number(tombstones) }),
  };
  return {
    address: stream.topic,
    description: stream.about,
    messages: Object.fromEntries(stream.events.map((type) => [type.name, { $ref: `#/components/messages/${type.name}` }])),
    ...(stream.owner && { parameters: { owner: { description: `Id of the organisation (${stream.owner.kind}) the topic belongs to.` } } }),
    bindings: { kafka: { topicConfiguration, bindingVersion: '0.5.0' } },
  };
}

function operations(stream: Stream): [string, Json][] {
  const id = channelId(stream);
  const operation = (action: 'send' | 'receive', party: StreamReader): [string, Json] => [
    `${party}-${action}s-${id}`,
    {
      action,
      channel: { $ref: `#/channels/${id}` },
      title: `${party} ${action}s ${stream.name}`,
      tags: [{ name: party }],
      messages: stream.events.map((type) => ({ $ref: `#/channels/${id}/messages/${type.name}` })),
      ...(action === 'receive' && isService(party) && { bindings: { kafka: groupBinding(stream, party) } }),
    },
  ];
  return [operation('send', stream.writer), ...stream.readers.map((reader) => operation('receive', reader))];
}

function groupBinding(stream: Stream, reader: ServiceName): Json {
  const groupId = stream.owner ? `${reader}.intake` : reader;
  return { groupId: { type: 'string', enum: [groupId] }, bindingVersion: '0.5.0' };
}

function message(stream: Stream, type: EventClass, baseUrl: string): Json {
  return {
    name: typeOf(type),
    title: type.name,
    summary: stream.about,
    contentType: 'application/json',
    headers: headers(stream, type, baseUrl),
    payload: { $ref: `#/components/schemas/${type.name}` },
    bindings: { kafka: { key: { type: 'string', description: 'What order depends on.' }, bindingVersion: '0.5.0' } },
  };
}

/** CloudEvents 1.0 in binary mode (design §3.1). Kafka headers are text, so every one of them is a string. */
function headers(stream: Stream, type: EventClass, baseUrl: string): Json {
  const text = (description: string, more: Json = {}): Json => ({ type: 'string', description, ...more });
  const hasRevision = declaredFields(type).some((field) => field.name === 'revision' && !field.optional);
  const required = {
    ce_specversion: text('CloudEvents 1.0.', { const: '1.0' }),
    ce_id: text('Unique per source; UUID v7 for ours.'),
    ce_source: text('/departments/<id>/<system>, /platforms/<id> or /services/<name>; agrees with who may write the topic.', {
      pattern: SOURCE_PATTERN[stream.writer === 'owner' ? (stream.owner?.kind ?? 'DEPARTMENT') : 'SERVICE'],
    }),
    ce_type: text('Stream and event name.', { const: typeOf(type) }),
    ce_time: text('When it happened, RFC 3339.', { format: 'date-time' }),
    ce_dataschema: text('Address of the schema.', { format: 'uri', examples: [schemaUri(type, baseUrl)] }),
    'content-type': text('Media type of the value.', { const: 'application/json' }),
    ...(stream.writer !== 'owner' &&
      hasRevision && { ce_revision: text('The revision, so that a tombstone has one too.', { pattern: '^[1-9][0-9]*$' }) }),
  };
  const optional = {
    traceparent: text('W3C trace context.'),
    ce_correlationid: text('Joins everything one request caused.'),
    ce_causationid: text('ce_id of the event that caused this one.'),
  };
  const disclosure = {
    ce_entitlement: text('What entitles the recipient to it: the id of a statutory notice, a grant or an agreement.'),
    ce_purpose: text('What the recipient may use it for.'),
    ce_legalbasis: text('The article it is disclosed under.'),
    ce_classification: text('How it is to be handled.'),
    ce_retentionuntil: text('Until when the recipient may keep it.'),
    ce_sequence: text('Position in the series of the recipient, the same by every channel.'),
  };
  const toOrganisations = stream.readers.includes('owner') ? disclosure : {};
  return { type: 'object', properties: { ...required, ...optional, ...toOrganisations }, required: Object.keys(required) };
}

const SOURCE_PATTERN = {
  SERVICE: '^/services/[a-z]+$',
  DEPARTMENT: '^/departments/[a-z0-9-]+/.+$',
  PLATFORM: '^/platforms/[a-z0-9-]+$',
} as const;

function tokenScheme(tokenUrl: string): Json {
  return {
    type: 'oauth2',
    description: 'Client credentials; the same token opens HTTP and Kafka (SASL/OAUTHBEARER), and its sub is the Kafka principal.',
    flows: { clientCredentials: { tokenUrl, availableScopes: {} } },
  };
}
