/** What one implementation seals another one opens: the compact form is taken apart by hand and opened by Node (RFC 7516 §5.2). */
import { createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { checkConfig, ConfigProblem } from './config.js';
import { IsKeyring, Keyring, KeyMissing } from './keyring.js';

const [one, other] = [Buffer.alloc(32, 1).toString('base64'), Buffer.alloc(32, 2).toString('base64')];

it('seals as RFC 7516 says, under the thumbprint of the key', async () => {
  const sealed = await (await Keyring.of(one)).seal('whsec_香辣花生');
  const [header = '', key, iv = '', text = '', tag = ''] = sealed.split('.');
  const jwk = `{"k":"${Buffer.from(one, 'base64').toString('base64url')}","kty":"oct"}`;
  expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({
    alg: 'dir',
    enc: 'A256GCM',
    kid: createHash('sha256').update(jwk).digest('base64url'),
  });
  expect(key).toBe('');
  const decipher = createDecipheriv('aes-256-gcm', Buffer.from(one, 'base64'), Buffer.from(iv, 'base64url'));
  decipher.setAAD(Buffer.from(header)).setAuthTag(Buffer.from(tag, 'base64url'));
  expect(Buffer.concat([decipher.update(Buffer.from(text, 'base64url')), decipher.final()]).toString()).toBe('whsec_香辣花生');
});

it('opens with any of its keys, seals with the first, and says how a text stands', async () => {
  const [before, now] = [await Keyring.of(one), await Keyring.of(`${other},${one}`)];
  const old = await before.seal('secret');
  expect(await now.open(old)).toBe('secret');
  const sealed = await now.seal('secret');
  expect([now.stateOf(sealed), now.stateOf(old), now.stateOf('whsec_c2VjcmV0')]).toEqual(['CURRENT', 'FORMER', 'OPEN']);
  expect(await now.seal('secret')).not.toBe(sealed);
  await expect(before.open(sealed)).rejects.toThrow(KeyMissing);
  await expect(before.open('whsec_c2VjcmV0')).rejects.toThrow(KeyMissing);
});

it('opens nothing that was changed', async () => {
  const keyring = await Keyring.of(one);
  const [header, key, iv, text = '', tag] = (await keyring.seal('secret')).split('.');
  const changed = `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`;
  await expect(keyring.open([header, key, iv, changed, tag].join('.'))).rejects.toThrow('decryption operation failed');
});

class Kept {
  @IsKeyring() SECRET_KEYS: string;
}

it.each(['', 'c2hvcnQ=', `${one},`, `${one} ${other}`, randomBytes(33).toString('base64')])('is not made of %j', (keys) => {
  expect(() => checkConfig(Kept, { SECRET_KEYS: keys })).toThrow(ConfigProblem);
  expect(() => checkConfig(Kept, { SECRET_KEYS: keys })).toThrow(/^SECRET_KEYS /);
  expect(checkConfig(Kept, { SECRET_KEYS: `${one},${other}` }).SECRET_KEYS).toBe(`${one},${other}`);
});
