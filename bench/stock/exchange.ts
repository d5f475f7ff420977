import { createHash } from 'node:crypto';
import { Controller, Module } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm';
import { OutboxMessage } from './outbox.js';
import { PublishedResultDto } from './sampling-result.dto.js';
import { stockModules } from './stock.modules.js';
import { feedbackTopic, RESULTS_TOPIC } from './topics.js';

/** What a platform was last told about a result. */
@Entity()
class Feedback {
  @PrimaryColumn() subject: string;
  @PrimaryColumn() platform: string;
  @Column() revision: number;
  @Column() subjectRevision: number;
  @Column('jsonb') said: object;
  @Column() contentHash: string;
}

@Controller()
class ExchangeController {
  constructor(private readonly dataSource: DataSource) {}

  @EventPattern(RESULTS_TOPIC)
  async tell(@Payload() result: PublishedResultDto): Promise<void> {
    const platform = result.online?.platformId;
    if (!platform) return;
    await this.dataSource.transaction(async (manager) => {
      const subject = `${result.reporterId}:${result.sampleNo}`;
      const before = await manager.findOneBy(Feedback, { subject, platform });
      if (before && before.subjectRevision >= result.revision) return;
      const { organiser, product, failingItems, notice, sampledParty, online, verdict, finality } = result;
      const action = verdict === 'UNQUALIFIED' ? 'STOP_SALE' : before ? 'RESTORE' : 'NONE';
      const said = {
        ...{ subject, platform, verdict, finality, organiser, product, failingItems, notice, action },
        merchant: { uscc: sampledParty?.uscc, name: sampledParty?.name, shopId: online?.shopId, shopName: online?.shopName },
        issuedAt: new Date().toISOString(),
      };
      const contentHash = createHash('sha256').update(JSON.stringify(said)).digest('hex');
      const feedback = { subject, platform, revision: (before?.revision ?? 0) + 1, subjectRevision: result.revision, said, contentHash };
      await manager.save(Object.assign(new Feedback(), feedback));
      await manager.save(
        Object.assign(new OutboxMessage(), {
          topic: feedbackTopic(platform),
          key: subject,
          payload: { ...said, contentHash },
          sentAt: null,
        }),
      );
    });
  }
}

@Module({ imports: stockModules([Feedback]), controllers: [ExchangeController] })
export class ExchangeModule {}
