import {
  creditStatuses,
  feedbackOutcomes,
  organisations,
  platformFeedback,
  platformMerchants,
  platformReceipts,
  samplingNotices,
  samplingResults,
  type Stream,
} from '@jinqiao/contracts';
import {
  clockOfTheRecording,
  eventually,
  newest,
  realServers,
  recordedEvents,
  replay,
  startTestService,
  stuck,
  type TestService,
} from '@jinqiao/testing';
import { ExchangeConfig } from './config.js';
import { ExchangeModule } from './exchange.module.js';

let service: TestService;
afterAll(() => service.close());

const revisions = (...streams: readonly Stream[]): object[] =>
  newest(recordedEvents(...streams)).map(({ key, revision }) => ({ key, revision }));

// What was told is taken over first (ADR-0009): receipts prove by its hashes what they answer. Shops come before the statuses of their
// merchants, which would take back what was told of shops that are not known.
it('what an earlier version published and told stands as it stood then, and its receipts are kept', async () => {
  const place = await (await realServers()).place('exchange');
  for (const { key, body } of newest(recordedEvents(organisations))) {
    if (body?.['kind'] === 'PLATFORM') await place.addOrganisation('PLATFORM', key);
  }
  const own = recordedEvents(organisations, platformFeedback, feedbackOutcomes);
  await replay(place, own);
  service = await startTestService(ExchangeModule, place, { config: ExchangeConfig, clock: clockOfTheRecording(own) });
  const others = [samplingNotices, samplingResults, creditStatuses, platformReceipts];
  for (const read of [recordedEvents(platformMerchants), recordedEvents(...others)]) {
    await replay(place, read);
    await eventually(async () => expect(await stuck(place, read)).toEqual({ unread: [], setAside: [] }), { within: 30_000 });
  }

  const kept = (key: string, table: string): Promise<object[]> =>
    place.sql(`SELECT ${key} AS key, revision FROM ${table} ORDER BY (${key}) COLLATE "C"`);
  expect(await kept('id', 'organisations')).toEqual(revisions(organisations));
  expect(await kept('subject', 'subjects')).toEqual(revisions(samplingNotices, samplingResults));
  expect(await kept('uscc', 'credit_statuses')).toEqual(revisions(creditStatuses));
  expect(await kept(`platform_id || ':' || shop_id`, 'platform_merchants')).toEqual(revisions(platformMerchants));
  const told = newest(recordedEvents(platformFeedback), ({ body }) => body?.['feedbackId']);
  expect(await place.sql('SELECT feedback_id, status FROM feedbacks ORDER BY feedback_id')).toEqual(
    told.map(({ type, body }) => ({ feedback_id: body?.['feedbackId'], status: type === 'FeedbackIssued' ? 'ISSUED' : 'WITHDRAWN' })),
  );
  const outcomes = newest(recordedEvents(feedbackOutcomes), ({ body }) => `${String(body?.['feedbackId'])} ${String(body?.['revision'])}`);
  expect(await place.sql('SELECT feedback_id, revision, status FROM answers ORDER BY feedback_id, revision')).toEqual(
    outcomes.map(({ body }) => ({ feedback_id: body?.['feedbackId'], revision: body?.['revision'], status: body?.['status'] })),
  );
}, 60_000);
