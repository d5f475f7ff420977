import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { services } from './principals.js';
import { repository } from './repository.js';

// docker-compose.yml as it stands: against the Compose specification (dclint carries its schema), and against what it refers to.
interface Service {
  readonly image?: string;
  readonly build?: { readonly target?: string; readonly args?: Readonly<Record<string, string>> };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, unknown>>;
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: unknown;
}

const text = readFileSync(join(repository, 'docker-compose.yml'), 'utf8');
const compose = parse(text, { merge: true }) as { services: Record<string, Service>; volumes: Record<string, unknown> };
const all = Object.entries(compose.services);

/** What is called for by `${NAME:?…}`. */
const variables = [...new Set([...text.matchAll(/\$\{(\w+)/g)].map(([, name]) => name))].sort();

describe('docker-compose.yml', () => {
  it('meets the Compose specification', () => {
    const lint = (file: string): { errorCount: number; messages: { rule: string; message: string }[] }[] => {
      const command = [
        join(repository, 'node_modules/dclint/bin/dclint.cjs'),
        file,
        '--formatter',
        'json',
        '-c',
        join(repository, 'infra/docker/dclint.json'),
      ];
      try {
        return JSON.parse(execFileSync(process.execPath, command, { encoding: 'utf8', cwd: repository })) as ReturnType<typeof lint>;
      } catch (error) {
        return JSON.parse((error as { stdout: string }).stdout) as ReturnType<typeof lint>;
      }
    };
    expect(lint('docker-compose.yml').flatMap(({ messages }) => messages)).toEqual([]);
  });

  it('has every service of the platform, each from the one Dockerfile', () => {
    const dockerfile = readFileSync(join(repository, 'Dockerfile'), 'utf8');
    const targets = [...dockerfile.matchAll(/^FROM \S+ AS (\w+)$/gm)].map(([, target]) => target);
    for (const service of services)
      expect(compose.services[service]?.build).toMatchObject({ target: 'service', args: { SERVICE: service } });
    for (const [, { build }] of all) if (build) expect(targets).toContain(build.target);
  });

  it('asks every lasting container for its health', () => {
    const checkedByImage = (service: Service): boolean => service.build?.target === 'service';
    const once = ['setup', 'organisations'];
    expect(
      all.filter(([name, service]) => !once.includes(name) && !service.healthcheck && !checkedByImage(service)).map(([name]) => name),
    ).toEqual([]);
  });

  it('holds no password, and .env.example names every one it asks for', () => {
    const example = readFileSync(join(repository, '.env.example'), 'utf8')
      .split('\n')
      .filter((line) => /^\w+=/.test(line));
    expect(example.map((line) => line.split('=')[0]).sort()).toEqual(variables);
    expect(example.filter((line) => !line.endsWith('='))).toEqual([]);
    const secrets = all.flatMap(([, { environment = {} }]) =>
      Object.entries(environment).filter(([name]) => /PASSWORD|SECRET|SEED|DATABASE_URL|REDIS_URL|JAAS/.test(name)),
    );
    expect(secrets.length).toBeGreaterThan(15);
    for (const [name, value] of secrets)
      if (!String(value).endsWith('OAuthBearerLoginModule required;')) expect(`${name}: ${String(value)}`).toContain(':?see .env.example}');
  });

  it('hands the mail server on to the exchange where one is named, and starts without one', () => {
    expect(compose.services['exchange']?.environment).toMatchObject({ SMTP_URL: '${SMTP_URL:-}', SMTP_FROM: '${SMTP_FROM:-}' });
  });

  it('publishes on the loopback only, and mounts named volumes only', () => {
    for (const [, { ports = [], volumes = [] }] of all) {
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
      for (const volume of volumes) expect(Object.keys(compose.volumes)).toContain(volume.split(':')[0]);
    }
  });

  it('runs commands that exist and waits for services that exist', () => {
    for (const [, { command = [], depends_on = {} }] of all) {
      const program = command.find((part) => part.endsWith('.command.js'));
      if (program) expect(() => readFileSync(join(repository, program.replace('/dist/', '/src/').replace(/js$/, 'ts')))).not.toThrow();
      for (const other of Object.keys(depends_on)) expect(Object.keys(compose.services)).toContain(other);
    }
  });
});
