import { AllowAnyone } from '@jinqiao/platform';
import { Controller, Get, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Services, type Asked } from '../services.js';

interface Readiness {
  status: 'ready' | 'not ready';
  services: Record<string, unknown>;
}

@Controller('health')
@AllowAnyone()
@ApiExcludeController()
export class HealthController {
  constructor(private readonly services: Services) {}

  @Get()
  overall(@Res({ passthrough: true }) reply: FastifyReply): Promise<Readiness> {
    return this.ready(reply);
  }

  @Get('live')
  live(): { status: 'live' } {
    return { status: 'live' };
  }

  /** Ready when every service is; each one's own answer says which dependency is missing. */
  @Get('ready')
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<Readiness> {
    const asked = await this.services.askAll('/health/ready');
    const ready = asked.every(({ status }) => status === 200);
    reply.status(ready ? 200 : 503);
    return { status: ready ? 'ready' : 'not ready', services: Object.fromEntries(asked.map(told)) };
  }
}

const told = ({ upstream, status, body }: Asked): [string, unknown] => [upstream.name, status === null ? { status: 'no answer' } : body];
