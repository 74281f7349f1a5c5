import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { allowedTargets } from '../allowed-targets.ts'
import { aMessage, aNotice } from '../testing/messages.ts'
import { type Receiver, startReceiver } from '../testing/receiver.ts'
import { dingtalkChannel } from './dingtalk.ts'
import { feishuChannel } from './feishu.ts'
import { createPost } from './http-post.ts'
import { slackChannel } from './slack.ts'
import { cutToBytes } from './texts.ts'
import { webhookChannel } from './webhook.ts'
import { wecomChannel } from './wecom.ts'

const TIMES = { answerMs: 2_000 }
const post = createPost(allowedTargets('127.0.0.1'), TIMES)
const SECRETS = [7, 8].map((byte) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`)
let receiver: Receiver
before(async () => {
  receiver = await startReceiver()
})
after(() => receiver.close())
beforeEach(() => {
  receiver.answers = () => ({ status: 200 })
})

const last = () => {
  const received = receiver.received.at(-1)
  assert.ok(received)
  return { ...received, json: JSON.parse(received.body) }
}

test('a webhook is signed as Standard Webhooks says, with each secret, and its library accepts it', async () => {
  const now = Date.now()
  const settings = { url: `${receiver.url}/hook?a=1`, secrets: SECRETS }
  assert.deepEqual(await webhookChannel(post).send({ ...aMessage(), at: now }, settings), { is: 'delivered', answer: '200' })
  const { body, headers, path } = last()
  for (const secret of SECRETS) new Webhook(secret).verify(body, headers as Record<string, string>)
  assert.throws(() => new Webhook(SECRETS[0] as string).verify(`${body} `, headers as Record<string, string>))
  assert.deepEqual([path, headers['webhook-id'], JSON.parse(body).type], ['/hook?a=1', 'msg_opened', 'incident.opened'])
})

test('the status says whether it is sent again; redirects are not followed, and 410 is the end', async () => {
  const send = async (status: number, headers = {}) => {
    receiver.answers = () => ({ status, headers, body: 'said' })
    return webhookChannel(post).send(aMessage(), { url: receiver.url, secrets: SECRETS })
  }
  assert.deepEqual(await send(410), { is: 'refused', answer: '410 said', isGone: true })
  assert.deepEqual(await send(503, { 'retry-after': '120' }), { is: 'retry', answer: '503 said', afterMs: 120_000 })
  for (const status of [400, 401, 404, 408, 429, 500]) assert.equal((await send(status)).is, 'retry', String(status))
  const count = receiver.received.length
  assert.deepEqual(await send(302, { location: `${receiver.url}/elsewhere` }), { is: 'refused', answer: '302: redirects are not followed' })
  assert.equal(receiver.received.length, count + 1)
})

test('no form of an address in a private network is reached, unless it is allowed', async () => {
  const closed = createPost(allowedTargets(''), TIMES)
  const { port } = new URL(receiver.url)
  const count = receiver.received.length
  for (const host of [
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '0.0.0.0',
    '169.254.169.254',
    '10.0.0.1',
    'localhost',
  ])
    assert.match(JSON.stringify(await closed(`http://${host}:${port}/`, { body: '{}' })), /"is":"refused".*no public address/, host)
  assert.equal(receiver.received.length, count)
  assert.deepEqual([allowedTargets('10.0.0.0/8')('10.9.9.9'), allowedTargets('10.0.0.0/8')('192.168.0.1')], [undefined, 'private'])
  assert.deepEqual(
    [allowedTargets('*')('127.0.0.1'), allowedTargets('fd00::/8')('fd00::1'), allowedTargets('')('1.1.1.1')],
    [undefined, undefined, undefined],
  )
  for (const wrong of ['10.0.0.0/33', 'localhost', '10.0.0.0/8/8', '10.0.0.1/x'])
    assert.throws(() => allowedTargets(wrong), { code: 'INVALID_CONFIG' })
})

test('an answer without an end is cut, and none is an answer too', async () => {
  receiver.answers = () => ({ status: 200, body: 'x'.repeat(1_000_000) })
  assert.equal((await webhookChannel(post).send(aMessage(), { url: receiver.url, secrets: SECRETS })).is, 'delivered')
  const { is, answer } = await webhookChannel(post).send(aMessage(), { url: 'http://127.0.0.1:1/', secrets: SECRETS })
  assert.deepEqual([is, /^no answer: /.test(answer)], ['retry', true])
})

