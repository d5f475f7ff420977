import { decodeCursor, findOrganisation, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CreditRecords, type ListedRecord } from '../credit-record/credit-record.service.js';
import { Enquiries } from '../enquiry/enquiry.service.js';
import {
  aboutMerchant,
  type ContestedVersion,
  contestsOf,
  type EnquiryAbout,
  MerchantNotNamed,
  type ObjectedRecord,
} from './merchant-view.js';

interface PageWanted {
  readonly cursor?: string;
  readonly limit: number;
}

interface Row extends Omit<ObjectedRecord, 'contests'> {
  readonly versions: readonly (Omit<ContestedVersion, 'knownFrom'> & { readonly knownFrom: string })[];
}

const OBJECTIONS = 'own-objections';

@Injectable()
export class MerchantViews {
  constructor(
    private readonly db: DataSource,
    private readonly credit: CreditRecords,
    private readonly log: Enquiries,
  ) {}

  /** Every record, public or not, ended ones with their reason. */
  async records(caller: Principal, page: PageWanted): Promise<Page<ListedRecord>> {
    const uscc = await this.merchantOf(caller);
    return this.credit.list({ kind: 'MERCHANT', id: uscc }, { ...page, uscc });
  }

  /** Who was answered about it, the oldest first. */
  async enquiries(caller: Principal, page: PageWanted): Promise<Page<EnquiryAbout>> {
    const { items, next } = await this.log.listAbout(await this.merchantOf(caller), page);
    return { items: items.map(aboutMerchant), next };
  }

  /** Its records that are or were contested. */
  async objections(caller: Principal, { cursor, limit }: PageWanted): Promise<Page<ObjectedRecord>> {
    const [after = null] = cursor === undefined ? [] : decodeCursor(OBJECTIONS, cursor);
    const rows: Row[] = await this.db.query(
      `SELECT record_no AS "recordNo", type, digest, document_date AS "documentDate", department_id AS "departmentId", subject, standing,
              annotations, versions
       FROM credit_records r CROSS JOIN LATERAL (
         SELECT jsonb_agg(jsonb_build_object('knownFrom', known_from, 'standing', v.standing, 'isContested', v.state -> 'isContested')
                          ORDER BY version_no) AS versions,
                bool_or(v.standing = 'HELD' OR (v.state ->> 'isContested')::boolean) AS was_contested
         FROM credit_record_versions v WHERE v.record_no = r.record_no
       ) AS known
       WHERE uscc = $1 AND was_contested AND ($2::uuid IS NULL OR record_no > $2::uuid)
       ORDER BY record_no LIMIT $3`,
      [await this.merchantOf(caller), after, limit + 1],
    );
    return pageOf(OBJECTIONS, rows.map(objected), limit, ({ recordNo }) => [recordNo]);
  }

  private async merchantOf({ id }: Principal): Promise<string> {
    const uscc = (await findOrganisation(this.db.manager, id))?.uscc ?? null;
    if (uscc === null) throw new MerchantNotNamed();
    return uscc;
  }
}

const objected = ({ versions, ...record }: Row): ObjectedRecord => ({
  ...record,
  contests: contestsOf(versions.map(({ knownFrom, ...version }) => ({ ...version, knownFrom: new Date(knownFrom) }))),
});
