/** A mail server in a process of its own: prints its port, then each mail as a line of JSON. */
import { SMTPServer } from 'smtp-server'

const server = new SMTPServer({
  authOptional: true,
  hideSTARTTLS: true,
  allowInsecureAuth: true,
  onAuth: ({ username, password }, _session, callback) =>
    password === 'right' ? callback(null, { user: username }) : callback(new Error('wrong password')),
  onRcptTo: ({ address }, _session, callback) =>
    callback(address.startsWith('nobody@') ? Object.assign(new Error('no such mailbox'), { responseCode: 550 }) : null),
  onData(stream, { envelope }, callback) {
    const parts: Buffer[] = []
    stream.on('data', (part: Buffer) => parts.push(part))
    stream.on('end', () => {
      const { mailFrom, rcptTo } = envelope
      const from = mailFrom === false ? '' : mailFrom.address
      process.stdout.write(`${JSON.stringify({ from, to: rcptTo.map(({ address }) => address), text: Buffer.concat(parts).toString() })}\n`)
      callback()
    })
  },
})
server.listen(0, '127.0.0.1', () => {
  const address = server.server.address()
  process.stdout.write(`${JSON.stringify({ port: typeof address === 'object' ? address?.port : 0 })}\n`)
})
process.stdin.on('end', () => process.exit()).resume()
