import { inPortions, type Regular, regularly } from '@jinqiao/platform';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Enquiries } from './enquiry.service.js';

const EVERY_MS = 3_600_000;
const LINES = { size: 5_000, portions: 200 };

/** Erases lines of the log whose time has passed. Any number of processes may do it. */
@Injectable()
export class EnquiryJob implements OnApplicationBootstrap, OnModuleDestroy {
  private job: Regular | undefined;

  constructor(private readonly enquiries: Enquiries) {}

  onApplicationBootstrap(): void {
    this.job = regularly(
      EVERY_MS,
      (stopping) => inPortions(stopping, LINES, (most) => this.enquiries.erase(most)),
      new Logger(EnquiryJob.name),
    );
  }

  async onModuleDestroy(): Promise<void> {
    await this.job?.stop();
  }
}
