import type { RunningServers } from '@jinqiao/infra-local';
import type { Server, Service } from './stage.js';

/** Where a cast plays. */
export interface Place {
  readonly servers: RunningServers;
  /** The work tree whose built services are put on. */
  readonly root: string;
  readonly ports: Readonly<Record<Service, number>>;
  /** Where clients go. */
  readonly origin: string;
}

/** What is put on a stage: our services, or the pipeline one would write instead. */
export interface Cast {
  readonly services: readonly Service[];
  /** Those with a database, and with ways to the servers that can be spoilt. */
  readonly keeping: readonly Service[];
  readonly ways: readonly Server[];
  /** Whom clients speak to. */
  readonly entrance: Service;
  readonly databaseOf: (service: string) => string;
  /** The group of a service that a stranger may join, and what it reads. */
  readonly groupOf: (service: Service) => { readonly principal: string; readonly groupId: string; readonly topic: string };
  /** Topics, databases and tables. */
  readonly prepare: (place: Place) => Promise<void>;
  /** The arguments of node. */
  readonly program: (place: Place, service: Service, port: number) => readonly string[];
  readonly environment: (place: Place, service: Service, port: number) => NodeJS.ProcessEnv;
  /** A service is ready when it answers so. */
  readonly ready: { readonly path: string; readonly status: number };
  /** Once all are ready. */
  readonly introduce: (place: Place) => Promise<void>;
}
