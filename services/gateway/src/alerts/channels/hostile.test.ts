import assert from 'node:assert/strict'
import { createServer, type Server, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { allowedTargets } from '../allowed-targets.ts'
import { aMessage } from '../testing/messages.ts'
import type { Channel, Outcome } from './channel.ts'
import { dingtalkChannel } from './dingtalk.ts'
import { feishuChannel } from './feishu.ts'
import { createPost } from './http-post.ts'
import { slackChannel } from './slack.ts'
import { webhookChannel } from './webhook.ts'
import { wecomChannel } from './wecom.ts'

const post = createPost(allowedTargets('127.0.0.1'), { answerMs: 700 })
const secrets = [`whsec_${Buffer.alloc(32, 7).toString('base64')}`]
const CHANNELS = [webhookChannel(post), slackChannel(post), dingtalkChannel(post), wecomChannel(post), feishuChannel(post)] as const
const servers: { readonly server: Server; readonly sockets: Set<Socket> }[] = []
after(() => {
  for (const { server, sockets } of servers) {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
})

/** A server that says this to whatever it receives. */
async function serve(answer: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', () => answer(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  servers.push({ server, sockets })
  return `http://127.0.0.1:${(server.address() as { port: number }).port}/secret-path?key=hidden`
}

const http =
  (status: string, body: string, headers = '') =>
  (socket: Socket) =>
    void socket.end(`HTTP/1.1 ${status}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`)
const send = (channel: (typeof CHANNELS)[number], url: string): Promise<Outcome> =>
  (channel as Channel<object>).send(aMessage(), { url, secrets })

/** Each is answered with an outcome in the time that there is, of a few words, without the secret address. */
async function outcomes(answer: (socket: Socket) => void): Promise<Record<string, Outcome['is']>> {
  const url = await serve(answer)
  const all: Record<string, Outcome['is']> = {}
  for (const channel of CHANNELS) {
    const { is, answer: said } = await send(channel, url)
    assert.ok(said.length > 0 && said.length < 500 && !/[\r\n]|secret-path|hidden/.test(said), `${channel.kind}: ${said}`)
    all[channel.kind] = is
  }
  return all
}

const of = (webhook: Outcome['is'], robots: Outcome['is']) => ({ webhook, slack: robots, dingtalk: robots, wecom: robots, feishu: robots })

test('no answer, one that never ends, and one that breaks off', async () => {
  assert.deepEqual(await outcomes(() => undefined), of('retry', 'retry'))
  assert.deepEqual(await outcomes((socket) => void socket.destroy()), of('retry', 'retry'))
  const drip = (socket: Socket) => {
    socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
    const timer = setInterval(() => socket.write('1\r\n \r\n'), 100)
    socket.on('close', () => clearInterval(timer))
  }
  assert.deepEqual(await outcomes(drip), of('retry', 'retry'))
  const flood = (socket: Socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    const more = () => {
      while (!socket.destroyed && socket.write(Buffer.alloc(65_536, 120)));
    }
    socket.on('drain', more)
    more()
  }
  assert.deepEqual(await outcomes(flood), of('delivered', 'retry'))
  const short = (socket: Socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"errcode":0')
  assert.deepEqual(await outcomes(short), of('retry', 'retry'))
})

test('garbage instead of HTTP, and headers without an end', async () => {
  assert.deepEqual(await outcomes((socket) => void socket.end(Buffer.alloc(5_000, 7))), of('retry', 'retry'))
  assert.deepEqual(await outcomes((socket) => void socket.end('220 mail.example.com ESMTP\r\n')), of('retry', 'retry'))
  const headers = (socket: Socket) => void socket.end(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}\r\n\r\n`)
  assert.deepEqual(await outcomes(headers), of('retry', 'retry'))
})

test('HTTP 200 with something else inside is no success of a robot', async () => {
  const bodies = [
    '',
    'null',
    '[]',
    '0',
    '"ok"',
    '{}',
    '<html>please log in</html>',
    '{"errcode":"0","code":"0"}',
    '{"errcode":null,"code":null}',
    '{"errcode":310000,"code":19021,"errmsg":"sign not match"}',
    '{"__proto__":{"errcode":0,"code":0}}',
    `${'['.repeat(8_000)}`,
    '{"errcode":0.5,"code":1e999}',
  ]
  for (const body of bodies) assert.deepEqual(await outcomes(http('200 OK', body)), of('delivered', 'retry'), body)
})

test('a redirect is not followed, wherever it leads', async () => {
  for (const to of ['http://169.254.169.254/latest/meta-data', 'http://[::ffff:10.0.0.1]/', 'file:///etc/passwd', '/elsewhere'])
    for (const status of ['301 Moved', '302 Found', '307 Temporary', '308 Permanent'])
      assert.deepEqual(await outcomes(http(status, '', `location: ${to}\r\n`)), of('refused', 'refused'))
})

test('what each robot says when it is busy, and how long it is left alone', async () => {
  const said = async (channel: (typeof CHANNELS)[number], answer: (socket: Socket) => void) => send(channel, await serve(answer))
  const [webhook, slack, dingtalk, wecom, feishu] = CHANNELS
  const after = (outcome: Outcome) => [outcome.is, 'afterMs' in outcome ? outcome.afterMs : undefined]
  assert.deepEqual(after(await said(dingtalk, http('200 OK', '{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}'))), [
    'retry',
    600_000,
  ])
  assert.deepEqual(after(await said(wecom, http('200 OK', '{"errcode":45009,"errmsg":"api freq out of limit"}'))), ['retry', 60_000])
  assert.deepEqual(after(await said(feishu, http('200 OK', '{"code":11232,"msg":"frequency limited"}'))), ['retry', 30_000])
  assert.deepEqual(after(await said(feishu, http('200 OK', '{"Extra":null,"StatusCode":0,"StatusMessage":"success"}'))), [
    'delivered',
    undefined,
  ])
  assert.deepEqual(after(await said(slack, http('429 Too Many Requests', '', 'retry-after: 30\r\n'))), ['retry', 30_000])
  assert.deepEqual(after(await said(slack, http('200 OK', 'ok'))), ['delivered', undefined])
  for (const odd of ['-5', 'soon', '1e9', '', '99999999999999999999'])
    assert.ok(
      Number(((await said(webhook, http('503 No', '', `retry-after: ${odd}\r\n`))) as { afterMs?: number }).afterMs ?? 0) <= 86_400_000,
    )
  assert.deepEqual(await said(slack, http('410 Gone', 'channel_is_archived')), {
    is: 'refused',
    answer: '410 channel_is_archived',
    isGone: true,
  })
  const text = await said(webhook, http('500 No', 'a\r\nb\u0000\u001b[31mred'))
  assert.deepEqual(text, { is: 'retry', answer: '500 a b [31mred' })
})
