import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type PublicFacts, type PublicOfType, RECORDS_SHOWN_MAX, type Registration } from './public-facts.js';

interface Row extends Omit<PublicOfType, 'type'> {
  readonly uscc: string;
  readonly registration: Registration | null;
  /** Null on the one row of an entity that has no public record. */
  readonly type: PublicOfType['type'] | null;
}

@Injectable()
export class FactReader {
  /** Of each of these codes what is public on the day, in one statement. Whoever keeps answers at hand for a while keeps them here. */
  async read(tx: EntityManager, usccs: readonly string[], today: string): Promise<Map<string, PublicFacts>> {
    const rows: Row[] = await tx.query(
      `SELECT asked.uscc, held.type, held.count, held.open, held.kept, held."documentDates", held."firstEnd", held.records,
              CASE WHEN entity.uscc IS NOT NULL THEN jsonb_build_object('name', entity.name, 'status', entity.status,
                'divisionCode', entity.division_code, 'industryCode', entity.industry_code, 'registeredOn', entity.registered_on,
                'revision', entity.revision) END AS registration
       FROM unnest($1::text[]) AS asked (uscc)
       LEFT JOIN registered_entities AS entity ON entity.uscc = asked.uscc
       LEFT JOIN (
         SELECT uscc, type, count(*)::integer AS count,
                count(*) FILTER (WHERE type = 'COMMITMENT' AND commitment ->> 'outcome' IS NULL)::integer AS open,
                count(*) FILTER (WHERE type = 'COMMITMENT' AND commitment ->> 'outcome' = 'KEPT')::integer AS kept,
                array_agg(DISTINCT document_date) AS "documentDates",
                min(public_until)::text AS "firstEnd",
                (array_agg(jsonb_strip_nulls(jsonb_build_object('recordNo', record_no, 'revision', revision, 'type', type, 'class', class,
                  'digest', digest, 'commitment', commitment, 'contested', nullif(is_contested, FALSE),
                  'annotations', nullif(annotations, '[]'), 'documentDate', document_date, 'publicFrom', public_from, 'publicUntil', public_until,
                  'legalBasis', legal_basis, 'source', jsonb_build_object('departmentId', department_id, 'subject', subject)))
                  ORDER BY document_date DESC, record_no))[1:${RECORDS_SHOWN_MAX}] AS records
         FROM credit_records
         WHERE uscc = ANY ($1) AND standing = 'PUBLIC' AND public_from <= $2::date AND (public_until IS NULL OR public_until >= $2::date)
         GROUP BY uscc, type
       ) AS held ON held.uscc = asked.uscc
       ORDER BY asked.uscc, held.type`,
      [[...new Set(usccs)], today],
    );
    const facts = new Map<string, { registration: Registration | null; held: PublicOfType[] }>();
    for (const { uscc, registration, type, ...ofType } of rows) {
      const of = facts.get(uscc) ?? { registration, held: [] };
      if (type !== null) of.held.push({ type, ...ofType });
      facts.set(uscc, of);
    }
    return facts;
  }
}
