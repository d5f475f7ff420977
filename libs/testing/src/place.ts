import { createPrivateKey, randomBytes, randomUUID, sign } from 'node:crypto';
import { type EventClass, type OrganisationKind, type ServiceName, streamOf, topicOf, typeOf } from '@jinqiao/contracts';
import {
  accessToken,
  ensureTopics,
  organisations,
  registerClient,
  type ServerAddresses,
  signingKey,
  STACK_PRINCIPAL,
} from '@jinqiao/infra-local';
import { organisationRules, organisationTopics, schemaFile } from '@jinqiao/schema';
import { Client, Pool, type QueryResultRow } from 'pg';
import { Http } from './http.js';
import { Outside, type OutsideRecord } from './outside.js';

type Kind = OrganisationKind | 'SERVICE';

export interface TokenOptions {
  /** A token that ran out an hour ago. */
  readonly expired?: boolean;
  /** Made for somebody else. */
  readonly audience?: string;
}

export interface PublishOptions {
  /** Whose topic, where the event itself does not say. */
  readonly owner?: string;
  readonly id?: string;
  readonly source?: string;
  readonly time?: Date;
  readonly headers?: Readonly<Record<string, string>>;
}

const seeded = new Map(organisations().map(({ id, kind }) => [id, kind]));

/** What one spec file has of the run's servers for itself: a database, a namespace of topics, and everybody who takes part. */
export class Place {
  /** Where the service of this place listens; set when it has been started. */
  origin = '';
  private readonly registered = new Set<string>();
  private readonly pool: Pool;

  constructor(
    readonly servers: ServerAddresses,
    readonly service: ServiceName,
    readonly namespace: string,
    /** The environment of the service, as its config class reads it. */
    readonly env: Readonly<Record<string, string>>,
  ) {
    // Idle connections do not hold the process up: there is nothing to close after a test.
    this.pool = new Pool({ connectionString: env['DATABASE_MIGRATION_URL'], max: 4, allowExitOnIdle: true, idleTimeoutMillis: 1_000 });
    this.pool.on('error', () => undefined); // a connection that breaks shows in the query that needed it
  }

  /** Rows of the service's database, seen as its owner. */
  async sql<Row extends QueryResultRow = QueryResultRow>(query: string, params: readonly unknown[] = []): Promise<Row[]> {
    return (await this.pool.query<Row>(query, [...params])).rows;
  }

  /** Copies the database while no service uses it; what it answers sets the database back to that, under whoever uses it by then. */
  async backUp(): Promise<() => Promise<void>> {
    const database = new URL(this.env['DATABASE_URL'] ?? '').pathname.slice(1);
    const backup = `${database}_backup`;
    await this.asAdmin(async (admin) => {
      // A template may have no guests: the idle connections of our own pool go first.
      await admin.query('SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1', [database]);
      await admin.query(`CREATE DATABASE ${backup} TEMPLATE ${database} OWNER ${this.service}_owner`);
    });
    return () =>
      this.asAdmin(async (admin) => {
        await admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
        await admin.query(`ALTER DATABASE ${backup} RENAME TO ${database}`);
      });
  }

  /** An access token from the real issuer, which learns of a principal it does not know yet. */
  async token(kind: Kind, id: string, options: TokenOptions = {}): Promise<string> {
    if (options.expired || options.audience) return this.impossibleToken(kind, id, options);
    await this.introduce(kind, id);
    return (await accessToken(this.servers, id)).token;
  }

  http(token: string | null = null): Http {
    return new Http(() => this.origin, token);
  }

  /** Somebody outside at the broker: an organisation, or `service.<name>`. The issuer has to know it: seeded, registered or given a token. */
  outside(principal: string): Outside {
    return new Outside(this.servers, this.namespace, principal);
  }

  /** Whatever a topic holds, for those whom access rules do not bind. */
  readAll(topic: string): Promise<OutsideRecord[]> {
    return this.outside(STACK_PRINCIPAL).readAll(topic);
  }

  /** What the exchange does on the broker when an organisation registers: its topics and access rules. */
  async addOrganisation(kind: OrganisationKind, id: string): Promise<void> {
    await this.introduce(kind, id);
    await ensureTopics(this.servers, organisationTopics(kind, id, this.namespace), organisationRules(kind, id, this.namespace));
  }

