/**
 * Where a webhook may go. A platform names the URL and we call it from inside our network, so a URL is a way to make us call what only we
 * can reach (OWASP API7:2023). Names are resolved once a connection, every address is checked, and the connection goes to a checked one:
 * a name that means something else a moment later changes nothing.
 */
import { lookup as lookUp } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { DomainError } from '@jinqiao/schema';
import ipaddr from 'ipaddr.js';

export class EndpointAddressRefused extends DomainError {
  constructor(message: string) {
    super('ENDPOINT_ADDRESS_REFUSED', 422, { zh: '不允许的回调地址', en: message }, [
      { code: 'ENDPOINT_ADDRESS_REFUSED', pointer: '/url', message: `${message}.` },
    ]);
  }
}

/** The addresses behind a name. Tests put a name server of their own in its place. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

export const resolveByTheSystem: Resolve = async (hostname) => {
  const found = await lookUp(hostname, { all: true, order: 'verbatim' });
  return found.map(({ address }) => address);
};

const PORTS = new Set(['', '443', '8443']);
/** The only IPv6 addresses that are routed in the Internet; IPv4-compatible ones, for example, lie outside. */
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3') as [ipaddr.IPv6, number];
/** Public by its number, and yet answered by the machine's own hypervisor (Azure's wire server). */
const INSIDE_ALL_THE_SAME = new Set(['168.63.129.16']);

/** May we connect to this address? Whatever is not plainly a public unicast address is refused, IPv4 inside IPv6 by what it contains. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed.range() !== 'unicast' || INSIDE_ALL_THE_SAME.has(parsed.toString())) return false;
  return !(parsed instanceof ipaddr.IPv6) || parsed.match(GLOBAL_UNICAST);
}

/** Hosts, or host:port, that are let through on a development machine: `127.0.0.1,localhost:9000`. Empty in production. */
export class Exceptions {
  private readonly hosts: ReadonlySet<string>;

  constructor(listed = '') {
    this.hosts = new Set(listed.split(',').filter(Boolean));
  }

  allow({ hostname, port }: { hostname: string; port: string }): boolean {
    return this.hosts.has(hostname) || this.hosts.has(`${hostname}:${port}`);
  }
}

/** Refuses a URL for what it says; what its name resolves to is another question. */
export function allowedUrl(text: string, exceptions: Exceptions): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) throw new EndpointAddressRefused('An endpoint is an https URL');
  if (url.username || url.password) throw new EndpointAddressRefused('An endpoint carries no user name and no password');
  if (url.hash) throw new EndpointAddressRefused('An endpoint has no fragment');
  if (exceptions.allow(url)) return url;
  if (url.protocol === 'http:') throw new EndpointAddressRefused('An endpoint is an https URL');
  if (!PORTS.has(url.port)) throw new EndpointAddressRefused('An endpoint is on port 443 or 8443');
  if (isRefusedLiteral(url.hostname)) throw new EndpointAddressRefused('The address is not a public one');
  return url;
}

/** An address written in a URL is never looked up, so it is checked by itself; IPv6 with or without its brackets. */
export const isRefusedLiteral = (hostname: string): boolean => isLiteral(hostname) && !isPublicAddress(unbracketed(hostname));

const isLiteral = (hostname: string): boolean => isIP(unbracketed(hostname)) !== 0;
const unbracketed = (hostname: string): string => hostname.replace(/^\[|\]$/g, '');

/** The addresses to connect to. One that is not public refuses the name: who controls a name decides which of them would be used. */
export async function checkedAddresses(hostname: string, resolve: Resolve): Promise<readonly string[]> {
  const addresses = await resolve(hostname);
  if (addresses.length === 0) throw new EndpointAddressRefused('The name of the endpoint does not resolve');
  if (!addresses.every(isPublicAddress)) throw new EndpointAddressRefused('The name leads to an address that is not public');
  return addresses;
}

/** Refuses a URL also for what its name resolves to at the moment. */
export async function assertReachable(url: URL, exceptions: Exceptions, resolve: Resolve): Promise<void> {
  if (exceptions.allow(url) || isLiteral(url.hostname)) return;
  await checkedAddresses(url.hostname, resolve).catch((problem: unknown) => {
    throw problem instanceof EndpointAddressRefused ? problem : new EndpointAddressRefused('The name of the endpoint does not resolve');
  });
}

/** What a socket asks for the addresses of a name: it gets checked ones and connects to no other. */
export const checkedLookup =
  (resolve: Resolve): LookupFunction =>
  (hostname, { all }, answer) => {
    checkedAddresses(hostname, resolve).then(
      (addresses) => {
        const found = addresses.map((address) => ({ address, family: isIP(address) }));
        if (all) answer(null, found);
        else answer(null, found[0]?.address ?? '', found[0]?.family);
      },
      (refused: unknown) => answer(refused as Error, []),
    );
  };
