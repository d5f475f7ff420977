import type { ServiceName } from '@jinqiao/contracts';
import { messagingMigrations } from '@jinqiao/messaging/migrations';
import { Matches } from 'class-validator';
import { DataSource, type MigrationInterface } from 'typeorm';
import { readConfig } from './config.js';
import { CreatePlatform1700000000100 } from './migrations/1700000000100-create-platform.js';
import { FollowOrganisations1700000000200 } from './migrations/1700000000200-follow-organisations.js';
import { KnowMerchants1700000000300 } from './migrations/1700000000300-know-merchants.js';
import { NoteWhoHoldsKeys1700000000400 } from './migrations/1700000000400-note-who-holds-keys.js';

type MigrationClass = new () => MigrationInterface;

/** The exchange has the directory itself. */
export const platformMigrations = (name: ServiceName): MigrationClass[] => [
  CreatePlatform1700000000100,
  ...(name === 'exchange' ? [] : [FollowOrganisations1700000000200, KnowMerchants1700000000300]),
  NoteWhoHoldsKeys1700000000400,
];

class MigrationConfig {
  @Matches(/^postgres(ql)?:\/\/.+/, { message: 'DATABASE_MIGRATION_URL must be a postgres:// URL of the owner role' })
  DATABASE_MIGRATION_URL: string;
}

// Any number, the same for every migrator of a database: the second waits for the first and then finds nothing left to do.
const MIGRATOR_LOCK = 5_110_021;

/** The whole of a service's src/migrate.ts: brings the database named by DATABASE_MIGRATION_URL up to date. */
export async function migrateService(name: ServiceName, migrations: readonly MigrationClass[]): Promise<void> {
  await migrateDatabase(readConfig(MigrationConfig).DATABASE_MIGRATION_URL, name, migrations);
}

/** Runs what has not run yet as the owner role, in one transaction, then gives the role of the service its rights to the rows. */
export async function migrateDatabase(url: string, name: ServiceName, migrations: readonly MigrationClass[]): Promise<void> {
  const owner = await new DataSource({
    type: 'postgres',
    url,
    migrations: [...messagingMigrations, ...platformMigrations(name), ...migrations],
    installExtensions: false,
    applicationName: `${name}-migrate`,
    // One connection for the lock, one for the migrations.
    poolSize: 2,
  }).initialize();
  try {
    const lock = owner.createQueryRunner();
    await lock.query('SELECT pg_advisory_lock($1)', [MIGRATOR_LOCK]);
    try {
      await owner.runMigrations({ transaction: 'all' });
      await owner.transaction((tx) => tx.query(rightsOf(name)));
    } finally {
      await lock.query('SELECT pg_advisory_unlock($1)', [MIGRATOR_LOCK]);
      await lock.release();
    }
  } finally {
    await owner.destroy();
  }
}

/** The role that runs the service reads and writes rows; it makes no tables, and what is append-only it cannot change. */
const rightsOf = (role: ServiceName): string => `
  REVOKE ALL ON SCHEMA public FROM PUBLIC;
  GRANT USAGE ON SCHEMA public TO "${role}";
  GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "${role}";
  GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO "${role}";
  GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO "${role}";
  REVOKE UPDATE, DELETE, TRUNCATE ON access_log FROM "${role}";
  REVOKE INSERT, UPDATE, DELETE ON migrations FROM "${role}";
`;
