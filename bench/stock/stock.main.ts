import { type INestApplication, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { kafkaClient, type StockPlace, useStockPlace } from './stock.modules.js';

// One stock service as a process: its name, then its place as JSON, then the port of the one that listens.
const MODULES = {
  inspection: async () => (await import('./inspection.js')).InspectionModule,
  credit: async () => (await import('./credit.js')).CreditModule,
  monitoring: async () => (await import('./monitoring.js')).MonitoringModule,
  exchange: async () => (await import('./exchange.js')).ExchangeModule,
  verification: async () => (await import('./verification.js')).VerificationModule,
};
const LISTENS_TO_TOPICS = ['credit', 'monitoring', 'exchange'];
const [name = '', place = '', port = '0'] = process.argv.slice(2);
useStockPlace(JSON.parse(place) as StockPlace);

const app: INestApplication = await NestFactory.create(await MODULES[name as keyof typeof MODULES](), new FastifyAdapter(), {
  logger: ['error', 'warn'],
});
app.useGlobalPipes(new ValidationPipe({ whitelist: true, transform: true }));
app.enableShutdownHooks();
if (LISTENS_TO_TOPICS.includes(name)) {
  app.connectMicroservice(
    {
      transport: Transport.KAFKA,
      options: { client: kafkaClient(), consumer: { groupId: `stock-${name}` }, subscribe: { fromBeginning: true } },
    },
    { inheritAppConfig: true },
  );
  await app.startAllMicroservices();
}
await app.listen(Number(port), '127.0.0.1');
// A benchmark that was killed leaves nothing behind.
process.once('disconnect', () => process.exit());
process.send?.('ready');
