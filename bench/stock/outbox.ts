import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { ClientKafka } from '@nestjs/microservices';
import { InjectRepository } from '@nestjs/typeorm';
import { lastValueFrom } from 'rxjs';
import { Column, CreateDateColumn, Entity, IsNull, PrimaryGeneratedColumn, Repository } from 'typeorm';

@Entity()
export class OutboxMessage {
  @PrimaryGeneratedColumn('identity') id: number;
  @Column() topic: string;
  @Column() key: string;
  @Column('jsonb') payload: object;
  @CreateDateColumn({ type: 'timestamptz' }) createdAt: Date;
  @Column('timestamptz', { nullable: true }) sentAt: Date | null;
}

const POLL_MS = 100;
const ROWS = 100;

/** The transactional outbox as it is usually shown: read what is unsent, send it, mark it as sent. */
@Injectable()
export class OutboxRelay implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    @InjectRepository(OutboxMessage) private readonly messages: Repository<OutboxMessage>,
    @Inject('KAFKA') private readonly kafka: ClientKafka,
  ) {}

  onApplicationBootstrap(): void {
    void this.poll();
  }

  onApplicationShutdown(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private async poll(): Promise<void> {
    const sent = await this.publish();
    if (!this.stopped) this.timer = setTimeout(() => void this.poll(), sent === ROWS ? 0 : POLL_MS);
  }

  async publish(): Promise<number> {
    const unsent = await this.messages.find({ where: { sentAt: IsNull() }, order: { id: 'ASC' }, take: ROWS });
    for (const message of unsent) {
      await lastValueFrom(this.kafka.emit(message.topic, { key: message.key, value: message.payload }));
      await this.messages.update(message.id, { sentAt: new Date() });
    }
    return unsent.length;
  }
}
