import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { jsonOf, type Options, type Outcome, tableOf } from './harness.js';
import { consume } from './consume.js';
import { growth } from './growth.js';
import { ingest } from './ingest.js';
import { ingestHttp } from './ingest-http.js';
import { pipeline } from './pipeline.js';
import { relay } from './relay.js';
import { start } from './start.js';
import { transport } from './transport.js';
import { verify } from './verify.js';
import { webhook } from './webhook.js';

// `npm run bench -- NAME… [--rounds N] [--quick | --scale SHARE] [--json FILE]`, or `all`: one after the other.
const BENCHES: Readonly<Record<string, (options: Options) => Promise<Outcome>>> = {
  transport,
  ingest,
  'ingest-http': ingestHttp,
  relay,
  consume,
  pipeline,
  webhook,
  verify,
  start,
  growth,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    scale: { type: 'string', default: '1' },
  },
});
const wanted = positionals.join() === 'all' ? Object.keys(BENCHES) : positionals;
if (wanted.length === 0 || !wanted.every((one) => one in BENCHES)) {
  process.stderr.write(`npm run bench -- ${Object.keys(BENCHES).join('|')}|all … [--rounds N] [--quick | --scale SHARE] [--json FILE]\n`);
  process.exit(2);
}

const options: Options = {
  size: (full, quick) => (values.quick ? quick : Math.ceil(full * Number(values.scale))),
  rounds: Number(values.rounds ?? (values.quick ? 1 : 3)),
  say: (line) => process.stderr.write(`${line}\n`),
};
const outcomes: Outcome[] = [];
for (const one of wanted) {
  const outcome = await BENCHES[one]?.(options);
  if (!outcome) continue;
  outcomes.push(outcome);
  process.stdout.write(`${tableOf(outcome)}\n\n`);
}
if (values.json !== undefined) {
  const [only] = outcomes;
  const written = outcomes.length > 1 || !only ? outcomes.map(jsonOf) : jsonOf(only);
  writeFileSync(values.json, `${JSON.stringify(written, null, 2)}\n`);
}
process.exit(0);
