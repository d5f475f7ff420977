import { FeedbackAnswered } from '@jinqiao/contracts';
import { Allow, Caller, CheckedBody, type Principal } from '@jinqiao/platform';
import { Controller, Post } from '@nestjs/common';
import { type Receipt, Receipts } from './receipt.service.js';

@Controller('api/exchange/receipts')
export class ReceiptController {
  constructor(private readonly receipts: Receipts) {}

  @Post()
  @Allow('PLATFORM')
  accept(@Caller() caller: Principal, @CheckedBody(FeedbackAnswered) answered: FeedbackAnswered): Promise<Receipt> {
    return this.receipts.accept(caller.id, answered);
  }
}
