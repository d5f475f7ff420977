import { isTransient } from '@jinqiao/messaging';
import { type Place, realServers } from '@jinqiao/testing';
import type { DataSource } from 'typeorm';
import { ServiceConfig } from './config.js';
import { connectDatabase } from './database.js';

describe('a connection that keeps its statements', () => {
  let db: DataSource;
  let place: Place;

  beforeAll(async () => {
    place = await (await realServers()).place('credit');
    const config = Object.assign(new ServiceConfig(), { DATABASE_URL: place.env['DATABASE_URL'], DATABASE_POOL: 1 });
    db = await connectDatabase('credit', config, []);
  });
  afterAll(() => db.destroy());

  const kept = async (): Promise<string[]> => {
    const rows: { statement: string }[] = await db.query('SELECT statement FROM pg_prepared_statements ORDER BY prepare_time, name');
    return rows.map(({ statement }) => statement);
  };
  const ask = async (text: string, times: number): Promise<unknown[]> => {
    const answers: unknown[] = [];
    for (let nth = 0; nth < times; nth += 1) answers.push(await db.query(text, [nth]));
    return answers;
  };

  it('names what is asked a sixth time with parameters, and answers as before', async () => {
    expect(await ask('SELECT $1::integer AS five', 5)).toEqual([0, 1, 2, 3, 4].map((five) => [{ five }]));
    expect(await kept()).toEqual([]);
    expect(await ask('SELECT $1::integer AS seven', 7)).toEqual([0, 1, 2, 3, 4, 5, 6].map((seven) => [{ seven }]));
    expect(await kept()).toEqual(['SELECT $1::integer AS seven']);
  });

  const plansOf = (text: string): Promise<unknown[]> =>
    db.query('SELECT custom_plans AS custom, generic_plans AS generic FROM pg_prepared_statements WHERE statement = $1', [text]);
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  it('has one plan for all after five, and for a second', async () => {
    const text = 'SELECT $1::integer AS planned';
    await ask(text, 5 + 12);
    expect(await plansOf(text)).toEqual([{ custom: '5', generic: '7' }]);
    await pause(1_000);
    // The last of its name, which is gone with the next question.
    await ask(text, 1);
    expect(await plansOf(text)).toEqual([]);
    await ask(text, 3);
    expect(await plansOf(text)).toEqual([{ custom: '3', generic: '0' }]);
  });

  it('plans what is asked seldom for its own values', async () => {
    const text = 'SELECT $1::integer AS seldom';
    await ask(text, 5);
    for (let nth = 0; nth < 8; nth += 1) {
      await ask(text, 1);
      const [plans] = (await plansOf(text)) as { generic: string }[];
      expect(plans?.generic ?? '0').toBe('0');
      await pause(260);
    }
  });

  it('answers on after a question that failed', async () => {
    const text = 'SELECT 10 / $1::integer AS share';
    for (let nth = 0; nth < 40; nth += 1) {
      if (nth % 3 === 0) await expect(db.query(text, [0])).rejects.toThrow('division by zero');
      else expect(await db.query(text, [5])).toEqual([{ share: 2 }]);
    }
  });

  it('leaves foreign keys their plans', async () => {
    expect(await db.query('SHOW plan_cache_mode')).toEqual([{ plan_cache_mode: 'auto' }]);
  });

  it('asks anew after a migration has changed what is answered', async () => {
    await place.sql('CREATE TABLE changing AS SELECT 1 AS id');
    await place.sql('GRANT SELECT ON changing TO credit');
    const text = 'SELECT * FROM changing WHERE id >= $1';
    await ask(text, 7);
    await place.sql("ALTER TABLE changing ADD COLUMN name text DEFAULT 'new'");
    const problem: unknown = await db.query(text, [1]).catch((error: unknown) => error);
    expect(isTransient(problem)).toBe(true);
    expect(await db.query(text, [1])).toEqual([{ id: 1, name: 'new' }]);
  });

  it('asks anew where the server does not know what was kept', async () => {
    const text = 'SELECT $1::integer AS elsewhere';
    await ask(text, 7);
    await db.query('DEALLOCATE ALL');
    const problem: unknown = await db.query(text, [1]).catch((error: unknown) => error);
    expect(isTransient(problem)).toBe(true);
    expect(await db.query(text, [1])).toEqual([{ elsewhere: 1 }]);
  });

  it('keeps a hundred at most, and serves the others as well', async () => {
    for (let nth = 0; nth < 110; nth += 1) expect(await ask(`SELECT $1::integer + ${nth} AS sum`, 6)).toHaveLength(6);
    expect(await kept()).toHaveLength(100);
  });
});
