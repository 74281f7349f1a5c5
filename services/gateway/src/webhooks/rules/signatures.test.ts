import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { keyOfDelivery, verify, WINDOW_MS } from './signatures.ts'

const NOW = 1_700_000_000_000
const AT = String(NOW / 1_000)
const body = Buffer.from('{"id":"evt_1Nx","day":1}')
const hmac = (key: string | Buffer, text: string, encoding: 'hex' | 'base64') => createHmac('sha256', key).update(text).digest(encoding)
const OTHER = 'another secret of the right length'

test('the examples that senders publish are right', () => {
  // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
  const github = { 'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17' }
  assert.equal(verify({ headers: github, body: Buffer.from('Hello, World!') }, ["It's a Secret to Everybody"], NOW)?.scheme, 'github')
  // https://github.com/standard-webhooks/standard-webhooks: the test vector of its libraries
  const standard = {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  }
  const delivery = { headers: standard, body: Buffer.from('{"test": 2432232314}') }
  assert.deepEqual(verify(delivery, ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'], 1_614_265_330_000), {
    scheme: 'standard',
    deliveryId: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  })
})

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const KEY = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64')
const DELIVERIES = {
  standard: (at: string) => ({
    'webhook-id': 'msg_1',
    'webhook-timestamp': at,
    'webhook-signature': `v1a,AAAA v1,${hmac('old', 'x', 'base64')} v1,${hmac(KEY, `msg_1.${at}.${body}`, 'base64')}`,
  }),
  github: () => ({ 'x-hub-signature-256': `sha256=${hmac(SECRET, String(body), 'hex')}`, 'x-github-delivery': 'd-1' }),
  stripe: (at: string) => ({ 'stripe-signature': `t=${at},v1=${hmac(SECRET, `${at}.${body}`, 'hex')},v0=00` }),
  carillon: (at: string) => ({ 'x-carillon-timestamp': at, 'x-carillon-signature': `sha256=${hmac(SECRET, `${at}.${body}`, 'hex')}` }),
}

for (const [scheme, headersAt] of Object.entries(DELIVERIES)) {
  test(`${scheme}: right with any of the secrets, wrong with another body, secret or time`, () => {
    const headers = headersAt(AT)
    const verified = verify({ headers, body }, [OTHER, SECRET], NOW)
    assert.equal(verified?.scheme, scheme)
    assert.deepEqual(verify({ headers, body }, [SECRET], NOW), verified, 'the same delivery has the same id')
    assert.equal(verify({ headers, body: Buffer.from(`${body} `) }, [SECRET], NOW), undefined)
    assert.equal(verify({ headers, body }, [OTHER], NOW), undefined)
    assert.equal(verify({ headers, body }, [], NOW), undefined)
    if (scheme === 'github') return
    for (const offMs of [-WINDOW_MS - 1_000, WINDOW_MS + 1_000]) assert.equal(verify({ headers, body }, [SECRET], NOW + offMs), undefined)
    for (const at of ['', '-1', '1e9', 'NaN', `${AT}000000000000`])
      assert.equal(verify({ headers: headersAt(at), body }, [SECRET], NOW), undefined, at)
  })
}

test('what is no signature is none', () => {
  const nothing = [
    {},
    { 'x-hub-signature-256': 'sha1=00' },
    { 'x-hub-signature-256': ['sha256=00', 'sha256=00'] },
    { 'x-hub-signature-256': `sha256=${'zz'.repeat(32)}` },
    { 'stripe-signature': '' },
    { 'stripe-signature': 't,v1,=,==' },
    { 'webhook-id': 'a', 'webhook-timestamp': AT, 'webhook-signature': 'v1' },
    { 'x-carillon-signature': 'sha256=', 'x-carillon-timestamp': AT },
  ]
  for (const headers of nothing) assert.equal(verify({ headers, body }, [SECRET], NOW), undefined, JSON.stringify(headers))
})

test('the id of a delivery makes a key of limited length', () => {
  assert.equal(keyOfDelivery('report', { scheme: 'github', deliveryId: 'd-1' }), 'hook:report:github:d-1')
  const long = keyOfDelivery('x'.repeat(64), { scheme: 'standard', deliveryId: 'é\n'.repeat(5_000) })
  assert.ok(long.length <= 256)
  assert.match(long, /:standard:[0-9a-f]{64}$/)
})
