import { afterAct } from './endpoint.js';

const ACTIVE = { status: 'ACTIVE', statusReason: null } as const;
const FAILING = { status: 'DISABLED', statusReason: 'FAILING' } as const;
const SUSPENDED = { status: 'DISABLED', statusReason: 'SUSPENDED' } as const;
const REMOVED = { status: 'ENDED', statusReason: 'REMOVED' } as const;

it.each([
  ['takes nothing while its platform is suspended', ACTIVE, 'SUSPEND', SUSPENDED],
  ['stays disabled for what it failed for, when its platform is suspended', FAILING, 'SUSPEND', null],
  ['goes on when its platform is resumed', SUSPENDED, 'RESUME', ACTIVE],
  ['that failed is not enabled by a resumption', FAILING, 'RESUME', null],
  ['that takes webhooks goes on taking them', ACTIVE, 'RESUME', null],
  ['ends when its platform leaves', ACTIVE, 'EXIT', REMOVED],
  ['that is disabled ends as well', SUSPENDED, 'EXIT', REMOVED],
] as const)('an endpoint %s', (_rule, before, act, after) => expect(afterAct(before, act)).toEqual(after));
