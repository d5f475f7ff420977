import { Injectable } from '@nestjs/common';
import { GatewayConfig, upstreamsOf, type Upstream } from './config.js';

const ANSWER_WITHIN_MS = 4_000;

export interface Asked {
  readonly upstream: Upstream;
  /** null: no answer, and the body's code says why. */
  readonly status: number | null;
  readonly body: unknown;
}

/** The services behind this origin. */
@Injectable()
export class Services {
  private readonly upstreams: Upstream[];

  constructor(config: GatewayConfig) {
    this.upstreams = upstreamsOf(config);
  }

  /** All of them at once. */
  askAll(path: string): Promise<Asked[]> {
    return Promise.all(this.upstreams.map((upstream) => ask(upstream, path, {})));
  }

  /** One of them, as the headers say. */
  async ask(name: string, path: string, headers: Readonly<Record<string, string>>): Promise<Asked> {
    const upstream = this.upstreams.find((one) => one.name === name);
    if (!upstream) throw new Error(`no service is called ${name}`);
    return ask(upstream, path, headers);
  }
}

async function ask(upstream: Upstream, path: string, headers: Readonly<Record<string, string>>): Promise<Asked> {
  try {
    const answer = await fetch(new URL(path, upstream.url), { headers, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    return { upstream, status: answer.status, body: await answer.json() };
  } catch (problem) {
    const isLate = problem instanceof Error && problem.name === 'TimeoutError';
    return { upstream, status: null, body: { code: isLate ? 'SERVICE_TIMEOUT' : 'SERVICE_UNAVAILABLE' } };
  }
}
