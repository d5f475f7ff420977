import { randomBytes } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 20;
/** More than this waiting in one direction is not read any further: what the kernel of a stalled host would do. */
const QUEUE_BYTES_MAX = 4_000_000;

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** Nothing passes any more, in either direction, and nobody is told. */
  dead: boolean;
}

/** Stands in front of a server (of every broker of a cluster) for one of its clients, and spoils what passes. */
export class Proxy {
  /** Where each port of the server is to be reached instead. */
  readonly ports = new Map<number, number>();
  private readonly listeners: Server[] = [];
  private readonly links = new Set<Link>();
  private delayMs = 0;
  private held = false;
  private refusing = false;

  static async before(targets: readonly number[]): Promise<Proxy> {
    const proxy = new Proxy();
    for (const target of targets) proxy.ports.set(target, await proxy.listen(target));
    return proxy;
  }

  /** Everything is reset, and for the time being nobody gets in. */
  cut(refusing: boolean): void {
    this.refusing = refusing;
    for (const { client, server } of this.links) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  }

  /** Connections that are open now stay open and carry nothing; new ones are fine. */
  halfOpen(): void {
    for (const link of this.links) link.dead = true;
  }

  /** What halfOpen left behind is found to be gone, as after the kernel's last retransmission. */
  resetDead(): void {
    for (const { client, server, dead } of this.links) {
      if (!dead) continue;
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  }

  /** Nothing passes until it is released; then everything does. */
  hold(held: boolean): void {
    this.held = held;
  }

  delay(ms: number): void {
    this.delayMs = ms;
  }

  /** The server's side ends, and the client may go on talking to nobody. */
  slowClose(): void {
    for (const { client, server } of this.links) {
      client.end();
      server.pause();
    }
  }

  /** Bytes that belong to no protocol, in the middle of what the server says. */
  garbage(): void {
    for (const { client } of this.links) if (client.writable) client.write(randomBytes(48));
  }

  close(): void {
    this.cut(true);
    for (const listener of this.listeners) listener.close();
  }

  private listen(target: number): Promise<number> {
    const listener = createServer({ allowHalfOpen: true });
    this.listeners.push(listener);
    listener.on('connection', (client) => this.accept(client, target));
    return new Promise((resolve) => {
      listener.listen(0, '127.0.0.1', () => {
        const address = listener.address();
        resolve(typeof address === 'object' && address ? address.port : 0);
      });
    });
  }

  private accept(client: Socket, target: number): void {
    if (this.refusing) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ host: '127.0.0.1', port: target, allowHalfOpen: true, noDelay: true });
    client.setNoDelay(true);
    const link: Link = { client, server, dead: false };
    this.links.add(link);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      void this.carry(link, from, to);
      from.once('close', () => {
        this.links.delete(link);
        // A dead link tells nobody.
        if (!link.dead) to.destroy();
      });
    }
  }

  // In order, whatever the delay is set to meanwhile.
  private async carry(link: Link, from: Socket, to: Socket): Promise<void> {
    const queue: { readonly bytes: Buffer; readonly at: number }[] = [];
    let waiting = 0;
    const end = { reached: false };
    let wake: () => void = () => undefined;
    from.on('error', () => undefined);
    from.on('data', (bytes: Buffer) => {
      queue.push({ bytes, at: Date.now() });
      waiting += bytes.length;
      if (waiting > QUEUE_BYTES_MAX) from.pause();
      wake();
    });
    from.once('end', () => ((end.reached = true), wake()));
    from.once('close', () => ((end.reached = true), wake()));
    for (;;) {
      const next = queue.shift();
      if (!next) {
        if (end.reached) break;
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      while (this.held || link.dead || Date.now() < next.at + this.delayMs) {
        if (from.destroyed && to.destroyed) return;
        await sleep(this.held || link.dead ? POLL_MS : Math.max(1, next.at + this.delayMs - Date.now()));
      }
      waiting -= next.bytes.length;
      if (from.isPaused() && waiting < QUEUE_BYTES_MAX) from.resume();
      if (to.writable) to.write(next.bytes);
    }
    if (to.writable) to.end();
  }
}
