/** A variable of the environment; without it the process ends with one sentence. */
export function required(name: string): string {
  const value = process.env[name];
  if (value) return value;
  process.stderr.write(`${name} is missing: see docker-compose.yml and .env.example\n`);
  process.exit(1);
}
