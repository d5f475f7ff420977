import { Controller, Module } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { Column, DataSource, Entity, type EntityManager, PrimaryColumn } from 'typeorm';
import { OutboxMessage } from './outbox.js';
import { PublishedResultDto } from './sampling-result.dto.js';
import { stockModules } from './stock.modules.js';
import { RESULTS_TOPIC } from './topics.js';

@Entity()
class CreditRecord {
  @PrimaryColumn() subject: string;
  @PrimaryColumn() uscc: string;
  @Column() revision: number;
  @Column() standing: string;
  @Column('date', { nullable: true }) documentDate: string | null;
}

@Entity()
class CreditStatus {
  @PrimaryColumn() uscc: string;
  @Column() publicRecords: number;
}

/** How far each result was followed. */
@Entity()
class FollowedResult {
  @PrimaryColumn() subject: string;
  @Column() revision: number;
}

@Controller()
class CreditController {
  constructor(private readonly dataSource: DataSource) {}

  @EventPattern(RESULTS_TOPIC)
  async follow(@Payload() result: PublishedResultDto): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      const subject = `${result.reporterId}:${result.sampleNo}`;
      const followed = await manager.findOneBy(FollowedResult, { subject });
      if (followed && followed.revision >= result.revision) return;
      await manager.save(Object.assign(new FollowedResult(), { subject, revision: result.revision }));
      const uscc = result.sampledParty?.uscc;
      if (!uscc) return;
      const record = await manager.findOneBy(CreditRecord, { subject, uscc });
      const standing = result.verdict === 'UNQUALIFIED' && result.finality === 'FINAL' ? 'PUBLIC' : 'CORRECTED';
      if (record ? record.standing === standing : standing === 'CORRECTED') return;
      await this.restate(manager, {
        subject,
        uscc,
        revision: (record?.revision ?? 0) + 1,
        standing,
        documentDate: result.notice?.publishedOn ?? null,
      });
    });
  }

  private async restate(manager: EntityManager, record: CreditRecord): Promise<void> {
    await manager.save(Object.assign(new CreditRecord(), record));
    const publicRecords = await manager.countBy(CreditRecord, { uscc: record.uscc, standing: 'PUBLIC' });
    const status = Object.assign(new CreditStatus(), { uscc: record.uscc, publicRecords });
    await manager.save(status);
    await manager.save([
      Object.assign(new OutboxMessage(), { topic: 'stock.credit-record', key: record.uscc, payload: record, sentAt: null }),
      Object.assign(new OutboxMessage(), { topic: 'stock.credit-status', key: record.uscc, payload: status, sentAt: null }),
    ]);
  }
}

@Module({ imports: stockModules([CreditRecord, CreditStatus, FollowedResult]), controllers: [CreditController] })
export class CreditModule {}
