import { Socket } from 'node:net';
import { DataSource, type DataSourceOptions, type EntitySchema } from 'typeorm';
import type { ServiceConfig } from './config.js';
import { PreparingClient } from './preparing-client.js';

export type EntityClass = (new () => object) | EntitySchema;

const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 20_000;
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 20_000;
/** Longer than any statement may take and any pooled connection rests. */
const SILENT_MS_MAX = 25_000;

/** The connection of a service's runtime role: it reads and writes rows, and cannot change the schema. */
export async function connectDatabase(name: string, config: ServiceConfig, entities: readonly EntityClass[]): Promise<DataSource> {
  return new DataSource(optionsOf(name, config, entities)).initialize();
}

const optionsOf = (name: string, config: ServiceConfig, entities: readonly EntityClass[]): DataSourceOptions => ({
  type: 'postgres',
  url: config.DATABASE_URL,
  entities: [...entities],
  synchronize: false,
  uuidExtension: 'pgcrypto',
  installExtensions: false,
  applicationName: name,
  poolSize: config.DATABASE_POOL,
  connectTimeoutMS: CONNECT_TIMEOUT_MS,
  // Parameters are people's data: queries are never logged.
  logging: false,
  extra: {
    Client: PreparingClient,
    // What is asked before the last answer has come is sent at once, and carried out in its order. Only single statements may be waited
    // for together: what follows one of them might be sent when another has failed and the transaction is over.
    pipeline: true,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    stream: socketThatGivesUp,
  },
});

/**
 * An answer that was spoilt or lost on its way would be waited for without end: node-postgres knows no limit of its own for that. A
 * connection that says nothing for longer than it may is closed, which is an error that passes and is tried again.
 */
function socketThatGivesUp(): Socket {
  const socket = new Socket();
  socket.setTimeout(SILENT_MS_MAX, () => socket.destroy());
  return socket;
}
