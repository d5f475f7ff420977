import { ORGANISATION_KINDS, type OrganisationKind } from '@jinqiao/contracts';
import { type Place, realServers, startTestService, type TestService } from '@jinqiao/testing';
import { CreditConfig } from './config.js';
import { CreditModule } from './credit.module.js';

/*
 * Every route by every kind of organisation, called over HTTP with real tokens: whoever is not named here is refused, and a route that is
 * not listed here fails the spec. The README says what each answers.
 */
const ANYONE = 'ANYONE';
const WATCH: OrganisationKind[] = ['DEPARTMENT', 'AUDITOR', 'OPERATOR'];
const ASK: OrganisationKind[] = ['PLATFORM', 'DEPARTMENT'];

const WHO_MAY_CALL: Readonly<Record<string, readonly OrganisationKind[] | typeof ANYONE>> = {
  'GET /api/credit/entities/{uscc}': WATCH,
  'GET /api/credit/records': WATCH,
  'GET /api/credit/public-records/{recordNo}': WATCH,
  'POST /api/credit/records': ['DEPARTMENT'],
  'GET /api/credit/records/{recordNo}': WATCH,
  'POST /api/credit/records/{recordNo}/retraction': ['DEPARTMENT'],
  'GET /api/credit/records/{recordNo}/repair-conditions': ['DEPARTMENT'],
  'GET /api/credit/record-types': ORGANISATION_KINDS,
  'POST /api/credit/repair-decisions': ['DEPARTMENT'],
  'POST /api/credit/repair-decisions/file': ['DEPARTMENT'],
  'GET /api/credit/repair-decisions': WATCH,
  'GET /api/credit/repair-decisions/{decisionNo}': WATCH,
  'POST /api/credit/national-lists': ['DEPARTMENT'],
  'GET /api/credit/national-differences': WATCH,
  'GET /api/credit/counts': [...WATCH, 'STATISTICS'],
  'GET /api/credit/applied/{subject}': WATCH,
  'GET /api/credit/history': ['DEPARTMENT', 'AUDITOR'],
  'GET /api/credit/changes': WATCH,
  'GET /api/credit/changes/unconfirmed': WATCH,
  'POST /api/credit/changes/confirmations': ['DEPARTMENT'],
  'DELETE /api/credit/changes/confirmations': ['DEPARTMENT'],
  'GET /api/credit/snapshots': WATCH,
  'GET /api/credit/snapshots/{date}': WATCH,
  'GET /api/credit/snapshots/{date}/content': WATCH,
  'GET /api/credit/snapshots/keys': ANYONE,
  'GET /api/credit/jwks': ANYONE,
  'GET /api/credit/verifications/{uscc}': ASK,
  'POST /api/credit/verifications': ASK,
  'POST /api/credit/predicates': ASK,
  'POST /api/credit/certificates': ASK,
  'GET /api/credit/enquiries': [...ASK, 'AUDITOR'],
  'GET /api/credit/dead-letters': ['OPERATOR'],
  'GET /api/credit/dead-letters/{id}': ['OPERATOR'],
  'POST /api/credit/dead-letters/{id}/replay': ['OPERATOR'],
  'GET /api/credit/parked-keys': ['OPERATOR'],
  'POST /api/credit/parked-keys/release': ['OPERATOR'],
  'GET /api/credit/own/records': ['MERCHANT'],
  'GET /api/credit/own/enquiries': ['MERCHANT'],
  'GET /api/credit/own/objections': ['MERCHANT'],
};

let place: Place;
let service: TestService;

beforeAll(async () => {
  place = await (await realServers()).place('credit');
  service = await startTestService(CreditModule, place, { config: CreditConfig });
}, 60_000);
afterAll(() => service.close());

it('lists every route there is', async () => {
  const { paths } = (await (await fetch(`${service.url}/openapi.json`)).json()) as { paths: Record<string, object> };
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(routes.filter((route) => route.includes('/api/')).sort()).toEqual(Object.keys(WHO_MAY_CALL).sort());
});

it.each([...ORGANISATION_KINDS, null])('lets %s call what is named for it, and nothing else', async (kind) => {
  const token = kind && (await place.token(kind, `any-${kind.toLowerCase()}`));
  const isRefused = async (route: string): Promise<boolean> => {
    const [method = '', path = ''] = route.split(' ');
    const answer = await fetch(`${service.url}${path.replace(/\{\w+\}/g, 'x')}`, {
      method,
      headers: { ...(token && { authorization: `Bearer ${token}` }), ...(method === 'POST' && { 'content-type': 'application/json' }) },
      ...(method === 'POST' && { body: '{}' }),
    });
    const { code } = (await answer.json().catch(() => ({}))) as { code?: string };
    return code === (kind === null ? 'TOKEN_MISSING' : 'FORBIDDEN');
  };
  const refused = await Promise.all(Object.keys(WHO_MAY_CALL).map(async (route) => ((await isRefused(route)) ? [route] : [])));
  const expected = Object.entries(WHO_MAY_CALL).filter(([, allowed]) => allowed !== ANYONE && !(kind && allowed.includes(kind)));
  expect(refused.flat()).toEqual(expected.map(([route]) => route));
});
