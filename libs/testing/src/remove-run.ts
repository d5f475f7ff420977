import { readFileSync } from 'node:fs';
import { asStack, removeRules, type ServerAddresses, withClient } from '@jinqiao/infra-local/servers';

/** Every database, topic and group of this run begins with it, so that servers that stay can be cleaned. */
export const runPrefix = (): string => `t${process.env['TEST_RUN'] ?? 'alone'}`;

export function givenServers(): ServerAddresses {
  const file = process.env['TEST_SERVERS_FILE'];
  if (!file) throw new Error('no servers: run Jest with the jest.config.cjs of the root, or name running ones in TEST_SERVERS_FILE');
  return JSON.parse(readFileSync(file, 'utf8')) as ServerAddresses;
}

/** Takes this run's databases, topics and access rules off servers that go on for others. */
export async function removeRun(): Promise<void> {
  const servers = givenServers();
  await withClient(servers.databaseAdminUrl, async (client) => {
    const { rows } = await client.query<{ datname: string }>('SELECT datname FROM pg_database WHERE starts_with(datname, $1)', [
      `${runPrefix()}_`,
    ]);
    for (const { datname } of rows) await client.query(`DROP DATABASE "${datname}" WITH (FORCE)`);
  });
  await asStack(servers, async (admin) => {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${runPrefix()}-`));
    if (topics.length > 0) await admin.deleteTopics({ topics });
    await removeRules(admin, `${runPrefix()}-`);
  });
}
