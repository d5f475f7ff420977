// `npm run verify-draw -- FILE [--announcement HASH]`: repeats the draw of a sampling round from its public record
// (GET /api/inspection/sampling-rounds/ID/draw). It needs this file and Node, and shares no code with the service that drew. HASH is the
// announcement's as you noted it when it was published; without it the file is only held against itself, and the last line says so.
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** RFC 8785. What JSON.parse gives has no other values than these. */
function canonical(value) {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${members.join()}}`;
}

const sha256 = (text) => createHash('sha256').update(text).digest('hex');

/** What the record says, line by line, and everything that is wrong with it. Never throws. */
export function verifyDraw(text, publishedHash = null) {
  const lines = [];
  const problems = [];
  try {
    examine(JSON.parse(text), {
      publishedHash,
      say: (line) => void lines.push(line),
      hold: (ok, problem) => void (ok || problems.push(problem)),
    });
  } catch (error) {
    problems.push(`it can not be read as the record of a draw: ${error.message}`);
  }
  return { lines, problems };
}

function examine(record, { publishedHash, say, hold }) {
  const { format, announced, announcementHash, revealed, drawn, replacements, opened, openedAt, ...others } = record;
  hold(Object.keys(others).length === 0, `it holds what no record has: ${Object.keys(others).join()}`);
  hold(format === 'jinqiao-draw-1' && announced.format === format, `its format is ${format}, not jinqiao-draw-1`);
  const hash = sha256(canonical(announced));
  hold(hash === announcementHash, 'pools, quotas or recusals are not those that were announced');
  hold(publishedHash === null || hash === publishedHash, `the announcement is not the one that was published as ${publishedHash}`);
  const { roundNo, organiserId, drawNo, announcedAt, objects, inspectors, laboratories, quotas, exclusions, samplersEach, abandoned } =
    announced;
  say(`round ${roundNo} of ${organiserId}, draw ${drawNo}, announced ${announcedAt} as ${hash}`);
  say(`${objects.length} objects, ${inspectors.length} inspectors, ${laboratories.length} laboratories`);
  hold(new Set(objects.map(({ commitment }) => commitment)).size === objects.length, 'an object is in the pool twice');
  hold(quotas.length > 0, 'nothing was to be drawn of any stratum');
  hold(samplersEach >= 2, `${samplersEach} samplers go to an object: at least two go together`);
  hold(new Set(inspectors.map(({ id }) => id)).size === inspectors.length, 'an inspector is in the pool twice');
  hold(Date.parse(announced.publicValue.at) > Date.parse(announcedAt), 'the public value was known when the draw was announced');
  hold(abandoned.length === drawNo - 1, 'draws were given up that this record does not tell of');
  for (const { drawNo: no, reason, at } of abandoned) say(`draw ${no} was given up ${at}: ${reason}`);
  const left = exclusions.filter(({ exempt }) => !exempt).length;
  if (exclusions.length > 0) say(`${left} objects were left out because their product was sampled before`);
  if (!revealed) {
    hold(false, 'the seed was not revealed, so nothing can be said of what was drawn');
    return;
  }
  hold(sha256(revealed.seed) === announced.seedHash, 'the seed is not the one that was committed to');
  const witnessHash = announced.witness?.seedHash;
  hold(
    witnessHash === undefined ? revealed.witnessSeed === undefined : sha256(revealed.witnessSeed ?? '') === witnessHash,
    'the seed of the witness is not the one that it committed to',
  );
  hold(Date.parse(revealed.at) >= Date.parse(announced.publicValue.at), 'it was drawn before the public value was there');
  say(`the public value was “${revealed.publicValue}”; see for yourself: ${announced.publicValue.source}`);
  const lots = lotsOf(announced, hash, revealed);
  compare(
    drawn ?? [],
    quotas.flatMap(({ stratum, number }) => lots(stratum, 0, number)),
    { quotas, samplersEach, say, hold },
  );
  const taken = checkReplacements(
    { hash, lots, samplersEach, drawn: drawn ?? [], replacements: replacements ?? [], revealed, openedAt },
    { say, hold },
  );
  checkOpenings(opened, taken, { say, hold });
}

/** The lowest lots of a stratum after the first so many, each with those who go there: of those who may, again the lowest lots. */
function lotsOf(announced, announcementHash, { seed, witnessSeed, publicValue }) {
  const key = Buffer.from(
    sha256(canonical({ announcementHash, publicValue, seed, ...(witnessSeed !== undefined && { witnessSeed }) })),
    'hex',
  );
  const lowest = (pool, partsOf, number) =>
    pool
      .map((one) => [createHmac('sha256', key).update(partsOf(one).join('\n')).digest('hex'), one])
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, number)
      .map(([, one]) => one);
  const out = new Set(announced.exclusions.filter(({ exempt }) => !exempt).map(({ commitment }) => commitment));
  return (stratum, after, number) => {
    const pool = announced.objects.filter((object) => object.stratum === stratum && !out.has(object.commitment));
    const lots = lowest(pool, ({ commitment }) => ['object', commitment], after + number).slice(after);
    return lots.map(({ commitment }) => {
      const mayNot = new Set(announced.recusals.filter((one) => one.commitment === commitment).map(({ inspectorId }) => inspectorId));
      const free = announced.inspectors.filter(({ id }) => !mayNot.has(id));
      const samplers = lowest(free, ({ id }) => ['inspector', commitment, id], announced.samplersEach);
      const independent = announced.laboratories.filter((one) => !samplers.some(({ employerId }) => employerId === one.employerId));
      const [laboratory] = lowest(independent, ({ id }) => ['laboratory', commitment, id], 1);
      return { commitment, stratum, inspectorIds: samplers.map(({ id }) => id), laboratoryId: laboratory?.id };
    });
  };
}

/** Why nothing was sampled. Who refuses is dealt with; nobody goes instead. */
const GROUNDS = [
  ...['CHANGED_PRODUCTION', 'CLOSED', 'NOT_OFFERED', 'QUANTITY_SHORT', 'NOT_FOR_SALE', 'EXPORT_ONLY'],
  ...['TRIAL_GOODS', 'SUBSTANDARD_GOODS', 'DISPLAY_SAMPLES'],
];

/** What could not be sampled, one after the other, with the next lot of its stratum. Answers everything that was to be sampled. */
function checkReplacements({ hash, lots, samplersEach, drawn, replacements, revealed, openedAt }, { say, hold }) {
  const taken = [...drawn];
  let [previous, last] = [hash, revealed.at];
  for (const [index, { hash: named, ...entry }] of replacements.entries()) {
    const { replaces, ground, at, commitment, stratum, inspectorIds, laboratoryId, previousHash, ...others } = entry;
    const no = `replacement ${index + 1}`;
    hold(Object.keys(others).length === 0, `${no} holds what no replacement has: ${Object.keys(others).join()}`);
    hold(previousHash === previous, `${no} does not follow the entry before it: one was changed, added or left out`);
    hold(sha256(canonical(entry)) === named, `${no} is not what its hash names`);
    const before = taken.find((one) => one.commitment === replaces);
    hold(before !== undefined, `${no} is for ${replaces}, which was not drawn`);
    hold(!replacements.slice(0, index).some((one) => one.replaces === replaces), `${replaces} was replaced twice`);
    hold(GROUNDS.includes(ground), `${no} is without a reason: ${ground ?? 'nothing'} is none`);
    const of = before?.stratum ?? stratum;
    const [next] = lots(of, taken.filter((one) => one.stratum === of).length, 1);
    if (!next) hold(false, `${no} was drawn of stratum ${of}, in which nothing was left`);
    else {
      checkAssigned(next, samplersEach, hold);
      hold(
        next.commitment === commitment && of === stratum,
        `${no} is out of order: ${next.commitment} of stratum ${of} was next, not ${commitment}`,
      );
      const isAssigned = next.commitment !== commitment || next.inspectorIds.join() === inspectorIds.join();
      hold(isAssigned, `to ${commitment} go ${next.inspectorIds.join(' and ')}, not ${inspectorIds.join(' and ')}`);
      const isTested = next.commitment !== commitment || next.laboratoryId === laboratoryId;
      hold(isTested, `what comes from ${commitment} is tested by ${next.laboratoryId}, not by ${laboratoryId}`);
    }
    hold(Date.parse(at) >= Date.parse(last), `${no} was made before what it follows`);
    hold(openedAt === undefined || Date.parse(at) <= Date.parse(openedAt), `${no} was made after the round was closed`);
    taken.push({ commitment, stratum });
    say(`${commitment} takes the place of ${replaces}: ${ground}, ${at}`);
    [previous, last] = [named, at];
  }
  if (replacements.length > 0) say(`${replacements.length} replacements, the last one named ${previous}`);
  return taken;
}

function compare(drawn, again, { quotas, samplersEach, say, hold }) {
  const byCommitment = (list) => new Map(list.map((one) => [one.commitment, one]));
  const [said, right] = [byCommitment(drawn), byCommitment(again)];
  for (const { commitment, stratum } of drawn)
    hold(right.has(commitment), `${commitment} was not drawn in stratum ${stratum}, and stands there`);
  for (const [commitment, { stratum, inspectorIds, laboratoryId }] of right) {
    const one = said.get(commitment);
    if (!one) {
      hold(false, `${commitment} was drawn in stratum ${stratum}, and is missing`);
      continue;
    }
    hold(
      one.inspectorIds.join() === inspectorIds.join(),
      `to ${commitment} go ${inspectorIds.join(' and ')}, not ${one.inspectorIds.join(' and ')}`,
    );
    hold(one.stratum === stratum, `${commitment} belongs to stratum ${stratum}, not to ${one.stratum}`);
    hold(
      (one.laboratoryId || undefined) === laboratoryId,
      `what comes from ${commitment} is tested by ${laboratoryId}, not by ${one.laboratoryId}`,
    );
  }
  hold(drawn.length === said.size, 'an object was drawn twice');
  for (const one of again) checkAssigned(one, samplersEach, hold);
  for (const { stratum, number } of quotas) {
    const there = again.filter((one) => one.stratum === stratum).length;
    say(`stratum ${stratum}: ${there} of ${number} drawn`);
    hold(there > 0, `stratum ${stratum} is empty: nothing could be drawn of it`);
    hold(there === 0 || there === number, `stratum ${stratum} is too small: ${there} of ${number} could be drawn`);
  }
}

/** Who goes is enough of them, and somebody else tests. */
function checkAssigned({ commitment, inspectorIds, laboratoryId }, samplersEach, hold) {
  hold(inspectorIds.length >= samplersEach, `to ${commitment} go ${inspectorIds.length} samplers, where ${samplersEach} go together`);
  hold(laboratoryId !== undefined, `no laboratory is left that may test what comes from ${commitment}`);
}

function checkOpenings(opened, drawn, { say, hold }) {
  if (!opened) return say('what was drawn has not been opened yet');
  const there = new Set(opened.map(({ commitment }) => commitment));
  for (const { commitment } of drawn) hold(there.has(commitment), `${commitment} was drawn and is not opened`);
  for (const { commitment, objectId, salt } of opened) {
    hold(sha256(`${objectId}\n${salt}`) === commitment, `${commitment} does not stand for ${objectId}`);
    say(`drawn: ${objectId}`);
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [file, ...options] = process.argv.slice(2);
  const publishedHash = options[0] === '--announcement' ? (options[1] ?? '') : null;
  if (!file || (options.length > 0 && publishedHash === null)) {
    console.error('npm run verify-draw -- FILE [--announcement HASH]');
    process.exit(2);
  }
  const { lines, problems } = verifyDraw(readFileSync(file, 'utf8'), publishedHash);
  for (const line of lines) console.log(line);
  for (const problem of problems) console.log(`WRONG: ${problem}`);
  const against = publishedHash === null ? ' Its announcement was only held against the file itself.' : '';
  console.log(problems.length === 0 ? `The draw is repeated.${against}` : `The draw does not hold: ${problems.length} faults.`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
