import { Body, Controller, Get, HttpCode, Injectable, Module, NotFoundException, Param, Post, Query } from '@nestjs/common';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import { ArrayMaxSize, IsArray, IsString } from 'class-validator';
import { Column, Entity, In, Index, IsNull, JoinColumn, ManyToOne, OneToMany, PrimaryColumn, Repository } from 'typeorm';
import { stockDatabase } from './stock.modules.js';

@Entity()
class MarketEntity {
  @PrimaryColumn() uscc: string;
  @Column() name: string;
  @Column() status: string;
  @Column() divisionCode: string;
  @Column() industryCode: string;
  @Column('date') registeredOn: string;
  @OneToMany(() => CreditRecord, (record) => record.entity) records: CreditRecord[];
  @OneToMany(() => PlatformShop, (shop) => shop.entity) shops: PlatformShop[];
}

@Entity()
class CreditRecord {
  @PrimaryColumn('uuid') recordNo: string;
  @Column() type: string;
  @Column('text', { nullable: true }) class: string | null;
  @Column() departmentId: string;
  @Column() subject: string;
  @Column('jsonb') legalBasis: object;
  @Column('jsonb') digest: object;
  @Column() documentDate: string;
  @Column('date') publicFrom: string;
  @Column('date', { nullable: true }) publicUntil: string | null;
  @Column() standing: string;
  @Index() @Column() uscc: string;
  @ManyToOne(() => MarketEntity, (entity) => entity.records) @JoinColumn({ name: 'uscc' }) entity: MarketEntity;
}

@Entity()
class PlatformShop {
  @PrimaryColumn() platformId: string;
  @PrimaryColumn() shopId: string;
  @Column('timestamptz', { nullable: true }) exitedAt: Date | null;
  @Index() @Column() uscc: string;
  @ManyToOne(() => MarketEntity, (entity) => entity.shops) @JoinColumn({ name: 'uscc' }) entity: MarketEntity;
}

class VerifyMerchantsDto {
  @IsString() platformId: string;
  @IsArray() @ArrayMaxSize(1_000) @IsString({ each: true }) usccs: string[];
}

const LISTS = ['ABNORMAL_OPERATION', 'SERIOUS_DISHONESTY'];

@Injectable()
class VerificationsService {
  constructor(@InjectRepository(MarketEntity) private readonly entities: Repository<MarketEntity>) {}

  /** Merchants of the platform, each with what is public of it today. */
  async verify(platformId: string, usccs: string[]): Promise<object[]> {
    const entities = await this.entities.find({
      where: { uscc: In(usccs), shops: { platformId, exitedAt: IsNull() } },
      relations: { records: true, shops: true },
    });
    return entities.map(verificationOf);
  }
}

function verificationOf({ uscc, status, divisionCode, industryCode, registeredOn, records }: MarketEntity): object {
  const today = new Date().toISOString().slice(0, 10);
  const shown = records.filter(
    ({ standing, publicFrom, publicUntil }) =>
      standing === 'PUBLIC' && publicFrom <= today && (publicUntil === null || publicUntil >= today),
  );
  const types = [...new Set(shown.map(({ type }) => type))].sort();
  return {
    uscc,
    registration: { status, divisionCode, industryCode, registeredOn },
    lists: types.filter((type) => LISTS.includes(type)),
    publicRecords: types.map((type) => ({ type, count: shown.filter((record) => record.type === type).length })),
    records: shown.map(({ departmentId, subject, standing: _standing, ...record }) => ({ ...record, source: { departmentId, subject } })),
  };
}

@Controller('verifications')
class VerificationsController {
  constructor(private readonly verifications: VerificationsService) {}

  @Get(':uscc')
  async verifyOne(@Param('uscc') uscc: string, @Query('platformId') platformId: string): Promise<object> {
    const [verification] = await this.verifications.verify(platformId, [uscc]);
    if (!verification) throw new NotFoundException();
    return verification;
  }

  @Post()
  @HttpCode(200)
  async verifyMany(@Body() { platformId, usccs }: VerifyMerchantsDto): Promise<{ items: object[] }> {
    return { items: await this.verifications.verify(platformId, usccs) };
  }
}

const ENTITIES = [MarketEntity, CreditRecord, PlatformShop];

@Module({
  imports: [stockDatabase(ENTITIES), TypeOrmModule.forFeature(ENTITIES)],
  controllers: [VerificationsController],
  providers: [VerificationsService],
})
export class VerificationModule {}
