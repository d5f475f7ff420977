import type { SamplingResultReported, SheetPurchase, SheetReport } from '@jinqiao/contracts';
import type { Finding } from '@jinqiao/schema';
import { readReport } from '../sampling-result/sampling-result.js';
import type { Sheet } from './sampling-sheet.js';

type OfSheet = Pick<Sheet, 'sampleNo' | 'regime' | 'roundNo' | 'coverage' | 'sample' | 'purchase' | 'report' | 'clocks'>;

/**
 * What the organiser confirms, as it would be reported: with the findings of a test, or without a test where the laboratory rejected the
 * sample. It is provisional, because whoever is told of it may object; a re-inspection is final (食品安全法 §88).
 */
export function resultOf(
  { sampleNo, regime, roundNo, coverage, sample, purchase, report, clocks }: OfSheet,
  revision: number,
): SamplingResultReported {
  if (!sample) throw new Error('A result is of something that was sampled');
  const { product, sampledParty, nominalProducer, takenOn, testSeal } = sample;
  const wasContested = clocks.some(({ clock, stoppedOn }) => clock === 'RAPID_TEST_OBJECTION' && stoppedOn !== null);
  return {
    sampleNo,
    revision,
    ...(revision > 1 && { revisionReason: 'CORRECTED' as const }),
    regime,
    finality: wasContested && testSeal !== undefined && report ? 'FINAL' : 'PROVISIONAL',
    product,
    ...(report ? foundBy(report) : { verdict: 'NOT_TESTED' as const, notTestedReason: 'LAB_REJECTED' as const }),
    ...(sampledParty && { sampledParty }),
    ...(nominalProducer && { nominalProducer }),
    ...(purchase && { online: onlineOf(purchase) }),
    sampledOn: takenOn,
    round: { no: roundNo, coverage },
  };
}

function foundBy({ verdict, notTestedReason, items, laboratory }: SheetReport) {
  const failingItems = items.filter(({ passed }) => !passed).map(({ passed: _passed, ...item }) => item);
  return {
    verdict,
    ...(notTestedReason && { notTestedReason }),
    ...(failingItems.length > 0 && { failingItems }),
    ...(laboratory && { laboratory }),
  };
}

/** Without the accounts and the days of the order. */
function onlineOf({ platformId, platformName, shopId, shopName, listings, orderNo }: SheetPurchase) {
  return {
    ...(platformId !== undefined && { platformId }),
    ...(platformName !== undefined && { platformName }),
    ...(shopId !== undefined && { shopId }),
    ...(shopName !== undefined && { shopName }),
    ...(listings && { listings }),
    ...(orderNo !== undefined && { orderNo }),
  };
}

const NOT_YET: SheetReport = { reportNo: '', issuedOn: '', verdict: 'NOT_TESTED', notTestedReason: 'OTHER', items: [] };

/** What would be wrong with the result, found while it can still be put right: a sealed sample is not sampled again. */
export function resultFindings(sheet: OfSheet, now: Date): Finding[] {
  const reading = readReport(resultOf({ ...sheet, report: sheet.report ?? NOT_YET }, 1), now);
  return reading.ok ? [] : reading.findings.map((finding) => ({ ...finding, pointer: placeOf(finding.pointer) }));
}

/** Where on the sheet a field of the result comes from. */
function placeOf(pointer: string): string {
  if (/^\/(product|sampledParty|nominalProducer)/.test(pointer)) return `/sample${pointer}`;
  if (/^\/(laboratory|verdict|notTestedReason)/.test(pointer)) return `/report${pointer}`;
  return pointer.replace(/^\/online/, '/purchase').replace(/^\/failingItems.*/, '/report/items');
}
