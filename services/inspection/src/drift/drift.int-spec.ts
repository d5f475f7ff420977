/* One reporter's flag is inverted: it is found on the day, at nobody else. On a real database, by results as they are reported. */
import { aReport, type Http, type Place, realServers, StandingClock, startTestService, type TestService } from '@jinqiao/testing';
import { addDays } from '@jinqiao/law';
import { InspectionModule } from '../inspection.module.js';
import { DriftSentinel, type RaisedAlarm } from './drift.service.js';

const FIRST = '2026-08-03';
const DAYS = 12;
const A_DAY = 30;
const clock = new StandingClock(new Date(`${FIRST}T01:00:00.000Z`));
let place: Place;
let service: TestService;
let careful: Http;
let inverted: Http;
let auditor: Http;

beforeAll(async () => {
  place = await (await realServers()).place('inspection');
  service = await startTestService(InspectionModule, place, { clock });
  [careful, inverted] = [place.http(await place.token('DEPARTMENT', 'tj-amr')), place.http(await place.token('DEPARTMENT', 'tj-heping'))];
  auditor = place.http(await place.token('AUDITOR', 'tj-audit'));
}, 60_000);
afterAll(() => service.close());

/** A day of results, of which every fifteenth fails. */
async function report(as: Http, day: string, isInverted = false): Promise<void> {
  // Goods of its own: what another department has reported of the same ones would wait, and be no part of the day.
  const product = { name: as === inverted ? '玩具车' : '水壶' };
  clock.set(new Date(`${day}T02:00:00.000Z`));
  const reports = Array.from({ length: A_DAY }, (_, n) => {
    const fails = (n % 15 === 0) !== isInverted;
    const verdict = fails ? ('UNQUALIFIED' as const) : ('QUALIFIED' as const);
    return aReport({
      sampleNo: `${day}-${n}`,
      verdict,
      product,
      failingItems: fails ? [{ item: '铅' }] : undefined,
      sampledOn: addDays(day, -6),
    });
  });
  expect((await as.post('/api/inspection/sampling-results', reports)).body).toMatchObject({ accepted: A_DAY });
}
const alarms = async (as: Http): Promise<string[]> =>
  (await as.get<{ items: RaisedAlarm[] }>('/api/inspection/drift-alarms')).body.items.map(
    ({ reporterId, day, measure }) => `${reporterId} ${day} ${measure}`,
  );

it('finds one reporter’s inverted flag on the day, once, and shows it to whom it concerns', async () => {
  const sentinel = service.app.get(DriftSentinel);
  for (let n = 0; n < DAYS; n += 1) {
    const day = addDays(FIRST, n);
    for (const as of [careful, inverted]) await report(as, day);
    await sentinel.look();
  }
  expect(await alarms(auditor)).toEqual([]);
  const day = addDays(FIRST, DAYS);
  await report(careful, day);
  await report(inverted, day, true);
  await Promise.all([sentinel.look(), sentinel.look(), sentinel.look()]);
  expect(await alarms(auditor)).toEqual([`tj-heping ${day} verdict.UNQUALIFIED`]);
  expect(await alarms(careful)).toEqual([]);
  const { body } = await inverted.get<{ items: RaisedAlarm[] }>('/api/inspection/drift-alarms');
  expect(body.items).toEqual([
    {
      reporterId: 'tj-heping',
      day,
      measure: 'verdict.UNQUALIFIED',
      value: 28 / 30,
      results: A_DAY,
      before: { least: 2 / 30, most: 2 / 30, all: 2 / 30, results: DAYS * A_DAY, days: DAYS },
      raisedAt: `${day}T02:00:00.000Z`,
    },
  ]);
}, 120_000);
