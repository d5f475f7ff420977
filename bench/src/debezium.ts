import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { accessToken, fetchArtifacts, requireJava, type ServerAddresses, STACK_PRINCIPAL, Supervised } from '@jinqiao/infra-local';
import { freePort } from '@jinqiao/infra-local/servers';
import pg from 'pg';
import { type Envelope, plainDatabase, repository, until } from './place.js';

/*
 * What one would run instead of a relay of one's own: Debezium's connector for PostgreSQL with its outbox event router, on Kafka Connect.
 * Its outbox table has a column a header, so that its records carry what ours do; nobody deletes from it, as a production would have to.
 */
const JARS = {
  directory: join(repository, 'bench/debezium'),
  name: 'Debezium 3.3.1 and Kafka Connect 4.3.0',
  megabytes: 42,
  goals: ['dependency:copy-dependencies@jars'],
};
const SLOT = 'outbox';
const CONNECTOR = '/connectors/outbox';
/** A token lives for 600 s; the worker's clients read the file again before theirs ends. */
const TOKEN_MS = 240_000;

interface DebeziumPlace {
  readonly servers: ServerAddresses;
  readonly dataDir: string;
  readonly say: (line: string) => void;
}

export class Debezium {
  private constructor(
    private readonly worker: Supervised,
    private readonly rest: string,
    private readonly database: pg.Pool,
    private readonly renewal: NodeJS.Timeout,
  ) {}

  /** A worker with the connector reading its replication slot; both gone when `work` ends. */
  static async run<T>(place: DebeziumPlace, work: (debezium: Debezium) => Promise<T>): Promise<T> {
    const debezium = await Debezium.start(place);
    try {
      return await work(debezium);
    } finally {
      await debezium.stop();
    }
  }

  private static async start({ servers, dataDir, say }: DebeziumPlace): Promise<Debezium> {
    const url = await plainDatabase(servers, 'bench_debezium');
    const database = new pg.Pool({ connectionString: url, max: 10 });
    await database.query(`
      CREATE TABLE outbox_events (
        id uuid PRIMARY KEY, topic text NOT NULL, key text NOT NULL, value text NOT NULL, specversion text NOT NULL, source text NOT NULL,
        type text NOT NULL, time text NOT NULL, dataschema text NOT NULL, revision text NOT NULL, content_type text NOT NULL);
      CREATE TABLE repeated (LIKE outbox_events);
      CREATE PUBLICATION outbox FOR TABLE outbox_events WITH (publish = 'insert');`);
    await database.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [SLOT]);
    const home = join(dataDir, 'connect');
    mkdirSync(home);
    const token = join(home, 'token');
    const renew = async (): Promise<void> => writeFileSync(token, (await accessToken(servers, STACK_PRINCIPAL)).token, { mode: 0o600 });
    await renew();
    const renewal = setInterval(() => void renew(), TOKEN_MS);
    const port = await freePort();
    const worker = connectWorker(servers, { home, token, port, say });
    await worker.start();
    const debezium = new Debezium(worker, `http://127.0.0.1:${port}`, database, renewal);
    await debezium.ask('PUT', `${CONNECTOR}/config`, connectorOn(new URL(url)));
    await debezium.untilRead(true);
    return debezium;
  }

  get pid(): number {
    return this.worker.pid ?? 0;
  }

  /** The connector lets go of its slot; the worker stays warm. */
  async pause(): Promise<void> {
    await this.ask('PUT', `${CONNECTOR}/stop`);
    await this.untilRead(false);
  }

  async resume(): Promise<void> {
    await this.ask('PUT', `${CONNECTOR}/resume`);
  }

  /** Leaves these events in the outbox again and again, under other keys, each time in a transaction. */
  async fill(events: readonly Envelope[], times: number): Promise<void> {
    await this.database.query('TRUNCATE outbox_events, repeated');
    await this.add(events, 'repeated');
    const others = 'topic, value, specversion, source, type, time, dataschema, revision, content_type';
    for (let nth = 0; nth < times; nth += 1) {
      await this.database.query(
        `INSERT INTO outbox_events (id, key, ${others}) SELECT gen_random_uuid(), key || '-' || $1, ${others} FROM repeated`,
        [String(nth)],
      );
    }
  }

  /** Adds events to the outbox, in a transaction. */
  async add(events: readonly Envelope[], table = 'outbox_events'): Promise<void> {
    const rows = events.map(({ topic, key, headers, value }) => ({ topic, key, value, ...columnsOf(headers) }));
    await this.database.query(`INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::outbox_events, $1::json)`, [
      JSON.stringify(rows),
    ]);
  }

  private async stop(): Promise<void> {
    clearInterval(this.renewal);
    await this.worker.stop();
    await this.untilRead(false);
    await this.database.query('SELECT pg_drop_replication_slot($1)', [SLOT]);
    await this.database.end();
  }

  private untilRead(wanted: boolean): Promise<void> {
    const isRead = async (): Promise<boolean> => {
      const { rows } = await this.database.query<{ active: boolean }>('SELECT active FROM pg_replication_slots WHERE slot_name = $1', [
        SLOT,
      ]);
      return rows[0]?.active === wanted;
    };
    return until(`Debezium to ${wanted ? 'read' : 'leave'} its slot`, isRead, 20);
  }

  private async ask(method: string, path: string, body?: object): Promise<void> {
    const answer = await fetch(this.rest + path, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    if (!answer.ok) throw new Error(`Kafka Connect answered ${answer.status} to ${method} ${path}: ${await answer.text()}`);
  }
}

