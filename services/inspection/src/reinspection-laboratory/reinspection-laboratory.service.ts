import { dayInChina } from '@jinqiao/law';
import { keepRows, Outbox } from '@jinqiao/messaging';
import { Clock, decodeCursor, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { actorOf, isProvince } from '../actor.js';
import { LABORATORY_LISTS } from '../kept-rows/kept-rows.js';
import {
  listFindings,
  listOf,
  ListNotYours,
  ListUnacceptable,
  type ReadListsQuery,
  type StatedList,
  type StateListBody,
} from './reinspection-laboratory.js';

const LIST = 'reinspection-laboratories';
const STATED = `list_no AS "listNo", hash, document_no AS "documentNo", published_on::text AS "publishedOn", laboratories,
  stated_by AS "statedBy", stated_at AS "statedAt"`;
/** Of two of one day the one that was stated last holds. */
const HOLDS_ON = `list_no = (SELECT list_no FROM reinspection_laboratory_lists WHERE published_on <= $1 ORDER BY published_on DESC, list_no DESC LIMIT 1)`;

/** Keeps the lists of those who may test food again, each as it was stated. */
@Injectable()
export class ReinspectionLaboratories {
  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /** May be repeated. */
  async state(caller: Principal, body: StateListBody): Promise<StatedList> {
    return this.db.transaction(async (tx) => {
      if (!isProvince(await actorOf(tx, caller))) throw new ListNotYours();
      const now = this.clock.now();
      const findings = listFindings(body, dayInChina(now));
      if (findings.length > 0) throw new ListUnacceptable(findings);
      const { hash, documentNo, publishedOn, laboratories } = listOf(body);
      // Lists are numbered one after the other.
      await tx.query('LOCK TABLE reinspection_laboratory_lists IN SHARE ROW EXCLUSIVE MODE');
      const holding = await listOn(tx, publishedOn);
      if (holding?.hash === hash) return holding;
      const [{ listNo }]: [{ listNo: number }] = await tx.query(
        `INSERT INTO reinspection_laboratory_lists (list_no, hash, document_no, published_on, laboratories, stated_by, stated_at)
         SELECT coalesce(max(list_no), 0) + 1, $1, $2, $3, $4, $5, $6 FROM reinspection_laboratory_lists RETURNING list_no AS "listNo"`,
        [hash, documentNo, publishedOn, JSON.stringify(laboratories), caller.id, now],
      );
      await keepRows(tx, this.outbox, LABORATORY_LISTS, [{ list_no: String(listNo) }]);
      return { listNo, hash, documentNo, publishedOn, laboratories, statedBy: caller.id, statedAt: now };
    });
  }

  /** The one that was stated last first. */
  async list({ on, cursor, limit = 20 }: ReadListsQuery): Promise<Page<StatedList>> {
    const [before = null] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const rows: StatedList[] = await this.db.query(
      `SELECT ${STATED} FROM reinspection_laboratory_lists
       WHERE ($1::date IS NULL OR ${HOLDS_ON}) AND ($2::integer IS NULL OR list_no < $2) ORDER BY list_no DESC LIMIT $3`,
      [on ?? null, before, limit + 1],
    );
    return pageOf(LIST, rows, limit, ({ listNo }) => [listNo]);
  }
}

/** The list that holds on a day: that of the last document until then. */
export async function listOn(tx: EntityManager, day: string): Promise<StatedList | null> {
  const [list]: StatedList[] = await tx.query(`SELECT ${STATED} FROM reinspection_laboratory_lists WHERE ${HOLDS_ON}`, [day]);
  return list ?? null;
}
