import { OrganisationRegistered, SamplingResultPublished, SamplingResultReported, SamplingResultWithdrawn } from '@jinqiao/contracts';
import { Controller, type INestApplication } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { accessToken, kafkaOf } from '@jinqiao/infra-local';
import { BatchConsumer, DeadLetters, KafkaConnection, On, OnBatch, type Received } from './index.js';
import { aPlace, aPublished, eventually, type Place, waiting } from './messaging.harness.js';
import { Topics } from './topics.js';

/*
 * What consumers promise (design §4), each sentence against the real broker and a real database: effects exactly once whatever is
 * delivered, poison alone, order, fences, and the dead letters' way back.
 */
const poisoned = new Set<string>();
/** How often the database still has no room for what a key needs. */
const full = new Map<string, number>();

@Controller()
class FollowingResults {
  @OnBatch(SamplingResultPublished, SamplingResultWithdrawn)
  async follow(received: Received<SamplingResultPublished | SamplingResultWithdrawn | null>[], tx: EntityManager): Promise<void> {
    for (const one of received) {
      const left = full.get(one.key) ?? 0;
      if (left > 0) {
        full.set(one.key, left - 1);
        await tx.query("DO $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$");
      }
      if (poisoned.has(one.key)) throw new Error('this one is poison');
      const revision = one.data?.revision ?? one.revision;
      const newer: unknown[] = await tx.query(
        `INSERT INTO states AS state (subject, revision) VALUES ($1, $2)
         ON CONFLICT (subject) DO UPDATE SET revision = excluded.revision WHERE state.revision < excluded.revision RETURNING 1`,
        [one.key, revision],
      );
      if (newer.length > 0)
        await tx.query('INSERT INTO effects (subject, revision, what) VALUES ($1, $2, $3)', [
          one.key,
          revision,
          one.data === null ? 'tombstone' : one.type.name,
        ]);
    }
  }

  @On(OrganisationRegistered)
  async add(received: Received<OrganisationRegistered>, tx: EntityManager): Promise<void> {
    await tx.query(`INSERT INTO effects (subject, revision, what) VALUES ($1, $2, 'organisation')`, [received.key, received.data.revision]);
  }
}

const subject = (sampleNo: string): string => `tj-amr:${sampleNo}`;

async function effectsOf(place: Place, key: string): Promise<number[]> {
  const rows: { revision: number }[] = await place.sql.query('SELECT revision FROM effects WHERE subject = $1 ORDER BY position', [key]);
  return rows.map((row) => row.revision);
}

async function deadLettersOf(place: Place): Promise<{ id: string; key: string; code: string; pointer: string | null }[]> {
  return place.sql.query('SELECT id, key, code, pointer FROM dead_letters WHERE replayed_at IS NULL ORDER BY id');
}

