import { Allow, Caller, type Principal } from '@jinqiao/platform';
import { Controller, Get, Param } from '@nestjs/common';
import { type RejectedStep, SamplingSteps } from './sampling-step.service.js';

@Controller('api/inspection/sampling-steps')
export class SamplingStepController {
  constructor(private readonly steps: SamplingSteps) {}

  /** What of the steps that the department sent over Kafka was not taken: refused, or not to be read at all. */
  @Get(':sampleNo/rejections')
  @Allow('DEPARTMENT')
  rejected(@Caller() { id }: Principal, @Param('sampleNo') sampleNo: string): Promise<RejectedStep[]> {
    return this.steps.rejected(id, sampleNo);
  }
}