test('DingTalk: time and signature in the query, the keyword in the text, and the body says whether it was taken', async () => {
  const settings = { url: `${receiver.url}/robot/send?access_token=t`, secret: 'SECabc', keyword: 'carillon' }
  receiver.answers = () => ({ status: 200, body: '{"errcode":0,"errmsg":"ok"}' })
  assert.equal((await dingtalkChannel(post).send(aMessage(), settings)).is, 'delivered')
  const { path, json } = last()
  const query = new URL(path, receiver.url).searchParams
  const timestamp = query.get('timestamp')
  assert.equal(query.get('sign'), createHmac('sha256', 'SECabc').update(`${timestamp}\nSECabc`).digest('base64'))
  assert.deepEqual([query.get('access_token'), timestamp, json.msgtype], ['t', '1767225600000', 'text'])
  assert.match(json.text.content, /^carillon \[Alert\] default: job report failed 422 times\n/)
  receiver.answers = () => ({ status: 200, body: '{"errcode":310000,"errmsg":"sign not match"}' })
  assert.deepEqual(await dingtalkChannel(post).send(aMessage(), settings), {
    is: 'retry',
    answer: '200 {"errcode":310000,"errmsg":"sign not match"}',
  })
  receiver.answers = () => ({ status: 200, body: '{"errcode":130101,"errmsg":"too fast"}' })
  assert.equal((await dingtalkChannel(post).send(aMessage(), settings)).is, 'retry')
  receiver.answers = () => ({ status: 200, body: '<html>' })
  assert.match((await dingtalkChannel(post).send(aMessage(), settings)).answer, /^no answer of a robot/)
})

test('Feishu: time in seconds, the signature of nothing, and nobody is called by a text', async () => {
  receiver.answers = () => ({ status: 200, body: '{"code":0,"msg":"success"}' })
  const { is } = await feishuChannel(post).send(aMessage(), { url: receiver.url, secret: 's', keyword: '告警' })
  const { json } = last()
  assert.deepEqual([is, json.timestamp, json.msg_type], ['delivered', '1767225600', 'text'])
  assert.equal(json.sign, createHmac('sha256', '1767225600\ns').digest('base64'))
  assert.doesNotMatch(json.content.text, /<at/)
  assert.match(json.content.text, /^告警 \[Alert\]/)
  receiver.answers = () => ({ status: 200, body: '{"code":11232,"msg":"too fast"}' })
  assert.deepEqual(await feishuChannel(post).send(aMessage(), { url: receiver.url }), {
    is: 'retry',
    answer: '200 {"code":11232,"msg":"too fast"}',
    afterMs: 30_000,
  })
})

test('WeCom: a text of at most 2,048 bytes, cut between two letters', async () => {
  receiver.answers = () => ({ status: 200, body: '{"errcode":0}' })
  const notice = aNotice('opened', { examples: [{ at: '2026', what: '失败'.repeat(2_000) }] })
  assert.equal((await wecomChannel(post).send(aMessage([notice], 'zh-CN'), { url: receiver.url })).is, 'delivered')
  const { content } = last().json.text
  assert.ok(Buffer.byteLength(content) <= 2_048 && content.startsWith('[告警] default') && content.endsWith('…'))
  assert.doesNotMatch(content, /\uFFFD/)
  receiver.answers = () => ({ status: 200, body: '{"errcode":45009}' })
  assert.deepEqual(await wecomChannel(post).send(aMessage(), { url: receiver.url }), {
    is: 'retry',
    answer: '200 {"errcode":45009}',
    afterMs: 60_000,
  })
})

test('Slack: its markup is escaped, and 200 with another body is no success', async () => {
  receiver.answers = () => ({ status: 200, body: 'ok' })
  assert.equal((await slackChannel(post).send(aMessage(), { url: receiver.url })).is, 'delivered')
  const { json } = last()
  assert.match(json.blocks[1].text.text, /&lt;!channel&gt; .* &amp; more Bcc: x@evil\.example\n\+412 more$/)
  receiver.answers = () => ({ status: 200, body: 'no_service' })
  assert.equal((await slackChannel(post).send(aMessage(), { url: receiver.url })).is, 'retry')
})

test('several notices are one digest', async () => {
  receiver.answers = () => ({ status: 200, body: '{"errcode":0}' })
  const notices = [aNotice(), aNotice('recovered', { cause: { kind: 'job', name: 'bills' }, count: 1 })]
  await wecomChannel(post).send(aMessage(notices), { url: receiver.url })
  assert.equal(
    last().json.text.content,
    '2 alerts\n[Alert] default: job report failed 422 times\n[Recovered] default: job bills failed once',
  )
})

test('texts are cut to bytes, and never within a letter', () => {
  assert.deepEqual(
    [cutToBytes('abc', 3), cutToBytes('abcdef', 5), cutToBytes('日本語', 8), cutToBytes('👨‍👩‍👧x', 10)],
    ['abc', 'ab…', '日…', '…'],
  )
})
