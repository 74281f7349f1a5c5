/**
 * A mail server in a process of its own: prints its port, then each mail as a line of JSON. `smtp-main.js <certificate> <key>` offers STARTTLS, and demands it before a login.
 * Recipients say how it answers: nobody@ is refused for good, grey@ for now, and mail to full@ when its text has come.
 */
import { readFileSync } from 'node:fs'
import { SMTPServer } from 'smtp-server'

const [cert, key] = process.argv.slice(2)
const refusal = (responseCode: number, text: string) => Object.assign(new Error(text), { responseCode })

const server = new SMTPServer({
  ...(cert && key ? { cert: readFileSync(cert), key: readFileSync(key) } : { hideSTARTTLS: true, allowInsecureAuth: true }),
  authOptional: true,
  onAuth: ({ username, password }, _session, callback) =>
    password === 'right' ? callback(null, { user: username }) : callback(new Error('wrong password')),
  onRcptTo({ address }, _session, callback) {
    if (address.startsWith('nobody@')) return callback(refusal(550, 'no such mailbox'))
    callback(address.startsWith('grey@') ? refusal(451, 'try again later') : null)
  },
  onData(stream, { envelope, secure }, callback) {
    const parts: Buffer[] = []
    stream.on('data', (part: Buffer) => parts.push(part))
    stream.on('end', () => {
      const { mailFrom, rcptTo } = envelope
      const to = rcptTo.map(({ address }) => address)
      if (to.some((address) => address.startsWith('full@'))) return callback(refusal(552, 'mailbox is full\r\nreally'))
      const from = mailFrom === false ? '' : mailFrom.address
      process.stdout.write(`${JSON.stringify({ from, to, secure, text: Buffer.concat(parts).toString() })}\n`)
      callback()
    })
  },
})
server.listen(0, '127.0.0.1', () => {
  const address = server.server.address()
  process.stdout.write(`${JSON.stringify({ port: typeof address === 'object' ? address?.port : 0 })}\n`)
})
process.stdin.on('end', () => process.exit()).resume()
