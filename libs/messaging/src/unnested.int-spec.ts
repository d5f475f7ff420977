import fc from 'fast-check';
import pg from 'pg';
import { servers } from './messaging.harness.js';
import { unnested } from './unnested.js';

/*
 * Goal: PostgreSQL reads back what was given, whatever it contains. Method: rows of any text and any JSON, through the server and back.
 */
const TYPES = { name: 'text', facts: 'jsonb', text: 'json', at: 'timestamptz', count: 'integer', day: 'date' } as const;

// What PostgreSQL can not hold (U+0000, half a surrogate pair) is refused where it comes in.
const text = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((one) => !one.includes('\0') && one.isWellFormed());
const anyText = fc.oneof(
  text,
  fc.constantFrom('', '"', '\\', '\\n', 'a\nb\tc\r', '{1,2}', 'NULL', ',', '"}', '\u0001\u001f"\\', '键\u2028'),
);
const json = fc
  .jsonValue({ maxDepth: 2 })
  .map((value): unknown => JSON.parse(JSON.stringify(value)))
  .filter((value) => value !== null && typeof value === 'object' && !/\\u0000|\\ud[89a-f]/i.test(JSON.stringify(value)));
const aRow = fc.record({
  name: fc.option(anyText),
  facts: fc.option(json),
  text: fc.option(fc.record({ said: anyText })),
  at: fc.option(fc.date({ min: new Date('1990-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })),
  count: fc.option(fc.integer()),
});

describe('unnested rows', () => {
  let client: pg.Client;
  beforeAll(async () => {
    client = new pg.Client(servers().databaseAdminUrl);
    await client.connect();
  });
  afterAll(() => client.end());

  it('come back as they were given, in their order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(aRow, { maxLength: 5 }), async (rows) => {
        const { columns, from, values } = unnested(TYPES, rows);
        const read = await client.query(`SELECT ${columns} FROM ${from} ORDER BY position`, [...values]);
        expect(read.rows).toEqual(rows.map((row) => ({ ...row, day: null })));
      }),
      { numRuns: 200 },
    );
  });

  it('stand behind other parameters', async () => {
    const { from, values } = unnested({ name: 'text' }, [{ name: 'a' }, { name: 'b' }], 2);
    const { rows } = await client.query(`SELECT name FROM ${from} WHERE name <> $1`, ['a', ...values]);
    expect(rows).toEqual([{ name: 'b' }]);
  });
});
