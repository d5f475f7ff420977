// `npm run verify-evidence -- FILE [--key KID]`: checks evidence of a feedback. It needs this file and Node, and shares no code with the
// exchange that made the evidence. KID is the exchange's key as you know it from elsewhere (GET /api/exchange/ledger/keys); without it the
// key is taken from the file, and the last line says which one it was.
import { createHash, createPublicKey, verify as isSigned } from 'node:crypto';
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
  const { alg, kid, crit } = JSON.parse(Buffer.from(header, 'base64url').toString());
  const key = keys.find((one) => thumbprint(one) === kid);
  if (!key || crit !== undefined) return null;
  const input = Buffer.from(`${header}.${Buffer.from(canonical(object)).toString('base64url')}`);
  const publicKey = createPublicKey({ key, format: 'jwk' });
  if (alg === 'EdDSA' && key.crv === 'Ed25519') return isSigned(null, input, publicKey, bytes) ? kid : null;
  if (alg === 'ES256' && key.crv === 'P-256')
    return isSigned('sha256', input, { key: publicKey, dsaEncoding: 'ieee-p1363' }, bytes) ? kid : null;
  return null;
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

/** What the evidence says, line by line, and everything that is wrong with it. Never throws. */
export function verifyEvidence(text, trustedKey = null) {
  const lines = [];
  const problems = [];
  const say = (line) => void lines.push(line);
  const hold = (isRight, problem) => void (isRight || problems.push(problem));
  try {
    examine(JSON.parse(text), text, trustedKey, say, hold);
  } catch (error) {
    problems.push(`it can not be read as evidence: ${error.message}`);
  }
  return { lines, problems };
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

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [file, ...options] = process.argv.slice(2);
  const trustedKey = options[0] === '--key' ? (options[1] ?? '') : null;
  if (!file || (options.length > 0 && trustedKey === null)) {
    console.error('npm run verify-evidence -- FILE [--key KID]');
    process.exit(2);
  }
  const { lines, problems } = verifyEvidence(readFileSync(file, 'utf8'), trustedKey);
  for (const line of lines) console.log(line);
  for (const problem of problems) console.log(`WRONG: ${problem}`);
  console.log(problems.length === 0 ? 'The evidence is whole.' : `The evidence does not hold: ${problems.length} faults.`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