describe('a consumer', () => {
  let place: Place;
  let app: INestApplication;

  beforeAll(async () => {
    place = await aPlace('credit');
    app = await place.start([FollowingResults]);
  });
  afterAll(() => place.close());

  it('has one effect for an event delivered twice', async () => {
    const id = randomUUID();
    await place.publish(SamplingResultPublished, aPublished({ sampleNo: 'twice' }), { id });
    await place.publish(SamplingResultPublished, aPublished({ sampleNo: 'twice' }), { id });
    await place.publish(SamplingResultPublished, aPublished({ sampleNo: 'twice', revision: 2 }));
    await eventually(async () => expect(await effectsOf(place, subject('twice'))).toEqual([1, 2]));
    expect(await deadLettersOf(place)).toEqual([]);
  });

  it('refuses the same id with other bytes', async () => {
    const id = randomUUID();
    await place.publish(SamplingResultPublished, aPublished({ sampleNo: 'reused' }), { id });
    await place.publish(SamplingResultPublished, aPublished({ sampleNo: 'reused', revision: 2 }), { id });
    await eventually(async () =>
      expect(await deadLettersOf(place)).toEqual([
        expect.objectContaining({ key: subject('reused'), code: 'EVENT_ID_REUSED', pointer: '/ce_id' }),
      ]),
    );
    expect(await effectsOf(place, subject('reused'))).toEqual([1]);
    await place.sql.query('UPDATE dead_letters SET replayed_at = now()');
  });

  it('applies each revision of a key in order, and ignores late and repeated ones', async () => {
    for (const revision of [1, 2, 4, 3, 4, 5]) await place.publish(SamplingResultPublished, aPublished({ sampleNo: 'late', revision }));
    await eventually(async () => expect(await effectsOf(place, subject('late'))).toEqual([1, 2, 4, 5]));
  });

  it('gives a tombstone to the handler of a last-state stream', async () => {
    await place.publish(SamplingResultPublished, aPublished({ sampleNo: 'ended' }));
    await place.publish(SamplingResultWithdrawn, null, { key: subject('ended'), revision: 2 });
    await eventually(async () => expect(await effectsOf(place, subject('ended'))).toEqual([1, 2]));
  });

  it('sets a poison event aside alone, goes on with its key, and replays it without harm', async () => {
    poisoned.add(subject('poison'));
    const around = Array.from({ length: 40 }, (_, index) => `around${index}`);
    for (const sampleNo of around.slice(0, 20)) await place.publish(SamplingResultPublished, aPublished({ sampleNo }), { partition: 0 });
    await place.publish(SamplingResultPublished, aPublished({ sampleNo: 'poison' }), { partition: 0 });
    for (const sampleNo of around.slice(20)) await place.publish(SamplingResultPublished, aPublished({ sampleNo }), { partition: 0 });
    await eventually(async () => {
      for (const sampleNo of around) expect(await effectsOf(place, subject(sampleNo))).toEqual([1]);
      expect(await deadLettersOf(place)).toEqual([expect.objectContaining({ key: subject('poison'), code: 'HANDLER_FAILED' })]);
    });
    const [dead] = await deadLettersOf(place);
    const consumer = app.get(BatchConsumer);
    const failedAgain = await consumer.replay(dead?.id ?? '');
    expect(failedAgain).toMatchObject({ code: 'HANDLER_FAILED' });

    poisoned.delete(subject('poison'));
    await place.publish(SamplingResultPublished, aPublished({ sampleNo: 'poison', revision: 2 }), { partition: 0 });
    await eventually(async () => expect(await effectsOf(place, subject('poison'))).toEqual([2]));
    expect(await consumer.replay(dead?.id ?? '')).toBeNull();
    expect(await effectsOf(place, subject('poison'))).toEqual([2]);
    expect(await deadLettersOf(place)).toEqual([]);
    const listed = await app.get(DeadLetters).list({ open: false, code: 'HANDLER_FAILED' });
    expect(listed[0]).toMatchObject({ id: dead?.id, attempts: 2, replayedAt: expect.any(Date) });
    const [announced] = await place.readAll('credit.dlt.v1', 2).then((all) => all.filter((record) => record.key === subject('poison')));
    expect(announced?.headers).toMatchObject({
      'dlt-topic': 'inspection.sampling-result.v1',
      'dlt-partition': '0',
      'dlt-code': 'HANDLER_FAILED',
    });
    expect(JSON.parse(announced?.value ?? '')).toMatchObject({ sampleNo: 'poison', revision: 1 });
  });

  it.each([
    ['no ce_id', { drop: ['ce_id'] }, 'CE_ID_MISSING', '/ce_id'],
    ['another version of CloudEvents', { headers: { ce_specversion: '0.3' } }, 'CE_SPECVERSION_UNKNOWN', '/ce_specversion'],
    ['a type the stream does not have', { headers: { ce_type: 'inspection.sampling-result.Nonsense' } }, 'EVENT_TYPE_UNKNOWN', '/ce_type'],
    ['a source that does not own the topic', { headers: { ce_source: '/services/credit' } }, 'WRONG_SOURCE', '/ce_source'],
    ['a time that is none', { headers: { ce_time: 'yesterday' } }, 'CE_TIME_INVALID', '/ce_time'],
    ['a body that is not JSON', { value: Buffer.from('{"sampleNo":') }, 'NOT_JSON', ''],
    ['a body that is not UTF-8', { value: Buffer.from([0x22, 0xc3, 0x28, 0x22]) }, 'NOT_UTF8', ''],
    [
      'a missing required field',
      { value: Buffer.from(JSON.stringify({ ...aPublished(), regime: undefined })) },
      'FIELD_MISSING',
      '/regime',
    ],
    ['a field of the wrong type', { value: Buffer.from(JSON.stringify({ ...aPublished(), revision: 'one' })) }, 'WRONG_TYPE', '/revision'],
    ['a tombstone without a revision', { value: null }, 'REVISION_MISSING', '/ce_revision'],
  ])('dead-letters a record with %s and goes on', async (_what, options, code, pointer) => {
    const next = randomUUID();
    await place.publish(SamplingResultPublished, aPublished({ sampleNo: 'bad' }), { ...options, partition: 1 });
    await place.publish(SamplingResultPublished, aPublished({ sampleNo: next }), { partition: 1 });
    await eventually(async () => expect(await effectsOf(place, subject(next))).toEqual([1]));
    expect(await deadLettersOf(place)).toEqual([expect.objectContaining({ code, pointer })]);
    await place.sql.query('UPDATE dead_letters SET replayed_at = now()');
  });

  it('handles in one transaction what several partitions have at the same time, and lets poison of one of them take nobody along', async () => {
    poisoned.add(subject('among'));
    const told = [0, 1, 2].flatMap((partition) => Array.from({ length: 5 }, (_, n) => ({ partition, sampleNo: `side${partition}-${n}` })));
    // Held up by this lock, the consumer finds something in every partition when it goes on.
    const held = place.sql.createQueryRunner();
    await held.startTransaction();
    await held.query('LOCK TABLE effects');
    await place.publish(SamplingResultPublished, aPublished({ sampleNo: 'holding' }), { partition: 0 });
    await eventually(async () => expect(await waiting(place)).not.toEqual([]));
    for (const { partition, sampleNo } of told) await place.publish(SamplingResultPublished, aPublished({ sampleNo }), { partition });
    await held.commitTransaction();
    await held.release();
    const transactions = async (): Promise<Map<string, string[]>> => {
      const rows: { xmin: string; subject: string }[] = await place.sql.query(
        "SELECT xmin::text, subject FROM effects WHERE subject LIKE 'tj-amr:side%'",
      );
      expect(rows).toHaveLength(told.length);
      return new Map([...Map.groupBy(rows, ({ xmin }) => xmin)].map(([xmin, of]) => [xmin, of.map((row) => row.subject)]));
    };
    await eventually(async () => {
      await transactions();
    });
    const partitionsOf = (subjects: readonly string[]): Set<string> => new Set(subjects.map((one) => one.slice(0, 'tj-amr:side0'.length)));
    expect([...(await transactions()).values()].some((subjects) => partitionsOf(subjects).size > 1)).toBe(true);

    await place.publish(SamplingResultPublished, aPublished({ sampleNo: 'among' }), { partition: 1 });
    for (const partition of [0, 1, 2])
      await place.publish(SamplingResultPublished, aPublished({ sampleNo: `beside${partition}` }), { partition });
    await eventually(async () => {
      for (const partition of [0, 1, 2]) expect(await effectsOf(place, subject(`beside${partition}`))).toEqual([1]);
      expect(await deadLettersOf(place)).toEqual([expect.objectContaining({ key: subject('among'), code: 'HANDLER_FAILED' })]);
    });
    await place.sql.query('UPDATE dead_letters SET replayed_at = now()');
  });

  it('counts unknown fields and drops them', async () => {
    await place.publish(SamplingResultPublished, { ...aPublished({ sampleNo: 'extra' }), mood: 'good' });
    await eventually(async () => expect(await effectsOf(place, subject('extra'))).toEqual([1]));
  });

  it('waits for a full disk as long as it takes, and counts no retry as a death', async () => {
    full.set(subject('patient'), 12);
    await place.publish(SamplingResultPublished, aPublished({ sampleNo: 'patient' }), { partition: 1 });
    await eventually(async () => expect(await effectsOf(place, subject('patient'))).toEqual([1]), 25_000);
    expect(full.get(subject('patient'))).toBe(0);
    expect(await deadLettersOf(place)).toEqual([]);
  });

  it('finds the record that kills the process, and sets it aside', async () => {
    const stored: { topic: string; partition: number; next_offset: string }[] = await place.sql.query(
      `SELECT topic, partition, next_offset FROM consumer_offsets WHERE topic = 'inspection.sampling-result.v1' AND partition = 1`,
    );
    await app.close();
    // As three processes would have left it that began with this record alone and did not come back.
    await place.sql.query(
      'UPDATE consumer_offsets SET attempts = 9, suspect_offset = next_offset, suspect_count = 3 WHERE topic = $1 AND partition = 1',
      [stored[0]?.topic],
    );
    await place.publish(SamplingResultPublished, aPublished({ sampleNo: 'killer' }), { partition: 1 });
    await place.publish(SamplingResultPublished, aPublished({ sampleNo: 'survivor' }), { partition: 1 });
    app = await place.start([FollowingResults]);
    await eventually(async () => expect(await effectsOf(place, subject('survivor'))).toEqual([1]));
    expect(await deadLettersOf(place)).toEqual([expect.objectContaining({ key: subject('killer'), code: 'CONSUMER_KILLED' })]);
    expect(await effectsOf(place, subject('killer'))).toEqual([]);
    await place.sql.query('UPDATE dead_letters SET replayed_at = now()');
  });

  it('repeats nothing when it was killed after the commit and before the broker knew', async () => {
    for (let index = 0; index < 30; index++) await place.publish(SamplingResultPublished, aPublished({ sampleNo: `kept${index}` }));
    await eventually(async () => expect(await effectsOf(place, subject('kept29'))).toEqual([1]));
    await app.close();
    const before: [{ count: string }] = await place.sql.query('SELECT count(*) FROM effects');
    const admin = kafkaOf(place.servers, 'service.stack').admin();
    await admin.connect();
    await admin.setOffsets({
      groupId: `${place.namespace}credit`,
      topic: `${place.namespace}inspection.sampling-result.v1`,
      partitions: [0, 1, 2].map((partition) => ({ partition, offset: '0' })),
    });
    await admin.disconnect();
    app = await place.start([FollowingResults]);
    await place.publish(SamplingResultPublished, aPublished({ sampleNo: 'after-restart' }));
    await eventually(async () => expect(await effectsOf(place, subject('after-restart'))).toEqual([1]));
    const after: [{ count: string }] = await place.sql.query('SELECT count(*) FROM effects');
    expect(Number(after[0].count)).toBe(Number(before[0].count) + 1);
  });

  it('tells the broker how far it is, when nothing more comes too', async () => {
    const topic = 'inspection.sampling-result.v1';
    const broker = kafkaOf(place.servers, 'service.stack').admin();
    await broker.connect();
    for (const partition of [0, 1, 2]) await place.publish(SamplingResultPublished, aPublished(), { partition });
    const size = await place.sizeOf(topic);
    await eventually(async () => {
      const [told] = await broker.fetchOffsets({ groupId: `${place.namespace}credit`, topics: [place.namespace + topic] });
      expect(told?.partitions.reduce((sum, { offset }) => sum + Number(offset), 0)).toBe(size);
    });
    await broker.disconnect();
  });

  it('goes back with a database that was set back', async () => {
    await place.publish(SamplingResultPublished, aPublished({ sampleNo: 'restored' }), { partition: 2 });
    await eventually(async () => expect(await effectsOf(place, subject('restored'))).toEqual([1]));
    await app.close();
    const restored = subject('restored');
    await place.sql.query('DELETE FROM effects WHERE subject = $1', [restored]);
    await place.sql.query('DELETE FROM states WHERE subject = $1', [restored]);
    await place.sql.query("DELETE FROM inbox WHERE received_at > now() - interval '1 minute'");
    await place.sql.query('UPDATE consumer_offsets SET next_offset = next_offset - 1 WHERE partition = 2');
    app = await place.start([FollowingResults]);
    await eventually(async () => expect(await effectsOf(place, restored)).toEqual([1]));
  });

  it('shares its partitions with a second process, and takes them back, with every effect once', async () => {
    const names = Array.from({ length: 300 }, (_, index) => `shared${index}`);
    const publishing = (async () => {
      for (const sampleNo of names) await place.publish(SamplingResultPublished, aPublished({ sampleNo }));
    })();
    const second = await place.start([FollowingResults]);
    await publishing;
    await second.close();
    await eventually(async () => {
      const rows: { subject: string; times: number }[] = await place.sql.query(
        "SELECT subject, count(*)::int AS times FROM effects WHERE subject LIKE 'tj-amr:shared%' GROUP BY subject",
      );
      expect(rows).toHaveLength(names.length);
      expect(rows.every((row) => row.times === 1)).toBe(true);
    }, 40_000);
    expect(await deadLettersOf(place)).toEqual([]);
  }, 60_000);

  it('changes nothing as a zombie: a batch whose stored offset moved on is dropped', async () => {
    const key = subject('zombie');
    await place.publish(SamplingResultPublished, aPublished({ sampleNo: 'before-zombie' }), { partition: 0 });
    await eventually(async () => expect(await effectsOf(place, subject('before-zombie'))).toEqual([1]));
    await place.sql.transaction(async (tx) => {
      // Another process holds the partition's row and moves it on while this one waits with a fetched batch.
      await tx.query("SELECT next_offset FROM consumer_offsets WHERE topic = 'inspection.sampling-result.v1' AND partition = 0 FOR UPDATE");
      await place.publish(SamplingResultPublished, aPublished({ sampleNo: 'zombie' }), { partition: 0 });
      await eventually(async () => expect(await waiting(place)).not.toEqual([]));
      await tx.query(
        "UPDATE consumer_offsets SET next_offset = next_offset + 1 WHERE topic = 'inspection.sampling-result.v1' AND partition = 0",
      );
    });
    await place.publish(SamplingResultPublished, aPublished({ sampleNo: 'after-zombie' }), { partition: 0 });
    await eventually(async () => expect(await effectsOf(place, subject('after-zombie'))).toEqual([1]));
    expect(await effectsOf(place, key)).toEqual([]);
  });
});

