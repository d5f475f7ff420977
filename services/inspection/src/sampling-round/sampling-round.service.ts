import { randomBytes } from 'node:crypto';
import type { Regime } from '@jinqiao/contracts';
import { dayInChina, rule } from '@jinqiao/law';
import { keepRows, Outbox } from '@jinqiao/messaging';
import { Clock, decodeCursor, type Page, pageOf, type Principal } from '@jinqiao/platform';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { validate as isUuid, v7 as uuidv7 } from 'uuid';
import { actorOf, viewerOf } from '../actor.js';
import { disclosed, sees, type Seen } from '../disclosure/disclosure.js';
import {
  type Announced,
  by,
  commitmentOf,
  draw,
  DRAW_FORMAT,
  type Exclusion,
  hashOf,
  replace,
  revealFindings,
  seedHashOf,
} from './draw.js';
import { basisOf } from '../sampling-case/sampling-case.js';
import { ROUNDS } from '../kept-rows/kept-rows.js';
import { roundFindings, RoundOutsidePlan } from '../sampling-plan/sampling-plan.js';
import { namedPlan } from '../sampling-plan/sampling-plan.store.js';
import { ObjectNotDrawn } from '../sampling-sheet/sampling-sheet.js';
import { sampledBefore } from './sampled-before.js';
import type { SamplingRoundRow } from './sampling-round.entity.js';
import { KeptDraws } from './sampling-round.restore.js';
import {
  type AnnounceDrawBody,
  announcementFindings,
  type Assignment,
  DrawImpossible,
  DrawNotAnnounced,
  DrawNotRevealed,
  DrawNotSampled,
  type DrawObject,
  type DrawRecord,
  DrawTooEarly,
  type HiddenObject,
  type ListRoundsQuery,
  LEVELS,
  levelOf,
  NothingToReplace,
  NotTheWitness,
  OF_WITNESS,
  type PlannedRound,
  type PlanRoundBody,
  poolFindings,
  type PublishRulesBody,
  type RevealDrawBody,
  RoundAboveLevel,
  RoundConflict,
  RoundNotYours,
  type RoundStep,
  RoundUnknown,
  sampledTooLately,
  type SamplingRound,
  SAMPLERS_LEAST,
  stateAfter,
  StratumExhausted,
  stratumOf,
  type TakenStep,
  witnessFindings,
  WitnessNotIndependent,
  WitnessSilent,
} from './sampling-round.js';

/** A row without its pool and its draw. */
type ShownRow = Omit<
  SamplingRoundRow,
  'pool' | 'announced' | 'revealed' | 'drawn' | 'replacements' | 'witnesses' | 'abandoned' | 'openedAt'
>;
type Change = Partial<
  Pick<
    SamplingRoundRow,
    | 'rules'
    | 'drawNo'
    | 'pool'
    | 'announced'
    | 'announcementHash'
    | 'revealed'
    | 'drawn'
    | 'replacements'
    | 'witnesses'
    | 'abandoned'
    | 'openedAt'
  >
>;

interface Taken {
  readonly actorId: string;
  readonly roundId: string;
  readonly step: RoundStep;
  readonly reason?: string;
}

/** What a round shows of itself; pools and draws may be large. */
const SHOWN = `round_id AS "roundId", organiser_id AS "organiserId", round_no AS "roundNo", level, state, plan, rules, draw_no AS "drawNo",
  announcement_hash AS "announcementHash", planned_at AS "plannedAt"`;
const COLUMNS = `${SHOWN}, pool, announced, revealed, drawn, replacements, witnesses, abandoned, opened_at AS "openedAt"`;
const LIST = 'sampling-rounds';
const SALT_BYTES = 32;
/** What was drawn and found at random is public. */
const OPENNESS = '国发〔2019〕5号';
/** Of Order 18; of food no article is named, see `basisOf`. */
const ARTICLES: Readonly<Record<Exclude<RoundStep, 'OPEN_DRAW'>, string>> = {
  PLAN: '第十一条',
  PUBLISH_RULES: '第十二条',
  COMMIT_WITNESS: '第十五条',
  ANNOUNCE_DRAW: '第十五条',
  REVEAL_WITNESS: '第十五条',
  REVEAL_DRAW: '第十五条、第十六条',
  REPLACE_DRAWN: '第十五条、第十八条',
  ABANDON_DRAW: '第十五条',
  CANCEL: '第十一条',
};

