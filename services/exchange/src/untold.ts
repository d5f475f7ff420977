import { Injectable } from '@nestjs/common';
import { SamplingFeedback } from './feedback/feedback.service.js';
import { MerchantCredit } from './merchant/merchant.service.js';
import { RecallFeedback } from './recall/recall.service.js';

/** What platforms should have been told and were not: because they were not there yet, or because a process ended in between. */
@Injectable()
export class Untold {
  constructor(
    private readonly feedback: SamplingFeedback,
    private readonly credit: MerchantCredit,
    private readonly recalls: RecallFeedback,
  ) {}

  /** To a platform, and under its names; gives back how much that was. May be repeated. */
  async tell(platformId: string, nameKeys: readonly string[]): Promise<number> {
    return (
      (await this.feedback.issueWaiting(nameKeys)) +
      (await this.credit.tellMissing(platformId)) +
      (await this.recalls.tellMissing(platformId))
    );
  }

  /** To every platform. */
  async tellAll(): Promise<number> {
    return (await this.feedback.issueWaiting('ANY')) + (await this.credit.tellMissing(null)) + (await this.recalls.tellMissing(null));
  }
}