@Controller()
class TakingReports {
  @OnBatch(SamplingResultReported)
  async take(received: Received<SamplingResultReported>[], tx: EntityManager): Promise<void> {
    for (const one of received) {
      if (one.data.verdict === 'UNQUALIFIED')
        one.reject('FAILING_ITEM_MISSING', 'an unqualified result names what failed', '/failingItems');
      else
        await tx.query("INSERT INTO effects (subject, revision, what) VALUES ($1, 1, 'report')", [
          `${one.owner ?? ''}:${one.data.sampleNo}`,
        ]);
    }
  }
}

@Controller()
class NotingOrganisations {
  @OnBatch(OrganisationRegistered)
  async note(received: Received<OrganisationRegistered>[], tx: EntityManager): Promise<void> {
    for (const { key } of received) await tx.query("INSERT INTO effects (subject, revision, what) VALUES ($1, 1, 'organisation')", [key]);
  }
}

describe('a reader of organisations’ topics', () => {
  let place: Place;
  const report = (sampleNo: string, verdict = 'QUALIFIED'): object => ({
    sampleNo,
    regime: 'FOOD',
    finality: 'FINAL',
    verdict,
    product: { name: '面条' },
  });

  beforeAll(async () => {
    place = await aPlace('inspection');
  });
  afterAll(() => place.close());

  it('takes up an organisation registered while it runs, and rejects alone what its handler rejects', async () => {
    const app = await place.start([TakingReports]);
    const registrar = await place.start([]);
    // The exchange makes topics and rules; here the stack's own principal does.
    const stack = new Topics(
      { service: 'exchange', brokers: [], namespace: place.namespace, schemaBaseUrl: '', partitions: 1, onFatal: () => undefined },
      Object.assign(Object.create(KafkaConnection.prototype) as KafkaConnection, {
        client: kafkaOf(place.servers, 'service.stack'),
        options: { namespace: place.namespace },
      }),
    );
    await stack.ensureOrganisation('DEPARTMENT', 'tj-amr');
    await place.publish(SamplingResultReported, report('first'), { owner: 'tj-amr' });
    await eventually(async () => expect(await effectsOf(place, 'tj-amr:first')).toEqual([1]));
    await stack.ensureOrganisation('DEPARTMENT', 'tj-newcomer');
    await place.publish(SamplingResultReported, report('second'), { owner: 'tj-newcomer' });
    await place.publish(SamplingResultReported, report('rejected', 'UNQUALIFIED'), { owner: 'tj-newcomer' });
    await place.publish(SamplingResultReported, report('third'), { owner: 'tj-newcomer' });
    await eventually(async () => expect(await effectsOf(place, 'tj-newcomer:third')).toEqual([1]));
    expect(await effectsOf(place, 'tj-newcomer:second')).toEqual([1]);
    expect(await deadLettersOf(place)).toEqual([
      expect.objectContaining({ key: 'rejected', code: 'FAILING_ITEM_MISSING', pointer: '/failingItems' }),
    ]);

    await place.publish(SamplingResultReported, report('forged'), {
      owner: 'tj-newcomer',
      headers: { ce_source: '/departments/tj-amr/lims' },
    });
    await place.publish(SamplingResultReported, null, { owner: 'tj-newcomer', value: null });
    await eventually(async () =>
      expect((await deadLettersOf(place)).map((dead) => dead.code)).toEqual([
        'FAILING_ITEM_MISSING',
        'WRONG_SOURCE',
        'TOMBSTONE_UNEXPECTED',
      ]),
    );
    await registrar.close();
    await app.close();
  }, 60_000);

  it('goes on with them while what everybody reads waits', async () => {
    const app = await place.start([TakingReports, NotingOrganisations]);
    const named = (organisationId: string): object => ({ organisationId, revision: 1, kind: 'DEPARTMENT', name: organisationId });
    await place.publish(OrganisationRegistered, named('tj-known'), { partition: 0 });
    await eventually(async () => expect(await effectsOf(place, 'tj-known')).toEqual([1]));
    await place.sql.transaction(async (tx) => {
      await tx.query("SELECT FROM consumer_offsets WHERE topic = 'exchange.organisation.v1' AND partition = 0 FOR UPDATE");
      await place.publish(OrganisationRegistered, named('tj-held'), { partition: 0 });
      await eventually(async () => expect(await waiting(place)).not.toEqual([]));
      await place.publish(SamplingResultReported, report('beside'), { owner: 'tj-amr' });
      await eventually(async () => expect(await effectsOf(place, 'tj-amr:beside')).toEqual([1]));
      expect(await effectsOf(place, 'tj-held')).toEqual([]);
    });
    await eventually(async () => expect(await effectsOf(place, 'tj-held')).toEqual([1]));
    await app.close();
  }, 60_000);

  it('is refused by the broker what no rule allows', async () => {
    const { token } = await accessToken(place.servers, 'service.registration');
    expect(token).toBeTruthy();
    const admin = kafkaOf(place.servers, 'service.registration').admin();
    await admin.connect();
    const visible = await admin.listTopics();
    await admin.disconnect();
    expect(visible.filter((name) => name.startsWith(`${place.namespace}intake.`))).toEqual([]);
  });
});
