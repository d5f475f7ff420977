/**
 * Where a platform takes webhooks. It has one endpoint at a time and looks after it itself. An endpoint that says it is gone (410) has
 * ended for ever, and its secrets go; one that fails for three days is disabled until the platform enables it. Neither ends a feedback: it
 * stays due, and in pull.
 */
import { DomainError } from '@jinqiao/schema';
import type { Outcome } from '../webhook/webhook.js';
import type { Algorithm } from './endpoint.signature.js';

export type EndpointStatus = 'ACTIVE' | 'DISABLED' | 'ENDED';
export type StatusReason = 'GONE' | 'FAILING' | 'REMOVED' | 'SUSPENDED';

/** The last test of an endpoint and what came back; `outcome` is null while it is under way. */
export interface EndpointTest {
  readonly testedAt: string;
  readonly outcome: Outcome | null;
  readonly status: number | null;
  readonly reason: string | null;
  readonly tookMs: number | null;
}

export interface Endpoint {
  readonly endpointId: string;
  readonly organisationId: string;
  readonly url: string;
  readonly algorithm: Algorithm;
  readonly contact: string;
  readonly status: EndpointStatus;
  readonly statusReason: StatusReason | null;
  readonly statusSince: Date;
  readonly registeredAt: Date;
  readonly failures: number;
  readonly failingSince: Date | null;
  readonly pausedUntil: Date | null;
  readonly lastTest: EndpointTest | null;
}

export const OVERLAP_HOURS = { usual: 24, most: 168 };

/** Also for somebody else's. */
export class EndpointUnknown extends DomainError {
  constructor() {
    super('ENDPOINT_UNKNOWN', 404, { zh: '没有这个回调端点', en: 'There is no such endpoint' });
  }
}

export class EndpointExists extends DomainError {
  constructor() {
    super('ENDPOINT_EXISTS', 409, { zh: '已有回调端点', en: 'The platform has an endpoint: change it, or remove it first' });
  }
}

export class EndpointEnded extends DomainError {
  constructor() {
    super('ENDPOINT_ENDED', 409, { zh: '回调端点已终止', en: 'The endpoint has ended; register a new one' });
  }
}

export class RotationUnderWay extends DomainError {
  constructor() {
    super('ROTATION_UNDER_WAY', 409, {
      zh: '密钥轮换尚未结束',
      en: 'The rotation before is under way; with overlapHours 0 it ends at once',
    });
  }
}

export function assertLiving({ status }: Pick<Endpoint, 'status'>): void {
  if (status === 'ENDED') throw new EndpointEnded();
}

/** A platform that is suspended takes no webhooks until it is resumed; one that leaves takes none any more. Null: it stays as it is. */
export function afterAct(
  { status, statusReason }: Pick<Endpoint, 'status' | 'statusReason'>,
  act: 'SUSPEND' | 'RESUME' | 'EXIT',
): Pick<Endpoint, 'status' | 'statusReason'> | null {
  switch (act) {
    case 'SUSPEND':
      return status === 'ACTIVE' ? { status: 'DISABLED', statusReason: 'SUSPENDED' } : null;
    case 'RESUME':
      return statusReason === 'SUSPENDED' ? { status: 'ACTIVE', statusReason: null } : null;
    case 'EXIT':
      return { status: 'ENDED', statusReason: 'REMOVED' };
  }
}

/** Two secrets at a time: what a platform has not taken over in a whole overlap it gets no second chance to miss. */
export function assertRotatable(validSecrets: number, overlapHours: number): void {
  if (validSecrets > 1 && overlapHours > 0) throw new RotationUnderWay();
}
