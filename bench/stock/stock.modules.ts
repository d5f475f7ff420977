import { type DynamicModule, Global, Module } from '@nestjs/common';
import { ClientsModule, type KafkaOptions, Transport } from '@nestjs/microservices';
import { TypeOrmModule } from '@nestjs/typeorm';
import { accessToken, type ServerAddresses } from '@jinqiao/infra-local';
import { OutboxMessage, OutboxRelay } from './outbox.js';

/** Who this process is and where its servers are; stock.main.ts reads it from the environment. */
export interface StockPlace {
  readonly databaseUrl: string;
  readonly servers: Pick<ServerAddresses, 'kafkaBrokers' | 'issuer' | 'seed'>;
  readonly principal: string;
}

let place: StockPlace | undefined;

export function useStockPlace(given: StockPlace): void {
  place = given;
}

function current(): StockPlace {
  if (!place) throw new Error('useStockPlace comes first');
  return place;
}

export function kafkaClient(): NonNullable<NonNullable<KafkaOptions['options']>['client']> {
  const { servers, principal } = current();
  return {
    clientId: principal,
    brokers: servers.kafkaBrokers.split(','),
    logLevel: 1,
    sasl: { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: (await accessToken(servers, principal)).token }) },
  };
}

/** Database with a pool of 16. */
export const stockDatabase = (entities: (new () => object)[]): DynamicModule =>
  TypeOrmModule.forRootAsync({
    useFactory: () => ({
      type: 'postgres',
      url: current().databaseUrl,
      entities,
      synchronize: true,
      installExtensions: false,
      poolSize: 16,
    }),
  });

/** Database, Kafka client and outbox relay: what every stock service of the pipeline imports. */
export const stockModules = (entities: (new () => object)[]): DynamicModule[] => [
  stockDatabase([...entities, OutboxMessage]),
  OutboxModule.forRoot(),
];

@Global()
@Module({})
class OutboxModule {
  static forRoot(): DynamicModule {
    return {
      module: OutboxModule,
      imports: [
        TypeOrmModule.forFeature([OutboxMessage]),
        ClientsModule.registerAsync([
          {
            name: 'KAFKA',
            useFactory: () => ({ transport: Transport.KAFKA as const, options: { client: kafkaClient(), producerOnlyMode: true } }),
          },
        ]),
      ],
      providers: [OutboxRelay],
    };
  }
}
