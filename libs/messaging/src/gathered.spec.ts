import { Gathered } from './gathered.js';

const tick = (): Promise<void> => new Promise((done) => setImmediate(done));

describe('gathered writes', () => {
  it('take what arrives while one is under way together, and answer each item in its place', async () => {
    const writes: number[][] = [];
    const gathered = new Gathered<number, number>(async (items) => {
      writes.push([...items]);
      await tick();
      return items.map((item) => item * 10);
    }, 2);
    expect(await Promise.all([1, 2, 3, 4].map((item) => gathered.add(item)))).toEqual([10, 20, 30, 40]);
    expect(writes).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it('are no larger than they may be, unless one item alone is', async () => {
    const writes: number[][] = [];
    const gathered = new Gathered<number, number>(
      (items) => {
        writes.push([...items]);
        return Promise.resolve(items);
      },
      10,
      (item) => item,
    );
    await Promise.all([4, 6, 1, 12, 3, 7].map((item) => gathered.add(item)));
    expect(writes).toEqual([[4, 6], [1], [12], [3, 7]]);
  });

  it('go beside each other where enough waits, two of them, and only there', async () => {
    const under: number[][] = [];
    const ends: (() => void)[] = [];
    const gathered = new Gathered<number, number>(
      async (items) => {
        under.push([...items]);
        await new Promise<void>((end) => ends.push(end));
        return items;
      },
      10,
      (item) => item,
      10,
    );
    const answers = [gathered.add(3), tick().then(() => gathered.add(4))];
    await tick();
    await tick();
    expect(under).toEqual([[3]]);
    answers.push(gathered.add(6), gathered.add(10), gathered.add(1));
    await tick();
    expect(under).toEqual([[3], [4, 6]]);
    ends.shift()?.();
    await tick();
    expect(under).toEqual([[3], [4, 6], [10]]);
    ends.shift()?.();
    await tick();
    // One waits for the other to end, since more may come to go with it.
    expect(under).toHaveLength(3);
    ends.shift()?.();
    await tick();
    expect(under).toEqual([[3], [4, 6], [10], [1]]);
    ends.shift()?.();
    expect(await Promise.all(answers)).toEqual([3, 4, 6, 10, 1]);
  });

  it('let an item that cannot be written fail alone', async () => {
    const gathered = new Gathered<number, number>(async (items) => {
      await tick();
      if (items.includes(3)) throw new Error('not 3');
      return items;
    }, 10);
    const settled = await Promise.allSettled([1, 2, 3, 4].map((item) => gathered.add(item)));
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  });

  it('do not repeat a write whose outcome is unknown', async () => {
    let writes = 0;
    const gathered = new Gathered<number, number>(async () => {
      writes += 1;
      await tick();
      throw Object.assign(new Error('connection lost'), { code: 'ECONNRESET' });
    }, 10);
    const settled = await Promise.allSettled([1, 2, 3].map((item) => gathered.add(item)));
    expect(settled.every(({ status }) => status === 'rejected')).toBe(true);
    expect(writes).toBe(1);
  });
});
