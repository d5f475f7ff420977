import { Allow, Caller, CheckedBody, CheckedQuery, type Page, type Principal } from '@jinqiao/platform';
import { Controller, Get, Put } from '@nestjs/common';
import { ReadListsQuery, StateListBody, type StatedList } from './reinspection-laboratory.js';
import { ReinspectionLaboratories } from './reinspection-laboratory.service.js';

/** The list is public by law: whoever may read it reads all of it. */
@Controller('api/inspection/reinspection-laboratories')
export class ReinspectionLaboratoryController {
  constructor(private readonly lists: ReinspectionLaboratories) {}

  /** The whole list. The one before it stays for its days. */
  @Put()
  @Allow('DEPARTMENT')
  state(@Caller() caller: Principal, @CheckedBody(StateListBody) body: StateListBody): Promise<StatedList> {
    return this.lists.state(caller, body);
  }

  @Get()
  @Allow('DEPARTMENT', 'LABORATORY', 'AUDITOR', 'OPERATOR')
  list(@CheckedQuery(ReadListsQuery) query: ReadListsQuery): Promise<Page<StatedList>> {
    return this.lists.list(query);
  }
}
