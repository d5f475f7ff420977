import { join } from 'node:path';
import { asStack, STACK_PRINCIPAL } from '@jinqiao/infra-local';
import { Client } from 'pg';
import type { Cast, Place } from '../cast.js';
import { PARTITIONS, PLATFORMS, type Service } from '../stage.js';

export const RESULTS_TOPIC = 'stock.sampling-result';
const TOPICS = [RESULTS_TOPIC, 'stock.credit-record', 'stock.credit-status', ...PLATFORMS.map((platform) => `stock.feedback.${platform}`)];
const PLAYERS: readonly Service[] = ['inspection', 'credit', 'monitoring', 'exchange'];
const databaseOf = (service: string): string => `stock_${service}`;

/** NestJS adds this to the group id of every consumer. */
export const groupOf = (service: string): string => `stock-${service}-server`;

/** The pipeline of bench/stock: what the documentation of NestJS, TypeORM and KafkaJS tells one to write. */
export const STOCK: Cast = {
  services: PLAYERS,
  keeping: PLAYERS,
  ways: ['kafka', 'postgres'],
  entrance: 'inspection',
  databaseOf,
  groupOf: (service) => ({ principal: STACK_PRINCIPAL, groupId: groupOf(service), topic: RESULTS_TOPIC }),
  prepare: async ({ servers }) => {
    const topics = TOPICS.map((topic) => ({ topic, numPartitions: PARTITIONS }));
    await asStack(servers, (admin) => admin.createTopics({ waitForLeaders: true, topics }));
    const admin = new Client({ connectionString: servers.databaseAdminUrl });
    await admin.connect();
    for (const service of PLAYERS) await admin.query(`CREATE DATABASE ${databaseOf(service)}`);
    await admin.end();
  },
  program: (place, service, port) => [
    join(place.root, 'bench/dist/stock/stock.main.js'),
    service,
    JSON.stringify(stockPlace(place, service)),
    String(port),
  ],
  environment: () => ({}),
  // It has no page at its root, and says so once it listens.
  ready: { path: '/', status: 404 },
  introduce: () => Promise.resolve(),
};

function stockPlace({ servers }: Place, service: Service): object {
  const { kafkaBrokers, issuer, seed } = servers;
  const databaseUrl = new URL(servers.databaseAdminUrl);
  databaseUrl.pathname = `/${databaseOf(service)}`;
  return { databaseUrl: databaseUrl.href, servers: { kafkaBrokers, issuer, seed }, principal: STACK_PRINCIPAL };
}
