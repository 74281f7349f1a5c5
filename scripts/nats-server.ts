/**
 * Prints the path of a nats-server as its last line, after finding or fetching one: `node scripts/nats-server.ts`.
 * Needs a build. Progress goes to stderr.
 */
import { findNatsServer } from '../cli/dist/mesh/nats-server/find-nats-server.js'

const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort(new Error('interrupted')))

try {
  console.log(await findNatsServer({ say: (line) => console.error(line), signal: interrupted.signal }))
} catch (error) {
  const { message, details } = error as Error & { details?: { hint?: string } }
  console.error([message, details?.hint].filter(Boolean).join('\n'))
  process.exitCode = 1
}