/** Keeps sampling rounds. The row's lock decides which of two steps comes first; the other one finds the state that it left. */
@Injectable()
export class SamplingRounds {
  constructor(
    private readonly db: DataSource,
    private readonly outbox: Outbox,
    private readonly draws: KeptDraws,
    private readonly clock: Clock,
  ) {}

  /** What its annual plan has not is refused. May be repeated; the same number with another content is a conflict. */
  async plan(caller: Principal, plan: PlanRoundBody): Promise<PlannedRound> {
    return this.db.transaction(async (tx) => {
      const registered = levelOf(await actorOf(tx, caller));
      if (LEVELS.indexOf(plan.level) > LEVELS.indexOf(registered)) throw new RoundAboveLevel(registered);
      const organiserId = caller.id;
      const roundId = uuidv7();
      const made: unknown[] = await tx.query(
        `INSERT INTO sampling_rounds (round_id, organiser_id, round_no, level, state, plan, planned_at)
         VALUES ($1, $2, $3, $4, 'PLANNED', $5, $6) ON CONFLICT (organiser_id, round_no) DO NOTHING RETURNING 1`,
        [roundId, organiserId, plan.roundNo, plan.level, plan, this.clock.now()],
      );
      const { errors, warnings } = await againstPlan(tx, organiserId, plan);
      if (made.length > 0) {
        if (errors.length > 0) throw new RoundOutsidePlan(errors);
        await this.note(tx, { actorId: organiserId, roundId, step: 'PLAN' }, plan.regime);
        return { ...shown(await this.one(tx, roundId)), warnings };
      }
      const [there]: (ShownRow & { same: boolean })[] = await tx.query(
        `SELECT ${SHOWN}, plan = $3::jsonb AS same FROM sampling_rounds WHERE organiser_id = $1 AND round_no = $2`,
        [organiserId, plan.roundNo, plan],
      );
      if (!there?.same) throw new RoundConflict();
      return { ...shown(there), warnings };
    });
  }

  /** Rules may be replaced until a draw is announced; the hash of those that held is in its announcement. */
  publishRules(organiserId: string, roundId: string, rules: PublishRulesBody): Promise<SamplingRound> {
    return this.step({ actorId: organiserId, roundId, step: 'PUBLISH_RULES' }, () => ({
      rules: { ...rules, publishedAt: this.clock.now().toISOString() },
    }));
  }

  announceDraw(organiserId: string, roundId: string, body: AnnounceDrawBody): Promise<SamplingRound> {
    return this.step({ actorId: organiserId, roundId, step: 'ANNOUNCE_DRAW' }, async (round, tx) => {
      const { quotas } = round.plan;
      const given = [...poolFindings(body, quotas), ...witnessFindings(body, round.witnesses)];
      if (given.length > 0) throw new DrawImpossible(given);
      const pool = body.objects.map((object) => hidden(object, stratumOf(quotas, object) ?? 0));
      const announced = announcementOf(round, body, {
        pool,
        exclusions: await this.exclusions(tx, round, pool),
        at: this.clock.now().toISOString(),
      });
      const findings = announcementFindings(announced);
      if (findings.length > 0) throw new DrawImpossible(findings);
      await this.draws.keep(tx, { announced, pool });
      return { announced, announcementHash: hashOf(announced), pool, drawNo: announced.drawNo };
    });
  }

  /** The hash of a seed that another department alone knows, for the next draw; its last word before the announcement holds. */
  async commitWitness(caller: Principal, roundId: string, seedHash: string): Promise<Seen<SamplingRound>> {
    await this.step({ actorId: caller.id, roundId, step: 'COMMIT_WITNESS' }, ({ witnesses }) => ({
      witnesses: [...witnesses.filter(({ departmentId }) => departmentId !== caller.id), { departmentId: caller.id, seedHash }],
    }));
    return this.find(caller, roundId);
  }

