import { type Place, eventually, realServers, startTestService, type TestService, testUscc } from '@jinqiao/testing';
import { RegistrationModule } from './registration.module.js';

/* A database of the register that is set back (ADR-0009): entities, shops and permits go on above what was published. */
let place: Place;
let service: TestService;

beforeAll(async () => {
  place = await (await realServers()).place('registration');
  service = await startTestService(RegistrationModule, place);
}, 60_000);
afterAll(() => service.close());

const uscc = testUscc(1);
const registerEntity = async (name: string) =>
  place.http(await place.token('DEPARTMENT', 'tj-amr')).post('/api/registration/market-entities', { uscc, name, status: 'ACTIVE' });
const onboard = async (shopName: string) =>
  place.http(await place.token('PLATFORM', 'jd')).post('/api/registration/merchants', { shopId: 'S-1', shopName, uscc });
const grant = async (kind: string) => {
  const permit = {
    permitNo: 'JY1',
    uscc,
    kind,
    scope: '预包装食品销售',
    authority: '示例局',
    issuedOn: '2024-01-10',
    validFrom: '2024-01-10',
  };
  return place
    .http(await place.token('DEPARTMENT', 'tj-amr'))
    .post('/api/registration/permits', { ...permit, legalBasis: { instrument: '中华人民共和国食品安全法' } });
};
const standing = async () => ({
  entities: await place.sql('SELECT uscc, revision, state, uscc_check, stated_by FROM market_entities'),
  merchants: await place.sql('SELECT platform_id, shop_id, revision, state FROM platform_merchants'),
  permits: await place.sql('SELECT department_id, permit_no, revision, state FROM permits'),
});
const isSent = () => eventually(async () => expect(await place.sql('SELECT FROM outbox')).toEqual([]));

it('a register that is set back goes on above what was published', async () => {
  await registerEntity('示例一店');
  await isSent();
  await service.close();
  const setBack = await place.backUp();
  service = await startTestService(RegistrationModule, place);
  await registerEntity('示例二店');
  await onboard('网店');
  await onboard('网店二');
  await grant('食品经营许可证');
  await grant('食品生产许可证');
  await isSent();
  const before = await standing();
  expect(before).toMatchObject({ entities: [{ revision: 2 }], merchants: [{ revision: 2 }], permits: [{ revision: 2 }] });
  await service.close();
  await setBack();
  service = await startTestService(RegistrationModule, place);
  expect(await standing()).toEqual(before);
  expect((await registerEntity('示例三店')).body).toMatchObject({ outcome: 'accepted', revision: 3 });
  expect((await onboard('网店三')).body).toMatchObject({ outcome: 'accepted', revision: 3 });
  expect((await grant('食品经营许可证')).body).toMatchObject({ outcome: 'accepted', revision: 3 });
}, 60_000);
