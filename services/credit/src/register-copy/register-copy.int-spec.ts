import {
  MarketEntityChanged,
  MarketEntityRegistered,
  MarketEntityStatusChanged,
  MerchantChanged,
  MerchantExited,
  MerchantOnboarded,
  PermitChanged,
  PermitGranted,
  PermitWithdrawn,
} from '@jinqiao/contracts';
import {
  aMarketEntity,
  aMerchant,
  aPermit,
  eventually,
  type Place,
  realServers,
  startTestService,
  type TestService,
  testUscc,
} from '@jinqiao/testing';
import { CreditConfig } from '../config.js';
import { CreditModule } from '../credit.module.js';

// The copy of the register follows the topics of registration through the real broker. Every test has entities, permits and shops of its own.
let place: Place;
let service: TestService;

beforeAll(async () => {
  place = await (await realServers()).place('credit');
  service = await startTestService(CreditModule, place, { config: CreditConfig });
}, 60_000);
afterAll(() => service.close());

const entity = (n: number, revision: number, changes: Parameters<typeof aMarketEntity>[0] = {}) =>
  aMarketEntity({ uscc: testUscc(n), revision, name: `示例${revision}`, ...changes });
const shop = (shopId: string, revision: number, changes: Parameters<typeof aMerchant>[0] = {}) =>
  aMerchant({ platformId: 'jd', shopId, revision, uscc: testUscc(1), ...changes });

const entities = (n: number) => place.sql('SELECT revision, name, status FROM registered_entities WHERE uscc = $1', [testUscc(n)]);
const shops = (shopId: string) =>
  place.sql('SELECT revision, uscc, exited_at IS NOT NULL AS exited FROM platform_shops WHERE shop_id = $1', [shopId]);
const permit = (permitNo: string, revision: number, changes: Parameters<typeof aPermit>[0] = {}) =>
  aPermit({ permitNo, revision, ...changes });
const permits = (permitNo: string) =>
  place.sql('SELECT revision, uscc, status, valid_until IS NULL AS endless, is_withdrawn FROM registered_permits WHERE permit_no = $1', [
    permitNo,
  ]);
const becomes = (rows: () => Promise<object[]>, expected: object[]) => eventually(async () => expect(await rows()).toEqual(expected));
/** What was published before on the same partition has been handled once this is there. */
const isHandled = async (rows: () => Promise<object[]>) => eventually(async () => expect(await rows()).toHaveLength(1));

it('keeps the highest revision of an entity, however often and in whatever order they arrive', async () => {
  await place.publish(MarketEntityRegistered, entity(1, 1), { id: 'entity-1' });
  await place.publish(MarketEntityRegistered, entity(1, 1), { id: 'entity-1' });
  await place.publish(MarketEntityStatusChanged, entity(1, 3, { status: 'REVOKED' }));
  await place.publish(MarketEntityChanged, entity(1, 2));
  await place.publish(MarketEntityStatusChanged, entity(1, 3, { status: 'REVOKED' }));
  await place.publish(MarketEntityChanged, entity(1, 4, { status: 'REVOKED', name: '示例末' }));
  await becomes(() => entities(1), [{ revision: 4, name: '示例末', status: 'REVOKED' }]);
});

it('follows a shop that is another merchant’s, that leaves and that comes back', async () => {
  await place.publish(MerchantOnboarded, shop('S-1', 1));
  await place.publish(MerchantChanged, shop('S-1', 2, { uscc: testUscc(2) }));
  await place.publish(MerchantExited, { ...shop('S-1', 3, { uscc: testUscc(2) }), exitedAt: '2026-11-01T00:00:00.000Z' });
  await becomes(() => shops('S-1'), [{ revision: 3, uscc: testUscc(2), exited: true }]);
  await place.publish(MerchantChanged, shop('S-1', 2, { uscc: testUscc(2) }));
  await place.publish(MerchantOnboarded, shop('S-1', 4, { uscc: undefined }));
  await becomes(() => shops('S-1'), [{ revision: 4, uscc: null, exited: false }]);
});

