import { Allow, AllowAnyone, Caller, type Page, type Principal, type SigningKey } from '@jinqiao/platform';
import { Controller, Get, Param, Res, StreamableFile } from '@nestjs/common';
import { ApiProduces } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CreditFollowers } from '../credit-follower/credit-follower.service.js';
import type { SignedManifest } from './credit-snapshot.js';
import { CreditSnapshots } from './credit-snapshot.service.js';

@Controller('api/credit/snapshots')
export class CreditSnapshotController {
  constructor(
    private readonly snapshots: CreditSnapshots,
    private readonly followers: CreditFollowers,
  ) {}

  /** Newest first: today's, and for an hour the one before, so there is no second page. */
  @Get()
  @Allow('DEPARTMENT', 'AUDITOR', 'OPERATOR')
  async list(): Promise<Page<SignedManifest>> {
    return { items: await this.snapshots.list(), next: null };
  }

  /** A JWK Set (RFC 7517): the keys that signed what is here, and the one that signs next. */
  @Get('keys')
  @AllowAnyone()
  async keys(): Promise<{ keys: SigningKey['publicKey'][] }> {
    return { keys: await this.snapshots.keys() };
  }

  @Get(':date')
  @Allow('DEPARTMENT', 'AUDITOR', 'OPERATOR')
  read(@Param('date') date: string): Promise<SignedManifest> {
    return this.snapshots.get(date);
  }

  /** A gzip file, one JSON text a line: what `GET /api/credit/entities/{uscc}` answered for each entity with public records. */
  @Get(':date/content')
  @Allow('DEPARTMENT', 'AUDITOR', 'OPERATOR')
  @ApiProduces('application/gzip')
  async content(
    @Caller() caller: Principal,
    @Param('date') date: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile> {
    const { manifest, stream } = await this.snapshots.content(date);
    await this.followers.note(caller, manifest.after);
    void reply.headers(digestsOf(manifest));
    const disposition = `attachment; filename="credit-status-${manifest.date}.ndjson.gz"`;
    return new StreamableFile(stream, { type: 'application/gzip', length: manifest.bytes, disposition });
  }
}

/** RFC 9530, and the same as an entity tag. */
const digestsOf = ({ sha256 }: SignedManifest): Record<string, string> => ({
  etag: `"${sha256}"`,
  'repr-digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`,
});