  /** The seed of the witness, before the organiser's is known and after the public value is. May be repeated. */
  async revealWitness(caller: Principal, roundId: string, seed: string): Promise<Seen<SamplingRound>> {
    await this.step({ actorId: caller.id, roundId, step: 'REVEAL_WITNESS' }, ({ announced, witnesses }) => {
      if (!announced) throw new DrawNotAnnounced();
      const { witness } = announced;
      if (witness?.departmentId !== caller.id) throw new NotTheWitness();
      this.assertPublic(announced);
      if (seedHashOf(seed) !== witness.seedHash)
        throw new DrawNotRevealed([{ code: 'DRAW_SEED_WRONG', pointer: '/seed', message: 'This is not the seed that was committed to.' }]);
      if (witnesses.some((one) => one.departmentId === caller.id && one.seed === seed)) return null;
      return { witnesses: [...witnesses.filter(({ departmentId }) => departmentId !== caller.id), { ...witness, seed }] };
    });
    return this.find(caller, roundId);
  }

  revealDraw(organiserId: string, roundId: string, { seed, publicValue }: RevealDrawBody): Promise<SamplingRound> {
    return this.step({ actorId: organiserId, roundId, step: 'REVEAL_DRAW' }, ({ announced, witnesses }) => {
      if (!announced) throw new DrawNotAnnounced();
      const now = this.assertPublic(announced);
      const { witness } = announced;
      const witnessSeed = witnesses.find(({ departmentId }) => departmentId === witness?.departmentId)?.seed;
      if (witness && witnessSeed === undefined) throw new WitnessSilent(witness.departmentId);
      const revealed = { seed, ...(witnessSeed !== undefined && { witnessSeed }), publicValue, at: now.toISOString() };
      const findings = revealFindings(announced, revealed);
      if (findings.length > 0) throw new DrawNotRevealed(findings);
      return { revealed, drawn: draw(announced, revealed) };
    });
  }

  /** Draws the next of its stratum for an object that could not be sampled. May be repeated. */
  async replaceDrawn(caller: Principal, roundId: string, objectId: string): Promise<Seen<Assignment>> {
    await this.step({ actorId: caller.id, roundId, step: 'REPLACE_DRAWN', reason: objectId }, async (round, tx) => {
      const { announced, revealed, drawn, replacements, pool } = round;
      if (!announced || !revealed || !drawn) throw new DrawNotAnnounced();
      const hidden = pool?.find((object) => object.objectId === objectId);
      const there = [...drawn, ...replacements].find(({ commitment }) => commitment === hidden?.commitment);
      if (!there) throw new ObjectNotDrawn();
      const { commitment: replaces, stratum } = there;
      if (replacements.some((one) => one.replaces === replaces)) return null;
      const ground = await groundOf(tx, roundId, objectId);
      const entry = { replaces, ground, at: this.clock.now().toISOString() };
      const next = replace(announced, revealed, { drawn, replacements }, entry);
      if (!next) throw new StratumExhausted(stratum, announced.objects.filter((one) => one.stratum === stratum).length);
      return { replacements: [...replacements, next] };
    });
    const assignment = (await this.assignments(caller, roundId)).find(({ replaces }) => replaces === objectId);
    if (!assignment) throw new ObjectNotDrawn();
    return assignment;
  }

  /** Shows everybody what was drawn, once it has been sampled. Nothing is replaced from then on. */
  openDraw(organiserId: string, roundId: string): Promise<SamplingRound> {
    return this.step({ actorId: organiserId, roundId, step: 'OPEN_DRAW' }, async ({ drawn, replacements, pool }, tx) => {
      const isDrawn = new Set([...(drawn ?? []), ...replacements].map(({ commitment }) => commitment));
      const there = (pool ?? []).flatMap(({ commitment, objectId }) => (isDrawn.has(commitment) ? [objectId] : []));
      const open = await notSampledYet(tx, roundId, there);
      if (open.length > 0) throw new DrawNotSampled(open);
      return { openedAt: this.clock.now() };
    });
  }

  /** Who could give a draw up in silence could choose among draws: it stays on the record of every later one. */
  abandonDraw(organiserId: string, roundId: string, reason: string): Promise<SamplingRound> {
    const abandon = ({ drawNo, announcementHash, abandoned }: SamplingRoundRow): Change => {
      if (announcementHash === null) throw new DrawNotAnnounced();
      const given = { drawNo, announcementHash, reason, at: this.clock.now().toISOString() };
      // What was committed to for this draw may be known by now.
      return { announced: null, announcementHash: null, pool: null, witnesses: [], abandoned: [...abandoned, given] };
    };
    return this.step({ actorId: organiserId, roundId, step: 'ABANDON_DRAW', reason }, abandon);
  }

