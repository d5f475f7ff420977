import { CreditRecordPublished, SamplingResultPublished, SamplingResultReported } from '@jinqiao/contracts';
import { readUscc } from '@jinqiao/law';
import { check } from '@jinqiao/schema';
import { aCreditRecord, aFeedback, aReport, aSamplingResult } from './builders.js';
import type { Place } from './place.js';
import { realServers } from './real-servers.js';
import { testUscc } from './uscc.js';

// The tools of the other specs, tried on the real servers: a tool that cannot fail would make every spec that uses it worthless.
describe('a place on the real servers', () => {
  let place: Place;

  beforeAll(async () => {
    place = await (await realServers()).place('credit');
  });

  it('has the tables of its service, owned by the role that migrates', async () => {
    const [table] = await place.sql<{ tableowner: string }>(`SELECT tableowner FROM pg_tables WHERE tablename = 'outbox'`);
    expect(table?.tableowner).toBe('credit_owner');
  });

  it('publishes as the writing service, with every header', async () => {
    const id = await place.publish(SamplingResultPublished, aSamplingResult());
    const records = await place.outside('service.stack').readAll('inspection.sampling-result.v1');
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({
      key: 'tj-amr:GC24120000461234567',
      headers: {
        ce_specversion: '1.0',
        ce_id: id,
        ce_source: '/services/inspection',
        ce_type: 'inspection.sampling-result.SamplingResultPublished',
        ce_revision: '1',
        'content-type': 'application/json',
      },
      body: { verdict: 'UNQUALIFIED' },
    });
  });

  it('lets nobody write where the declarations do not', async () => {
    await place.addOrganisation('PLATFORM', 'jd');
    await expect(place.outside('jd').produce('credit.credit-record.v1', { key: 'x', value: {} })).rejects.toThrow(/authoriz/i);
    await expect(place.outside('jd').readAll('inspection.sampling-result.v1')).rejects.toThrow(/authoriz/i);
  });

  it('reads a topic of its own as an organisation, and no one else reads it', async () => {
    await place.addOrganisation('PLATFORM', 'jd');
    await place.addOrganisation('PLATFORM', 'new-platform');
    await place.outside('service.exchange').produce('platform.new-platform.feedback.v1', { key: 'a', value: { said: 1 } });
    const heard = await place.outside('new-platform').readAll('platform.new-platform.feedback.v1');
    expect(heard.map(({ body }) => body)).toEqual([{ said: 1 }]);
    await expect(place.outside('jd').readAll('platform.new-platform.feedback.v1')).rejects.toThrow(/authoriz/i);
  });

  it('knows the tokens that no issuer gives', async () => {
    const claims = (token: string): Record<string, unknown> =>
      JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
    expect(claims(await place.token('DEPARTMENT', 'tj-amr'))).toMatchObject({
      sub: 'tj-amr',
      kind: 'DEPARTMENT',
      aud: 'jinqiao',
      scope: 'jinqiao',
    });
    expect(claims(await place.token('DEPARTMENT', 'tj-amr', { audience: 'elsewhere' }))).toMatchObject({ aud: 'elsewhere' });
    expect(claims(await place.token('DEPARTMENT', 'tj-amr', { expired: true }))['exp']).toBeLessThan(Date.now() / 1000);
    await expect(place.token('PLATFORM', 'tj-amr')).rejects.toThrow('seeded as DEPARTMENT');
  });

  it('builds what the contracts accept', () => {
    expect(check(SamplingResultReported, aReport())).toMatchObject({ ok: true, unknownFields: [] });
    expect(check(SamplingResultPublished, aSamplingResult({ product: { name: '别的' }, notice: undefined }))).toMatchObject({
      ok: true,
      unknownFields: [],
    });
    expect(check(CreditRecordPublished, aCreditRecord())).toMatchObject({ ok: true, unknownFields: [] });
    expect(aFeedback({ revision: 2 }).contentHash).not.toBe(aFeedback().contentHash);
    expect([...Array(200).keys()].map((n) => readUscc(testUscc(n)).outcome)).toEqual(Array(200).fill('VALID'));
  });
});
