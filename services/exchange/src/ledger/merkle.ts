/**
 * The Merkle tree of RFC 9162 §2.1 (SHA-256). It grows at its end only, so every subtree whose leaves are all there never changes again:
 * such nodes are kept, and the root of any earlier size, or the path of a leaf in it, follows from a few dozen of them.
 */
import { createHash } from 'node:crypto';

/** A complete subtree over the leaves index·2^level to (index + 1)·2^level - 1. */
export interface NodePlace {
  readonly level: number;
  readonly index: number;
}
export interface TreeNode extends NodePlace {
  readonly hash: Buffer;
}
/** Leaves from the first number up to, not including, the second. */
export type Range = readonly [from: number, to: number];

const sha256 = (prefix: number, ...parts: (Buffer | string)[]): Buffer => {
  const hash = createHash('sha256').update(Buffer.of(prefix));
  for (const part of parts) hash.update(part);
  return hash.digest();
};

// Different first bytes, so that no leaf can be passed off as an inner node.
export const leafHash = (entry: string): Buffer => sha256(0, entry);
const innerHash = (left: Buffer, right: Buffer): Buffer => sha256(1, left, right);

/** The complete subtrees that make up a range which begins where a subtree of its size may begin, left to right. */
export function coverOf([from, to]: Range): NodePlace[] {
  const places: NodePlace[] = [];
  for (let at = from; at < to;) {
    const level = Math.floor(Math.log2(to - at));
    const width = 2 ** level;
    places.push({ level, index: at / width });
    at += width;
  }
  return places;
}

/** The hash over a range, given its cover's hashes; of nothing at all it is that of the empty string. */
export function hashOver(cover: readonly Buffer[]): Buffer {
  const last = cover.at(-1) ?? createHash('sha256').digest();
  return cover.slice(0, -1).reduceRight((right, left) => innerHash(left, right), last);
}

/** Every complete subtree that comes into being when leaves are added to a tree of this size, given the hashes of its cover. */
export function grow(size: number, cover: readonly Buffer[], leaves: readonly Buffer[]): TreeNode[] {
  const made: TreeNode[] = [];
  const edge: TreeNode[] = coverOf([0, size]).map((place, nth) => ({ ...place, hash: cover[nth] ?? Buffer.alloc(0) }));
  for (const [nth, hash] of leaves.entries()) {
    let node: TreeNode = { level: 0, index: size + nth, hash };
    made.push(node);
    for (let left = edge.at(-1); left?.level === node.level; left = edge.at(-1)) {
      edge.pop();
      node = { level: node.level + 1, index: left.index / 2, hash: innerHash(left.hash, node.hash) };
      made.push(node);
    }
    edge.push(node);
  }
  return made;
}

/** What stands beside the way from a leaf up to the root of a tree of this size (RFC 9162 §2.1.3.1), lowest first. */
export function besidesOf(leaf: number, size: number): Range[] {
  const path: Range[] = [];
  for (let [from, to] = [0, size]; to - from > 1;) {
    const middle = from + 2 ** Math.ceil(Math.log2(to - from) - 1);
    path.unshift(leaf < middle ? [middle, to] : [from, middle]);
    [from, to] = leaf < middle ? [from, middle] : [middle, to];
  }
  return path;
}

/** The root that a leaf and its path lead to (RFC 9162 §2.1.3.2); null for a path that is none of this tree. */
export function rootBy(hash: Buffer, leaf: number, size: number, path: readonly Buffer[]): Buffer | null {
  const besides = besidesOf(leaf, size);
  if (leaf < 0 || leaf >= size || besides.length !== path.length) return null;
  return path.reduce((below, beside, nth) => ((besides[nth]?.[0] ?? 0) > leaf ? innerHash(below, beside) : innerHash(beside, below)), hash);
}

/**
 * What leads from the root of the first so many leaves to that of all of them (RFC 9162 §2.1.4.1), in the order in which it is used.
 * `first` is 1 to `size`.
 */
export function betweenOf(first: number, size: number): Range[] {
  const path: Range[] = [];
  let [from, to] = [0, size];
  while (to > first) {
    const middle = from + 2 ** Math.ceil(Math.log2(to - from) - 1);
    path.unshift(first <= middle ? [middle, to] : [from, middle]);
    [from, to] = first <= middle ? [from, middle] : [middle, to];
  }
  // The whole first tree is known already: it is the root that is held against.
  return from === 0 ? path : [[from, to], ...path];
}
