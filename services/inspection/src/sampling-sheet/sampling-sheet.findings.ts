/** What is wrong with an act on a sampling sheet: what the law asks of samplers, samples, purchases, seals, tests and their evidence. */
import type { SheetPurchase, SheetReport } from '@jinqiao/contracts';
import type { Finding } from '@jinqiao/schema';
import type { EvidenceType } from '../evidence/evidence.js';
import { SAMPLERS_LEAST } from '../sampling-round/sampling-round.js';
import { type ActRule, ACTS, GROUNDS } from './sampling-sheet.acts.js';
import { resultFindings } from './sampling-sheet.result.js';
import type { Act, Clock, KeptSample, Moment, Sheet } from './sampling-sheet.js';

/** The category of food that may be tested on the spot. */
const FARM_PRODUCE = '食用农产品';

interface Judged {
  readonly before: Sheet;
  readonly after: Sheet;
  readonly act: Act;
  readonly at: Moment;
}

const finding = (code: string, pointer: string, message: string): Finding => ({ code, pointer, message });
const missing = (pointer: string, message = 'is required'): Finding => finding('FIELD_MISSING', pointer, message);

export function findingsOf(judged: Judged, missingKinds: readonly (readonly EvidenceType[])[]): Finding[] {
  const { before, act, at } = judged;
  const { needs }: ActRule = ACTS[act.act];
  return [
    ...needs.filter((field) => act[field] === undefined).map((field) => missing(`/${field}`, `is required for ${act.act}`)),
    ...(act.on > at.today ? [finding('IN_FUTURE', '/on', 'lies in the future')] : []),
    ...(act.on < before.lastOn ? [finding('OUT_OF_ORDER', '/on', `is before the last step, of ${before.lastOn}`)] : []),
    ...ownFindings(judged),
    ...missingKinds.map((kinds) => finding('EVIDENCE_MISSING', '', `${act.act} needs evidence: ${kinds.join(' or ')}`)),
  ];
}

/** Of each list one kind has to be there, and is not. */
export function missingEvidence({ mode, evidence }: Sheet, act: Act): (readonly EvidenceType[])[] {
  const { evidence: needed }: ActRule = ACTS[act.act];
  const ground: readonly EvidenceType[] = act.act === 'RECORD_NOT_SAMPLED' && act.ground ? GROUNDS[act.ground] : [];
  const lists = [...(needed?.[mode ?? 'ON_SITE'] ?? []), ...(ground.length > 0 ? [ground] : [])];
  return lists.filter((kinds) => !evidence.some(({ type }) => kinds.includes(type)));
}

function ownFindings({ before, after, act, at }: Judged): Finding[] {
  const { sample, purchase, report } = after;
  switch (act.act) {
    case 'BEGIN_SAMPLING':
      return samplerFindings(before, act, at);
    case 'SEAL_SAMPLE':
      return sample ? [...repeatFindings(at), ...sealedFindings(after, sample, purchase), ...resultFindings(after, at.now)] : [];
    case 'TEST_ON_SITE':
      return sample && report ? [...rapidTestFindings(after, sample, act, at), ...reportFindings(after, report, act, at)] : [];
    case 'FILE_OBJECTION':
      return objectionFindings(before, act, at);
    case 'RECEIVE_SAMPLE':
      return sealFindings(before, act);
    case 'REJECT_SAMPLE':
      return hashFindings(before, act, 'LAB_REJECTION');
    case 'BEGIN_TESTING':
      return act.licence === 'MISSING'
        ? [finding('LICENCE_MISSING', '/licence', 'it is not tested: the organiser hands it over by FIND_ILLEGAL')]
        : [];
    case 'REPORT':
      return [
        ...hashFindings(before, act, 'REPORT'),
        ...(report ? laboratoryFindings(report) : []),
        ...(report ? reportFindings(after, report, act, at) : []),
      ];
    case 'CONFIRM':
      return openFindings(before, at);
    default:
      return [];
  }
}

/** §16: at least two, those who were drawn; whoever stands in for one is of the same pool, is not recused, and it is said why. */
function samplerFindings({ drawn }: Sheet, { samplers = [] }: Act, { pool }: Moment): Finding[] {
  const seen = new Set<string>();
  const findings = samplers.flatMap(({ inspectorId, substituteReason }, index) => {
    const pointer = `/samplers/${index}`;
    if (seen.has(inspectorId)) return [finding('SAMPLER_TWICE', pointer, 'is named twice')];
    seen.add(inspectorId);
    const known = pool.find((one) => one.inspectorId === inspectorId);
    if (!known) return [finding('SAMPLER_NOT_IN_POOL', `${pointer}/inspectorId`, "is not in the round's pool of inspectors")];
    const isOfLaboratory = [drawn.laboratoryId, drawn.laboratoryEmployerId].includes(known.employerId);
    const wasDrawn = drawn.inspectorIds.includes(inspectorId);
    return [
      ...(wasDrawn || substituteReason !== undefined
        ? []
        : [finding('SAMPLER_NOT_DRAWN', `${pointer}/substituteReason`, 'was not drawn: say why this one goes')]),
      ...(known.isRecused ? [finding('SAMPLER_RECUSED', `${pointer}/inspectorId`, 'may not go to this object')] : []),
      // §9: who samples does not test.
      ...(isOfLaboratory ? [finding('SAMPLER_OF_LABORATORY', `${pointer}/inspectorId`, 'works for the body that tests the sample')] : []),
    ];
  });
  const tooFew = seen.size < SAMPLERS_LEAST;
  return [...(tooFew ? [finding('SAMPLERS_TOO_FEW', '/samplers', `at least ${SAMPLERS_LEAST} go together`)] : []), ...findings];
}