  cancel(organiserId: string, roundId: string, reason: string): Promise<SamplingRound> {
    return this.step({ actorId: organiserId, roundId, step: 'CANCEL', reason }, () => ({}));
  }

  async find(caller: Principal, roundId: string): Promise<Seen<SamplingRound & { history: TakenStep[] }>> {
    const round = shown(await this.one(this.db.manager, roundId));
    const history: TakenStep[] = await this.db.query(
      `SELECT step, actor_id AS "actorId", basis, reason, taken_at AS "takenAt" FROM sampling_round_steps WHERE round_id = $1 ORDER BY step_no`,
      [roundId],
    );
    const viewer = await viewerOf(this.db.manager, caller);
    const seen = disclosed('ROUND', viewer, { owners: [round.organiserId] }, { ...round, history });
    if (!seen) throw new RoundUnknown();
    return seen;
  }

  async list(caller: Principal, { organiserId, state, from, cursor, limit = 100 }: ListRoundsQuery): Promise<Page<Seen<SamplingRound>>> {
    const [after = null] = cursor === undefined ? [] : decodeCursor(LIST, cursor);
    const rows: ShownRow[] = await this.db.query(
      `SELECT ${SHOWN} FROM sampling_rounds
       WHERE ($1::text IS NULL OR organiser_id = $1) AND ($2::text IS NULL OR state = $2)
         AND ($3::date IS NULL OR planned_at >= $3::date AT TIME ZONE 'Asia/Shanghai') AND ($4::uuid IS NULL OR round_id > $4::uuid)
       ORDER BY round_id LIMIT $5`,
      [organiserId ?? null, state ?? null, from ?? null, after, limit + 1],
    );
    const { items, next } = pageOf(LIST, rows.map(shown), limit, ({ roundId }) => [roundId]);
    const viewer = await viewerOf(this.db.manager, caller);
    return { items: items.flatMap((round) => disclosed('ROUND', viewer, { owners: [round.organiserId] }, round) ?? []), next };
  }

  /** The public record of the draw as far as it goes. */
  async drawRecord(roundId: string): Promise<DrawRecord> {
    const { announced, announcementHash, revealed, drawn, replacements, pool, openedAt } = await this.one(this.db.manager, roundId);
    if (!announced || announcementHash === null) throw new DrawNotAnnounced();
    const isDrawn = new Set([...(drawn ?? []), ...replacements].map(({ commitment }) => commitment));
    const opened = (pool ?? [])
      .filter(({ commitment }) => isDrawn.has(commitment))
      .map(({ commitment, objectId, salt }) => ({ commitment, objectId, salt }))
      .sort(by(({ commitment }) => commitment));
    return {
      format: DRAW_FORMAT,
      announced,
      announcementHash,
      ...(revealed && { revealed }),
      ...(drawn && { drawn }),
      ...(replacements.length > 0 && { replacements }),
      ...(openedAt && { opened, openedAt: openedAt.toISOString() }),
    };
  }

  /** Who is to be sampled; until that is opened only the organiser and those who watch over it may know. */
  async assignments(caller: Principal, roundId: string): Promise<Seen<Assignment>[]> {
    const { organiserId, drawn, replacements, pool } = await this.one(this.db.manager, roundId);
    const viewer = await viewerOf(this.db.manager, caller);
    const concern = { owners: [organiserId] };
    if (!sees('ASSIGNMENT', viewer, concern)) throw new RoundNotYours();
    if (!drawn) throw new DrawNotAnnounced();
    const objects = new Map(pool?.map((object) => [object.commitment, object]));
    const inPlaceOf = new Map(replacements.map(({ commitment, replaces }) => [commitment, objects.get(replaces)?.objectId]));
    return [...drawn, ...replacements].flatMap(({ commitment, inspectorIds, laboratoryId }) => {
      const object = objects.get(commitment);
      if (!object) return [];
      const { objectId, name, divisionCode, riskClass, product } = object;
      const replaces = inPlaceOf.get(commitment);
      const drawnFor = { inspectorIds, laboratoryId, ...(replaces !== undefined && { replaces }) };
      const assignment = { id: objectId, name, divisionCode, riskClass, ...(product && { product }), ...drawnFor };
      return disclosed<Assignment>('ASSIGNMENT', viewer, concern, assignment) ?? [];
    });
  }

