// `npm run verify-evidence -- FILE [--key KID]`: checks evidence of a feedback. It needs this file and Node, and shares no code with the
// exchange that made the evidence. KID is the exchange's key as you know it from elsewhere (GET /api/exchange/ledger/keys); without it the
// key is taken from the file, and the last line says which one it was.
//
// `npm run verify-evidence -- --heads FILE [--kept HEADS] [--key KID]`: checks that between two heads of the ledger nothing was taken out,
// changed or put in. FILE is what GET /api/exchange/ledger/consistency answers; HEADS a head as you kept it, or a list of them, also as
// GET /api/exchange/ledger/heads answers it. Without HEADS it is the exchange alone that says which heads it had signed.
import { createHash, createPublicKey, verify as isSigned } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

/** RFC 8785. What JSON.parse gives has no other values than these. */
function canonical(value) {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${members.join()}}`;
}

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const hashOf = (value) => sha256(canonical(value)).toString('hex');
const without = (object, name) => Object.fromEntries(Object.entries(object).filter(([member]) => member !== name));

/** RFC 7638: the hash of a key's required members names it. */
const thumbprint = ({ crv, kty, x, y }) => sha256(canonical({ crv, kty, x, ...(y !== undefined && { y }) })).toString('base64url');

/** A detached JWS (RFC 7515 appendix F) over the RFC 8785 form of an object; answers with the name of the key, or null. */
function signerOf(object, jws, keys) {
  const [header = '', between, signature = '', ...more] = String(jws).split('.');
  const bytes = Buffer.from(signature, 'base64url');
  // The last character of base64url has bits that mean nothing: only one way to write a signature is accepted.
  if (between !== '' || more.length > 0 || bytes.toString('base64url') !== signature) return null;
  const { alg, crit } = JSON.parse(Buffer.from(header, 'base64url').toString());
  if (crit !== undefined) return null;
  const input = Buffer.from(`${header}.${Buffer.from(canonical(object)).toString('base64url')}`);
  // A header need not name its key, or not as we name it: whose key made the signature is what counts.
  const signer = keys.find((key) => isMadeBy(key, alg, input, bytes));
  return signer ? thumbprint(signer) : null;
}

function isMadeBy(key, alg, input, bytes) {
  const publicKey = createPublicKey({ key, format: 'jwk' });
  if (alg === 'EdDSA' && key.crv === 'Ed25519') return isSigned(null, input, publicKey, bytes);
  return alg === 'ES256' && key.crv === 'P-256' && isSigned('sha256', input, { key: publicKey, dsaEncoding: 'ieee-p1363' }, bytes);
}

/** RFC 9162 §2.1.3.2: the root that a leaf and its path lead to in a tree of this size. */
function rootBy(leaf, size, entry, path) {
  let hash = sha256(Buffer.of(0), canonical(entry));
  let [at, last] = [leaf, size - 1];
  for (const hex of path) {
    if (last === 0) return null;
    const beside = Buffer.from(hex, 'hex');
    if (at % 2 === 1 || at === last) {
      hash = sha256(Buffer.of(1), beside, hash);
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else {
      hash = sha256(Buffer.of(1), hash, beside);
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 ? hash.toString('hex') : null;
}

/** RFC 9162 §2.1.4.2: are the first entries of the larger tree those of the smaller one? */
function isContinued(first, second, path) {
  if (first.size >= second.size) return first.size === second.size && first.rootHash === second.rootHash && path.length === 0;
  if (first.size === 0) return first.rootHash === sha256().toString('hex') && path.length === 0;
  let [at, last] = [first.size - 1, second.size - 1];
  while (at % 2 === 1) [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  // A complete tree is a node of the larger one: its root is where the path begins.
  const [start, ...rest] = at === 0 ? [first.rootHash, ...path] : path;
  if (start === undefined) return false;
  let smaller = Buffer.from(start, 'hex');
  let larger = smaller;
  for (const hex of rest) {
    if (last === 0) return false;
    const beside = Buffer.from(hex, 'hex');
    if (at % 2 === 1 || at === last) {
      [smaller, larger] = [sha256(Buffer.of(1), beside, smaller), sha256(Buffer.of(1), beside, larger)];
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else {
      larger = sha256(Buffer.of(1), larger, beside);
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 && smaller.toString('hex') === first.rootHash && larger.toString('hex') === second.rootHash;
}

/** What the evidence says, line by line, and everything that is wrong with it. Never throws. */
export function verifyEvidence(text, trustedKey = null) {
  return examined('evidence', (say, hold) => examine(JSON.parse(text), text, trustedKey, say, hold));
}

/** The same of two heads and what leads from the one to the other. `kept`: heads as they were kept, null = none were. Never throws. */
export function verifyHeads(text, { kept = null, trustedKey = null } = {}) {
  return examined('two heads of a ledger', (say, hold) =>
    examineHeads(JSON.parse(text), kept === null ? null : headsIn(JSON.parse(kept)), trustedKey, say, hold),
  );
}

function examined(what, examination) {
  const lines = [];
  const problems = [];
  try {
    examination(
      (line) => void lines.push(line),
      (isRight, problem) => void (isRight || problems.push(problem)),
    );
  } catch (error) {
    problems.push(`it can not be read as ${what}: ${error.message}`);
  }
  return { lines, problems };
}

const headsIn = (kept) => (Array.isArray(kept) ? kept : Array.isArray(kept.items) ? kept.items : [kept]);

function examineHeads({ format, first, second, path, keys }, kept, trustedKey, say, hold) {
  hold(format === 'jinqiao-consistency-1', `its format is ${format}, not jinqiao-consistency-1`);
  const signers = [first, second].map((head) => {
    const by = signerOf(without(head, 'signature'), head.signature, keys);
    hold(
      by !== null && (trustedKey === null || by === trustedKey),
      `the head of ${head.date}, ${head.size} entries, is not signed by the exchange`,
    );
    const own = kept?.filter(({ date, revision }) => date === head.date && revision === head.revision) ?? [];
    hold(
      own.every((one) => canonical(one) === canonical(head)),
      `the head of ${head.date} is another one than the one you kept`,
    );
    say(`head of ${head.date}, number ${head.revision}: ${head.size} entries${own.length > 0 ? ', as you kept it' : ''}`);
    return { by, isKept: own.length > 0 };
  });
  hold(kept === null || signers[0].isKept, `the head of ${first.date} is none that you kept: it shows nothing`);
  hold(first.size <= second.size, `the ledger has become shorter: ${first.size} entries, then ${second.size}`);
  hold(isContinued(first, second, path), `what the head of ${first.date} covers is not there any more as it was`);
  say(`signed by key ${[...new Set(signers.map(({ by }) => by))].join(' and ')}`);
}

function examine(evidence, text, trustedKey, say, hold) {
  hold(evidence.format === 'jinqiao-evidence-1', `its format is ${evidence.format}, not jinqiao-evidence-1`);
  hold(canonical(evidence) === text, 'it is not written as it was signed (RFC 8785)');
  const { feedbackId, recipientId, told, answers, entries, heads, keys, recipientKeys } = evidence;
  const signer = signerOf(without(evidence, 'signature'), evidence.signature, keys);
  hold(signer !== null, 'the signature of the evidence is wrong');
  hold(trustedKey === null || signer === trustedKey, `it is signed by ${signer}, not by ${trustedKey}`);
  say(`feedback ${feedbackId} to ${recipientId} about ${evidence.subject}, evidence of ${evidence.madeAt}`);

  for (const head of heads) {
    const by = signerOf(without(head, 'signature'), head.signature, keys);
    hold(
      by !== null && (trustedKey === null || by === trustedKey),
      `the head of ${head.date}, ${head.size} entries, is not signed by the exchange`,
    );
  }
  for (const { seq, entry, head: nth, path } of entries) {
    const head = heads[nth];
    hold(
      head !== undefined && rootBy(seq, head.size, entry, path) === head.rootHash,
      `entry ${seq} is not in the ledger that the head vouches for`,
    );
    hold(entry.feedbackId === feedbackId && entry.recipientId === recipientId, `entry ${seq} is about something else`);
  }
  const ofKind = (kind) => entries.map(({ entry }) => entry).filter((entry) => entry.kind === kind);
  hold(new Set(entries.map(({ seq }) => seq)).size === entries.length, 'an entry stands there twice');

  const toldEntries = ofKind('TOLD');
  hold(told.length > 0 && told.every(({ revision }, nth) => revision === nth + 1), 'a revision of the feedback is missing');
  hold(toldEntries.length === told.length, 'the ledger and the revisions differ in number');
  for (const said of told) {
    const hash = hashOf(without(said, 'contentHash'));
    hold(hash === said.contentHash, `revision ${said.revision} has another content than its hash says`);
    hold(said.feedbackId === feedbackId && said.recipientId === recipientId, `revision ${said.revision} is about something else`);
    const entry = toldEntries.find(({ feedbackRevision }) => feedbackRevision === said.revision);
    hold(entry?.contentHash === said.contentHash, `the ledger does not say that revision ${said.revision} was told so`);
    say(`told: revision ${said.revision} at ${said.issuedAt}${said.reason === undefined ? '' : `, withdrawn: ${said.reason}`}`);
    const before = told.find(({ revision }) => revision === said.revision - 1)?.ruling;
    if (said.ruling && canonical(said.ruling) !== canonical(before ?? null)) {
      const { feedbackRevision, outcome, reason, by, ruledAt } = said.ruling;
      say(`ruled: ${outcome} by ${by} at ${ruledAt} on what was contested of revision ${feedbackRevision}: ${reason}`);
    }
  }
  for (const { feedbackRevision, topic, partition, offset, at } of ofKind('PUBLISHED')) {
    say(`at the broker: revision ${feedbackRevision} since ${at} as ${topic}/${partition}@${offset}`);
  }
  for (const { feedbackRevision, attempt, outcome, status, at } of ofKind('ATTEMPTED')) {
    say(`webhook: revision ${feedbackRevision}, attempt ${attempt} at ${at}: ${outcome}${status === undefined ? '' : ` (${status})`}`);
  }
  for (const { feedbackRevision, at } of ofKind('ACKNOWLEDGED')) say(`acknowledged: revision ${feedbackRevision} at ${at}`);
  const answeredEntries = ofKind('ANSWERED');
  hold(answeredEntries.length === answers.length, 'the ledger and the answers differ in number');
  for (const answer of answers) {
    const name = `answer ${answer.revision} to revision ${answer.feedbackRevision}`;
    const entry = answeredEntries.find((one) => one.revision === answer.revision && one.feedbackRevision === answer.feedbackRevision);
    const content = without(answer, 'signature');
    hold(entry?.contentHash === hashOf(content), `${name} is not the one that the ledger has`);
    hold(
      told.some(({ revision, contentHash }) => revision === answer.feedbackRevision && contentHash === answer.feedbackHash),
      `${name} answers something else`,
    );
    const by = answer.signature === undefined ? undefined : signerOf(content, answer.signature, recipientKeys);
    hold(by === entry?.signedBy, `${name} is not signed as the ledger says`);
    say(`answered: ${answer.status} to revision ${answer.feedbackRevision}, ${by ? `signed by ${by}` : 'not signed'}`);
  }
  say(`vouched for by the heads of ${heads.map(({ date, size }) => `${date} (${size} entries)`).join(', ')}, signed by key ${signer}`);
}

/** What to examine and what it is called; null for arguments that say nothing. */
function asked(args) {
  const options = { key: { type: 'string' }, heads: { type: 'string' }, kept: { type: 'string' } };
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const { key: trustedKey = null, heads, kept } = values;
    const read = (file) => readFileSync(file, 'utf8');
    if (heads !== undefined && positionals.length === 0) {
      const { lines, problems } = verifyHeads(read(heads), { trustedKey, kept: kept === undefined ? null : read(kept) });
      return { lines, problems, right: 'The ledger was only added to between the heads.', wrong: 'The heads do not fit' };
    }
    if (heads !== undefined || kept !== undefined || positionals.length !== 1) return null;
    return { ...verifyEvidence(read(positionals[0]), trustedKey), right: 'The evidence is whole.', wrong: 'The evidence does not hold' };
  } catch (error) {
    console.error(error.message);
    return null;
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const answer = asked(process.argv.slice(2));
  if (answer === null) {
    console.error('npm run verify-evidence -- FILE [--key KID]');
    console.error('npm run verify-evidence -- --heads FILE [--kept HEADS] [--key KID]');
    process.exit(2);
  }
  const { lines, problems, right, wrong } = answer;
  for (const line of lines) console.log(line);
  for (const problem of problems) console.log(`WRONG: ${problem}`);
  console.log(problems.length === 0 ? right : `${wrong}: ${problems.length} faults.`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
