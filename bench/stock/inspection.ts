import { Body, ConflictException, Controller, HttpCode, Injectable, Module, Post } from '@nestjs/common';
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm';
import { OutboxMessage } from './outbox.js';
import { SamplingResultDto } from './sampling-result.dto.js';
import { stockModules } from './stock.modules.js';
import { RESULTS_TOPIC } from './topics.js';

const REPORTER = 'tj-amr';

@Entity()
export class SamplingResult {
  @PrimaryColumn() reporterId: string;
  @PrimaryColumn() sampleNo: string;
  @Column() revision: number;
  @Column() verdict: string;
  @Column() regime: string;
  @Column('text', { nullable: true }) platform: string | null;
  @Column('date', { nullable: true }) sampledOn: string | null;
  @Column('jsonb') state: object;
  @Column('timestamptz') acceptedAt: Date;
}

@Injectable()
export class SamplingResultsService {
  constructor(private readonly dataSource: DataSource) {}

  /** The result and its event, in one transaction. */
  async report(result: SamplingResultDto): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      const stored = await manager.findOneBy(SamplingResult, { reporterId: REPORTER, sampleNo: result.sampleNo });
      if (stored && stored.revision >= result.revision) throw new ConflictException('This revision was reported before');
      const { row, message } = rowsOf(result);
      await manager.save(row);
      await manager.save(message);
    });
  }

  /** Many at once, as TypeORM's documentation saves arrays. */
  async reportMany(results: readonly SamplingResultDto[]): Promise<void> {
    const rows = results.map(rowsOf);
    await this.dataSource.transaction(async (manager) => {
      await manager.save(rows.map(({ row }) => row));
      await manager.save(rows.map(({ message }) => message));
    });
  }
}

function rowsOf(result: SamplingResultDto): { row: SamplingResult; message: OutboxMessage } {
  const acceptedAt = new Date();
  const row = Object.assign(new SamplingResult(), {
    reporterId: REPORTER,
    sampleNo: result.sampleNo,
    revision: result.revision,
    verdict: result.verdict,
    regime: result.regime,
    platform: result.online?.platformId ?? null,
    sampledOn: result.sampledOn ?? null,
    state: result,
    acceptedAt,
  });
  const message = Object.assign(new OutboxMessage(), {
    topic: RESULTS_TOPIC,
    key: `${REPORTER}:${result.sampleNo}`,
    payload: { ...result, reporterId: REPORTER, acceptedAt: acceptedAt.toISOString() },
    sentAt: null,
  });
  return { row, message };
}

@Controller('sampling-results')
class SamplingResultsController {
  constructor(private readonly results: SamplingResultsService) {}

  @Post()
  @HttpCode(200)
  async report(@Body() result: SamplingResultDto): Promise<{ accepted: boolean }> {
    await this.results.report(result);
    return { accepted: true };
  }
}

@Module({
  imports: stockModules([SamplingResult]),
  controllers: [SamplingResultsController],
  providers: [SamplingResultsService],
})
export class InspectionModule {}
