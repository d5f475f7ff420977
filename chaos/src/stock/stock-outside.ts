import { type RunningServers, STACK_PRINCIPAL } from '@jinqiao/infra-local';
import { type HttpAnswer, Outside, type Request, type Speaking } from '../load/outside.js';
import { RESULTS_TOPIC } from './stock-cast.js';

/** Reaches the stock pipeline by the one way in that it has: results, one a request, without a token. */
export class StockOutside implements Speaking {
  private readonly origin: string;
  private readonly broker: Outside;

  constructor(origin: string, servers: RunningServers) {
    this.origin = origin;
    this.broker = new Outside(origin, servers);
  }

  /** It has nothing to read back. That a revision was there before (409) is what a sender wants to hear when it repeats itself. */
  async http({ method, body }: Request): Promise<HttpAnswer | null> {
    if (method !== 'POST') return null;
    try {
      const answer = await fetch(`${this.origin}/sampling-results`, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(20_000),
      });
      const text = await answer.text();
      if (answer.status === 409) return { status: 200, body: { status: 'duplicate' } };
      return { status: answer.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
    } catch {
      return null;
    }
  }

  download(): never {
    throw new Error('the stock pipeline gives out no files');
  }

  /** Only poison comes this way. */
  produce(_principal: string, _topic: string, message: Parameters<Outside['produce']>[2]): Promise<void> {
    return this.broker.produce(STACK_PRINCIPAL, RESULTS_TOPIC, message);
  }

  follow(): never {
    throw new Error('nobody listens to the stock pipeline');
  }

  close(): Promise<void> {
    return this.broker.close();
  }
}
