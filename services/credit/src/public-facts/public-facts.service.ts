import { createHash } from 'node:crypto';
import { Gathered } from '@jinqiao/messaging';
import { Redis } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CreditConfig } from '../config.js';
import { OPEN_COUNT } from '../credit-status/credit-status.service.js';
import { type PublicFacts, type PublicOfType, RECORDS_SHOWN_MAX, type Registration } from './public-facts.js';

interface Wanted {
  readonly uscc: string;
  /** Whose contract with it is looked for; null: nobody's. */
  readonly platformId: string | null;
  readonly today: string;
}

/** What is known of one merchant. */
export interface Found extends Pick<Wanted, 'uscc'> {
  readonly facts: PublicFacts;
  readonly isContracted: boolean;
}

/** An entity as it stands in the tables; `version` is null where it never had a public record. */
interface Known {
  readonly uscc: string;
  readonly version: string | null;
  readonly registration: Registration | null;
  readonly permits: PublicFacts['permits'];
  readonly isContracted: boolean;
}

/** Its public records as they are kept in Redis, under the version that the same statement has seen. */
interface Held {
  readonly uscc: string;
  readonly version: string;
  /** JSON of PublicOfType[]. */
  readonly held: string;
}

const KNOWN = `SELECT asked.uscc, entity.facts_version AS version,
    CASE WHEN registered.uscc IS NOT NULL THEN jsonb_build_object('name', registered.name, 'status', registered.status,
      'divisionCode', registered.division_code, 'industryCode', registered.industry_code, 'registeredOn', registered.registered_on,
      'revision', registered.revision) END AS registration,
    to_jsonb(ARRAY(
      SELECT jsonb_strip_nulls(jsonb_build_object('permitNo', permit_no, 'kind', kind, 'scope', scope, 'authority', authority,
        'issuedOn', issued_on, 'validFrom', valid_from, 'validUntil', valid_until, 'status', permit.status, 'legalBasis', legal_basis,
        'source', jsonb_build_object('departmentId', department_id, 'subject', department_id || ':' || permit_no)))
      FROM registered_permits AS permit WHERE permit.uscc = asked.uscc AND NOT is_withdrawn
      ORDER BY permit.status IN ('REVOKED', 'CANCELLED'), valid_until DESC NULLS FIRST, permit_no, department_id LIMIT ${RECORDS_SHOWN_MAX}
    )) AS permits,
    EXISTS (SELECT FROM platform_shops AS shop
      WHERE shop.platform_id = asked.platform_id AND shop.uscc = asked.uscc AND shop.exited_at IS NULL) AS "isContracted"
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (uscc, platform_id, place)
  LEFT JOIN credit_entities AS entity ON entity.uscc = asked.uscc
  LEFT JOIN registered_entities AS registered ON registered.uscc = asked.uscc
  ORDER BY asked.place`;

const HELD = `SELECT entity.uscc, entity.facts_version AS version, coalesce(held."byType", '[]')::text AS held
  FROM credit_entities AS entity LEFT JOIN (
    SELECT uscc, jsonb_agg(jsonb_build_object('type', type, 'count', count, 'open', open, 'kept', kept, 'documents', documents,
      'firstEnd', "firstEnd", 'records', records) ORDER BY type) AS "byType"
    FROM (
      SELECT uscc, type, count(*) AS count,
             ${OPEN_COUNT} AS open,
             count(*) FILTER (WHERE type = 'COMMITMENT' AND commitment ->> 'outcome' = 'KEPT') AS kept,
             jsonb_agg(DISTINCT jsonb_strip_nulls(jsonb_build_object('date', document_date, 'regime', regime))) AS documents,
             min(public_until) AS "firstEnd",
             (array_agg(jsonb_strip_nulls(jsonb_build_object('recordNo', record_no, 'revision', revision, 'type', type, 'class', class,
               'digest', digest, 'commitment', commitment, 'regime', regime, 'contested', nullif(is_contested, FALSE),
               'annotations', nullif(annotations, '[]'), 'documentDate', document_date, 'publicFrom', public_from, 'publicUntil', public_until,
               'legalBasis', legal_basis, 'source', jsonb_build_object('departmentId', department_id, 'subject', subject)))
               ORDER BY document_date DESC, record_no))[1:${RECORDS_SHOWN_MAX}] AS records
      FROM credit_records
      WHERE uscc = ANY ($1) AND standing = 'PUBLIC' AND public_from <= $2::date AND (public_until IS NULL OR public_until >= $2::date)
      GROUP BY uscc, type
    ) AS of_type GROUP BY uscc
  ) AS held USING (uscc)
  WHERE entity.uscc = ANY ($1)`;

/** What a process of another release has put into Redis is not read by this one. */
const FORM = createHash('sha256').update(HELD).digest('base64url').slice(0, 8);
/** Whoever asks about a merchant asks again soon, or in half a year. */
const KEPT_SECONDS = 3_600;
const SINGLES_MAX = 1_000;