  /** Null: it is done already. */
  private step(
    taken: Taken & { readonly step: Exclude<RoundStep, 'PLAN'> },
    change: (round: SamplingRoundRow, tx: EntityManager) => Change | null | Promise<Change | null>,
  ): Promise<SamplingRound> {
    const { actorId, roundId, step } = taken;
    return this.db.transaction(async (tx) => {
      const round = await this.one(tx, roundId, 'FOR UPDATE');
      const isOrganiser = round.organiserId === actorId;
      if (OF_WITNESS.includes(step) && isOrganiser) throw new WitnessNotIndependent();
      if (!OF_WITNESS.includes(step) && !isOrganiser) throw new RoundNotYours();
      const state = stateAfter(round.state, step);
      const changes = await change(round, tx);
      if (changes === null) return shown(round);
      const changed = { ...round, ...changes, state };
      const { rules, drawNo, announcementHash, pool, announced, revealed, drawn, replacements, witnesses, abandoned, openedAt } = changed;
      await tx.query(
        `UPDATE sampling_rounds SET state = $2, rules = $3::jsonb, draw_no = $4, pool = $5::jsonb, announced = $6::jsonb,
           revealed = $7::jsonb, drawn = $8::jsonb, replacements = $9::jsonb, abandoned = $10::jsonb, witnesses = $11::jsonb,
           announcement_hash = $12, opened_at = $13
         WHERE round_id = $1`,
        [
          roundId,
          state,
          ...[rules, drawNo, pool, announced, revealed, drawn, replacements, abandoned, witnesses].map(
            (value) => value && JSON.stringify(value),
          ),
          announcementHash,
          openedAt,
        ],
      );
      await this.note(tx, taken, round.plan.regime);
      return shown(changed);
    });
  }

  /** Is the public value there? Answers what time it is. */
  private assertPublic({ publicValue }: Announced): Date {
    const now = this.clock.now();
    if (now.getTime() < Date.parse(publicValue.at)) throw new DrawTooEarly(publicValue.at);
    return now;
  }

  /** The last that is written of a step. */
  private async note(tx: EntityManager, { actorId, roundId, step, reason }: Taken, regime: Regime): Promise<void> {
    await tx.query(
      `INSERT INTO sampling_round_steps (round_id, step_no, step, actor_id, basis, reason, taken_at)
       SELECT $1, coalesce(max(step_no), 0) + 1, $2, $3, $4, $5, $6 FROM sampling_round_steps WHERE round_id = $1`,
      [
        roundId,
        step,
        actorId,
        step === 'OPEN_DRAW' ? OPENNESS : basisOf(regime, { article: ARTICLES[step] }),
        reason ?? null,
        this.clock.now(),
      ],
    );
    await keepRows(tx, this.outbox, ROUNDS, [{ round_id: roundId }]);
  }

  private async one(tx: EntityManager, roundId: string, lock = ''): Promise<SamplingRoundRow> {
    if (!isUuid(roundId)) throw new RoundUnknown();
    const [row]: SamplingRoundRow[] = await tx.query(`SELECT ${COLUMNS} FROM sampling_rounds WHERE round_id = $1 ${lock}`, [roundId]);
    if (!row) throw new RoundUnknown();
    return row;
  }

  /** Objects whose product was sampled too lately, as results say that were reported here, and sheets that are on their way to one. */
  private async exclusions(
    tx: EntityManager,
    { plan, organiserId, level }: SamplingRoundRow,
    pool: readonly HiddenObject[],
  ): Promise<Exclusion[]> {
    const today = dayInChina(this.clock.now());
    const row = rule('NO_REPEAT_SAMPLING', { regime: plan.regime, on: today });
    const products = pool.flatMap(({ objectId, product }) => {
      if (!product) return [];
      const { producerUscc: producer, standard, brand, spec } = product;
      return [{ object_id: objectId, producer, standard, brand, spec }];
    });
    if (products.length === 0 || row === 'NO_RULE') return [];
    const before = await sampledBefore(tx, products, { regime: plan.regime, today });
    const tooLately = sampledTooLately(before, { organiserId, level }, row, today);
    const exempt = plan.exemption !== undefined;
    return pool
      .filter(({ objectId }) => tooLately.has(objectId))
      .map(({ commitment }) => ({ commitment, reason: 'SAMPLED_BEFORE' as const, ruleVersion: row.version, exempt }))
      .sort(by(({ commitment }) => commitment));
  }
}

