import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { besidesOf, betweenOf, coverOf, grow, hashOver, leafHash, type NodePlace, rootBy, type TreeNode } from './merkle.js';

// The definition of RFC 9162 §2.1.1 word for word, to hold the kept nodes against.
const sha256 = (...parts: (Buffer | string)[]): Buffer => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
function plainRoot(entries: readonly string[]): Buffer {
  const [only] = entries;
  if (only === undefined) return sha256('');
  if (entries.length === 1) return sha256(Buffer.of(0), only);
  let half = 1;
  while (half * 2 < entries.length) half *= 2;
  return sha256(Buffer.of(1), plainRoot(entries.slice(0, half)), plainRoot(entries.slice(half)));
}

/** PROOF and SUBPROOF of RFC 9162 §2.1.4.1 word for word. */
function plainProof(first: number, entries: readonly string[], isWhole = true): Buffer[] {
  if (first === entries.length) return isWhole ? [] : [plainRoot(entries)];
  let half = 1;
  while (half * 2 < entries.length) half *= 2;
  const [left, right] = [entries.slice(0, half), entries.slice(half)];
  if (first <= half) return [...plainProof(first, left, isWhole), plainRoot(right)];
  return [...plainProof(first - half, right, false), plainRoot(left)];
}

/** A tree as the service keeps it: only its complete subtrees, added in portions. */
class Kept {
  private readonly nodes = new Map<string, Buffer>();
  size = 0;

  add(entries: readonly string[]): void {
    for (const node of grow(this.size, this.cover([0, this.size]), entries.map(leafHash))) this.keep(node);
    this.size += entries.length;
  }
  rootAt = (size: number): Buffer => hashOver(this.cover([0, size]));
  between = (first: number, size: number): Buffer[] => betweenOf(first, size).map((range) => hashOver(this.cover(range)));
  pathOf = (leaf: number, size: number): Buffer[] => besidesOf(leaf, size).map((range) => hashOver(this.cover(range)));

  private cover = (range: readonly [number, number]): Buffer[] => coverOf(range).map((place) => this.at(place));
  private keep({ hash, ...place }: TreeNode): void {
    expect(this.nodes.has(key(place))).toBe(false);
    this.nodes.set(key(place), hash);
  }
  private at(place: NodePlace): Buffer {
    const hash = this.nodes.get(key(place));
    if (!hash) throw new Error(`no node ${key(place)}`);
    return hash;
  }
}
const key = ({ level, index }: NodePlace): string => `${level}/${index}`;

const portions = fc.array(fc.array(fc.string({ maxLength: 6 }), { maxLength: 12 }), { maxLength: 8 });

describe('the tree', () => {
  it('has the root of RFC 9162 at every size it ever had, however it grew', () => {
    fc.assert(
      fc.property(portions, (given) => {
        const tree = new Kept();
        for (const portion of given) tree.add(portion);
        const entries = given.flat();
        for (let size = 0; size <= entries.length; size += 1) expect(tree.rootAt(size)).toEqual(plainRoot(entries.slice(0, size)));
      }),
    );
  });

  it('leads from every leaf to the root of every size that has it, and from no other leaf', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ maxLength: 6 }), { minLength: 1, maxLength: 40 }),
        fc.nat(),
        fc.nat(),
        (entries, one, other) => {
          const tree = new Kept();
          tree.add(entries);
          const size = 1 + (one % entries.length);
          const leaf = other % size;
          const path = tree.pathOf(leaf, size);
          expect(rootBy(leafHash(entries[leaf] ?? ''), leaf, size, path)).toEqual(tree.rootAt(size));
          expect(rootBy(leafHash(`${entries[leaf] ?? ''}.`), leaf, size, path)).not.toEqual(tree.rootAt(size));
          if (size > 1) {
            const elsewhere = (leaf + 1) % size;
            expect(rootBy(leafHash(entries[leaf] ?? ''), elsewhere, size, path)).not.toEqual(tree.rootAt(size));
            expect(rootBy(leafHash(entries[leaf] ?? ''), leaf, size, path.slice(1))).toBeNull();
          }
        },
      ),
    );
  });

  it('leads from every size it ever had to every later one by the proof of RFC 9162', () => {
    const entries = Array.from({ length: 40 }, (_, n) => String(n));
    const tree = new Kept();
    tree.add(entries);
    for (let size = 1; size <= entries.length; size += 1) {
      for (let first = 1; first <= size; first += 1) {
        expect(tree.between(first, size)).toEqual(plainProof(first, entries.slice(0, size)));
      }
    }
  });

  it('gives the published values of certificate transparency’s reference tree', () => {
    // Inputs and roots: google/certificate-transparency, cpp/merkletree/merkle_tree_test.cc.
    const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
    const tree = new Kept();
    const leaves = inputs.map((hex) => Buffer.from(hex, 'hex').toString('latin1'));
    tree.add(leaves);
    expect(tree.rootAt(0).toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(tree.rootAt(1).toString('hex')).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
    expect(tree.rootAt(8).toString('hex')).toBe('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328');
    expect(tree.between(6, 8).map((hash) => hash.toString('hex'))).toEqual([
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ]);
  });
});
