import { organisations, samplingResults } from '@jinqiao/contracts';
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
import { MonitoringModule } from './monitoring.module.js';

let service: TestService;
afterAll(() => service.close());

it('results and organisations of an earlier version are counted', async () => {
  const place = await (await realServers()).place('monitoring');
  const results = recordedEvents(samplingResults);
  const all = [...recordedEvents(organisations), ...results];
  await replay(place, all);
  service = await startTestService(MonitoringModule, place, { clock: clockOfTheRecording(all) });
  await eventually(async () => expect(await stuck(place, all)).toEqual({ unread: [], setAside: [] }), { within: 30_000 });
  expect(await place.sql('SELECT subject, revision, verdict FROM contributions ORDER BY subject COLLATE "C"')).toEqual(
    newest(results).map(({ key, type, revision, body }) => ({
      subject: key,
      revision,
      verdict: type === 'SamplingResultPublished' ? body?.['verdict'] : null,
    })),
  );
  const platforms = newest(recordedEvents(organisations)).filter(({ body }) => body?.['kind'] === 'PLATFORM');
  expect(await place.sql('SELECT organisation_id, revision FROM platforms ORDER BY organisation_id COLLATE "C"')).toEqual(
    platforms.map(({ key, revision }) => ({ organisation_id: key, revision })),
  );
}, 60_000);
