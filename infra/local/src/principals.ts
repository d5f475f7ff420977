import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './repository.js';

/** Somebody the development issuer gives tokens to: the client id is the token's `sub`, the Kafka principal and the organisation's id. */
export interface Client {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly scopes?: readonly string[];
}

export const services = ['registration', 'inspection', 'exchange', 'credit', 'monitoring', 'gateway'] as const;

/** Those that keep something; the gateway does not. */
export const keepingServices = services.filter((service) => service !== 'gateway');

/** The stack itself: makes topics, access rules and databases. The broker's only super user. */
export const STACK_PRINCIPAL = 'service.stack';

/** The streams a department is the one source of, as the exchange's directory writes it. */
function provides(...streams: readonly string[]): string[] {
  return streams.map((stream) => `provides:${stream}`);
}

/** Who takes part in the development stack besides the platforms. Names of the first two departments are the ones sampling notices print. */
const authorities: readonly Client[] = [
  {
    id: 'tj-amr',
    kind: 'DEPARTMENT',
    name: '天津市市场监督管理委员会',
    scopes: [
      'level:PROVINCE',
      ...provides(
        'inspection.sampling-result',
        'inspection.recall',
        'registration.market-entity',
        'registration.permit',
        'registration.platform-merchant',
      ),
    ],
  },
  {
    id: 'tj-credit',
    kind: 'DEPARTMENT',
    name: '天津市社会信用体系建设主管部门',
    scopes: provides('credit.credit-record', 'credit.credit-status'),
  },
  { id: 'tj-heping-amr', kind: 'DEPARTMENT', name: '天津市和平区市场监督管理局' },
  { id: 'tj-stats', kind: 'STATISTICS', name: '天津市统计局' },
  { id: 'tj-lab', kind: 'LABORATORY', name: '天津市产品质量监督检测技术研究院' },
  { id: 'tj-audit', kind: 'AUDITOR', name: '天津市审计局' },
  { id: 'operator', kind: 'OPERATOR', name: '津桥运行机构' },
];

/** The organisations of the development stack: authorities and the platforms of data/platforms.csv. */
export function organisations(): Client[] {
  const rows = readFileSync(join(repository, 'data/platforms.csv'), 'utf8').trim().split('\n').slice(1);
  const platforms = rows.map((row): Client => {
    const [id = '', name = '', aliases = ''] = row.split(',');
    return { id, kind: 'PLATFORM', name, aliases: aliases.trim().split(';').filter(Boolean) };
  });
  return [...authorities, ...platforms];
}

export const servicePrincipals = (): Client[] =>
  [STACK_PRINCIPAL, ...services.map((service) => `service.${service}`)].map((id) => ({ id, kind: 'SERVICE', name: id }));
