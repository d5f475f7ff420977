import { Controller, Module } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { Column, DataSource, Entity, type EntityManager, PrimaryColumn } from 'typeorm';
import { PublishedResultDto } from './sampling-result.dto.js';
import { stockModules } from './stock.modules.js';
import { RESULTS_TOPIC } from './topics.js';

/** What a result adds to the statistics, so that its next revision can take it back. */
@Entity()
class Contribution {
  @PrimaryColumn() subject: string;
  @Column() revision: number;
  @Column() verdict: string;
  @Column() bucket: string;
}

@Entity()
class Rollup {
  @PrimaryColumn() bucket: string;
  @Column({ default: 0 }) results: number;
  @Column({ default: 0 }) unqualified: number;
}

@Controller()
class MonitoringController {
  constructor(private readonly dataSource: DataSource) {}

  @EventPattern(RESULTS_TOPIC)
  async count(@Payload() result: PublishedResultDto): Promise<void> {
    const bucket = [
      result.sampledOn?.slice(0, 7),
      result.regime,
      result.product.category,
      result.online?.platformId,
      result.sampledParty?.divisionCode,
    ].join('/');
    await this.dataSource.transaction(async (manager) => {
      const subject = `${result.reporterId}:${result.sampleNo}`;
      const before = await manager.findOneBy(Contribution, { subject });
      if (before && before.revision >= result.revision) return;
      await manager.save(Object.assign(new Contribution(), { subject, revision: result.revision, verdict: result.verdict, bucket }));
      if (before) await add(manager, before, -1);
      await add(manager, { bucket, verdict: result.verdict }, 1);
    });
  }
}

async function add(manager: EntityManager, { bucket, verdict }: { bucket: string; verdict: string }, sign: 1 | -1): Promise<void> {
  await manager.createQueryBuilder().insert().into(Rollup).values({ bucket }).orIgnore().execute();
  await manager.increment(Rollup, { bucket }, 'results', sign);
  if (verdict === 'UNQUALIFIED') await manager.increment(Rollup, { bucket }, 'unqualified', sign);
}

@Module({ imports: stockModules([Contribution, Rollup]), controllers: [MonitoringController] })
export class MonitoringModule {}
