import { Type } from 'class-transformer';
import {
  IsArray,
  IsDateString,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsOptional,
  IsString,
  Length,
  Matches,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';

// The rules of our own contract, in the decorators of the NestJS chapter "Validation".
class NamedDto {
  @IsString() @IsNotEmpty() @MaxLength(200) name: string;
}

class ProductDto {
  @IsString() @IsNotEmpty() @MaxLength(500) name: string;
  @IsOptional() @IsString() @MaxLength(200) category?: string;
  @IsOptional() @IsString() @MaxLength(200) brand?: string;
  @IsOptional() @IsString() @MaxLength(500) spec?: string;
  @IsOptional() @IsString() @MaxLength(500) model?: string;
  @IsOptional() @IsString() @MaxLength(500) batch?: string;
  @IsOptional() @IsDateString() producedOn?: string;
}

class FailingItemDto {
  @IsString() @IsNotEmpty() @MaxLength(500) item: string;
  @IsOptional() @IsString() @MaxLength(500) measured?: string;
  @IsOptional() @IsString() @MaxLength(500) limit?: string;
  @IsOptional() @IsString() @MaxLength(64) unit?: string;
}

class SampledPartyDto extends NamedDto {
  @IsOptional() @IsString() @Length(18, 18) uscc?: string;
  @IsOptional() @Matches(/^[0-9]{6}$/) divisionCode?: string;
  @IsOptional() @IsString() @MaxLength(200) regionName?: string;
}

class OnlineSaleDto {
  @IsOptional() @IsString() @MaxLength(64) platformId?: string;
  @IsOptional() @IsString() @MaxLength(200) shopId?: string;
  @IsOptional() @IsString() @MaxLength(200) shopName?: string;
  @IsOptional() @IsString() @MaxLength(200) orderNo?: string;
}

class NoticeDto {
  @IsString() @IsNotEmpty() @MaxLength(200) no: string;
  @IsOptional() @IsDateString() publishedOn?: string;
}

export class SamplingResultDto {
  @IsString() @IsNotEmpty() @MaxLength(128) sampleNo: string;
  @IsInt() @Min(1) revision: number;
  @IsOptional() @IsIn(['FINALISED', 'REINSPECTED', 'REATTRIBUTED', 'CORRECTED']) revisionReason?: string;
  @IsOptional() @ValidateNested() @Type(() => NamedDto) organiser?: NamedDto;
  @IsIn(['FOOD', 'PRODUCT', 'DRUG', 'COSMETIC', 'MEDICAL_DEVICE']) regime: string;
  @IsIn(['PROVISIONAL', 'FINAL']) finality: string;
  @IsIn(['QUALIFIED', 'UNQUALIFIED', 'UNDETERMINED', 'NOT_TESTED']) verdict: string;
  @ValidateNested() @Type(() => ProductDto) product: ProductDto;
  @IsOptional() @IsArray() @ValidateNested({ each: true }) @Type(() => FailingItemDto) failingItems?: FailingItemDto[];
  @IsOptional() @ValidateNested() @Type(() => SampledPartyDto) sampledParty?: SampledPartyDto;
  @IsOptional() @ValidateNested() @Type(() => NamedDto) nominalProducer?: NamedDto;
  @IsOptional() @ValidateNested() @Type(() => NamedDto) laboratory?: NamedDto;
  @IsOptional() @ValidateNested() @Type(() => NoticeDto) notice?: NoticeDto;
  @IsOptional() @IsDateString() sampledOn?: string;
  @IsOptional() @ValidateNested() @Type(() => OnlineSaleDto) online?: OnlineSaleDto;
}

/** The result as the inspection service publishes it. */
export class PublishedResultDto extends SamplingResultDto {
  @IsString() @IsNotEmpty() reporterId: string;
  @IsDateString() acceptedAt: string;
}
