import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { CALLS } from '@carillon/contracts'
import { eventually, makeCertificates } from '@carillon/runtime/testing'
import { allowedTargets } from '../allowed-targets.ts'
import { aMessage, aNotice } from '../testing/messages.ts'
import { headerOf as header, type SmtpServer, startSmtpServer } from '../testing/smtp-server.ts'
import { emailChannel } from './email.ts'

const folder = mkdtempSync(join(tmpdir(), 'carillon-mail-'))
let plain: SmtpServer
let encrypted: SmtpServer
let ca: string
before(async () => {
  const made = makeCertificates(folder)
  ca = made.ca
  ;[plain, encrypted] = await Promise.all([startSmtpServer(), startSmtpServer(made.server)])
})
after(async () => {
  await Promise.all([plain.close(), encrypted.close()])
  rmSync(folder, { recursive: true })
})

const TIMES = { mailStepMs: 2_000, mailMs: 3_000 }
const channel = emailChannel(allowedTargets('127.0.0.1'), TIMES)
const settings = (fields: object = {}) => ({
  to: ['ops@example.com'],
  from: 'carillon@example.org',
  host: '127.0.0.1',
  port: plain.port,
  security: 'none' as const,
  ...fields,
})

test('incident and recovery are mails of one thread, with text that nobody can break out of', async () => {
  const injected = aNotice('opened', { cause: { kind: 'job', name: 'report\r\nBcc: x@evil.example\r\n\r\n<script>' }, count: 1 })
  const opened = await channel.send(aMessage([injected]), settings())
  assert.deepEqual([opened.is, /^250/.test(opened.answer)], ['delivered', true])
  assert.equal((await channel.send(aMessage([aNotice('recovered')]), settings())).is, 'delivered')
  await eventually('both are printed', () => plain.mails.length === 2)
  const [one, other] = plain.mails
  assert.deepEqual([one?.from, one?.to], ['carillon@example.org', ['ops@example.com']])
  assert.equal(header(one, 'Bcc'), undefined)
  assert.equal(header(one, 'Subject'), '[Alert] default: job report Bcc: x@evil.example <script> failed once')
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

test('what is refused for now, or when the text has come, is tried again, with the reason on one line', async () => {
  const grey = await channel.send(aMessage(), settings({ to: ['grey@example.com'] }))
  assert.deepEqual([grey.is, /451 .*try again later/.test(grey.answer)], ['retry', true])
  const full = await channel.send(aMessage(), settings({ to: ['full@example.com'] }))
  assert.deepEqual([full.is, /552 .*mailbox is full/.test(full.answer), /[\r\n]/.test(full.answer)], ['retry', true, false])
})

test('STARTTLS: nothing is sent to a server whose certificate nobody vouches for', async () => {
  const fields = { host: 'localhost', port: encrypted.port, security: 'starttls', user: 'ada', password: 'right' }
  const unknown = await channel.send(aMessage(), settings(fields))
  assert.deepEqual([unknown.is, /certificate/.test(unknown.answer)], ['retry', true])
  assert.equal(encrypted.mails.length, 0)
  setDefaultCACertificates([...getCACertificates(), readFileSync(ca, 'utf8')])
  assert.equal((await channel.send(aMessage(), settings(fields))).is, 'delivered')
  await eventually('it is printed', () => encrypted.mails.length > 0)
  assert.deepEqual(
    encrypted.mails.map(({ secure, to }) => [secure, to]),
    [[true, ['ops@example.com']]],
  )
  const wrong = await channel.send(aMessage(), settings({ ...fields, password: 'wrong' }))
  assert.deepEqual([wrong.is, /wrong password|535/.test(wrong.answer), wrong.answer.includes('right')], ['retry', true, false])
  const insecure = await channel.send(aMessage(), settings({ ...fields, security: 'none' }))
  assert.equal(insecure.is, 'retry', 'this server takes no login before encryption')
})

test('a server that says nothing, too little, or garbage is not waited for', async () => {
  const sockets = new Set<Socket>()
  const serve = async (greet: (socket: Socket) => void) => {
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      greet(socket)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const outcome = await channel.send(aMessage(), settings({ port: (server.address() as { port: number }).port }))
    for (const socket of sockets) socket.destroy()
    server.close()
    return outcome
  }
  const drip = (socket: Socket): void => {
    const timer = setInterval(() => socket.write('220-still here\r\n'), 200)
    socket.on('close', () => clearInterval(timer))
  }
  const servers: Record<string, (socket: Socket) => void> = {
    silent: () => undefined,
    drip,
    garbage: (socket) => void socket.write(Buffer.alloc(100_000, 7)),
    http: (socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    closed: (socket) => void socket.end(),
  }
  for (const [name, greet] of Object.entries(servers)) {
    const { is, answer } = await serve(greet)
    assert.deepEqual([name, is, answer.length > 0 && answer.length < 1_000], [name, 'retry', true])
  }
})

test('a mail server in a private network is not reached', async () => {
  const closed = emailChannel(allowedTargets(''), TIMES)
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
