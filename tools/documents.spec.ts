import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { allStreams } from '@jinqiao/contracts';

// What documents say about the code is held against the code: links lead somewhere, and a service's README names what it hears and says.
const root = join(__dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

function filesBelow(folder: string, ending: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending) && !/(^|\/)(node_modules|dist)\//.test(file))
    .map((file) => join(folder, file));
}

const services = readdirSync(join(root, 'services')).filter((name) => existsSync(join(root, 'services', name, 'src/main.ts')));

describe('documents', () => {
  const documents = [
    ...readdirSync(root).filter((file) => file.endsWith('.md')),
    ...['docs', 'services', 'libs', 'infra'].flatMap((folder) => filesBelow(folder, '.md')),
  ];

  it.each(documents)('%s has no link that leads nowhere', (document) => {
    const links = [...read(document).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, target = '']) => target);
    const broken = links.filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(root, dirname(document), target)));
    expect(broken).toEqual([]);
  });

  it.each(services)('the README of %s names every event the service publishes and listens to', (service) => {
    const published = allStreams()
      .filter(({ writer }) => writer === service)
      .flatMap(({ events }) => events.map(({ name }) => name));
    const consumers = filesBelow(`services/${service}/src`, '.consumer.ts').map(read).join('\n');
    const heard = [...consumers.matchAll(/@On(?:Batch)?\(([^)]+)\)/g)].flatMap(([, names = '']) =>
      names.split(',').map((name) => name.trim()),
    );
    const readme = read(`services/${service}/README.md`);
    expect([...published, ...heard].filter((name) => name !== '' && !readme.includes(name))).toEqual([]);
  });

  it.each(services)('the README of %s names every table the service makes', (service) => {
    const migrations = filesBelow(`services/${service}/src/migrations`, '.ts').map(read).join('\n');
    const renamed = new Map(
      [...migrations.matchAll(/ALTER TABLE (\w+) RENAME TO (\w+)/g)].map(([, before = '', now = '']) => [before, now]),
    );
    const tables = [...migrations.matchAll(/CREATE TABLE (\w+)/g)].map(([, table = '']) => renamed.get(table) ?? table);
    const readme = read(`services/${service}/README.md`);
    expect(tables.filter((table) => !readme.includes(table))).toEqual([]);
  });

  it('decisions are numbered without a gap', () => {
    const adrs = filesBelow('docs/adr', '.md').map((file) => relative('docs/adr', file));
    expect(adrs.map((file) => Number(file.slice(0, 4))).sort((a, b) => a - b)).toEqual(adrs.map((_, index) => index + 1));
  });
});
