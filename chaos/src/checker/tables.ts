import { Client } from 'pg';

/** Plain SQL on the tables of one service. */
export class Tables {
  private readonly urlOf: (service: string) => string;

  constructor(urlOf: (service: string) => string) {
    this.urlOf = urlOf;
  }

  async rows<T extends object>(service: string, text: string): Promise<T[]> {
    const client = new Client({ connectionString: this.urlOf(service), connectionTimeoutMillis: 10_000 });
    await client.connect();
    try {
      return (await client.query<T>(text)).rows;
    } finally {
      await client.end();
    }
  }
}
