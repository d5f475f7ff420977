import {
  creditRecords,
  type CreditStatusChanged,
  creditStatuses,
  marketEntities,
  platformMerchants,
  samplingResults,
} from '@jinqiao/contracts';
import {
  clockOfTheRecording,
  eventually,
  newest,
  type RecordedEvent,
  realServers,
  recordedEvents,
  replay,
  startTestService,
  stuck,
  type TestService,
} from '@jinqiao/testing';
import { CreditConfig } from './config.js';
import { CreditModule } from './credit.module.js';

// Revisions are left out: of states that come in one batch only the last is published. Results said nothing of their notice and regime then.
const standing = (records: readonly RecordedEvent[], statuses: readonly RecordedEvent[]): object => ({
  records: newest(records, ({ body }) => body?.['recordNo']).flatMap(({ type, body }) =>
    type === 'CreditRecordPublished' ? [{ ...body, revision: null, digest: null, regime: null }] : [],
  ),
  statuses: newest(statuses).flatMap(({ body }) => (body ? [withoutAdditions(body as unknown as CreditStatusChanged)] : [])),
});
/** Rules and commitments were not counted then, nor was it said how each record stands. */
const withoutAdditions = ({ commitments: _commitments, records: _records, publicRecords, ...status }: CreditStatusChanged): object => ({
  ...status,
  revision: null,
  publicRecords: publicRecords.map(({ type, count }) => ({ type, count })),
});

let service: TestService;
afterAll(() => service.close());

it('results of an earlier version make the records and statuses that they made then, and its register is known', async () => {
  const place = await (await realServers()).place('credit');
  const results = recordedEvents(samplingResults);
  const register = recordedEvents(marketEntities, platformMerchants);
  await replay(place, [...results, ...register]);
  service = await startTestService(CreditModule, place, { config: CreditConfig, clock: clockOfTheRecording(results) });
  await eventually(async () => expect(await stuck(place, [...results, ...register])).toEqual({ unread: [], setAside: [] }), {
    within: 30_000,
  });
  const followed = newest(results).map(({ key, revision }) => ({ subject: key, revision }));
  expect(await place.sql('SELECT subject, revision FROM followed_subjects ORDER BY subject COLLATE "C"')).toEqual(followed);
  const known = await place.sql(
    `SELECT key, revision
     FROM (SELECT uscc AS key, revision FROM registered_entities
           UNION ALL SELECT platform_id || ':' || shop_id, revision FROM platform_shops) AS known
     ORDER BY key COLLATE "C"`,
  );
  expect(known).toEqual(newest(register).map(({ key, revision }) => ({ key, revision })));
  await eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));
  expect(standing(await place.readAll(creditRecords.topic), await place.readAll(creditStatuses.topic))).toEqual(
    standing(recordedEvents(creditRecords), recordedEvents(creditStatuses)),
  );
}, 60_000);
