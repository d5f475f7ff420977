import { samplingNotices, samplingResultIntake, samplingResults } from '@jinqiao/contracts';
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
import { InspectionModule } from './inspection.module.js';

let service: TestService;
afterAll(() => service.close());

it('reports and retractions of an earlier version stand as they stood then', async () => {
  const place = await (await realServers()).place('inspection');
  const reports = recordedEvents(samplingResultIntake);
  await replay(place, reports);
  service = await startTestService(InspectionModule, place, { clock: clockOfTheRecording(reports) });
  await eventually(async () => expect(await stuck(place, reports)).toEqual({ unread: [], setAside: [] }), { within: 30_000 });

  // What is withdrawn already and is retracted once more was announced no more.
  const announced = newest(recordedEvents(samplingNotices, samplingResults), ({ body }) => body?.['sampleNo']);
  const expected = newest(reports).map(({ key, revision }) => {
    const { type = '', body } = announced.find((one) => one.body?.['sampleNo'] === key) ?? {};
    const status = type.replace(/^Sampling(Result|Notice)/, '');
    return { sample_no: key, status, reported_revision: revision, verdict: body?.['verdict'] };
  });
  expect(
    await place.sql('SELECT sample_no, initcap(status) AS status, reported_revision, verdict FROM sampling_results ORDER BY sample_no'),
  ).toEqual(expected);
}, 60_000);