/**
 * Reads what is public about merchants, and with it whether who asks has them under contract: onboarded, and not left since. Their records
 * are kept in Redis under the version of the entity's facts and the day (ADR 19): the version is asked of PostgreSQL each time and changes
 * in the transaction of every change, so an answer that has been overtaken cannot be found any more, whether Redis could be told of it or
 * not. With Redis away everything is read from PostgreSQL.
 */
@Injectable()
export class FactReader {
  /** Readings under way, by what they fill: whoever needs the same waits for them. */
  private readonly filling = new Map<string, Promise<readonly PublicOfType[]>>();

  /** Requests about one merchant: those that come while others are being read go together. */
  private readonly singles = new Gathered<Wanted, Found>((wanted) => this.readSingles(wanted), SINGLES_MAX);

  constructor(
    private readonly db: DataSource,
    private readonly redis: Redis,
    private readonly config: CreditConfig,
  ) {}

  /** Of each of these codes, on the day. However many: one statement and one command, and a statement for what Redis lacks. */
  async read(usccs: readonly string[], { platformId, today }: Omit<Wanted, 'uscc'>): Promise<ReadonlyMap<string, Found>> {
    const wanted = [...new Set(usccs)].map((uscc) => ({ uscc, platformId, today }));
    const [only] = wanted;
    if (only === undefined) return new Map();
    const found = wanted.length === 1 ? [await this.singles.add(only)] : await this.readTogether(wanted, today);
    return new Map(found.map((one) => [one.uscc, one]));
  }

  /** In the order of what is wanted; all of them are of one day but at midnight. */
  private async readSingles(wanted: readonly Wanted[]): Promise<Found[]> {
    const byDay = new Map<string, Found[]>();
    for (const [today, of] of Map.groupBy(wanted, ({ today: day }) => day)) byDay.set(today, await this.readTogether(of, today));
    return wanted.flatMap(({ today }) => byDay.get(today)?.shift() ?? []);
  }

  /** In the order of what is wanted. */
  private async readTogether(wanted: readonly Wanted[], today: string): Promise<Found[]> {
    const known: Known[] = await this.db.query(KNOWN, [wanted.map(({ uscc }) => uscc), wanted.map(({ platformId }) => platformId)]);
    const keys = new Map(known.flatMap((one) => (one.version === null ? [] : [[this.keyOf(one.uscc, one.version, today), one.uscc]])));
    const held = await this.findHeld(keys, today);
    return known.map(({ uscc, registration, permits, isContracted }) => {
      return { uscc, facts: { registration, permits, held: held.get(uscc) ?? [] }, isContracted };
    });
  }

  /** `keys` names the entity of each. */
  private async findHeld(keys: ReadonlyMap<string, string>, today: string): Promise<Map<string, readonly PublicOfType[]>> {
    if (keys.size === 0) return new Map();
    const cached = (await this.redis.ask((client) => client.mGet([...keys.keys()]))) ?? [];
    const held = new Map<string, readonly PublicOfType[]>();
    const missing = new Map<string, string>();
    [...keys].forEach(([key, uscc], place) => {
      const found = cached[place];
      if (typeof found === 'string') held.set(uscc, read(found));
      else missing.set(key, uscc);
    });
    this.fill(missing, today);
    // The filling is there until its reader has it: nothing is awaited between.
    await Promise.all([...missing].map(async ([key, uscc]) => held.set(uscc, (await this.filling.get(key)) ?? [])));
    return held;
  }

  /** Has what is missing read, once: what is being read already is left to whoever reads it. */
  private fill(missing: ReadonlyMap<string, string>, today: string): void {
    const own = [...missing].filter(([key]) => !this.filling.has(key));
    if (own.length === 0) return;
    const reading: Promise<Held[]> = this.db.query(HELD, [own.map(([, uscc]) => uscc), today]);
    const byEntity = reading.then((rows) => new Map(rows.map(({ uscc, held }) => [uscc, read(held)])));
    for (const [key, uscc] of own)
      this.filling.set(
        key,
        byEntity.then((of) => of.get(uscc) ?? []),
      );
    const end = (): void => own.forEach(([key]) => this.filling.delete(key));
    reading.then((rows) => this.keep(rows, today)).then(end, end);
  }

  /** Under the version that was read with it, which may be newer than the one that was asked for. */
  private async keep(rows: readonly Held[], today: string): Promise<void> {
    const expiration = { type: 'EX', value: KEPT_SECONDS } as const;
    await this.redis.ask((client) =>
      Promise.all(rows.map(({ uscc, version, held }) => client.set(this.keyOf(uscc, version, today), held, { expiration }))),
    );
  }

  private readonly keyOf = (uscc: string, version: string, today: string): string =>
    `${this.config.KAFKA_NAMESPACE}facts:${FORM}:${uscc}:${version}:${today}`;
}

const read = (held: string): readonly PublicOfType[] => JSON.parse(held) as readonly PublicOfType[];