/** §8: not twice within six months by the same department, nor by a lower one after a higher one, unless the round is exempt. */
const repeatFindings = ({ repeats = null }: Moment): Finding[] =>
  repeats === null
    ? []
    : [finding('SAMPLED_BEFORE', '/sample/product', `was sampled within six months (${repeats}): another one is taken, or nothing is`)];

function sealedFindings(sheet: Sheet, sample: KeptSample, purchase: SheetPurchase | null): Finding[] {
  const { backupQuantity, testSeal, backupSeal } = sample;
  return [
    ...takenFindings(sheet, sample),
    ...Object.entries({ backupQuantity, testSeal, backupSeal }).flatMap(([field, value]) =>
      value === undefined ? [missing(`/sample/${field}`)] : [],
    ),
    ...(testSeal !== undefined && testSeal === backupSeal
      ? [finding('SEALS_NOT_SEPARATE', '/sample/backupSeal', 'is the seal of the sample that is tested')]
      : []),
    ...(sheet.mode === 'ONLINE' ? boughtFindings(sample, purchase) : paidFindings(sheet, sample)),
  ];
}

/** §17: from what is for sale, of whoever was drawn, and no more than there is. */
function takenFindings({ object, mode, purchase }: Sheet, sample: KeptSample): Finding[] {
  const { fromForSale, stock, testQuantity, backupQuantity = 0, sampledParty, nominalProducer } = sample;
  const named = [sampledParty?.name, nominalProducer?.name, purchase?.shopName];
  return [
    ...(fromForSale ? [] : [finding('NOT_FROM_SALE', '/sample/fromForSale', 'nothing else is sampled')]),
    ...(stock < testQuantity + backupQuantity ? [finding('QUANTITY_SHORT', '/sample/stock', 'is less than what was taken')] : []),
    ...(purchase && mode !== 'ONLINE' ? [finding('NOT_ONLINE', '/purchase', 'it was sampled on site')] : []),
    ...(named.includes(object.name)
      ? []
      : [
          finding(
            'OBJECT_NOT_SAMPLED',
            '/sample/sampledParty',
            `neither it nor the producer nor the shop is ${object.name}, who was drawn`,
          ),
        ]),
  ];
}

/** §19 to §24: the sample that is tested is paid for as marked; of products the backup sample is free. Other regimes have rules of their own. */
function paidFindings({ regime }: Sheet, { testPriceFen, testPaidFen, backupPaidFen = 0 }: KeptSample): Finding[] {
  return [
    ...Object.entries({ testPriceFen, testPaidFen }).flatMap(([field, value]) =>
      value === undefined ? [missing(`/sample/${field}`)] : [],
    ),
    ...(testPriceFen === testPaidFen
      ? []
      : [finding('NOT_AT_MARKED_PRICE', '/sample/testPaidFen', 'is not the price at which it was offered')]),
    ...(regime === 'PRODUCT' && backupPaidFen > 0
      ? [finding('BACKUP_NOT_FREE', '/sample/backupPaidFen', 'the backup sample is free')]
      : []),
  ];
}

/** §25 to §28: bought as a consumer buys, both samples, and it can be told from the order what was bought from whom. */
function boughtFindings({ testPaidFen = 0, backupPaidFen = 0, takenOn }: KeptSample, purchase: SheetPurchase | null): Finding[] {
  if (!purchase) return [missing('/purchase', 'is required of what was sampled online')];
  const { orderNo, listings = [], platformId, platformName, shopId, shopName, orderedOn, receivedOn } = purchase;
  const isInOrder = orderedOn <= receivedOn && receivedOn <= takenOn;
  return [
    ...(orderNo === undefined ? [missing('/purchase/orderNo')] : []),
    ...(listings.length === 0 ? [missing('/purchase/listings')] : []),
    ...((platformId ?? platformName) === undefined ? [missing('/purchase/platformId', 'or platformName is required')] : []),
    ...((shopId ?? shopName) === undefined ? [missing('/purchase/shopId', 'or shopName is required')] : []),
    ...(isInOrder ? [] : [finding('OUT_OF_ORDER', '/purchase/receivedOn', 'is before the order, or after the sample was sealed')]),
    ...Object.entries({ testPaidFen, backupPaidFen }).flatMap(([field, paid]) =>
      paid > 0 ? [] : [finding('NOT_BOUGHT', `/sample/${field}`, 'online both samples are bought')],
    ),
  ];
}

