/**
 * One feedback, three channels. Every revision that is told takes the next position in its recipient's series, stands on the recipient's
 * topic and can be pulled. The channel a platform chooses decides by which of them it is due; that is one at any time, so that a switch
 * loses and repeats nothing. What a platform has, it says itself: by taking a webhook or by acknowledging what it pulled.
 */
import { DomainError } from '@jinqiao/schema';

export const CHANNELS = ['KAFKA', 'WEBHOOK', 'PULL'] as const;
export type Channel = (typeof CHANNELS)[number];

/** DUE: a webhook is still to be tried. GIVEN_UP: none is. WAITING: to be pulled. PUBLISHED: on the topic, which is read without a word. */
export type DeliveryState = 'DUE' | 'GIVEN_UP' | 'WAITING' | 'PUBLISHED' | 'DELIVERED';

/** As long as the topics of feedback keep theirs. What is due and not delivered stays longer. */
export const REPLAYED_DAYS_MAX = 90;

const DAY_MS = 86_400_000;

/** One revision of a feedback. */
export interface RevisionName {
  readonly feedbackId: string;
  readonly revision: number;
}

export class CursorOfAnother extends DomainError {
  constructor() {
    const message = 'The cursor belongs to the series of another recipient.';
    super('CURSOR_OF_ANOTHER', 400, { zh: '游标属于其他接收方', en: message.slice(0, -1) }, [
      { code: 'CURSOR_OF_ANOTHER', pointer: '/after', message },
    ]);
  }
}

export class CursorAhead extends DomainError {
  constructor() {
    const message = 'The cursor lies beyond the last position of the series.';
    super('CURSOR_AHEAD', 400, { zh: '游标超出序列末尾', en: message.slice(0, -1) }, [
      { code: 'CURSOR_AHEAD', pointer: '/after', message },
    ]);
  }
}

export class ReplayTooOld extends DomainError {
  constructor(pointer: '/after' | '/since' | '/cursor') {
    const message = `Only the last ${REPLAYED_DAYS_MAX} days are kept for replay; GET /api/exchange/feedback lists what stands.`;
    super('REPLAY_TOO_OLD', 410, { zh: '重放起点过早', en: 'The beginning of the replay is too far in the past' }, [
      { code: 'REPLAY_TOO_OLD', pointer, message },
    ]);
  }
}

/** Also for somebody else's: ids can be computed. */
export class DeliveryUnknown extends DomainError {
  constructor(pointers: readonly string[]) {
    const message = 'There is no such revision of a feedback for this recipient.';
    super(
      'DELIVERY_UNKNOWN',
      422,
      { zh: '没有这一版本的反馈', en: 'There is no such revision of a feedback' },
      pointers.map((pointer) => ({ code: 'DELIVERY_UNKNOWN', pointer, message })),
    );
  }
}

export class AcknowledgementUnclear extends DomainError {
  constructor() {
    super('ACKNOWLEDGEMENT_UNCLEAR', 422, { zh: '须指明游标或反馈版本', en: 'An acknowledgement names a cursor or deliveries' });
  }
}

export class EndpointMissing extends DomainError {
  constructor() {
    super('ENDPOINT_MISSING', 409, { zh: '尚无可用的回调端点', en: 'There is no active endpoint; register one first' });
  }
}

/** The earliest moment from which things are replayed. */
export const replayedSince = (now: Date): Date => new Date(now.getTime() - REPLAYED_DAYS_MAX * DAY_MS);

/** Refuses a cursor behind which something is no longer there: to skip it in silence would be to lose it. */
export function assertWithinSeries(after: number, series: { readonly floor: number; readonly lastPosition: number }): void {
  if (after > series.lastPosition) throw new CursorAhead();
  if (after + 1 < series.floor) throw new ReplayTooOld('/after');
}

/** How a platform that changes its channel finds its place in the new one. */
export interface Switched {
  readonly channel: Channel;
  /** The last position that was due by the channel before; what is told later is due by the new one. */
  readonly since: number;
  /** Revisions that were due and not delivered, and go on by the new channel. */
  readonly moved: number;
}

/** Does what is due by this channel stay due until the recipient says that it has it? A topic is read without a word. */
export const isConfirmed = (channel: Channel): boolean => channel !== 'KAFKA';
