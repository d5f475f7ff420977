import { Injectable } from '@nestjs/common';

/** The only source of "now" in business code; tests put their own in its place. */
@Injectable()
export class Clock {
  now(): Date {
    return new Date();
  }
}
