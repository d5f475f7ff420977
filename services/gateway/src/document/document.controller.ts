import { codeLists } from '@jinqiao/contracts';
import { AllowAnyone } from '@jinqiao/platform';
import { allSchemas, asyncApi, declaredEvents, DomainError, schemaFile, type ObjectSchema } from '@jinqiao/schema';
import { Controller, Get, Header, Param } from '@nestjs/common';
import { GatewayConfig } from '../config.js';
import { Document } from './document.js';
import type { OpenApi } from './merge.js';

export class UnknownSchema extends DomainError {
  constructor() {
    super('UNKNOWN_SCHEMA', 404, { zh: '没有这个事件的模式', en: 'No event has this name' });
  }
}

const SCHEMA = 'application/schema+json; charset=utf-8';

/** What outsiders program against. */
@Controller()
@AllowAnyone()
export class DocumentController {
  private readonly schemas: Record<string, ObjectSchema>;
  private readonly byAddress: ReadonlyMap<string, ObjectSchema>;
  private readonly events: Record<string, unknown>;

  constructor(
    private readonly document: Document,
    { PUBLIC_URL, OIDC_ISSUER, KAFKA_BROKERS }: GatewayConfig,
  ) {
    this.schemas = allSchemas(PUBLIC_URL);
    const named = declaredEvents().map((type) => [schemaFile(type), this.schemas[type.name]] as const);
    this.byAddress = new Map(
      [...Object.entries(this.schemas), ...named].filter((entry): entry is [string, ObjectSchema] => entry[1] !== undefined),
    );
    this.events = asyncApi(PUBLIC_URL, { tokenUrl: `${OIDC_ISSUER}/token`, ...(KAFKA_BROKERS && { broker: KAFKA_BROKERS.split(',')[0] }) });
  }

  @Get('api/docs-json')
  openApi(): Promise<OpenApi> {
    return this.document.current();
  }

  @Get('api/asyncapi.json')
  asyncApi(): Record<string, unknown> {
    return this.events;
  }

  @Get('api/codes')
  codes(): typeof codeLists {
    return codeLists;
  }

  @Get('schemas')
  all(): Record<string, ObjectSchema> {
    return this.schemas;
  }

  /** By the event's name, or by the last part of its `$id`. */
  @Get('schemas/:event')
  @Header('content-type', SCHEMA)
  one(@Param('event') event: string): ObjectSchema {
    const found = this.byAddress.get(event);
    if (!found) throw new UnknownSchema();
    return found;
  }
}