const columnsOf = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.replace('ce_', '').replace('-', '_'), value]));

interface WorkerPlan {
  readonly home: string;
  /** A file. */
  readonly token: string;
  readonly port: number;
  readonly say: (line: string) => void;
}

/** Standalone, with the heap and the collector of Kafka's own start script. */
function connectWorker(servers: ServerAddresses, { home, token, port, say }: WorkerPlan): Supervised {
  const jars = fetchArtifacts(JARS, say);
  const file = join(home, 'worker.properties');
  const signIn = {
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': 'OAUTHBEARER',
    'sasl.jaas.config': 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;',
    'sasl.login.callback.handler.class': 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler',
    'sasl.oauthbearer.token.endpoint.url': `file://${token}`,
  };
  const signInAs = (prefix: string) => Object.fromEntries(Object.entries(signIn).map(([name, value]) => [prefix + name, value]));
  const text = 'org.apache.kafka.connect.storage.StringConverter';
  const settings = {
    'bootstrap.servers': servers.kafkaBrokers,
    ...signInAs(''),
    ...signInAs('producer.'),
    ...signInAs('admin.'),
    listeners: `http://127.0.0.1:${port}`,
    'offset.storage.file.filename': join(home, 'offsets'),
    // Keys, values and headers are text already.
    'key.converter': text,
    'value.converter': text,
    'header.converter': text,
    'plugin.discovery': 'service_load',
  };
  writeFileSync(
    file,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
    { mode: 0o600 },
  );
  return new Supervised({
    name: 'Kafka Connect',
    command: requireJava(),
    args: [
      ...['-server', '-Xms256M', '-Xmx2G', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', '-XX:InitiatingHeapOccupancyPercent=35'],
      '-XX:+ExplicitGCInvokesConcurrent',
      `-Dlog4j2.configurationFile=${join(repository, 'infra/local/kafka/log4j2.properties')}`,
      `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=file://${token}`,
      `-Dorg.apache.kafka.sasl.oauthbearer.allowed.files=${token}`,
      ...['-cp', jarsIn(jars), 'org.apache.kafka.connect.cli.ConnectStandalone', file],
    ],
    logFile: join(home, 'connect.log'),
    ready: async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2_000) });
      if (!answer.ok) throw new Error(String(answer.status));
    },
    readyWithinMs: 90_000,
    report: say,
  });
}

const jarsIn = (directory: string): string =>
  readdirSync(directory)
    .map((file) => join(directory, file))
    .join(delimiter);

/** Batches and queue as the documentation raises them for throughput; of the waits, those that were quickest here. */
const connectorOn = (database: URL): Record<string, string> => ({
  'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
  'tasks.max': '1',
  'database.hostname': database.hostname,
  'database.port': database.port,
  'database.user': database.username,
  'database.password': database.password,
  'database.dbname': database.pathname.slice(1),
  'topic.prefix': 'debezium',
  'plugin.name': 'pgoutput',
  'slot.name': SLOT,
  'publication.name': 'outbox',
  'publication.autocreate.mode': 'disabled',
  'table.include.list': 'public.outbox_events',
  'snapshot.mode': 'no_data',
  'tombstones.on.delete': 'false',
  'max.batch.size': '16384',
  'max.queue.size': '65536',
  'poll.interval.ms': '10',
  'producer.override.acks': 'all',
  'producer.override.enable.idempotence': 'true',
  'producer.override.max.in.flight.requests.per.connection': '5',
  'producer.override.batch.size': '524288',
  'producer.override.linger.ms': '5',
  'producer.override.buffer.memory': '67108864',
  transforms: 'outbox',
  'transforms.outbox.type': 'io.debezium.transforms.outbox.EventRouter',
  'transforms.outbox.route.by.field': 'topic',
  'transforms.outbox.route.topic.replacement': '${routedByValue}',
  'transforms.outbox.table.field.event.key': 'key',
  'transforms.outbox.table.field.event.payload': 'value',
  'transforms.outbox.table.fields.additional.placement': [
    ...['specversion', 'source', 'type', 'time', 'dataschema', 'revision'].map((name) => `${name}:header:ce_${name}`),
    'content_type:header:content-type',
  ].join(','),
});
