import { FEEDBACK_KINDS, type FeedbackKind } from '@jinqiao/contracts';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { TOLD_UNDER, type ToldUnder } from '../entitlement/entitlement.js';
import { type CatalogueEntry, entryOf, providerScope, SHARED, type SharingFacts, type Sharing } from './catalogue.js';

export interface CatalogueAnswer {
  readonly entries: readonly CatalogueEntry[];
  /** What platforms are told besides: by law, or by the agreement each of them has. */
  readonly notices: readonly (ToldUnder & { readonly feedbackKind: FeedbackKind })[];
}

interface Department {
  readonly id: string;
  readonly scopes: readonly string[];
}

/** The catalogue as it stands: declared streams, who provides them and whom they are granted to. */
@Injectable()
export class Catalogue {
  constructor(private readonly db: DataSource) {}

  async read(): Promise<CatalogueAnswer> {
    const departments: Department[] = await this.db.query(
      `SELECT id, scopes FROM organisations WHERE kind = 'DEPARTMENT' AND status <> 'EXITED' ORDER BY id`,
    );
    const sharings: Sharing[] = await this.db.query(
      `SELECT e.stream, e.recipient_id AS "recipientId", entitlement_id AS "entitlementId", e.mode, r.state ->> 'purpose' AS purpose,
         r.state ->> 'validUntil' AS "validUntil"
       FROM entitlements e JOIN entitlement_revisions r USING (entitlement_id, revision)
       WHERE e.kind = 'GRANT' AND e.status = 'ACTIVE' ORDER BY e.recipient_id`,
    );
    return {
      entries: SHARED.map((facts) => entryOf(facts, providersIn(departments, facts), sharings)),
      notices: FEEDBACK_KINDS.map((feedbackKind) => ({ feedbackKind, ...TOLD_UNDER[feedbackKind] })),
    };
  }
}

/** Where every department has a topic of its own, each provides what is on it. */
const providersIn = (departments: readonly Department[], { stream }: SharingFacts): string[] =>
  departments.filter(({ scopes }) => stream.owner !== undefined || scopes.includes(providerScope(stream.name))).map(({ id }) => id);
