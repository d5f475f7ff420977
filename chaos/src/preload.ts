// Loaded into every service before its own code (node --import). It imports nothing of ours and changes nothing but the world outside:
// where connections lead (as a firewall's redirect would), what time the clock shows, and that no orphan survives the run.
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';

// "29092=41001,25432=41002": a connection to the first port of a pair goes to the second.
const redirected = new Map((process.env['CHAOS_REDIRECT'] ?? '').split(',').map((pair) => pair.split('=').map(Number) as [number, number]));

type Arguments = Parameters<typeof Socket.prototype.connect>;

function redirect(first: unknown): unknown {
  if (Array.isArray(first)) first[0] = redirect(first[0]);
  else if (typeof first === 'object' && first !== null && 'port' in first) {
    return { ...first, port: redirected.get(Number(first.port)) ?? first.port };
  } else if (typeof first === 'number' || typeof first === 'string') return redirected.get(Number(first)) ?? first;
  return first;
}

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with the socket it is taken from
const connect = Socket.prototype.connect;
Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
  return connect.apply(this, [redirect(args[0]), ...args.slice(1)] as Arguments);
};

// A clock that is off, by as many milliseconds as a file says: it is read at the start and with SIGUSR2. Timers do not jump, nor do they in
// reality.
const clockFile = process.env['CHAOS_CLOCK'];
let offMs = 0;
if (clockFile) {
  const read = (): void => void (offMs = Number(readFileSync(clockFile, 'utf8')) || 0);
  read();
  process.on('SIGUSR2', read);
}

const RealDate = Date;
const realNow = RealDate.now.bind(RealDate);
RealDate.now = () => realNow() + offMs;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: unknown[], newTarget) =>
    Reflect.construct(target, args.length === 0 ? [target.now()] : args, newTarget) as Date,
  apply: (target) => new target(target.now()).toString(),
});
RealDate.prototype.constructor = globalThis.Date;

// Nobody writes there: the kernel closes it when the run was killed.
process.stdin.on('end', () => process.exit(1)).resume();
process.stdin.unref();
