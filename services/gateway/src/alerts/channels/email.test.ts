import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { CALLS } from '@carillon/contracts'
import { allowedTargets } from '../allowed-targets.ts'
import { aMessage, aNotice } from '../testing/messages.ts'
import { emailChannel } from './email.ts'

interface Mail {
  readonly from: string
  readonly to: readonly string[]
  readonly text: string
}

let server: ChildProcess
let port: number
const mails: Mail[] = []
before(async () => {
  server = spawn(process.execPath, [fileURLToPath(new URL('../testing/smtp-main.js', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: server.stdout! })
  const [first] = (await once(lines, 'line')) as [string]
  port = JSON.parse(first).port
  lines.on('line', (line) => void mails.push(JSON.parse(line)))
})
after(async () => {
  server.stdin!.end()
  await once(server, 'exit')
})

const channel = emailChannel(allowedTargets('127.0.0.1'))
const settings = (fields: object = {}) => ({
  to: ['ops@example.com'],
  from: 'carillon@example.org',
  host: '127.0.0.1',
  port,
  security: 'none' as const,
  ...fields,
})
const header = (mail: Mail | undefined, name: string) =>
  new RegExp(`^${name}: (.*(?:\\r\\n[ \\t].*)*)`, 'im').exec(mail?.text.split('\r\n\r\n')[0] ?? '')?.[1]

test('incident and recovery are mails of one thread, with text that nobody can break out of', async () => {
  const injected = aNotice('opened', { cause: { kind: 'job', name: 'report\r\nBcc: x@evil.example\r\n\r\n<script>' }, count: 1 })
  const opened = await channel.send(aMessage([injected]), settings())
  assert.deepEqual([opened.is, /^250/.test(opened.answer)], ['delivered', true])
  assert.equal((await channel.send(aMessage([aNotice('recovered')]), settings())).is, 'delivered')
  const [one, other] = mails.slice(-2)
  assert.deepEqual([one?.from, one?.to], ['carillon@example.org', ['ops@example.com']])
  assert.equal(header(one, 'Bcc'), undefined)
  assert.equal(header(one, 'Subject')?.replaceAll('\r\n', ''), '[Alert] default: job report Bcc: x@evil.example <script> failed once')
  assert.deepEqual([header(one, 'References'), header(other, 'References')], Array(2).fill('<icause-000001@example.org>'))
  assert.deepEqual([header(one, 'Message-ID'), header(other, 'Message-ID')], ['<msg_opened@example.org>', '<msg_recovered@example.org>'])
  assert.match(header(one, 'Content-Type') ?? '', /^text\/plain/)
})

test('what the server refuses is said; a recipient that it does not know is refused for good, a wrong password may be repaired', async () => {
  const unknown = await channel.send(aMessage(), settings({ to: ['nobody@example.com'] }))
  assert.deepEqual([unknown.is, /no such mailbox/.test(unknown.answer)], ['refused', true])
  const some = await channel.send(aMessage(), settings({ to: ['nobody@example.com', 'ops@example.com'] }))
  assert.deepEqual([some.is, /1 of 2 recipients/.test(some.answer)], ['delivered', true])
  const wrong = await channel.send(aMessage(), settings({ user: 'ada', password: 'wrong' }))
  assert.deepEqual([wrong.is, /wrong password|authentication/i.test(wrong.answer)], ['retry', true])
  assert.equal((await channel.send(aMessage(), settings({ user: 'ada', password: 'right' }))).is, 'delivered')
  assert.equal((await channel.send(aMessage(), settings({ port: 1 }))).is, 'retry')
  assert.equal((await channel.send(aMessage(), settings({ security: 'starttls' }))).is, 'retry', 'the server offers no encryption')
})

test('a mail server in a private network is not reached', async () => {
  const closed = emailChannel(allowedTargets(''))
  for (const host of ['127.0.0.1', 'localhost', '::1', '169.254.169.254'])
    assert.match(JSON.stringify(await closed.send(aMessage(), settings({ host }))), /"refused".*no public address/, host)
})

test('an address is one address', () => {
  const put = (address: string, field = 'to') =>
    CALLS.alertChannelsPut.input.safeParse({
      name: 'mail',
      target: {
        kind: 'email',
        to: ['ops@example.com'],
        from: 'carillon@example.org',
        host: 'mail.example.org',
        [field]: field === 'to' ? [address] : address,
      },
    }).success
  for (const good of ['ops@example.com', "o'neil+tag@mail.example.com"]) assert.equal(put(good), true, good)
  for (const bad of [
    'a@good.example(x)evil.example',
    'a@good.example, b@evil.example',
    '"a b"@good.example',
    'Ada <a@good.example>',
    'a@good.example\r\nBcc: b@evil.example',
    'a@[127.0.0.1]',
    'a@b@c.example',
    'group: a@good.example;',
    'a',
  ]) {
    assert.equal(put(bad), false, bad)
    assert.equal(put(bad, 'from'), false, bad)
  }
  assert.equal(put('mail.example.org:25', 'host'), false)
})
