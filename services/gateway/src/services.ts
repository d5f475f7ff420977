import { Injectable } from '@nestjs/common';
import { GatewayConfig, upstreamsOf, type Upstream } from './config.js';

const ANSWER_WITHIN_MS = 4_000;

export interface Asked {
  readonly upstream: Upstream;
  /** null: no answer. */
  readonly status: number | null;
  readonly body: unknown;
}

/** The services behind this origin, all asked at once. */
@Injectable()
export class Services {
  private readonly upstreams: Upstream[];

  constructor(config: GatewayConfig) {
    this.upstreams = upstreamsOf(config);
  }

  askAll(path: string): Promise<Asked[]> {
    return Promise.all(this.upstreams.map((upstream) => ask(upstream, path)));
  }
}

async function ask(upstream: Upstream, path: string): Promise<Asked> {
  try {
    const answer = await fetch(new URL(path, upstream.url), { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    return { upstream, status: answer.status, body: await answer.json() };
  } catch {
    return { upstream, status: null, body: null };
  }
}
