import { marketEntities, platformMerchants } from '@jinqiao/contracts';
import { newest, realServers, recordedEvents, replay, startTestService, type TestService } from '@jinqiao/testing';
import { RegistrationModule } from './registration.module.js';

let service: TestService;
afterAll(() => service.close());

// Nobody tells the register anything over Kafka; what it reads are its own topics, after a restore (ADR-0009).
it('what an earlier version told of entities and merchants is taken over', async () => {
  const place = await (await realServers()).place('registration');
  await replay(place, recordedEvents(marketEntities, platformMerchants));
  service = await startTestService(RegistrationModule, place);
  const stated = (stream: typeof marketEntities): object[] =>
    newest(recordedEvents(stream)).map(({ revision, body }) => ({ revision, state: body }));
  expect(await place.sql('SELECT revision, state FROM market_entities ORDER BY uscc')).toEqual(stated(marketEntities));
  expect(await place.sql(`SELECT revision, state FROM platform_merchants ORDER BY platform_id || ':' || shop_id COLLATE "C"`)).toEqual(
    stated(platformMerchants),
  );
}, 60_000);
