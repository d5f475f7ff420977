import { Allow } from '@jinqiao/platform';
import { Controller, Get } from '@nestjs/common';
import { Catalogue, type CatalogueAnswer } from './catalogue.service.js';

@Controller('api/exchange/catalogue')
export class CatalogueController {
  constructor(private readonly catalogue: Catalogue) {}

  /** As long as there are streams; no pages. */
  @Get()
  @Allow('DEPARTMENT', 'OPERATOR', 'AUDITOR')
  read(): Promise<CatalogueAnswer> {
    return this.catalogue.read();
  }
}
