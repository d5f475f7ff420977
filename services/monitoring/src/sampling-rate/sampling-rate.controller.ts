import { CodeList, COVERAGES, OneOf, Optional, REGIMES, Text, Whole } from '@jinqiao/contracts';
import { Allow, type Applied, CheckedQuery } from '@jinqiao/platform';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { type Dimension, DIMENSIONS, MOST_CELLS, OFFLINE, PERIOD_BASES, refuseUnknown, UNKNOWN } from './sampling-rate.js';
import { SamplingRates, type SamplingRatesAnswer } from './sampling-rate.service.js';

const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/;

class SamplingRatesQuery {
  @Optional()
  @CodeList(DIMENSIONS, { items: DIMENSIONS.length, about: 'Separated by commas; without it there is one cell.' })
  groupBy?: Dimension[];
  @Optional() @Text({ max: 7, about: `YYYY-MM, YYYY or ${UNKNOWN}.` }) period?: string;
  @Optional() @OneOf(PERIOD_BASES, { about: 'What the period was taken from.' }) periodBasis?: string;
  @Optional() @OneOf(REGIMES) regime?: string;
  @Optional() @Text({ max: 200 }) category?: string;
  @Optional() @Text({ max: 200, about: `Id of a platform, a printed name no platform has, ${OFFLINE} or ${UNKNOWN}.` }) platform?: string;
  @Optional() @Text({ max: 7, about: `Six digits of GB/T 2260, or ${UNKNOWN}.` }) division?: string;
  @Optional() @OneOf([...COVERAGES, UNKNOWN]) coverage?: string;
  @Optional() @Text({ max: 7, pattern: MONTH, about: 'First month; years and unknown periods are left out.' }) from?: string;
  @Optional() @Text({ max: 7, pattern: MONTH, about: 'Last month.' }) to?: string;
  @Optional() @Text({ max: 4_000 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: MOST_CELLS }) limit?: number;
}

@Controller('api/monitoring')
@Allow('DEPARTMENT', 'STATISTICS', 'AUDITOR', 'OPERATOR')
export class SamplingRateController {
  constructor(private readonly rates: SamplingRates) {}

  @Get('sampling-rates')
  samplingRates(@CheckedQuery(SamplingRatesQuery) question: SamplingRatesQuery, @Query() given: object): Promise<SamplingRatesAnswer> {
    refuseUnknown(Object.keys(given));
    return this.rates.rates(question);
  }

  @Get('applied/:subject')
  applied(@Param('subject') subject: string): Promise<Applied> {
    return this.rates.applied(subject);
  }
}