/** How a round stands to its annual plan, which stays locked: of two rounds one takes what is left first. */
async function againstPlan(tx: EntityManager, organiserId: string, round: PlanRoundBody): Promise<ReturnType<typeof roundFindings>> {
  const { planNo, year, roundNo } = round;
  return roundFindings(round, planNo === undefined ? null : await namedPlan(tx, { organiserId, year, planNo }, roundNo));
}

/** Of which objects no sheet says yet that they were sampled, or why not. */
async function notSampledYet(tx: EntityManager, roundId: string, objectIds: readonly string[]): Promise<string[]> {
  const open: { objectId: string }[] = await tx.query(
    `SELECT given.object_id AS "objectId" FROM unnest($2::text[]) AS given (object_id)
     WHERE NOT EXISTS (SELECT FROM sampling_sheets s
       WHERE s.round_id = $1 AND s.object_id = given.object_id AND s.state NOT IN ('DRAWN', 'SAMPLING')) ORDER BY 1`,
    [roundId, objectIds],
  );
  return open.map(({ objectId }) => objectId);
}

/** Why nothing was sampled of an object, as its sheet has it; throws where nobody may go instead. */
async function groundOf(tx: EntityManager, roundId: string, objectId: string): Promise<string> {
  const [sheet]: { state: string; ground: string | null }[] = await tx.query(
    `SELECT s.state, t.facts ->> 'ground' AS ground FROM sampling_sheets s
     LEFT JOIN sampling_sheet_steps t ON t.organiser_id = s.organiser_id AND t.sample_no = s.sample_no AND t.act = 'RECORD_NOT_SAMPLED'
     WHERE s.round_id = $1 AND s.object_id = $2`,
    [roundId, objectId],
  );
  if (!sheet?.ground || sheet.ground === 'REFUSED') throw new NothingToReplace(sheet ?? null);
  return sheet.ground;
}

function announcementOf(
  round: SamplingRoundRow,
  body: AnnounceDrawBody,
  { pool, exclusions, at }: { pool: readonly HiddenObject[]; exclusions: readonly Exclusion[]; at: string },
): Announced {
  const witness = round.witnesses.find(({ departmentId }) => departmentId === body.witness?.departmentId);
  const commitments = new Map(pool.map(({ objectId, commitment }) => [objectId, commitment]));
  return {
    format: DRAW_FORMAT,
    roundId: round.roundId,
    organiserId: round.organiserId,
    roundNo: round.roundNo,
    drawNo: round.drawNo + 1,
    announcedAt: at,
    rulesHash: round.rules?.sha256 ?? '',
    quotas: round.plan.quotas.map(({ number }, index) => ({ stratum: index + 1, number })),
    objects: pool.map(({ commitment, stratum }) => ({ commitment, stratum })).sort(by(({ commitment }) => commitment)),
    inspectors: [...body.inspectors].sort(by(({ id }) => id)),
    laboratories: [...body.laboratories].sort(by(({ id }) => id)),
    recusals: (body.recusals ?? []).map(({ inspectorId, objectId }) => ({ inspectorId, commitment: commitments.get(objectId) ?? '' })),
    exclusions,
    samplersEach: body.samplersEach ?? SAMPLERS_LEAST,
    seedHash: body.seedHash,
    ...(witness && { witness: { departmentId: witness.departmentId, seedHash: witness.seedHash } }),
    publicValue: body.publicValue,
    abandoned: round.abandoned,
  };
}

function hidden(object: DrawObject, stratum: number): HiddenObject {
  const opening = { objectId: object.id, salt: randomBytes(SALT_BYTES).toString('hex') };
  return { ...object, ...opening, commitment: commitmentOf(opening), stratum };
}

const shown = ({ roundId, organiserId, state, plan, rules, drawNo, announcementHash, plannedAt }: ShownRow): SamplingRound => ({
  ...plan,
  roundId,
  organiserId,
  state,
  rules,
  drawNo,
  announcementHash,
  plannedAt,
});
