import { NestedList, Optional, Revision, Text, Timestamp, Whole } from '@jinqiao/contracts';
import { Allow, Caller, CheckedBody, CheckedQuery, decodeCursor, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { DomainError, type Finding } from '@jinqiao/schema';
import { Controller, Get, Post } from '@nestjs/common';
import { bucketOf, type Holding } from './reconciliation.js';
import { type Claim, type Manifest, type Reconciliation, Reconciliations } from './reconciliation.service.js';

const HEX = { max: 64, min: 64, pattern: /^[0-9a-f]{64}$/ };

export class ClaimedItem {
  @Text({ max: 36, min: 36 }) feedbackId: string;
  @Revision() revision: number;
  @Text(HEX) contentHash: string;
}

export class ClaimedBucket {
  @Text({ max: 2, min: 2, pattern: /^[0-9a-f]{2}$/, about: 'The first two characters of the ids in it.' }) bucket: string;
  @Optional() @Text({ ...HEX, about: 'Of the lines "feedbackId revision contentHash" LF in the order of the ids.' }) hash?: string;
  @Optional() @NestedList(() => ClaimedItem, { items: 5_000 }) items?: ClaimedItem[];
}

export class ReconcileBody {
  @Timestamp({ about: 'The last revision issued up to here counts.' }) asOf: string;
  @NestedList(() => ClaimedBucket, { items: 256, least: 1 }) buckets: ClaimedBucket[];
}

export class ManifestQuery {
  @Timestamp() asOf: string;
}

export class ListReconciliationsQuery {
  @Optional() @Text({ max: 64 }) platform?: string;
  @Optional() @Text({ max: 500 }) cursor?: string;
  @Optional() @Whole({ min: 1, max: 500 }) limit?: number;
}

export class ClaimRefused extends DomainError {
  constructor(findings: readonly Finding[]) {
    super('CLAIM_REFUSED', 422, { zh: '对账清单有误', en: 'What is claimed can not be compared' }, findings);
  }
}

const LIST = 'reconciliations';

@Controller('api/exchange')
export class ReconciliationController {
  constructor(private readonly reconciliations: Reconciliations) {}

  @Get('manifest')
  @Allow('PLATFORM')
  manifest(@Caller() { id }: Principal, @CheckedQuery(ManifestQuery) { asOf }: ManifestQuery): Promise<Manifest> {
    return this.reconciliations.manifest(id, asOf);
  }

  @Post('reconciliations')
  @Allow('PLATFORM')
  reconcile(@Caller() { id }: Principal, @CheckedBody(ReconcileBody) body: ReconcileBody): Promise<Reconciliation> {
    return this.reconciliations.reconcile(id, claimIn(body));
  }

  @Get('reconciliations')
  @Allow('PLATFORM', 'OPERATOR', 'AUDITOR')
  async list(
    @Caller() { kind, id }: Principal,
    @CheckedQuery(ListReconciliationsQuery) { platform, cursor, limit = 100 }: ListReconciliationsQuery,
  ): Promise<Page<Reconciliation>> {
    const [before = null] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const whose = kind === 'PLATFORM' ? id : (platform ?? null);
    const rows = await this.reconciliations.list(whose, before as string | null, limit + 1);
    return pageOf(LIST, rows, limit, ({ reconciliationId }) => [reconciliationId]);
  }
}

/** Throws ClaimRefused for a bucket that is named twice and for an item that belongs into another one: it would be called unknown. */
function claimIn({ asOf, buckets }: ReconcileBody): Claim {
  const findings: Finding[] = [];
  const hashes = new Map<string, string>();
  const items = new Map<string, readonly Holding[]>();
  const named = new Set<string>();
  for (const [place, { bucket, hash, items: held }] of buckets.entries()) {
    if (named.has(bucket)) findings.push({ code: 'BUCKET_TWICE', pointer: `/buckets/${place}/bucket`, message: 'was named before' });
    named.add(bucket);
    if (hash !== undefined) hashes.set(bucket, hash);
    if (held !== undefined) items.set(bucket, held);
    for (const [nth, item] of (held ?? []).entries()) {
      if (bucketOf(item) !== bucket) {
        const pointer = `/buckets/${place}/items/${nth}/feedbackId`;
        findings.push({ code: 'WRONG_BUCKET', pointer, message: `belongs into bucket ${bucketOf(item)}` });
      }
    }
  }
  if (findings.length > 0) throw new ClaimRefused(findings);
  return { asOf, hashes, items };
}