/** Where it is sold, of farm produce alone (食品安全法 §88); it has no seals, because nobody else tests it. */
function rapidTestFindings(sheet: Sheet, sample: KeptSample, { toldAt = '' }: Act, { now }: Moment): Finding[] {
  const isSealed = sample.testSeal !== undefined || sample.backupSeal !== undefined;
  return [
    ...(sheet.regime === 'FOOD' ? [] : [finding('NO_RAPID_TEST', '/act', `${sheet.regime} is tested by a laboratory`)]),
    ...(sheet.regime === 'FOOD' && sample.product.category !== FARM_PRODUCE
      ? [finding('NO_RAPID_TEST', '/sample/product/category', `is not ${FARM_PRODUCE}: other food is tested by a laboratory`)]
      : []),
    ...(sheet.mode === 'ON_SITE' ? [] : [finding('NO_RAPID_TEST', '/act', 'what was bought online is tested by a laboratory')]),
    ...(isSealed ? [finding('SEALED_FOR_LABORATORY', '/sample', 'has seals: it is for a laboratory')] : []),
    ...takenFindings(sheet, sample),
    ...(Date.parse(toldAt) > now.getTime() ? [finding('IN_FUTURE', '/toldAt', 'lies in the future')] : []),
  ];
}

/** 食品安全法 §88: within four hours, once. */
function objectionFindings(sheet: Sheet, { filedAt }: Act, { now }: Moment): Finding[] {
  if (filedAt === undefined) return [];
  const dueAt = rapidTestObjection(sheet)?.dueAt ?? '';
  return [
    ...(Date.parse(filedAt) > now.getTime() ? [finding('IN_FUTURE', '/filedAt', 'lies in the future')] : []),
    ...(Date.parse(filedAt) <= Date.parse(dueAt)
      ? []
      : [
          finding(
            'OBJECTION_LATE',
            '/filedAt',
            `is after the four hours were over${dueAt && `, at ${dueAt}`}, or it was objected to before`,
          ),
        ]),
  ];
}

/** What may still be objected to is not told as a result. */
function openFindings(sheet: Sheet, { now }: Moment): Finding[] {
  const dueAt = rapidTestObjection(sheet)?.dueAt ?? '';
  return now.toISOString() <= dueAt ? [finding('OBJECTION_OPEN', '/act', `the party may object until ${dueAt}`)] : [];
}

const rapidTestObjection = ({ clocks }: Sheet): Clock | undefined =>
  clocks.find(({ clock, stoppedOn }) => clock === 'RAPID_TEST_OBJECTION' && stoppedOn === null);

function sealFindings({ sample }: Sheet, { testSeal, backupSeal, sealsIntact }: Act): Finding[] {
  const found = { testSeal, backupSeal };
  return [
    ...(sealsIntact === false ? [finding('SEAL_BROKEN', '/sealsIntact', 'it is not received: REJECT_SAMPLE says so in writing')] : []),
    ...(['testSeal', 'backupSeal'] as const).flatMap((seal) =>
      found[seal] === undefined || found[seal] === sample?.[seal]
        ? []
        : [finding('SEAL_MISMATCH', `/${seal}`, 'is not the seal of the sheet')],
    ),
  ];
}

function hashFindings({ evidence }: Sheet, { sha256 }: Act, type: EvidenceType): Finding[] {
  const isHere = evidence.some((one) => one.type === type && one.sha256 === sha256);
  return sha256 === undefined || isHere ? [] : [finding('EVIDENCE_NOT_HERE', '/sha256', `is no evidence of the sheet of the kind ${type}`)];
}

const laboratoryFindings = ({ laboratory }: SheetReport): Finding[] => (laboratory ? [] : [missing('/report/laboratory')]);

function reportFindings(sheet: Sheet, { verdict, items, issuedOn }: SheetReport, { on }: Act, { now }: Moment): Finding[] {
  const wasTested = verdict !== 'NOT_TESTED';
  const hasFailed = items.some(({ passed }) => !passed);
  return [
    ...(issuedOn > on ? [finding('OUT_OF_ORDER', '/report/issuedOn', 'is after it was reported')] : []),
    ...(wasTested && items.length === 0 ? [finding('NOTHING_TESTED', '/report/items', 'has to say what was tested')] : []),
    ...(verdict === 'QUALIFIED' && hasFailed ? [finding('VERDICT_CONTRADICTS_ITEMS', '/report/verdict', 'an item has failed')] : []),
    ...resultFindings(sheet, now),
  ];
}
