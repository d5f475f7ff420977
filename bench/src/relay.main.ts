import { messagingApp, type MessagingPlace } from './place.js';

// Our relay alone in a process, until it is killed: for what it occupies.
const place = JSON.parse(process.env['BENCH_PLACE'] ?? '{}') as Pick<MessagingPlace, 'servers' | 'namespace' | 'databaseUrl'>;
await messagingApp({ ...place, service: 'inspection' });
process.once('disconnect', () => process.exit());