  /** Publishes an event as its writer would, with the writer's own token and every header of design §3.1. Answers its `ce_id`. */
  async publish<E extends object>(type: EventClass<E>, payload: E, options: PublishOptions = {}): Promise<string> {
    const stream = streamOf(type);
    const owner = options.owner ?? stream.owner?.of(payload);
    const revision = 'revision' in payload ? String(payload.revision) : undefined;
    return this.send(type, owner, { key: stream.key(payload), revision, value: payload }, options);
  }

  /** Publishes many over one connection, in their order; of a stream that all owners share. */
  async publishAll<E extends object>(type: EventClass<E>, payloads: readonly E[]): Promise<void> {
    const stream = streamOf(type);
    const messages = payloads.map((value) => {
      const revision = 'revision' in value ? String(value.revision) : undefined;
      return messageOf(type, undefined, { key: stream.key(value), revision, value }, {});
    });
    await this.outside(`service.${stream.writer}`).produce(topicOf(stream), messages);
  }

  /** Publishes that nothing is left of an aggregate. */
  async publishTombstone(type: EventClass, of: { key: string; revision: number }, options: PublishOptions = {}): Promise<string> {
    return this.send(type, options.owner, { key: of.key, revision: String(of.revision), value: null }, options);
  }

  private async send(type: EventClass, owner: string | undefined, said: Said, options: PublishOptions): Promise<string> {
    const stream = streamOf(type);
    const message = messageOf(type, owner, said, options);
    const writer = stream.writer === 'owner' ? (owner ?? '') : `service.${stream.writer}`;
    await this.outside(writer).produce(topicOf(stream, owner), message);
    return message.headers.ce_id;
  }

  private async asAdmin(work: (admin: Client) => Promise<void>): Promise<void> {
    const admin = new Client({ connectionString: this.servers.databaseAdminUrl });
    await admin.connect();
    try {
      await work(admin);
    } finally {
      await admin.end();
    }
  }

  private async introduce(kind: Kind, id: string): Promise<void> {
    const known = seeded.get(id) ?? (id.startsWith('service.') ? 'SERVICE' : undefined);
    if (known === kind || this.registered.has(id)) return;
    if (known) throw new Error(`${id} is seeded as ${known}, not as ${kind}`);
    await registerClient(this.servers, { id, kind });
    this.registered.add(id);
  }

  /** The issuer's own signature under what the issuer would never say. */
  private impossibleToken(kind: Kind, id: string, { expired = false, audience = this.servers.audience }: TokenOptions): string {
    const key = signingKey(this.servers.seed);
    const now = Math.floor(Date.now() / 1000) - (expired ? 3_600 : 0);
    const claims = {
      sub: id,
      kind,
      scope: 'jinqiao',
      client_id: id,
      iss: this.servers.issuer,
      aud: audience,
      iat: now,
      exp: now + 600,
      jti: randomBytes(8).toString('hex'),
    };
    const text = [{ alg: key.alg, typ: 'at+jwt', kid: key.kid }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const signature = sign('sha256', Buffer.from(text), {
      key: createPrivateKey({ key: { ...key }, format: 'jwk' }),
      dsaEncoding: 'ieee-p1363',
    });
    return `${text}.${signature.toString('base64url')}`;
  }
}

interface Said {
  readonly key: string;
  readonly revision: string | undefined;
  readonly value: object | null;
}

function messageOf(type: EventClass, owner: string | undefined, { key, revision, value }: Said, options: PublishOptions) {
  const stream = streamOf(type);
  const headers = {
    ce_specversion: '1.0',
    ce_id: options.id ?? randomUUID(),
    ce_source: options.source ?? sourceOf(stream.writer, stream.owner?.kind, owner),
    ce_type: typeOf(type),
    ce_time: (options.time ?? new Date()).toISOString(),
    ce_dataschema: `http://localhost:3000/schemas/${schemaFile(type)}`,
    'content-type': 'application/json',
    ...(revision !== undefined && { ce_revision: revision }),
    ...options.headers,
  };
  return { key, headers, value };
}

function sourceOf(writer: string, kind: string | undefined, owner: string | undefined): string {
  if (writer !== 'owner') return `/services/${writer}`;
  return kind === 'PLATFORM' ? `/platforms/${owner}` : `/departments/${owner}/test`;
}
