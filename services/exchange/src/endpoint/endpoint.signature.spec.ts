/** Signed here, verified by implementations that did not sign: HMAC by hand, Ed25519 by TweetNaCl, both by the specification's example. */
import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import nacl from 'tweetnacl';
import { newSecret, secondsOf, signatures } from './endpoint.signature.js';

const AT = new Date('2026-11-23T01:00:00.999Z');
const ID = '1b671a64-40d5-491e-99b0-da01ff1f3341_2';
const BODY = '{"content":{"product":{"name":"香辣花生"}}}';
const signed = Buffer.from(`${ID}.1795395600.${BODY}`);
const bytes = (text: string): Buffer => Buffer.from(text.split(/[_,]/)[1] ?? '', 'base64');

it('HMAC is what the specification says, with a secret of 32 bytes', () => {
  const { kept, shown } = newSecret('HMAC_SHA256');
  expect(shown).toBe(kept);
  expect(bytes(shown)).toHaveLength(32);
  expect(secondsOf(AT)).toBe(1_795_395_600);
  const byHand = createHmac('sha256', Buffer.from(kept.slice('whsec_'.length), 'base64'))
    .update(signed)
    .digest('base64');
  expect(signatures([kept], ID, AT, BODY)).toBe(`v1,${byHand}`);
});

it('Ed25519 shows the public key only, and another implementation verifies by it', () => {
  const { kept, shown } = newSecret('ED25519');
  expect([kept.slice(0, 5), shown.slice(0, 5)]).toEqual(['whsk_', 'whpk_']);
  const signature = signatures([kept], ID, AT, BODY);
  expect(signature).toMatch(/^v1a,/);
  expect(nacl.sign.detached.verify(signed, bytes(signature), Buffer.from(shown.slice(5), 'base64'))).toBe(true);
  expect(nacl.sign.detached.verify(Buffer.from(`${signed.toString()} `), bytes(signature), Buffer.from(shown.slice(5), 'base64'))).toBe(
    false,
  );
});

it('signs with every secret of a rotation, and the library finds the one it knows', () => {
  const [now, before] = [newSecret('HMAC_SHA256'), newSecret('HMAC_SHA256')];
  const at = new Date();
  const headers = {
    'webhook-id': ID,
    'webhook-timestamp': String(secondsOf(at)),
    'webhook-signature': signatures([now.kept, before.kept], ID, at, BODY),
  };
  expect(headers['webhook-signature'].split(' ')).toHaveLength(2);
  for (const { shown } of [now, before]) expect(new Webhook(shown).verify(BODY, headers)).toEqual(JSON.parse(BODY));
  expect(() => new Webhook(newSecret('HMAC_SHA256').shown).verify(BODY, headers)).toThrow('No matching signature');
});

it('agrees with the example of the specification', () => {
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const at = new Date(1_614_265_330_000);
  expect(signatures([secret], 'msg_p5jXN8AQM9LWM0D4loKWxJek', at, '{"test": 2432232314}')).toBe(
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  );
});
