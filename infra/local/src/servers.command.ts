import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runUntilStopped } from './command.js';
import { startServers } from './servers.js';

// Servers alone, on free ports, for those who run tests again and again: `npm run servers -w infra/local -- --data DIR --file FILE`,
// then `TEST_SERVERS_FILE=FILE npm test`. Stays up until Ctrl-C.
const { values } = parseArgs({ options: { data: { type: 'string', default: '.local/servers' }, file: { type: 'string' } } });
const dataDir = resolve(values.data);
const say = (line: string): void => console.log(line);

await runUntilStopped(async (signal) => {
  const { processes, stop, ...addresses } = await startServers({ dataDir, ports: 'free', signal, report: say });
  const file = resolve(values.file ?? `${dataDir}/servers.json`);
  writeFileSync(file, JSON.stringify(addresses, null, 2), { mode: 0o600 });
  say(`${processes.length} servers are up; TEST_SERVERS_FILE=${file}`);
  return { stop };
});
