import { SamplingResultPublished, SamplingResultWithdrawn } from '@jinqiao/contracts';
import type { INestApplication } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { kafkaOf } from '@jinqiao/infra-local';
import { event, Outbox, OutboxOutsideTransaction, Relay, tombstone } from './index.js';
import { aPlace, aPublished, eventually, type Place, type Seen, waiting } from './messaging.harness.js';

/*
 * What the outbox and its relay promise (design §4): nothing of a rolled-back transaction, order per key, nothing lost or invented when
 * a relay dies between send and delete or is frozen past its lease, and a refused row that parks its own key only.
 */
const TOPIC = 'inspection.sampling-result.v1';

describe('the relay', () => {
  let place: Place;
  let app: INestApplication;

  beforeEach(async () => {
    place = await aPlace('inspection');
    app = await place.start([]);
  });
  afterEach(() => place.close());

  const add = (of: INestApplication, sampleNo: string, revisions: readonly number[]): Promise<void> =>
    of.get(DataSource).transaction((tx) =>
      of.get(Outbox).add(
        tx,
        revisions.map((revision) => event(SamplingResultPublished, aPublished({ sampleNo, revision }) as SamplingResultPublished)),
      ),
    );
  const outbox = (): Promise<{ topic: string; key: string; parked_reason: string | null }[]> =>
    place.sql.query('SELECT topic, key, parked_reason FROM outbox ORDER BY seq');
  /**
   * Repeats of what was sent already carry the same ce_id; order is that of first appearances. Not only a relay that died repeats: a
   * broker under load answers too late for a partition that it has just made.
   */
  const firstAppearances = (seen: readonly Seen[]): Seen[] =>
    [...new Map(seen.map((record) => [record.headers.ce_id, record] as const).reverse()).values()].reverse();
  const revisionsOf = (seen: readonly Seen[], sampleNo: string): unknown[] =>
    firstAppearances(seen)
      .filter((record) => record.key === `tj-amr:${sampleNo}`)
      .map((record) => (JSON.parse(record.value ?? '{}') as { revision?: number }).revision);
  const everything = async (): Promise<Seen[]> => place.readAll(TOPIC, await place.sizeOf(TOPIC));
  const everythingOnceSent = async (): Promise<Seen[]> => {
    await eventually(async () => expect(await outbox()).toEqual([]));
    return everything();
  };

  it('publishes what was committed, with its CloudEvents headers, and keeps nothing', async () => {
    await add(app, 'a', [1, 2, 3]);
    const seen = await everythingOnceSent();
    expect(revisionsOf(seen, 'a')).toEqual([1, 2, 3]);
    expect(seen[0]?.headers).toMatchObject({
      ce_specversion: '1.0',
      ce_source: '/services/inspection',
      ce_type: 'inspection.sampling-result.SamplingResultPublished',
      ce_dataschema: 'http://localhost/schemas/inspection.sampling-result.SamplingResultPublished.v1.json',
      ce_revision: '1',
      'content-type': 'application/json',
    });
  });

  it('publishes nothing of a transaction that was rolled back', async () => {
    await expect(
      app.get(DataSource).transaction(async (tx) => {
        await app.get(Outbox).add(tx, event(SamplingResultPublished, aPublished({ sampleNo: 'undone' }) as SamplingResultPublished));
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    await add(app, 'done', [1]);
    expect(new Set((await everythingOnceSent()).map((record) => record.key))).toEqual(new Set(['tj-amr:done']));
  });

  it('takes no event outside a transaction, none that breaks its contract and none too large for the broker', async () => {
    const good = event(SamplingResultPublished, aPublished() as SamplingResultPublished);
    await expect(app.get(Outbox).add(app.get(DataSource).manager, good)).rejects.toThrow(OutboxOutsideTransaction);
    const broken = event(SamplingResultPublished, { ...aPublished(), regime: 'NONSENSE' } as unknown as SamplingResultPublished);
    await expect(app.get(DataSource).transaction((tx) => app.get(Outbox).add(tx, broken))).rejects.toMatchObject({ code: 'EVENT_INVALID' });
    const failingItems = Array.from({ length: 500 }, () => ({ item: '铅'.repeat(500), measured: '铅'.repeat(500) }));
    const large = event(SamplingResultPublished, { ...aPublished(), failingItems } as unknown as SamplingResultPublished);
    await expect(app.get(DataSource).transaction((tx) => app.get(Outbox).add(tx, large))).rejects.toMatchObject({
      code: 'EVENT_TOO_LARGE',
    });
    expect(await outbox()).toEqual([]);
  });

  it('keeps a tombstone’s key and revision', async () => {
    await app
      .get(DataSource)
      .transaction((tx) => app.get(Outbox).add(tx, tombstone(SamplingResultWithdrawn, { key: 'tj-amr:gone', revision: 7 })));
    const [seen] = await place.readAll(TOPIC, 1);
    expect(seen).toMatchObject({ key: 'tj-amr:gone', value: null, headers: { ce_revision: '7' } });
  });

  it('keeps the order of commits per key while many transactions run at once', async () => {
    await place.sql.query('CREATE TABLE counters (key text PRIMARY KEY, revision integer NOT NULL)');
    await place.sql.query('GRANT ALL ON counters TO inspection');
    const change = (key: string): Promise<void> =>
      app.get(DataSource).transaction(async (tx) => {
        const rows: { revision: number }[] = await tx.query(
          'INSERT INTO counters AS counter VALUES ($1, 1) ON CONFLICT (key) DO UPDATE SET revision = counter.revision + 1 RETURNING revision',
          [key],
        );
        await app
          .get(Outbox)
          .add(
            tx,
            event(SamplingResultPublished, aPublished({ sampleNo: key, revision: rows[0]?.revision ?? 0 }) as SamplingResultPublished),
          );
      });
    const keys = ['k1', 'k2', 'k3', 'k4'];
    await Promise.all(Array.from({ length: 200 }, (_, index) => change(keys[index % 4] ?? 'k1')));
    const seen = await everythingOnceSent();
    for (const key of keys) expect(revisionsOf(seen, key)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  });

  it('repeats, with the same ids, what it sent before it was killed and could not delete', async () => {
    // Deletes are held up by a trigger: the relay has sent and waits for the database. Then its connection is cut, as kill -9 would.
    await place.sql.query(
      'CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(42); RETURN OLD; END $$',
    );
    await place.sql.query('CREATE TRIGGER hold BEFORE DELETE ON outbox FOR EACH STATEMENT EXECUTE FUNCTION hold()');
    const held = place.sql.createQueryRunner();
    await held.query('SELECT pg_advisory_lock(42)');
    await place.sql.query(
      `INSERT INTO outbox (topic, key, headers, value)
       SELECT $1, 'tj-amr:k' || n % 3, json_build_object('ce_id', 'id' || n), json_build_object('revision', n)::text FROM generate_series(1, 30) AS n`,
      [TOPIC],
    );
    await eventually(async () => expect(await waiting(place)).toHaveLength(1));
    const before = await everything();
    expect(firstAppearances(before)).toHaveLength(30);
    const [relaying] = await waiting(place);
    await place.admin.query('SELECT pg_terminate_backend($1)', [relaying]);
    await app.close();
    await held.query('SELECT pg_advisory_unlock(42)');
    await place.start([]);
    const seen = await everythingOnceSent();
    const once = firstAppearances(seen);
    expect(once.map((record) => record.headers.ce_id).sort()).toEqual(Array.from({ length: 30 }, (_, index) => `id${index + 1}`).sort());
    for (const key of ['tj-amr:k0', 'tj-amr:k1', 'tj-amr:k2']) {
      const order = once
        .filter((record) => record.key === key)
        .map((record) => (JSON.parse(record.value ?? '{}') as { revision: number }).revision);
      expect(order).toEqual([...order].sort((a, b) => a - b));
    }
    expect(seen.length).toBeGreaterThan(before.length);
    await held.release();
  });

  it('deletes nothing once another relay holds the lease, and what it repeats was sent before', async () => {
    await eventually(() => expect(app.get(Relay).leading).toBe(true));
    const held = place.sql.createQueryRunner();
    await held.startTransaction();
    await held.query('LOCK TABLE outbox IN ROW EXCLUSIVE MODE');
    await held.query(
      `INSERT INTO outbox (topic, key, headers, value) SELECT $1, 'tj-amr:frozen', json_build_object('ce_id', 'f' || n), json_build_object('revision', n)::text FROM generate_series(1, 10) AS n`,
      [TOPIC],
    );
    // The first relay is frozen: it believes in its lease, the database has given it to another.
    await held.query("UPDATE relay_leases SET expires_at = clock_timestamp() - interval '1 second'");
    await held.query('COMMIT');
    const second = await place.start([]);
    await eventually(() => expect(second.get(Relay).leading).toBe(true));
    app.get(Relay).wake();
    expect(revisionsOf(await everythingOnceSent(), 'frozen')).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    await eventually(() => expect([app, second].filter((one) => one.get(Relay).leading)).toHaveLength(1));
    await held.release();
  });

  it('parks the key of a row that the broker refuses, lets everything else pass, and goes on when the key is freed', async () => {
    const admin = kafkaOf(place.servers, 'service.stack').admin();
    await admin.connect();
    const allow = (bytes: number): Promise<unknown> =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: 2, name: place.namespace + TOPIC, configEntries: [{ name: 'max.message.bytes', value: String(bytes) }] }],
      });
    await allow(4_000);
    // The broker answers before the new limit is in force; an outsider's record tells when it is.
    const probe = async (): Promise<void> => {
      await place.producer.send({ topic: place.namespace + TOPIC, messages: [{ key: 'probe', value: 'x'.repeat(5_000) }] });
    };
    await eventually(() => expect(probe()).rejects.toThrow());
    await app.get(DataSource).transaction((tx) =>
      app.get(Outbox).add(tx, [
        event(SamplingResultPublished, aPublished({ sampleNo: 'ok', revision: 1 }) as SamplingResultPublished),
        event(SamplingResultPublished, {
          ...aPublished({ sampleNo: 'big', revision: 1 }),
          failingItems: Array.from({ length: 20 }, () => ({ item: '铅'.repeat(400) })),
        } as unknown as SamplingResultPublished),
        event(SamplingResultPublished, aPublished({ sampleNo: 'big', revision: 2 }) as SamplingResultPublished),
        event(SamplingResultPublished, aPublished({ sampleNo: 'ok', revision: 2 }) as SamplingResultPublished),
      ]),
    );
    await add(app, 'later', [1]);
    await eventually(async () => {
      const seen = await everything();
      expect(revisionsOf(seen, 'ok')).toEqual([1, 2]);
      expect(revisionsOf(seen, 'later')).toEqual([1]);
    });
    await eventually(async () =>
      expect(await outbox()).toEqual([
        { topic: TOPIC, key: 'tj-amr:big', parked_reason: 'MESSAGE_TOO_LARGE' },
        { topic: TOPIC, key: 'tj-amr:big', parked_reason: null },
      ]),
    );
    expect(await app.get(Relay).parked()).toMatchObject([{ topic: TOPIC, key: 'tj-amr:big', reason: 'MESSAGE_TOO_LARGE' }]);
    await allow(1_000_000);
    await eventually(() => probe());
    await admin.disconnect();
    expect(await app.get(Relay).unpark(TOPIC, 'tj-amr:big')).toBe(1);
    expect(revisionsOf(await everythingOnceSent(), 'big')).toEqual([1, 2]);
  });

  it('lets the rest pass while a topic is missing, and catches up when it is there', async () => {
    const unknown = 'inspection.sampling-elsewhere.v1';
    await place.sql.query(
      `INSERT INTO outbox (topic, key, headers, value) SELECT $1, 'k', json_build_object('ce_id', 'e' || n), n::text FROM generate_series(1, 3) AS n`,
      [unknown],
    );
    await add(app, 'beside', [1]);
    await eventually(async () => expect(revisionsOf(await everything(), 'beside')).toEqual([1]));
    expect((await outbox()).map((row) => row.parked_reason)).toEqual([null, null, null]);
    const admin = kafkaOf(place.servers, 'service.stack').admin();
    await admin.connect();
    // KafkaJS takes a broker that does not know its new topic yet for an error; the relay waits for it by itself.
    await admin.createTopics({ waitForLeaders: false, topics: [{ topic: place.namespace + unknown, numPartitions: 1 }] });
    await admin.createAcls({
      acl: [
        {
          principal: 'User:service.inspection',
          host: '*',
          resourceType: 2,
          resourceName: place.namespace + unknown,
          resourcePatternType: 3,
          operation: 4,
          permissionType: 3,
        },
      ],
    });
    await admin.disconnect();
    await eventually(async () => expect(await outbox()).toEqual([]));
    expect(firstAppearances(await place.readAll(unknown, await place.sizeOf(unknown))).map((record) => record.value)).toEqual([
      '1',
      '2',
      '3',
    ]);
  });
});
