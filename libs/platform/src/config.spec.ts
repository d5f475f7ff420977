import { checkConfig, ConfigProblem, ServiceConfig } from './config.js';

const whole = {
  PORT: '3104',
  DATABASE_URL: 'postgres://credit:s3cret@127.0.0.1:5432/jinqiao_credit',
  REDIS_URL: 'redis://127.0.0.1:6379',
  KAFKA_BROKERS: '127.0.0.1:9092',
  OIDC_ISSUER: 'http://127.0.0.1:9000/',
  OIDC_CLIENT_SECRET: 'another-s3cret',
};

const problemWith = (environment: Record<string, string | undefined>): string => {
  try {
    checkConfig(ServiceConfig, { ...whole, ...environment });
  } catch (problem) {
    if (problem instanceof ConfigProblem) return problem.message;
    throw problem;
  }
  return 'nothing is wrong';
};

describe('configuration', () => {
  it('reads what is given and fills in what has a default', () => {
    const config = checkConfig(ServiceConfig, { ...whole, UNRELATED: 'x' });
    expect(config).toMatchObject({ HOST: '127.0.0.1', PORT: 3104, KAFKA_PARTITIONS: 3, KAFKA_NAMESPACE: '', OIDC_AUDIENCE: 'jinqiao' });
    expect(config.OIDC_ISSUER).toBe('http://127.0.0.1:9000');
  });

  it.each(['PORT', 'DATABASE_URL', 'REDIS_URL', 'KAFKA_BROKERS', 'OIDC_ISSUER', 'OIDC_CLIENT_SECRET'])('has no default for %s', (name) => {
    expect(problemWith({ [name]: undefined })).toMatch(new RegExp(`^${name} is missing: .+\\.$`));
  });

  it('takes an empty variable for an absent one', () => {
    expect(problemWith({ OIDC_CLIENT_SECRET: '' })).toMatch(/^OIDC_CLIENT_SECRET is missing/);
    expect(checkConfig(ServiceConfig, { ...whole, HOST: '' }).HOST).toBe('127.0.0.1');
  });

  it.each([
    ['PORT', '70000'],
    ['PORT', 'http'],
    ['PORT', '3000.5'],
    ['DATABASE_URL', 'mysql://localhost/jinqiao'],
    ['REDIS_URL', 'localhost:6379'],
    ['KAFKA_BROKERS', 'localhost'],
    ['KAFKA_NAMESPACE', 'with space'],
    ['KAFKA_PARTITIONS', '0'],
    ['OIDC_ISSUER', 'issuer'],
    ['LOG_LEVEL', 'loud'],
    ['RATE_LIMIT_PER_MINUTE', '-1'],
  ])('names %s when it is %j', (name, value) => {
    expect(problemWith({ [name]: value })).toMatch(new RegExp(`^${name} must [^\n]+\\.$`));
  });

  it('never shows a value', () => {
    expect(problemWith({ DATABASE_URL: 'credit:s3cret@127.0.0.1' })).not.toContain('s3cret');
  });
});