it('keeps the highest revision of a permit: another holder, another end, taken back and stated again', async () => {
  const asStated = { uscc: testUscc(5), status: 'VALID', endless: false, is_withdrawn: false };
  await place.publish(PermitGranted, permit('JY-1', 1), { id: 'permit-1' });
  await place.publish(PermitGranted, permit('JY-1', 1), { id: 'permit-1' });
  await place.publish(PermitChanged, permit('JY-1', 3, { uscc: testUscc(5), status: 'REVOKED', validUntil: undefined }));
  await place.publish(PermitChanged, permit('JY-1', 2));
  await becomes(() => permits('JY-1'), [{ ...asStated, revision: 3, status: 'REVOKED', endless: true }]);
  await place.publish(PermitWithdrawn, permit('JY-1', 4, { uscc: testUscc(5), withdrawnBecause: '录入错误' }));
  await place.publish(PermitChanged, permit('JY-1', 3, { uscc: testUscc(5) }), { id: 'permit-late' });
  await isHandled(() => place.sql("SELECT FROM inbox WHERE event_id = 'permit-late'"));
  expect(await permits('JY-1')).toEqual([{ ...asStated, revision: 4, is_withdrawn: true }]);
  await place.publish(PermitGranted, permit('JY-1', 5, { uscc: testUscc(5) }));
  await becomes(() => permits('JY-1'), [{ ...asStated, revision: 5 }]);
  // The same number of another department is another permit.
  await place.publish(PermitGranted, permit('JY-1', 1, { departmentId: 'tj-heping-amr' }));
  await eventually(async () => expect(await permits('JY-1')).toHaveLength(2));
});

it('sets a poisonous event aside and handles the next ones', async () => {
  // No store keeps a NUL.
  await place.publish(MarketEntityRegistered, entity(3, 1, { name: '示例\u0000' }));
  await place.publish(MarketEntityRegistered, entity(3, 2));
  await place.publish(MerchantOnboarded, shop('POISON\u0000', 1));
  await place.publish(MerchantOnboarded, shop('AFTER', 1));
  await place.publish(PermitGranted, permit('POISON', 1, { scope: '\u0000' }));
  await place.publish(PermitGranted, permit('AFTER', 1));
  await isHandled(() => shops('AFTER'));
  await isHandled(() => permits('AFTER'));
  await becomes(() => entities(3), [{ revision: 2, name: '示例2', status: 'ACTIVE' }]);
  await eventually(async () => {
    const letters = await place.sql("SELECT topic FROM dead_letters WHERE topic LIKE '%registration.%' ORDER BY topic");
    expect(letters.map(({ topic }) => String(topic).replace(/^.*registration\./, ''))).toEqual([
      'market-entity.v1',
      'permit.v1',
      'platform-merchant.v1',
    ]);
  });
});

it('keeps every entity of a batch that comes through several partitions', async () => {
  const numbers = Array.from({ length: 50 }, (_, n) => 100 + n);
  await Promise.all(numbers.map((n) => place.publish(MarketEntityRegistered, entity(n, 1))));
  await eventually(async () => {
    const [row] = await place.sql('SELECT count(*)::integer AS count FROM registered_entities WHERE uscc = ANY ($1)', [
      numbers.map(testUscc),
    ]);
    expect(row).toEqual({ count: numbers.length });
  });
});

it('learns again what a database that is set back has forgotten', async () => {
  await service.close();
  const setBack = await place.backUp();
  service = await startTestService(CreditModule, place, { config: CreditConfig });
  await place.publish(MarketEntityRegistered, entity(4, 1));
  await place.publish(MerchantOnboarded, shop('S-4', 1));
  await place.publish(PermitGranted, permit('JY-4', 1));
  await isHandled(() => entities(4));
  await isHandled(() => shops('S-4'));
  await isHandled(() => permits('JY-4'));
  await service.close();

  await setBack();
  expect([...(await entities(4)), ...(await shops('S-4')), ...(await permits('JY-4'))]).toEqual([]);
  service = await startTestService(CreditModule, place, { config: CreditConfig });
  await isHandled(() => entities(4));
  await isHandled(() => shops('S-4'));
  await isHandled(() => permits('JY-4'));
}, 60_000);
